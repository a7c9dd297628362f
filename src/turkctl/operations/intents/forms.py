"""Begin a line of the log for a form of the dashboard, once, and read how far its act got.

A form that somebody confirms has a random id. The first submission begins a line with that id, before anything else is
done; a second one (a double click, another server process, a restart in between) finds that line and begins nothing. A
lease is held on the line while its act is at work, so that any process can tell an act at work from one whose process
died. The line keeps what was asked for, so that the same act can be offered again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from turkctl.addresses import is_secret_name
from turkctl.errors import RefusedError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.intents.lease import Keeper, in_words, is_gone
from turkctl.operations.intents.lines import INTERRUPTED, leaving_line, new_line
from turkctl.store import leases, runs
from turkctl.store.leases import LeaseRow
from turkctl.store.runs import Run
from turkctl.units import ZERO

AT_WORK = "at work"
ENDED = "ended"
"""The act is over. Whether it failed, ``error`` says."""
NUMBERS = ("matched", "succeeded", "skipped", "failed")
MOST_BYTES = 1_000_000
"""Of what is kept of a request."""
LONGEST_ID = 64
WEEK = timedelta(days=7)
_PART = ("act", "state", "begun", "ended", *NUMBERS, "cost", "error")


class FormUsedError(RefusedError):
    """The form has begun an act before, with other fields."""

    code = "form_used"

    def __init__(self) -> None:
        super().__init__(
            "this form was sent before with other fields, and began an act then",
            hint="look at what that act did, then open the form anew",
        )


class LineLostError(RefusedError):
    """The lease of the line ran out, so that others see its act as interrupted."""

    code = "line_lost"

    def __init__(self) -> None:
        super().__init__(
            "this process paused for so long that others may have begun the act again",
            hint="give the act again to do the rest",
        )


@dataclass(frozen=True)
class ActForm:
    """A form that somebody confirmed.

    Attributes:
        id: random, made with the page, and the same however often the form is sent.
        act: what is done, for the log, as in ``workers approve``; that of the world's origin.
        fields: what was asked for, as JSON values, without secrets and without what differs each time, such as the id.
        account: who asked for it, for the log; that of the world's origin too.
    """

    id: str
    act: str
    fields: Mapping[str, Any]
    account: str


class FormLine:
    """The line of a form.

    Attributes:
        number: of the line, for its page.
        begun: whether this submission began it. If not, another did: there is nothing to do but to show the line.
    """

    def __init__(self, world: World, number: int, keeper: Keeper | None) -> None:
        self.number = number
        self.begun = keeper is not None
        self._world = world
        self._keeper = keeper

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep the lease of the line while the block does the act, and close the line at the end.

        The block can run in another thread than the one that began the line, soon after. An error of the block is
        noted in the line, and raised.
        """
        assert self._keeper is not None, "only the submission that began the line does the act"
        with leaving_line(self._world, self._keeper), self._keeper.renewed():
            yield

    def beat(self) -> None:
        """Raise unless this process still holds the line; batches call this between their groups.

        Raises:
            LineLostError: the lease ran out, or may have run out while the database does not answer.
        """
        assert self._keeper is not None, "only the submission that began the line does the act"
        self._keeper.beat()


class _LineKeeper(Keeper):
    """Keeps the lease of a line."""

    def loss(self) -> RefusedError:
        """Return the error for a line whose act others see as interrupted."""
        return LineLostError()


def begin_form(world: World, form: ActForm) -> FormLine:
    """Begin the line of a form with a lease on it, or find the line that the form began before.

    What the world does afterwards is told in this line, and the runs that it begins are parts of it.

    Args:
        world: of this act alone: its origin has the command, act and account, and an empty tally.
        form: that was confirmed.

    Raises:
        UsageError: what was asked for is too large, or holds what a database cannot keep.
        FormUsedError: the form began an act before, with other fields.
        DatabaseUnreachableError: the database did not answer.
    """
    same = (world.origin.act, world.origin.account) == (form.act, form.account)
    assert same, "the parts of the line tell of the same act, and of the same person"
    request, place, now = _request(world, form), world.listing_place, world.now()
    keeper = _LineKeeper(world.database)
    me = keeper.claimant
    line = new_line(world, form.act, me, place, now, form=form.id, request=request)
    with world.database.write() as session:
        stored = runs.insert_of_form(session, line)
        if stored.owner != me.owner:
            if stored.request != request:
                raise FormUsedError
            return FormLine(world, stored.number, None)
        keeper.name = leases.of_line(stored.number)
        keeper.acquire_in(session)
    world.origin.tally.line, world.origin.tally.owner = stored.number, me.owner
    return FormLine(world, stored.number, keeper)


def begun_before(world: World, form: str) -> int | None:
    """Return the number of the line that a form began; None if it began none."""
    with world.database.read() as session:
        line = runs.of_form(session, form)
        return None if line is None else line.number


def _request(world: World, form: ActForm) -> dict[str, Any]:
    """Return what is kept of a form, as it will be read back."""
    secret = next(filter(is_secret_name, form.fields), None)
    if secret is not None:
        raise ValueError(f"the field {secret} looks like a secret, and the log keeps none")
    kept = json.dumps({"act": form.act, "fields": dict(form.fields)}, ensure_ascii=False)
    if len(kept.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise UsageError(
            f"what the form asks for is larger than {MOST_BYTES:,} bytes", hint="do it in several parts of less"
        )
    if not 0 < len(form.id) <= LONGEST_ID:
        raise UsageError(f"the id of a form has 1 to {LONGEST_ID} characters", hint="open the form anew")
    if any("\0" in text for text in (form.id, form.account, world.origin.command)):
        raise UsageError("text with a NUL character cannot be kept", hint="remove it")
    request: dict[str, Any] = json.loads(kept)
    return request


def read_form_line(world: World, number: int) -> dict[str, Any] | None:
    """Return a line with its state, for a page; None if there is none of this number.

    It can be any line of the log. The state of one that no form began is known by its runs: between two of them, a
    command that is at work is like one that was interrupted.

    Returns:
        ``state`` is ``at work``, ``ended``, or ``interrupted``: something is left, and giving the act again does it.
        ``holder`` is who is at work, in words. ``fields`` is None for a line that no form began.
    """
    with world.database.read() as session:
        line = runs.get(session, number)
        return None if line is None else _row(session, line)


def interrupted_forms(world: World, since: timedelta = WEEK) -> list[dict[str, Any]]:
    """Return the lines of this mode whose act was interrupted and not given again since, the newest first.

    The same act with the same fields is the same act again, unless it was refused before it did anything.

    Args:
        world: settings and database.
        since: how long ago the act was begun at most.
    """
    found: list[dict[str, Any]] = []
    again: list[dict[str, Any] | None] = []
    with world.database.read() as session:
        lines = runs.begun_by_forms(session, world.listing_place, world.now() - since)
        held = _living(session, [leases.of_line(line.number) for line in lines if line.state != runs.ENDED])
        for line in lines:
            state = _state(line, leases.of_line(line.number) in held)
            if state == INTERRUPTED and line.request not in again:
                found.append(_row(session, line))
            if state != ENDED or line.error is None or line.matched:
                again.append(line.request)
    return found


def _row(session: Session, line: Run) -> dict[str, Any]:
    parts = runs.parts(session, line.number)
    names = [leases.of_line(line.number)] if line.form else [leases.of_run(run.number) for run in parts or [line]]
    holder = next(iter(_living(session, names).values()), None)
    counted = [line] if line.outcome is not None else parts or [line]
    request = line.request or {}
    return {
        "id": line.number,
        "act": line.act,
        "mode": line.mode,
        "account": line.account,
        "command": line.command,
        "begun": line.begun,
        "ended": line.ended,
        "state": _state(line, holder is not None),
        "holder": None if holder is None else in_words(holder),
        "outcome": line.outcome,
        "error": line.error,
        **{name: sum(getattr(run, name) for run in counted) for name in NUMBERS},
        "cost": sum((run.cost for run in counted), ZERO),
        "fields": request.get("fields"),
        "parts": [{"id": run.number, **{name: getattr(run, name) for name in _PART}} for run in parts],
    }


def _state(line: Run, held: bool) -> str:
    if line.state != runs.ENDED:
        return AT_WORK if held else INTERRUPTED
    if line.error == runs.SET_ASIDE:
        return ENDED
    left = line.matched - line.succeeded - line.skipped - line.failed
    return INTERRUPTED if left > 0 or line.error == INTERRUPTED else ENDED


def _living(session: Session, names: Sequence[str]) -> dict[str, LeaseRow]:
    """Return the holders of those leases that are held and not certainly dead."""
    if not names:
        return {}
    held = leases.holders(session, leases.machine_clock(session), names)
    return {name: row for name, row in held.items() if not is_gone(row)}
