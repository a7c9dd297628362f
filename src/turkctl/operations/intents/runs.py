"""Find the run of a command by the command's identity; continue or begin it, and store its state at the end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import RefusedError, TurkctlError, UnreachableError, UsageError
from turkctl.operations.engine.plan import BatchResult, Plan
from turkctl.operations.engine.world import World
from turkctl.operations.intents import processes
from turkctl.operations.intents.lease import Keeper, is_gone
from turkctl.operations.intents.lines import begin_line
from turkctl.store import intents, leases, runs
from turkctl.store.intents import TOKEN_TRUSTED, Intent
from turkctl.store.leases import LeaseRow
from turkctl.store.runs import Identity, Run
from turkctl.units import format_time
from turkctl.words import counted

NAMED = 5
"""Number of ids that an error names."""


class RunAtWorkError(RefusedError):
    """Another process is running the same command."""

    code = "run_at_work"

    def __init__(self, host: str, pid: int, since: datetime) -> None:
        who = processes.in_words({"host": host, "pid": pid})
        super().__init__(
            f"{who} is already running the same command, since {_minute(since)}",
            hint="wait until it is done, or stop it and run this again to continue; "
            "to start another run beside it, add --new",
        )


class RunOvertakenError(RefusedError):
    """Another process ran the same command after this one had begun."""

    code = "run_overtaken"

    def __init__(self, run: Run) -> None:
        who = processes.in_words({"host": run.host, "pid": run.pid})
        super().__init__(
            f"the same command was given twice at the same time, and {who} has run it",
            hint="check the result; to do the same once more, run the command again",
        )


class StaleRunError(RefusedError):
    """An interrupted run of the command is old, or its settings have changed, so the user must decide."""

    code = "run_stale"

    def __init__(self, run: Run, opened: Sequence[Intent], why: str) -> None:
        done = [name for intent in opened if intent.state == intents.DONE for name in ids_of(intent)]
        everything = sum(len(ids_of(intent)) for intent in opened)
        more = f" and {len(done) - NAMED} more" if len(done) > NAMED else ""
        listed = f": {', '.join(done[:NAMED])}{more}" if done else ""
        super().__init__(
            f"an interrupted run of this command, begun {_minute(run.begun)}, did {len(done)} of {everything}{listed}; "
            f"it is not continued automatically, because {why}",
            hint="add --resume to do the rest as it was planned, or --new to abandon it and start another run",
        )


class RunLostError(RefusedError):
    """The lease of the run ran out or was taken over while it was at work."""

    code = "run_lost"

    def __init__(self) -> None:
        super().__init__(
            "this process paused for so long that another process may have taken over its run",
            hint="run the command again to do the rest",
        )


def ids_of(intent: Intent) -> list[str]:
    """Return the ids that an intent extends or has created: HITs, or the workers of a message."""
    if intent.kind == intents.MESSAGE:
        return list(intent.request.get("workers", ()))
    return [intent.subject if intent.kind == intents.EXTEND_HIT else intent.result or ""]


@dataclass(frozen=True)
class Command:
    """A command, as it is compared with earlier ones.

    Attributes:
        act: the command's name, as in ``hits create``.
        arguments: the effective arguments, as JSON values; sets are sorted lists.
        settings: digest of the settings that the command depends on.
        given: the arguments that were given, if the settings filled in others.
        new: begin another run beside one that has not ended.
        resume: continue even a run that is old or was planned with other settings.
    """

    act: str
    arguments: Mapping[str, Any]
    settings: str | None = None
    new: bool = False
    resume: bool = False
    given: Mapping[str, Any] | None = None

    def identity(self, world: World) -> Identity:
        """Return the command's identity; a task's command includes its slot."""
        slot = None if world.origin.slot is None else format_time(world.origin.slot)
        given = self.arguments if self.given is None else self.given
        return Identity(_digest([self.act, self.arguments, slot]), _digest([self.act, given, slot]))


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Glance:
    """The runs of a command when it began, before it settled anything.

    Attributes:
        newest: the number of the run that was begun last; None if there was none.
        standing: the numbers of those that had not ended.
    """

    newest: int | None
    standing: frozenset[int]


def glance_at_runs(world: World, command: Command) -> Glance:
    """Return the existing runs of a command; a command does this first, because settling takes time."""
    identity = command.identity(world)
    with world.database.read() as session:
        newest = runs.newest(session, world.place, command.act, identity)
        standing = runs.standing(session, world.place, command.act, identity)
    return Glance(None if newest is None else newest.number, frozenset(run.number for run in standing))


def find_run(world: World, command: Command, now: datetime, before: Glance) -> RunRow:
    """Return the row for a command: that of an interrupted run, which it continues, or a new one.

    Settle first, so that an error can say what was posted; ``before`` are the runs before that.

    Raises:
        UsageError: both ``new`` and ``resume`` are set.
        RunAtWorkError: another process is running the same command.
        RunOvertakenError: another process began or ended a run since ``before``, or ended one since this command was
            given.
        StaleRunError: the interrupted run is old or its settings have changed, and neither ``new`` nor ``resume`` is
            set.
        RefusedError: there is nothing to resume.
    """
    if command.new and command.resume:
        raise UsageError("--new and --resume cannot be used together", hint="keep one of them")
    identity = command.identity(world)
    with world.database.read() as session:
        newest = runs.newest(session, world.place, command.act, identity)
        standing = runs.standing(session, world.place, command.act, identity)
        busy = at_work(session, [run.number for run in standing])
        left = [run for run in standing if run.number not in busy]
        if busy and not command.new:
            raise _at_work(next(run for run in standing if run.number in busy))
        overtaken = _overtaken(session, before, newest, standing) or _ended_since(session, world, command.act, identity)
        if overtaken is not None and not command.new:
            raise RunOvertakenError(overtaken)
        stale = [run for run in left if _why_stale(run, command, now) is not None]
        empty = [run for run in stale if not intents.of_run(session, run.number)]
        left = [run for run in left if run not in empty]
        if left and left[0] in stale and not (command.new or command.resume):
            opened = intents.of_run(session, left[0].number)
            raise StaleRunError(left[0], opened, _why_stale(left[0], command, now) or "")
    if command.resume and not left:
        raise RefusedError(
            "there is no interrupted run of this command to resume",
            hint="omit --resume to start a new run; to resume one, give the same arguments as before",
        )
    row = RunRow(world, command.act, now, command)
    row.left, row.seen = (None if command.new or not left else left[0]), newest
    row.aside = tuple(stale if command.new else empty)
    return row


def logged(world: World, act: str) -> RunRow:
    """Return the row for an act whose items have identities of their own: the run is only logged, never continued."""
    return RunRow(world, act, world.now(), None)


def at_work(session: Session, numbers: Collection[int]) -> set[int]:
    """Return those of the runs that a living process is working on."""
    now = leases.machine_clock(session) if numbers else None
    found = set()
    for number in numbers:
        row = None if now is None else leases.holder(session, now, leases.of_run(number))
        if row is not None and not is_gone(row):
            found.add(number)
    return found


def _overtaken(session: Session, before: Glance, newest: Run | None, standing: Sequence[Run]) -> Run | None:
    """Return the run that another process began or ended since the glance; None if nothing has changed."""
    if newest is not None and newest.number != before.newest:
        return newest
    ended = before.standing - {run.number for run in standing}
    return runs.get(session, max(ended)) if ended else None


def _ended_since(session: Session, world: World, act: str, identity: Identity) -> Run | None:
    """Return the run that ended after this command was given, if any: the command was then given twice.

    Two hosts may have different clocks. So the ages of both events are compared, each measured by a single clock.
    """
    since = world.origin.since
    run = None if since is None else runs.ended_last(session, world.place, act, identity)
    if since is None or run is None or run.left_at is None:
        return None
    ago = (leases.machine_clock(session) - run.left_at).total_seconds()
    return run if ago < time.monotonic() - since else None


def _why_stale(run: Run, command: Command, now: datetime) -> str | None:
    if now - run.begun > TOKEN_TRUSTED:
        return f"it began more than {TOKEN_TRUSTED.total_seconds() / 3600:.0f} hours ago"
    return "the settings have changed since" if run.settings != command.settings else None


def _at_work(run: Run) -> RunAtWorkError:
    return RunAtWorkError(run.host, run.pid, run.begun)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


class _RunKeeper(Keeper):
    """Keeps the lease of a run."""

    def refusal(self, row: LeaseRow) -> RefusedError:
        """Return the error for a run that another process is working on."""
        return RunAtWorkError(row.host, row.pid, row.since)

    def loss(self) -> RefusedError:
        """Return the error for a run that another process may have taken over."""
        return RunLostError()


class RunRow:
    """The row of one run, for the process that works on it.

    Attributes:
        left: the interrupted run that is continued; None for a new run.
        seen: the newest run of the same identity when the plan was made.
        aside: interrupted runs that are abandoned for a new one.
        moot: tokens of the run's requests that may have been sent, and are not sent again.
        number: the number of the run once it has begun; before that, the number of the run that is continued.
    """

    def __init__(self, world: World, act: str, now: datetime, command: Command | None) -> None:
        self.left: Run | None = None
        self.seen: Run | None = None
        self.aside: tuple[Run, ...] = ()
        self.moot: tuple[str, ...] = ()
        self._world = world
        self._act = act
        self._now = now
        self._command = command
        self._number: int | None = None
        self._keeper: Keeper | None = None
        self._result: BatchResult | None = None
        self._undone = False

    @property
    def number(self) -> int | None:
        """Return the number of the run once it has begun; before that, of the run that is continued; else None."""
        return self._number if self.left is None else self.left.number

    def opened(self, session: Session) -> list[Intent]:
        """Return the intents of the run that is continued, in the order in which they were planned."""
        return [] if self.left is None else intents.of_run(session, self.left.number)

    def note(self, rest: int, what: str, thing: str) -> tuple[str, ...]:
        """Return a note on the run that is continued.

        Args:
            rest: number of items that are left.
            what: the verb.
            thing: the noun for one of them.
        """
        if self.left is None:
            return ()
        if not rest:
            return (f"the interrupted run is complete, nothing is left to {what}; to start another, add --new",)
        begun, left = _minute(self.left.begun), counted(rest, thing)
        return (f"continues the run begun {begun}, which left {left} undone; to start another instead, add --new",)

    def leave_undone(self) -> None:
        """Note that an item failed but may succeed later, so that the run is incomplete."""
        self._undone = True

    @contextmanager
    def kept(self, plan: Plan[Any]) -> Iterator[RunRow]:
        """Begin or continue the run for the block, and store its state at the end.

        A plan without steps that continues no run stores no row.

        Raises:
            RunAtWorkError, RunOvertakenError: another process has begun the same command since the plan was made.
        """
        if not plan.steps and self.left is None:
            yield self
            return
        keeper = self._begin()
        try:
            with keeper.renewed():
                yield self
        except BaseException as error:
            self._end(keeper, error)
            raise
        self._end(keeper, None)

    def beat(self) -> None:
        """Raise unless this process still holds the run; a batch calls this between its groups.

        Raises:
            RunLostError: another process may have taken over the run.
        """
        if self._keeper is not None:
            self._keeper.beat()

    def close(self, result: BatchResult) -> None:
        """Keep the result of the run for its row and for the line of the command."""
        self._result = result
        self._world.origin.tally.add(result)

    def _begin(self) -> Keeper:
        database = self._world.database
        keeper = _RunKeeper(database)
        with database.write() as session:
            if self._command is not None and not self._command.new:
                self._see_that_nobody_began(session)
            for run in self.aside:
                self._set_aside(session, run)
            if self.left is None:
                self._number = self._insert(session, keeper).number
            keeper.name = leases.of_run(self.left.number if self.left is not None else self._number or 0)
            keeper.acquire_in(session)
            me = keeper.claimant
            if self.left is not None:
                begin_line(session, self._world, me, self._now)
            if self.left is not None and not runs.take_up(session, self.left, owner=me.owner, host=me.host, pid=me.pid):
                raise RunOvertakenError(runs.get(session, self.left.number) or self.left)
            for token in self.moot:
                intents.complete(session, token, "interrupted", self._now)
        self._keeper = keeper
        return keeper

    def _see_that_nobody_began(self, session: Session) -> None:
        assert self._command is not None
        identity = self._command.identity(self._world)
        newest = runs.newest(session, self._world.place, self._act, identity)
        if newest is not None and newest.id != (None if self.seen is None else self.seen.id):
            raise _at_work(newest) if at_work(session, [newest.number]) else RunOvertakenError(newest)

    def _insert(self, session: Session, keeper: Keeper) -> Run:
        place, command, me = self._world.place, self._command, keeper.claimant
        line = begin_line(session, self._world, me, self._now)
        identity = None if command is None else command.identity(self._world)
        return runs.insert(
            session,
            Run(
                mode=place.mode,
                market=place.market,
                act=self._act,
                identity=None if identity is None else identity.effective,
                given=None if identity is None or identity.given == identity.effective else identity.given,
                settings=None if command is None else command.settings,
                owner=me.owner,
                host=me.host,
                pid=me.pid,
                begun=self._now,
                command=self._world.origin.command,
                account=processes.account_of(self._world.origin.account),
                part_of=line,
            ),
        )

    def _set_aside(self, session: Session, run: Run) -> None:
        """Abandon a run: its unsent requests are never sent; the results of sent ones are still looked for."""
        if runs.set_aside(session, run, self._now):
            for intent in intents.of_run(session, run.number):
                if intent.state == intents.OPEN:
                    intents.abandon(session, intent.token, "abandoned for another run", self._now)

    def _end(self, keeper: Keeper, error: BaseException | None) -> None:
        """End the run; if the database does not answer, its lease runs out and it counts as interrupted."""
        with suppress(UnreachableError), self._world.database.write() as session:
            number = self.number
            assert number is not None, "the run has begun"
            values = self._values(session, number, error) | {"left_at": leases.machine_clock(session)}
            runs.leave(session, number, keeper.claimant.owner, self._state(session, number, error), values)
            keeper.drop_in(session)
        self._keeper = None

    def _state(self, session: Session, number: int, error: BaseException | None) -> str:
        result = self._result
        if self._command is not None:
            undone = self._undone or intents.unfinished_of_run(session, number) > 0
        else:
            undone = error is not None or result is None or result.interrupted or result.failed > 0
        return runs.INCOMPLETE if undone else runs.ENDED

    def _values(self, session: Session, number: int, error: BaseException | None) -> dict[str, Any]:
        values: dict[str, Any] = {"ended": self._world.now()}
        code = None
        if error is not None:
            code = error.code if isinstance(error, TurkctlError) else type(error).__name__
            values["error"] = code
        result, before = self._result, runs.get(session, number)
        if result is not None and before is not None:
            values |= {
                "matched": len(result.results) + result.unstarted,
                "succeeded": result.succeeded,
                "skipped": result.skipped,
                "failed": result.failed,
                "cost": before.cost + result.cost,
                "error": "interrupted" if result.interrupted else code,
            }
        return values
