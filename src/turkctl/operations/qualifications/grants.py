"""Grant qualifications to workers and revoke them, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from turkctl.errors import TurkctlError, UsageError
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.operations.engine.named import WORKER_COLUMNS, named_workers
from turkctl.operations.engine.plan import ALREADY_DONE, Act, Done, Plan, Step
from turkctl.operations.engine.world import World
from turkctl.operations.qualifications.by_name import NamedType, find_type
from turkctl.rows import Table, as_text, opened
from turkctl.store import qualifications

GRANT = "grant"
REVOKE = "revoke"

Named = Sequence[tuple[str, int | None]]
"""Workers, each with the number of its row in the file; None for those given on the command line."""


def read_workers(named: Iterable[str], file: Path | None, stdin: TextIO, column: str | None = None) -> Named:
    """Return the ids of a command line and of a file, in their order.

    The file is a table with a column of workers, or a list with one id per line. In a list, blank lines and everything
    after a ``#`` are ignored.

    Args:
        named: ids given on the command line.
        file: the file, ``-`` for standard input.
        stdin: standard input.
        column: the column of workers; by default the first of :data:`WORKER_COLUMNS` that the table has.

    Raises:
        UsageError: no worker is given, or the file cannot be read.
    """
    found: list[tuple[str, int | None]] = [(worker, None) for worker in named]
    if file is not None:
        with opened(file, stdin, listed=WORKER_COLUMNS) as table:
            found += _in_table(table, column)
    if not found:
        if file is not None:
            raise UsageError(f"{file} names no worker", hint="give a row per worker below the column names")
        raise UsageError("no worker is given", hint="give worker ids, or a file with --from FILE")
    return found


def _in_table(table: Table, column: str | None) -> Iterator[tuple[str, int]]:
    theirs = table.column(column, "--worker-column") if column is not None else table.find(*WORKER_COLUMNS)
    if theirs is None:
        there = ", ".join(table.columns)
        raise UsageError(
            f"{table.name} has no column worker_id", hint=f"give its name with --worker-column; the columns are {there}"
        )
    for record in table.records():
        try:
            yield as_text(record.get(theirs)), table.row
        except ValueError as error:
            raise table.error(str(error)) from None


def prepare_grant(
    world: World, name: str, workers: Named, *, value: int = 1, notify: bool = False
) -> tuple[Plan[str], Grants]:
    """Return the plan for granting a type to workers, and the act; granting it again sets the value anew.

    Raises:
        NotFoundError: there is no such type.
    """
    named = find_type(world, name)
    plan = _plan(world, GRANT, workers, f"{named.name} = {value}")
    return plan, Grants(world, named, world.now(), value, notify=notify)


def prepare_revoke(
    world: World, name: str, workers: Named, *, reason: str | None = None
) -> tuple[Plan[str], Revocations]:
    """Return the plan for revoking a type from workers, and the act; they are told only if there is a reason.

    Raises:
        NotFoundError: there is no such type.
    """
    named = find_type(world, name)
    return _plan(world, REVOKE, workers, named.name), Revocations(world, named, world.now(), reason)


def _plan(world: World, action: str, workers: Named, detail: str) -> Plan[str]:
    """Return a plan with a step for each worker; an invalid id is a failed item."""
    known, failed = named_workers(workers)
    steps = tuple(Step(worker, worker, detail=detail, row=row) for worker, row in known.items())
    return Plan(action, world.place.mode, steps, failed)


class _Recorded(Act[str]):
    """The common part of granting and revoking."""

    def __init__(self, world: World, named: NamedType, now: datetime) -> None:
        self._world = world
        self._named = named
        self._now = now

    def record(self, outcomes: Sequence[tuple[Step[str], Done | TurkctlError]]) -> None:
        """Note for which workers a user has decided on an experiment's type, so that sync does not decide again."""
        done = [(step.payload, None) for step, outcome in outcomes if isinstance(outcome, Done)]
        if self._named.made is not None:
            with self._world.database.write() as session:
                qualifications.record_grants(session, self._named.made, done, self._now)


class Grants(_Recorded):
    """Grants the type."""

    def __init__(self, world: World, named: NamedType, now: datetime, value: int, *, notify: bool) -> None:
        super().__init__(world, named, now)
        self._value = value
        self._notify = notify

    def perform(self, step: Step[str]) -> Done:
        """Ask the market to grant it; repeating this changes nothing."""
        self._world.mturk.grant(self._named.type_id, step.payload, self._value, notify=self._notify)
        return Done("granted", step.detail)


class Revocations(_Recorded):
    """Takes the type away."""

    def __init__(self, world: World, named: NamedType, now: datetime, reason: str | None) -> None:
        super().__init__(world, named, now)
        self._reason = reason

    def perform(self, step: Step[str]) -> Done:
        """Ask the market to revoke it; a worker who does not hold it is done already."""
        try:
            self._world.mturk.revoke(self._named.type_id, step.payload, self._reason)
        except (DoesNotExistError, InvalidStateError) as error:
            if "QualificationType" in error.code:
                raise
            return Done(ALREADY_DONE, f"does not hold {self._named.name}")
        return Done("revoked", step.detail)
