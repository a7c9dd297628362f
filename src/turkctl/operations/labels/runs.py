"""``labels aggregate`` on experiments: those that are dirty, one run each, whose results stand once it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turkctl.errors import InterruptedByUserError, TurkctlError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.aggregation import Aggregation, How, Meter, Tick, settings_that_matter
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.hold import has_news
from turkctl.operations.selection.hits import compile_regex
from turkctl.store import experiments, label_results, label_state, label_votes
from turkctl.store.experiments import Version

if TYPE_CHECKING:
    from turkctl.labels.result import Result

DONE = "done"
CLEAN = "clean"
FAILED = "failed"


@dataclass(frozen=True)
class AggregateRequest:
    """Which experiments, and how."""

    experiment: str | None = None
    regex: str | None = None
    how: How = field(default_factory=How)
    force: bool = False
    lenient: bool = False
    """Whether a named experiment, too, may have no labels, or fail without an exception."""

    @property
    def single(self) -> bool:
        """Whether what is wrong with the one experiment that is named is an exception."""
        return self.experiment is not None and not self.lenient


@dataclass(frozen=True)
class AggregationOutcome:
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
) -> Iterator[AggregationOutcome]:
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
            outcome = _look(world, version, request) or _run(world, version, request, meter, stop)
        except InterruptedByUserError:
            raise
        except TurkctlError as error:
            if request.single:
                raise
            outcome = AggregationOutcome(version, FAILED, error=error)
        if outcome.run is not None or outcome.error is not None:
            yield outcome


@contextmanager
def unseen(_what: str) -> Iterator[Tick]:
    """A meter that nobody looks at."""
    yield lambda _done, _total: None


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


def _look(world: World, version: Version, request: AggregateRequest) -> AggregationOutcome | None:
    """What there is to say without a run; None where one is due.

    Raises:
        UsageError: the experiment is named and has no labels.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        state = label_state.get(session, version.experiment_id, mode)
        if state is None or not label_votes.has_any(session, version.experiment_id, mode):
            if not request.single:
                return AggregationOutcome(version, CLEAN)
            raise UsageError(
                f"experiment {version.slug} has no labels yet in mode {mode}",
                hint=f"import some, or say in [experiments.{version.slug}.labels] which answers are labels, and sync",
            )
        standing = label_results.standing_run(session, version.experiment_id, mode)
        dirty = has_news(session, state)
        if (
            request.force
            or dirty
            or standing is None
            or settings_that_matter(version) != (standing.facts or {}).get("settings")
        ):
            return None
    notes = (f"nothing new since run {standing.id}; --force to run all the same",)
    return AggregationOutcome(version, CLEAN, standing.id, notes=notes)


def _run(
    world: World, version: Version, request: AggregateRequest, meter: Meter, stop: Callable[[], bool]
) -> AggregationOutcome:
    made = Aggregation(world, version, request.how, meter, stop).run()
    return AggregationOutcome(version, DONE, made.run, made.changes, made.result, notes=made.notes)
