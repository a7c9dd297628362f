"""``labels aggregate`` on experiments: those that are dirty, one run each, whose results stand once it is complete."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from turkctl.errors import InterruptedByUserError, RefusedError, TurkctlError, UsageError
from turkctl.operations import processes
from turkctl.operations.experiments import settings_of
from turkctl.operations.label_settings import LabelSettings, Meaning, word
from turkctl.operations.label_sources import read_answers
from turkctl.operations.selection import compile_regex, find_experiment
from turkctl.operations.world import World
from turkctl.store import experiments, label_results, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.store.leases import machine_clock

if TYPE_CHECKING:
    from turkctl.labels.result import Result
    from turkctl.labels.votes import Duplicates

DEFAULT_METHOD = "cubam"
PART = 1000
"""Results that are written in one transaction."""
BEAT_SECONDS = 30.0
"""Real time after which a run says that it still lives."""

DONE = "done"
CLEAN = "clean"
FAILED = "failed"

Tick = Callable[[int, int], None]
Meter = Callable[[str], AbstractContextManager[Tick]]


@dataclass(frozen=True)
class AggregateRequest:
    """Which experiments, and how. What is None is as the experiment's settings say, or by default."""

    experiment: str | None = None
    regex: str | None = None
    method: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    duplicates: Duplicates = "last"
    force: bool = False
    lenient: bool = False
    """Whether a named experiment, too, may have no labels, or fail without an exception."""

    @property
    def single(self) -> bool:
        """Whether what is wrong with the one experiment that is named is an exception."""
        return self.experiment is not None and not self.lenient


@dataclass(frozen=True)
class Outcome:
    """What became of one experiment.

    Attributes:
        version: the experiment.
        status: ``done``; ``clean`` where nothing is new and the results before stand; ``failed``.
        run: the number of the run whose results stand.
        changes: how many labels went from which to which, as in ``none->yes``.
        result: everything that the run found; None where there was none.
        error: why it failed.
        notes: what is worth knowing.
    """

    version: Version
    status: str
    run: int | None = None
    changes: Mapping[str, int] = field(default_factory=dict)
    result: Result | None = None
    error: TurkctlError | None = None
    notes: tuple[str, ...] = ()


def aggregate_experiments(
    world: World, request: AggregateRequest, meter: Meter, stop: Callable[[], bool]
) -> Iterator[Outcome]:
    """Aggregate what is dirty, or everything that matches where that is forced; one experiment after another.

    An experiment that fails stays dirty, and the others go on, unless it is the one that is named.

    Raises:
        NotFoundError: no such experiment.
        UsageError: a bad regular expression or option; the named experiment's labels cannot be aggregated.
        RefusedError: another run has the named experiment.
        InterruptedByUserError: ``stop`` said so; the results before stand, and the experiment is dirty.
    """
    for version in _chosen(world, request):
        read_answers(world, version)
        try:
            outcome = _look(world, version, request) or _Run(world, version, request, meter, stop).run()
        except InterruptedByUserError:
            raise
        except TurkctlError as error:
            if request.single:
                raise
            outcome = Outcome(version, FAILED, error=error)
        if outcome.run is not None or outcome.error is not None:
            yield outcome


@contextmanager
def unseen(_what: str) -> Iterator[Tick]:
    """A meter that nobody looks at."""
    yield lambda _done, _total: None


def check_duplicates(given: str) -> Duplicates:
    """Which of a worker's labels on one item count.

    Raises:
        UsageError: there is no such way.
    """
    ways: tuple[Duplicates, ...] = ("last", "all")
    for way in ways:
        if given == way:
            return way
    raise UsageError(f"'{given}' is no way to treat duplicates", hint="last or all")


def _chosen(world: World, request: AggregateRequest) -> list[Version]:
    """The named experiment; else those that match and may have labels."""
    pattern = compile_regex(request.regex)
    with world.database.read() as session:
        if request.experiment is not None:
            version = find_experiment(session, request.experiment)
            return [version] if pattern is None or pattern.search(version.slug) else []
        states = label_state.all_of(session, world.listing_place.mode)
        return [
            each
            for each in experiments.list_all(session)
            if (each.experiment_id in states or each.settings.get("labels"))
            and (not pattern or pattern.search(each.slug))
        ]


def _look(world: World, version: Version, request: AggregateRequest) -> Outcome | None:
    """What there is to say without a run; None where one is due.

    Raises:
        UsageError: the experiment is named and has no labels.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        state = label_state.get(session, version.experiment_id, mode)
        if state is None or not label_votes.has_any(session, version.experiment_id, mode):
            if not request.single:
                return Outcome(version, CLEAN)
            raise UsageError(
                f"experiment {version.slug} has no labels yet in mode {mode}",
                hint=f"import some, or say in [experiments.{version.slug}.labels] which answers are labels, and sync",
            )
        standing = label_results.standing_run(session, version.experiment_id, mode)
        dirty = state.is_dirty(machine_clock(session), is_gone)
        if request.force or dirty or standing is None or _settings(version) != (standing.facts or {}).get("settings"):
            return None
    notes = (f"nothing new since run {standing.id}; --force to run all the same",)
    return Outcome(version, CLEAN, standing.id, notes=notes)


def _settings(version: Version) -> dict[str, Any]:
    """What of the settings makes a difference to results."""
    labels = settings_of(version).labels or LabelSettings()
    return labels.model_dump(mode="json")


def is_gone(holder: str) -> bool:
    """Whether the process that holds an experiment certainly does not live any more."""
    return processes.is_gone(json.loads(holder))


class _Run:
    """One run on one experiment."""

    def __init__(
        self, world: World, version: Version, request: AggregateRequest, meter: Meter, stop: Callable[[], bool]
    ) -> None:
        from turkctl.labels.methods import options_for

        self._world = world
        self._version = version
        self._request = request
        self._meter = meter
        self._stop = stop
        self._settings = settings_of(version).labels or LabelSettings()
        self._method = request.method or self._settings.method or DEFAULT_METHOD
        given = {"min_votes": self._settings.min_votes, **{k: v for k, v in request.options.items() if v is not None}}
        self._options = options_for(self._method, given)
        self._of = (version.experiment_id, world.listing_place.mode)
        self._holder = json.dumps({"token": secrets.token_hex(8), **processes.myself()})
        self._beaten = time.monotonic()

    def run(self) -> Outcome:
        """Do it; see :func:`aggregate_experiments`."""
        started = time.perf_counter()
        number = self._begin()
        try:
            read_answers(self._world, self._version, self._beat)
            result, notes = self._fit()
            changes = self._changes(result)
            self._write(number, result)
            facts = {
                **result.run.as_dict(),
                "settings": _settings(self._version),
                "classes": None if result.votes.binary else [word(each) for each in result.votes.classes],
                "total_seconds": round(time.perf_counter() - started, 3),
            }
            self._finish(number, facts, changes)
        except BaseException as error:
            self._give_up(number, error)
            raise
        self._tidy()
        return Outcome(self._version, DONE, number, changes, result, notes=notes)

    def _begin(self) -> int:
        """Take the hold, which clears the mark; the number of the run."""
        now = self._world.now()
        with self._world.database.write() as session:
            state = label_state.ensure(session, *self._of, now)
            if not label_state.claim(session, state, self._holder, is_gone):
                owner = processes.in_words(json.loads(state.holder or "{}"))
                raise RefusedError(
                    f"experiment {self._version.slug} is being aggregated by {owner}",
                    hint="wait for it, or stop it, and run this again",
                )
            label_results.end_abandoned(session, *self._of, now)
            return label_results.begin(session, *self._of, self._method, now)

    def _fit(self) -> tuple[Result, tuple[str, ...]]:
        from turkctl.labels.methods import aggregate
        from turkctl.operations.label_load import load_votes

        meaning = Meaning(self._version.slug, self._settings, self._method)
        with self._meter("reading") as tick, self._world.database.read() as session:
            total = label_votes.count(session, *self._of)
            loaded = load_votes(
                session, self._version, self._of[1], meaning, self._request.duplicates, lambda done: tick(done, total)
            )
        self._beat(0, 0)
        with self._meter("aggregating") as tick:

            def progress(done: int, most: int) -> None:
                tick(done, most)
                self._beat(done, most)

            result = aggregate(loaded.votes, self._method, self._options, progress, self._stop)
        return result, self._notes(loaded.votes.duplicates, loaded.skipped)

    def _notes(self, duplicates: int, skipped: int) -> tuple[str, ...]:
        notes = []
        if duplicates:
            kept = "the last one counts" if self._request.duplicates == "last" else "all of them count"
            notes.append(f"labels that repeat a worker and an item: {duplicates:,}; {kept}")
        if skipped:
            notes.append(f"labels left out as the settings say: {skipped:,}")
        return tuple(notes)

    def _beat(self, _done: int, _most: int) -> None:
        """Keep the hold.

        Raises:
            RefusedError: another run has taken it, because this one had been still for too long.
        """
        if time.monotonic() - self._beaten < BEAT_SECONDS:
            return
        with self._world.database.write() as session:
            held = label_state.renew(session, *self._of, self._holder)
        if not held:
            raise self._lost()
        self._beaten = time.monotonic()

    def _lost(self) -> RefusedError:
        return RefusedError(
            f"another run has taken over experiment {self._version.slug}", hint="see: turkctl labels history"
        )

    def _changes(self, result: Result) -> dict[str, int]:
        """How many labels go from which to which; those set by hand stay what they are."""
        with self._world.database.read() as session:
            state = label_state.get(session, *self._of)
            before = dict(label_results.labels_of(session, state.run_id if state is not None else None))
            set_by_hand = label_results.admin_labels(session, *self._of)
        names = {"true": "yes", "false": "no"} if result.votes.binary else {}
        pairs: Counter[tuple[str | None, str | None]] = Counter()
        for item, label in zip(result.votes.items, result.labels(), strict=True):
            old, new = before.pop(str(item), None), None if label is None else word(label)
            if old != new and item not in set_by_hand:
                pairs[old, new] += 1
        pairs.update((old, None) for item, old in before.items() if old is not None and item not in set_by_hand)
        usual = [(None, "false"), (None, "true"), ("true", "false"), ("false", "true")] if result.votes.binary else []
        rest = sorted(pairs.keys() - set(usual), key=str)
        return {
            f"{names.get(old or 'none', old) or 'none'}->{names.get(new or 'none', new) or 'none'}": pairs[old, new]
            for old, new in [*usual, *rest]
        }

    def _write(self, number: int, result: Result) -> None:
        """Write the results beside those that stand."""
        columns = (result.votes.items, result.labels(), *(c.tolist() for c in (result.score, result.p)))
        counts = (result.n.tolist(), result.n_true.tolist())
        rows = (
            {
                "run_id": number,
                "item": item,
                "label": None if label is None else word(label),
                "score": score,
                "p": p,
                "n": n,
                "n_true": n_true,
            }
            for item, label, score, p, n, n_true in zip(*columns, *counts, strict=True)
        )
        with self._meter("writing") as tick:
            done = 0
            while part := list(islice(rows, PART)):
                self._stop_if_asked()
                with self._world.database.write() as session:
                    label_results.put_items(session, part)
                done += len(part)
                tick(done, len(result.n))
                self._beat(done, len(result.n))
        workers = iter(result.worker_rows())
        while some := list(islice(workers, PART)):
            with self._world.database.write() as session:
                rows_of = [{"run_id": number, "worker_id": row.pop("worker"), "facts": row} for row in some]
                label_results.put_workers(session, rows_of)

    def _stop_if_asked(self) -> None:
        if self._stop():
            raise InterruptedByUserError("interrupted; the labels stay as they were", hint="run it again")

    def _finish(self, number: int, facts: dict[str, Any], changes: dict[str, int]) -> None:
        with self._world.database.write() as session:
            if not label_state.finish(session, *self._of, self._holder, number):
                raise self._lost()
            label_results.end(session, number, label_results.DONE, self._world.now(), facts=facts, changes=changes)

    def _give_up(self, number: int, error: BaseException) -> None:
        stopped = isinstance(error, InterruptedByUserError | KeyboardInterrupt)
        status = label_results.INTERRUPTED if stopped else label_results.FAILED
        words = error.message if isinstance(error, TurkctlError) else type(error).__name__
        with self._world.database.write() as session:
            label_results.end(session, number, status, self._world.now(), error=words)
            label_state.give_up(session, *self._of, self._holder, self._world.now())

    def _tidy(self) -> None:
        """Remove what earlier runs said of items and workers, but for the last of them."""
        with self._world.database.read() as session:
            runs = label_results.outdated(session, *self._of)
        more = bool(runs)
        while more:
            with self._world.database.write() as session:
                more = label_results.remove_some(session, runs)
