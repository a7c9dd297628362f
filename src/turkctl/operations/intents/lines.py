"""Leave lines in the log of acts: who did what, by which command, with which result, and at what cost.

A line is a row of the table of runs. It is begun in the transaction of the command's first run, so that none is lost
in a crash, or else written when the command ends; :mod:`turkctl.operations.intents.forms` begins lines before anything
else is done. The runs that the command begins are parts of its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import ExitCode, TurkctlError, UnreachableError
from turkctl.operations.engine.tally import ActTally
from turkctl.operations.engine.world import World
from turkctl.operations.intents import processes
from turkctl.operations.intents.lease import Keeper, this_process
from turkctl.store import runs, workers
from turkctl.store.base import Place
from turkctl.store.leases import Claimant
from turkctl.store.runs import Run

INTERRUPTED = "interrupted"
NOTHING = "nothing was left to do"
"""The result of a line that was begun, although then nothing was done."""


@contextmanager
def leaving_line(world: World, keeper: Keeper | None = None) -> Iterator[None]:
    """Leave a line for what the block does, if it does something or fails.

    Where the database does not answer, the line stays as it was begun.

    Args:
        world: of the command.
        keeper: keeps the lease of a line that was begun with one; it is dropped when the line is closed.
    """
    try:
        yield
    except BaseException as error:
        with suppress(UnreachableError):
            leave_line(world, error, keeper)
        raise
    with suppress(UnreachableError):
        leave_line(world, keeper=keeper)


def begin_line(session: Session, world: World, me: Claimant, now: datetime) -> int | None:
    """Begin the line of the command, in the transaction of its first run; return its number.

    Return None for what nobody closes a line of, such as a run from Python.
    """
    tally, act = world.origin.tally, world.origin.act
    if act is None:
        return None
    if tally.line is None or not runs.is_open(session, tally.line, tally.owner):
        _insert(session, world, act, me, world.place, now)
    return tally.line


def leave_line(world: World, error: BaseException | None = None, keeper: Keeper | None = None) -> None:
    """Close the line of the command, or write it. A command that did nothing leaves none, unless it failed.

    Args:
        world: of the command.
        error: what ended it early.
        keeper: keeps the lease of the line, if it has one; the lease is dropped.

    Raises:
        DatabaseUnreachableError: the database did not answer.
    """
    tally, act = world.origin.tally, world.origin.act
    if act is None or (tally.line is None and tally.is_empty and error is None):
        return
    now, place, me = world.now(), world.listing_place, this_process()
    with world.database.write() as session:
        slugs = tally.experiments | workers.experiments_of(session, world.settings.mode, tally.ids)
        values: dict[str, Any] = {
            **tally.numbers,
            "cost": tally.cost,
            "ended": now,
            "error": _code(tally, error),
            "outcome": _outcome(tally, error),
            "experiments": sorted(slugs),
        }
        # The transaction that began it may have been undone; then its number may be another's.
        if tally.line is None or not runs.is_open(session, tally.line, tally.owner):
            _insert(session, world, act, me, place, now)
        assert tally.line is not None, "it was inserted"
        runs.close_line(session, tally.line, values)
        if keeper is not None:
            keeper.drop_in(session)


def new_line(world: World, act: str, me: Claimant, place: Place, now: datetime, **values: Any) -> Run:
    """Return a line that begins now, with more values of the row; it is not stored."""
    return Run(
        mode=place.mode,
        market=place.market,
        act=act,
        owner=me.owner,
        host=me.host,
        pid=me.pid,
        account=processes.account_of(world.origin.account),
        begun=now,
        command=world.origin.command,
        **values,
    )


def _insert(session: Session, world: World, act: str, me: Claimant, place: Place, now: datetime) -> None:
    """Begin a line, and note its number."""
    line = new_line(world, act, me, place, now)
    tally = world.origin.tally
    tally.line, tally.owner = runs.insert(session, line).number, me.owner


def _code(tally: ActTally, error: BaseException | None) -> str | None:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if error is not None:
        return error.code if isinstance(error, TurkctlError) else type(error).__name__
    return INTERRUPTED if any(result.interrupted for result in tally.results) else None


def _outcome(tally: ActTally, error: BaseException | None) -> str:
    """Return the result of the command in a short sentence."""
    parts = tally.outcome()
    code = _code(tally, error)
    if code is not None:
        parts.append(_ending(error, code))
    return "; ".join(parts) or NOTHING


def _ending(error: BaseException | None, code: str) -> str:
    exit_code = getattr(error, "exit_code", ExitCode.FAILED)
    if code == INTERRUPTED or exit_code == ExitCode.INTERRUPTED:
        return "interrupted"
    return f"{'refused' if exit_code == ExitCode.REFUSED else 'failed'}: {code}"
