"""Aggregate the labels of dirty experiments (``labels aggregate``), one run each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turkctl.errors import InterruptedByUserError, TurkctlError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.labels.aggregation import Aggregation, How, Meter, Tick, settings_that_matter
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.hold import has_news
from turkctl.operations.labels.left_out import LeftOut
from turkctl.operations.labels.nothing import no_labels
from turkctl.operations.selection.hits import compile_regex
from turkctl.store import experiments, label_results, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.labels.result import Result

DONE = "done"
CLEAN = "clean"
FAILED = "failed"


@dataclass(frozen=True)
class AggregateRequest:
    """Which experiments to aggregate, and how."""

    experiment: str | None = None
    regex: str | None = None
    how: How = field(default_factory=How)
    force: bool = False
    lenient: bool = False
    """Whether a missing label or a failure of a named experiment is reported instead of raised."""

    @property
    def single(self) -> bool:
        """Return whether a failure of the one named experiment is raised."""
        return self.experiment is not None and not self.lenient


@dataclass(frozen=True)
class AggregationOutcome:
    """The outcome of one experiment.

    Attributes:
        version: the experiment.
        status: ``done``; ``clean`` if nothing is new and the earlier results stay; ``failed``.
        run: the number of the run whose results are current.
        changes: the number of labels that changed, by old and new label, as in ``none->yes``.
        result: the full result of the run; None if there was no run.
        error: why it failed.
        notes: notes for the user.
        left_out: the answers that do not count.
    """

    version: Version
    status: str
    run: int | None = None
    changes: Mapping[str, int] = field(default_factory=dict)
    result: Result | None = None
    error: TurkctlError | None = None
    notes: tuple[str, ...] = ()
    left_out: LeftOut = field(default_factory=LeftOut)

    @property
    def in_words(self) -> str:
        """Return what a run did, for the log and for a task."""
        told = f"{counted(sum(self.changes.values()), 'label')} of {self.version.slug} changed"
        odd = self.left_out.odd
        return f"{told}, {counted(odd, 'odd answer')} left out" if odd else told

    @property
    def warnings(self) -> list[str]:
        """Return what is to be told of odd answers."""
        slug = self.version.slug
        return self.left_out.warnings(f"labels answers --experiment {slug} lists them, labels relabel maps them")


def aggregate_experiments(
    world: World, request: AggregateRequest, meter: Meter, stop: Callable[[], bool]
) -> Iterator[AggregationOutcome]:
    """Aggregate the dirty experiments, or with ``force`` all that match, one after another.

    An experiment that fails stays dirty and the others go on, unless it is the only one named.

    Raises:
        NotFoundError: no such experiment.
        UsageError: a bad regular expression or option; the named experiment's labels cannot be aggregated.
        RefusedError: another run holds the named experiment.
        InterruptedByUserError: ``stop`` was set; the earlier results stay, and the experiment is dirty.
    """
    request.how.check()
    for version in _chosen(world, request):
        read_answers(world, version)
        try:
            outcome = _look(world, version, request) or _run(world, version, request, meter, stop)
        except InterruptedByUserError:
            raise
        except TurkctlError as error:
            if request.single:
                raise
            outcome = _failed(version, error)
        if outcome.run is not None or outcome.error is not None or outcome.notes:
            yield outcome


def _failed(version: Version, error: TurkctlError) -> AggregationOutcome:
    """Return the outcome of a failure; it is none if no table ``labels`` asks for the answers as labels."""
    settings = settings_of(version)
    if settings.labels is None and settings.answer_field is not None and isinstance(error, UsageError):
        return AggregationOutcome(version, CLEAN, notes=(f"not aggregated: {error.message}",))
    return AggregationOutcome(version, FAILED, error=error)


def why_nothing(world: World, request: AggregateRequest) -> list[str]:
    """Return, of each experiment that was looked at and has no labels, why that is so."""
    pattern, mode, told = compile_regex(request.regex), world.listing_place.mode, []
    with world.database.read() as session:
        for version in experiments.list_all(session):
            looked_at = request.experiment in (None, version.slug) and (not pattern or pattern.search(version.slug))
            if looked_at and not label_votes.has_any(session, version.experiment_id, mode):
                error = no_labels(session, version, mode)
                told.append(f"{error.message}; {error.hint}")
    return told


@contextmanager
def unseen(_what: str) -> Iterator[Tick]:
    """Return a meter that shows nothing."""
    yield lambda _done, _total: None


def _chosen(world: World, request: AggregateRequest) -> list[Version]:
    """Return the named experiment; else those that match and may have labels."""
    pattern = compile_regex(request.regex)
    with world.database.read() as session:
        if request.experiment is not None:
            version = find_experiment(session, request.experiment)
            return [version] if pattern is None or pattern.search(version.slug) else []
        states = label_state.all_of(session, world.listing_place.mode)
        return [
            each
            for each in experiments.list_all(session)
            if (each.experiment_id in states or settings_of(each).label_field is not None)
            and (not pattern or pattern.search(each.slug))
        ]


def _look(world: World, version: Version, request: AggregateRequest) -> AggregationOutcome | None:
    """Return the outcome if no run is needed; None if one is.

    Raises:
        UsageError: the experiment is named and has no labels.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        state = label_state.get(session, version.experiment_id, mode)
        if state is None or not label_votes.has_any(session, version.experiment_id, mode):
            if not request.single:
                return AggregationOutcome(version, CLEAN)
            raise no_labels(session, version, mode)
        standing = label_results.standing_run(session, version.experiment_id, mode)
        dirty = has_news(session, state)
        if (
            request.force
            or dirty
            or standing is None
            or settings_that_matter(version) != (standing.facts or {}).get("settings")
        ):
            return None
    notes = (f"nothing new since run {standing.id}; add --force to run it anyway",)
    return AggregationOutcome(version, CLEAN, standing.id, notes=notes)


def _run(
    world: World, version: Version, request: AggregateRequest, meter: Meter, stop: Callable[[], bool]
) -> AggregationOutcome:
    made = Aggregation(world, version, request.how, meter, stop).run()
    done = AggregationOutcome(version, DONE, made.run, made.changes, made.result, None, made.notes, made.left_out)
    world.origin.tally.say(done.in_words, version.slug)
    return done
