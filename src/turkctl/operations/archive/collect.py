"""Ask the market for everything that it still lists, and keep it in a folder."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turkctl import __version__
from turkctl.archive.calls import ArchiveCall, CallList, CallProgress, Refusal
from turkctl.archive.facts import ArchiveFacts, read_facts
from turkctl.archive.files import write_files
from turkctl.archive.folder import ArchiveIdentity, held, make_folder, opened_archive, prepare
from turkctl.errors import CredentialsError, ExitCode, MarketUnreachableError, TurkctlError
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError
from turkctl.mturk.questions import parse_answers
from turkctl.operations.engine.supply import read_supplied
from turkctl.operations.engine.world import World
from turkctl.units import format_time
from turkctl.words import counted

MOST_DENIED = 20
"""Consecutive refusals of the credentials after which an operation is not asked any more."""
GUIDE = "docs/how-to/before-28-january-2027.md"
WAY_OUT = (
    "run it again later for the rest; if the endpoint is gone for good, add result files that you download from"
    f" Amazon's site with: turkctl archive add-csv FOLDER FILES (see {GUIDE})"
)


@dataclass(frozen=True)
class CollectReport:
    """The result of collecting: whether it went on with an earlier run, and what the archive has now."""

    resumed: bool
    facts: ArchiveFacts

    @property
    def exit_code(self) -> ExitCode:
        """Return 1 if the market refused some calls."""
        return ExitCode.FAILED if self.facts.missing else ExitCode.OK

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {**self.facts.as_dict(), "resumed": self.resumed}


def collect(
    world: World,
    folder: Path,
    *,
    anew: bool,
    stop: threading.Event,
    tell: Callable[[CallProgress], None],
    note: Callable[[str], None] = lambda _words: None,
) -> CollectReport:
    """Fill an archive with all that the market lists; go on where an earlier run was ended.

    Args:
        world: the market; its database is not used.
        folder: of the archive; made if it does not exist.
        anew: begin a new run although the last one left calls undone.
        stop: ends it after the requests in progress.
        tell: called with the progress now and then.
        note: called with what happens besides.

    Raises:
        UnreachableError: the market cannot be reached, or refuses the credentials; what was read is kept.
        MarketRefusedError: it refuses all calls.
        InterruptedByUserError: ``stop`` was set; what was read is kept.
        WrongMarketError, RefusedError, UsageError, OutputError: the folder cannot be used.
    """
    identity = ArchiveIdentity(world.settings.mode, world.mturk.identity)
    make_folder(folder)
    with held(folder):
        prepare(folder, identity, _now(world))
        with opened_archive(folder, writable=True) as database:
            calls = CallList(database, parse_answers)
            resumed = calls.begin(_now(world), __version__, anew=anew)
            if resumed:
                note(f"going on with run {calls.run}, which left {counted(calls.progress().left, 'call')} to make")
            try:
                _CallMaker(world, calls, tell).run(stop)
            except (MarketUnreachableError, CredentialsError, MarketRefusedError) as error:
                write_files(database)
                error.hint = f"{error.hint}; {WAY_OUT}" if error.hint else WAY_OUT
                raise
            calls.finish(_now(world))
            note("all calls are made; writing the files")
            write_files(database)
            return CollectReport(resumed, read_facts(database))


def _now(world: World) -> str:
    return format_time(world.now())


class _CallMaker:
    """Makes the calls of a run."""

    def __init__(self, world: World, calls: CallList, tell: Callable[[CallProgress], None]) -> None:
        self._world = world
        self._calls = calls
        self._tell = tell
        self._first: TurkctlError | None = None
        """The first error, which is raised if the market answers nothing."""
        self._denied: Counter[str] = Counter()

    def run(self, stop: threading.Event) -> None:
        """Make all calls that are left."""
        mturk = self._world.mturk

        def read(call: ArchiveCall) -> bytes:
            return mturk.raw(call.operation, call.request)

        for landed in read_supplied(self._world.engine(stop=stop), self._supply, read):
            self._calls.record([(call, self._outcome(call, each)) for call, each in landed], _now(self._world))
            for call, each in landed:
                if isinstance(each, CredentialsError):
                    self._note_denied(call.operation, each)
            self._tell(self._calls.progress())
        if self._first is not None and not self._calls.has_answers:
            raise self._first

    def _supply(self, number: int, under_way: Collection[ArchiveCall]) -> Sequence[ArchiveCall]:
        return self._calls.next_ones(number, {call.number for call in under_way})

    def _outcome(self, call: ArchiveCall, outcome: bytes | TurkctlError) -> bytes | Refusal:
        if isinstance(outcome, bytes):
            self._denied[call.operation] = 0
            return outcome
        self._first = self._first or outcome
        gone = isinstance(outcome, DoesNotExistError)
        final = isinstance(outcome, MarketRefusedError) and not outcome.retryable
        return Refusal(outcome.code, outcome.message, gone=gone, final=final)

    def _note_denied(self, operation: str, error: CredentialsError) -> None:
        """Stop asking what these credentials may not ask, or may not any more."""
        self._denied[operation] += 1
        if self._denied[operation] >= MOST_DENIED:
            self._calls.give_up(operation, Refusal(error.code, error.message), _now(self._world))
