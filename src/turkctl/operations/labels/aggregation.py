"""Run one aggregation of an experiment's labels: take the lease, compute, and publish the results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from turkctl.classes import folded
from turkctl.errors import InterruptedByUserError, TurkctlError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.hold import LabelsKeeper
from turkctl.operations.labels.left_out import LeftOut, notes_on
from turkctl.operations.labels.meaning import label_settings, word
from turkctl.operations.project.labels import DEFAULT_METHOD
from turkctl.store import label_results, label_state, label_votes
from turkctl.store.experiments import Version

if TYPE_CHECKING:
    from turkctl.classes import AnswerRule
    from turkctl.labels.result import Result
    from turkctl.labels.votes import Duplicates
    from turkctl.operations.labels.votes import Loaded

PART = 1000
"""Number of results written in one transaction."""

Tick = Callable[[int, int], None]
Meter = Callable[[str], AbstractContextManager[Tick]]


@dataclass(frozen=True)
class How:
    """How labels are aggregated; None means the experiment's setting, or the default."""

    method: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    duplicates: Duplicates = "last"

    def check(self) -> None:
        """Raise UsageError if a method is given that does not exist, or that does not take an option that is given."""
        if self.method is not None:
            from turkctl.labels.methods import options_for

            options_for(self.method, self.options)


@dataclass(frozen=True)
class Aggregated:
    """The number of a run, its result, the number of labels that changed by (old, new), and what is to be told."""

    run: int
    result: Result
    changes: Mapping[str, int]
    notes: tuple[str, ...]
    left_out: LeftOut


def check_duplicates(given: str) -> Duplicates:
    """Return which of a worker's labels on one item count.

    Raises:
        UsageError: it is neither ``last`` nor ``all``.
    """
    ways: tuple[Duplicates, ...] = ("last", "all")
    for way in ways:
        if given == way:
            return way
    raise UsageError(f"--duplicates must be last or all, not '{given}'", hint="give one of them")


def settings_that_matter(version: Version) -> dict[str, Any]:
    """Return the settings of an experiment that affect results."""
    return label_settings(version).model_dump(mode="json")


class Aggregation:
    """One run on one experiment."""

    def __init__(self, world: World, version: Version, how: How, meter: Meter, stop: Callable[[], bool]) -> None:
        from turkctl.labels.methods import options_for

        self._world = world
        self._version = version
        self._how = how
        self._meter = meter
        self._stop = stop
        self._settings = label_settings(version)
        self._method = how.method or self._settings.method or DEFAULT_METHOD
        given = {"min_votes": self._settings.min_votes, **{k: v for k, v in how.options.items() if v is not None}}
        self._options = options_for(self._method, given)
        self._of = (version.experiment_id, world.listing_place.mode)
        self._keeper = LabelsKeeper(world.database, version, self._of[1])

    def run(self) -> Aggregated:
        """Run it. If it ends before it is complete, the earlier results stay and the experiment stays dirty.

        Raises:
            UsageError: the labels, or the options, cannot be aggregated.
            RefusedError: another run holds the experiment, or took it over because this one was idle for too long.
            InterruptedByUserError: it was asked to stop.
        """
        number = self._begin()
        with self._keeper.renewed():
            return self._carry_out(number)

    def _carry_out(self, number: int) -> Aggregated:
        started = time.perf_counter()
        try:
            read_answers(self._world, self._version, self._beat)
            result, loaded = self._fit()
            changes = self._changes(result, loaded.found.rule)
            self._write(number, result)
            unnamed = result.votes.binary or result.numeric
            facts = {
                **result.run.as_dict(),
                "settings": settings_that_matter(self._version),
                "classes": None if unnamed else [word(each) for each in result.votes.classes],
                "agreement": None if result.agreement is None else result.agreement.as_dict(),
                "numeric": result.numeric,
                "per_class": True,
                "odd": loaded.left_out.odd,
                "total_seconds": round(time.perf_counter() - started, 3),
            }
            self._finish(number, facts, changes)
        except BaseException as error:
            self._give_up(number, error)
            raise
        self._tidy()
        return Aggregated(number, result, changes, self._notes(loaded), loaded.left_out)

    def _begin(self) -> int:
        """Take the lease and clear the mark; return the number of the run."""
        now = self._world.now()
        with self._world.database.write() as session:
            self._keeper.acquire_in(session)
            label_state.ensure(session, *self._of, now)
            label_state.clear(session, *self._of)
            label_results.end_abandoned(session, *self._of, now)
            return label_results.begin(session, *self._of, self._method, now)

    def _fit(self) -> tuple[Result, Loaded]:
        from turkctl.labels.methods import aggregate
        from turkctl.operations.labels.votes import load_votes

        with self._meter("reading") as tick, self._world.database.read() as session:
            total = label_votes.count(session, *self._of)

            def read(done: int) -> None:
                tick(done, total)

            loaded = load_votes(session, self._version, self._of[1], self._method, self._how.duplicates, read)
        self._beat(0, 0)
        with self._meter("aggregating") as tick:

            def progress(done: int, most: int) -> None:
                tick(done, most)
                self._beat(done, most)

            result = aggregate(loaded.votes, self._method, self._options, progress, self._stop)
        return result, loaded

    def _notes(self, loaded: Loaded) -> tuple[str, ...]:
        notes = []
        if loaded.votes.duplicates:
            kept = "the last one counts" if self._how.duplicates == "last" else "all of them count"
            notes.append(f"labels that repeat a worker and an item: {loaded.votes.duplicates:,}; {kept}")
        apart = f"case_sensitive = true in [experiments.{self._version.slug}.labels]"
        return (*notes, *loaded.left_out.notes(), *notes_on(loaded.found, self._method, apart))

    def _beat(self, _done: int, _most: int) -> None:
        """Renew the lease.

        Raises:
            RefusedError: another run may have taken it, because this one was idle for too long.
        """
        self._keeper.beat()

    def _changes(self, result: Result, rule: AnswerRule) -> dict[str, int]:
        """Return the number of labels that change, by (old, new); labels set by hand do not change.

        Another spelling of the same class is no change.
        """
        with self._world.database.read() as session:
            state = label_state.get(session, *self._of)
            before = dict(label_results.labels_of(session, state.run_id if state is not None else None))
            set_by_hand = label_results.admin_labels(session, *self._of)
        pairs: Counter[tuple[str | None, str | None]] = Counter()
        for item, label in zip(result.votes.items, result.labels(), strict=True):
            old, new = before.pop(str(item), None), None if label is None else word(label)
            if item not in set_by_hand and not _same(old, new, rule):
                pairs[old, new] += 1
        pairs.update((old, None) for item, old in before.items() if old is not None and item not in set_by_hand)
        return _changes_of_numbers(pairs) if result.numeric else _changes_of_classes(pairs, binary=result.votes.binary)

    def _write(self, number: int, result: Result) -> None:
        """Write the results beside the current ones."""
        columns = (result.votes.items, result.labels(), *(_finite(each) for each in (result.score, result.p)))
        counts = (result.n.tolist(), result.n_true.tolist())
        nowhere = [None] * len(result.n)
        ends = [_finite(result.item[name]) if name in result.item else nowhere for name in ("low", "high")]
        rows = (
            {
                "run_id": number,
                "item": item,
                "label": None if label is None else word(label),
                "score": score,
                "p": p,
                "n": n,
                "n_true": n_true,
                "low": low,
                "high": high,
                "votes": votes,
                "by_class": by_class,
            }
            for item, label, score, p, n, n_true, low, high, votes, by_class in zip(
                *columns, *counts, *ends, *_by_class(result), strict=True
            )
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
            self._keeper.renew_in(session)
            label_state.stand(session, *self._of, number)
            label_results.end(session, number, label_results.DONE, self._world.now(), facts=facts, changes=changes)
            self._keeper.drop_in(session)

    def _give_up(self, number: int, error: BaseException) -> None:
        stopped = isinstance(error, InterruptedByUserError | KeyboardInterrupt)
        status = label_results.INTERRUPTED if stopped else label_results.FAILED
        words = error.message if isinstance(error, TurkctlError) else type(error).__name__
        with self._world.database.write() as session:
            label_results.end(session, number, status, self._world.now(), error=words)
            label_state.mark_dirty(session, *self._of, self._world.now())
            self._keeper.drop_in(session)

    def _tidy(self) -> None:
        """Remove the results of all but the last runs."""
        with self._world.database.read() as session:
            runs = label_results.outdated(session, *self._of)
        more = bool(runs)
        while more:
            with self._world.database.write() as session:
                more = label_results.remove_some(session, runs)


def _by_class(result: Result) -> tuple[Iterable[dict[str, int] | None], Iterable[dict[str, float] | None]]:
    """Return the votes and the probabilities of each item by class, as they are stored."""
    nowhere = [None] * len(result.n)
    if result.votes.binary:
        return nowhere, nowhere
    names = {each: folded(word(each)) if result.numeric else word(each) for each in result.votes.classes}
    votes = ({names[each]: number for each, number in tally.items()} for tally in result.tallies())
    if result.by_class is None:
        return votes, nowhere
    shares = ({names[each]: share for each, share in (found or {}).items()} for found in result.probabilities())
    return votes, shares


def _finite(values: Any) -> list[float | None]:
    """Return the numbers of an array, None for those that are none."""
    return [value if isfinite(value) else None for value in values.tolist()]


def _same(old: str | None, new: str | None, rule: AnswerRule) -> bool:
    """Return whether two labels are the same, or spellings of one class."""
    return old == new or (old is not None and new is not None and rule.fold(old) == rule.fold(new))


def _changes_of_numbers(pairs: Mapping[tuple[str | None, str | None], int]) -> dict[str, int]:
    """Return how many numbers are new, others than before, or gone: nearly every change is from a number of its own."""
    kinds: Counter[str] = Counter({"none->number": 0, "number->none": 0, "number->number": 0})
    for (old, new), count in pairs.items():
        kinds[f"{'none' if old is None else 'number'}->{'none' if new is None else 'number'}"] += count
    return dict(kinds)


def _changes_of_classes(pairs: Mapping[tuple[str | None, str | None], int], *, binary: bool) -> dict[str, int]:
    """Return the number of changes by old and new class; those of a yes-or-no question also if there are none."""
    names: dict[str, str] = {"true": "yes", "false": "no"} if binary else {}
    usual = [(None, "false"), (None, "true"), ("true", "false"), ("false", "true")] if binary else []
    rest = sorted(pairs.keys() - set(usual), key=str)
    return {
        f"{names.get(old or 'none', old) or 'none'}->{names.get(new or 'none', new) or 'none'}": pairs.get(
            (old, new), 0
        )
        for old, new in [*usual, *rest]
    }
