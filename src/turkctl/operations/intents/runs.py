"""The row of a run: found by the identity of its command, taken up or begun, and left in the state that it is in."""

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

NAMED = 5
"""Ids that a refusal names."""


class RunAtWorkError(RefusedError):
    """Another process works on the same command."""

    code = "run_at_work"

    def __init__(self, host: str, pid: int, since: datetime) -> None:
        who = processes.in_words({"host": host, "pid": pid})
        super().__init__(
            f"the same command is at work: {who}, begun {_minute(since)}",
            hint="wait for it, or stop it and repeat this to do its rest; --new goes ahead beside it",
        )


class RunOvertakenError(RefusedError):
    """The same command was carried out by another process after this one had begun."""

    code = "run_overtaken"

    def __init__(self, run: Run) -> None:
        who = processes.in_words({"host": run.host, "pid": run.pid})
        super().__init__(
            f"the same command was given at the same time, and {who} carried it out",
            hint="look at what it did; to do it once more, give the command again",
        )


class StaleRunError(RefusedError):
    """An interrupted run of the command is too old, or was planned with other settings, to be taken up silently."""

    code = "run_stale"

    def __init__(self, run: Run, opened: Sequence[Intent], why: str) -> None:
        done = [name for intent in opened if intent.state == intents.DONE for name in ids_of(intent)]
        everything = sum(len(ids_of(intent)) for intent in opened)
        more = f" and {len(done) - NAMED} more" if len(done) > NAMED else ""
        listed = f": {', '.join(done[:NAMED])}{more}" if done else ""
        super().__init__(
            f"an interrupted run of this command, begun {_minute(run.begun)}, did {len(done)} of {everything}{listed}; "
            f"it is not taken up unasked, because {why}",
            hint="--resume does the rest of it as it was planned; --new leaves it and begins another",
        )


class RunLostError(RefusedError):
    """The lease of the run ran out or was taken over while it was at work."""

    code = "run_lost"

    def __init__(self) -> None:
        super().__init__(
            "this process was held up for so long that another may have taken its run over",
            hint="give the command again: it does what is missing",
        )


def ids_of(intent: Intent) -> list[str]:
    """Return what an intent is about, or has made: HITs, or the workers of a message."""
    if intent.kind == intents.MESSAGE:
        return list(intent.request.get("workers", ()))
    return [intent.subject if intent.kind == intents.EXTEND_HIT else intent.result or ""]


@dataclass(frozen=True)
class Command:
    """What makes a command the same as an earlier one.

    Attributes:
        act: as in ``hits create``.
        arguments: the effective ones, as JSON has them; sets are sorted lists.
        settings: digest of the settings that it depends on.
        given: what of them was given, where the settings filled in the others.
        new: begin another run beside one that did not end.
        resume: take up even a run that is old or was planned with other settings.
    """

    act: str
    arguments: Mapping[str, Any]
    settings: str | None = None
    new: bool = False
    resume: bool = False
    given: Mapping[str, Any] | None = None

    def identity(self, world: World) -> Identity:
        """Return what stands for the command; that of a task has its slot in it."""
        slot = None if world.origin.slot is None else format_time(world.origin.slot)
        given = self.arguments if self.given is None else self.given
        return Identity(_digest([self.act, self.arguments, slot]), _digest([self.act, given, slot]))


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Glance:
    """What there was of the runs of a command when it began, before it settled anything.

    Attributes:
        newest: number of the run that was begun last; None where there was none.
        standing: numbers of those that had not ended.
    """

    newest: int | None
    standing: frozenset[int]


def glance_at_runs(world: World, command: Command) -> Glance:
    """Note which runs of a command there are; what a command does first, since settling takes its time."""
    identity = command.identity(world)
    with world.database.read() as session:
        newest = runs.newest(session, world.place, command.act, identity)
        standing = runs.standing(session, world.place, command.act, identity)
    return Glance(None if newest is None else newest.number, frozenset(run.number for run in standing))


def find_run(world: World, command: Command, now: datetime, before: Glance) -> RunRow:
    """Return the row for a command: that of an interrupted run, which it takes up, or one that is to be made.

    Settle first, so that a refusal can say what was posted; ``before`` is what there was before that.

    Raises:
        UsageError: both ``new`` and ``resume``.
        RunAtWorkError: another process works on the same command.
        RunOvertakenError: another process carried it out, or began it, since ``before``, or ended it since this
            command was given.
        StaleRunError: what was interrupted is old, or its settings have changed, and nobody said what to do.
        RefusedError: there is nothing to resume.
    """
    if command.new and command.resume:
        raise UsageError("--new and --resume exclude each other", hint="give one of them")
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
            hint="leave --resume out to begin one; arguments must be the same as those of the interrupted run",
        )
    row = RunRow(world, command.act, now, command)
    row.left, row.seen = (None if command.new or not left else left[0]), newest
    row.aside = tuple(stale if command.new else empty)
    return row


def logged(world: World, act: str) -> RunRow:
    """Return the row for an act whose items have identities of their own: it is only written down."""
    return RunRow(world, act, world.now(), None)


def at_work(session: Session, numbers: Collection[int]) -> set[int]:
    """Return those of the runs that a living process works on."""
    now = leases.machine_clock(session) if numbers else None
    found = set()
    for number in numbers:
        row = None if now is None else leases.holder(session, now, leases.of_run(number))
        if row is not None and not is_gone(row):
            found.add(number)
    return found


def _overtaken(session: Session, before: Glance, newest: Run | None, standing: Sequence[Run]) -> Run | None:
    """Return the run that another process began or ended since the glance; None where all is as it was."""
    if newest is not None and newest.number != before.newest:
        return newest
    ended = before.standing - {run.number for run in standing}
    return runs.get(session, max(ended)) if ended else None


def _ended_since(session: Session, world: World, act: str, identity: Identity) -> Run | None:
    """Return the run that ended after this command was given: then it was given twice, and the other was quicker.

    Two hosts may have different clocks. So what is compared is how long ago each was, by one clock for either.
    """
    since = world.origin.since
    run = None if since is None else runs.ended_last(session, world.place, act, identity)
    if since is None or run is None or run.left_at is None:
        return None
    ago = (leases.machine_clock(session) - run.left_at).total_seconds()
    return run if ago < time.monotonic() - since else None


def _why_stale(run: Run, command: Command, now: datetime) -> str | None:
    if now - run.begun > TOKEN_TRUSTED:
        return f"that is more than {TOKEN_TRUSTED.total_seconds() / 3600:.0f} hours ago"
    return "the settings have changed since" if run.settings != command.settings else None


def _at_work(run: Run) -> RunAtWorkError:
    return RunAtWorkError(run.host, run.pid, run.begun)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


class _RunKeeper(Keeper):
    """The hold on the lease of a run."""

    def refuse(self, row: LeaseRow) -> RefusedError:
        """Return the error for a run that another process has taken up."""
        return RunAtWorkError(row.host, row.pid, row.since)

    def lost(self) -> RefusedError:
        """Return the error for a run that another process may have taken over."""
        return RunLostError()


class RunRow:
    """The row of one run, as the process sees it that works on it.

    Attributes:
        left: the interrupted run that is taken up; None for a new one.
        seen: the newest run of the same identity when the plan was made.
        aside: interrupted runs that are given up for a new one.
        moot: tokens of requests of the run that may have been made, and are not made again.
        number: of the run, once it is begun; before that, of the one that is taken up.
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
        """The number of the run, once it is begun; before that, of the one that is taken up."""
        return self._number if self.left is None else self.left.number

    def opened(self, session: Session) -> list[Intent]:
        """Return the intents of the run that is taken up, in the order in which they were planned."""
        return [] if self.left is None else intents.of_run(session, self.left.number)

    def note(self, rest: int, what: str) -> tuple[str, ...]:
        """Return what the user should know of the run that is taken up, of which ``rest`` items are left."""
        if self.left is None:
            return ()
        if not rest:
            return (f"the interrupted run is complete, nothing left to {what}; --new makes another",)
        return (f"goes on with a run of {_minute(self.left.begun)} that left {rest} undone; --new would begin another",)

    def leave_undone(self) -> None:
        """Note that an item failed and may be tried again, so that the run is incomplete."""
        self._undone = True

    @contextmanager
    def kept(self, plan: Plan[Any]) -> Iterator[RunRow]:
        """Begin the run for the block or take it up, and leave it in the state it is in at its end.

        A plan without steps that takes nothing up leaves no row.

        Raises:
            RunAtWorkError, RunOvertakenError: another process was given the same command meanwhile.
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
        """See that the run is still this process's; what a batch calls between its groups.

        Raises:
            RunLostError: it may be another's by now.
        """
        if self._keeper is not None:
            self._keeper.beat()

    def close(self, result: BatchResult) -> None:
        """Take what the run came to, for its row and for the line of the command."""
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
                account=processes.account(),
                part_of=line,
            ),
        )

    def _set_aside(self, session: Session, run: Run) -> None:
        """Give a run up: what was never sent of it is not sent any more, what was sent is still looked for."""
        if runs.set_aside(session, run, self._now):
            for intent in intents.of_run(session, run.number):
                if intent.state == intents.OPEN:
                    intents.abandon(session, intent.token, "set aside for another run", self._now)

    def _end(self, keeper: Keeper, error: BaseException | None) -> None:
        """Leave the run; where the database does not answer, its lease runs out and it counts as interrupted."""
        with suppress(UnreachableError), self._world.database.write() as session:
            number = self.number
            assert number is not None, "it was begun"
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
