"""List, export and show labels and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from turkctl.classes import AnswerRule, Sorted, sort_answers
from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.meaning import method_of, rule_of
from turkctl.operations.labels.ordering import agreement_in_order, in_order_of_classes
from turkctl.operations.labels.statuses import COUNTS, LabelStatuses
from turkctl.operations.project.labels import NAMED_CLASSES
from turkctl.operations.selection.gold import INCLUDE, ONLY, Accuracy, accuracies
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.own_ids import meant_by_lists
from turkctl.store import contents, experiments, label_results, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.store.label_results import AggregationRun, ByHand, LabelledItem
from turkctl.store.label_votes import ListedLabel, Narrowed

LABEL_COLUMNS = ("item", "worker", "label", "experiment", "at", "assignment_id", "status")
LABEL_KEYS = (*LABEL_COLUMNS, "set_by", "reason")
"""All keys of a label; the last two are those of labels set by hand."""
BY_HAND = "by hand"
"""The status of a label that was set by hand."""
BY_HAND_COLUMNS = ("item", "label", "experiment", "at", "set_by", "reason")
ITEM_COLUMNS = ("item", "label", "score", "p", "n", "method")
INTERVAL = ("low", "high")
"""Columns of results that are numbers."""
GOLD_COLUMN = "gold"
"""The column with the known answer of an item; tables have it where an experiment has such items."""
HISTORY_COLUMNS = ("run", "experiment", "method", "started", "status", "items", "labels", "changes", "seconds", "error")
_FACTS = ("items", "workers", "labels", "parameters", "threshold", "threshold_from", "rounds", "converged")
HISTORY_KEYS = (*HISTORY_COLUMNS, "mode", "finished", *_FACTS, "agreement", "warnings")
"""All keys of a row of the history."""
DIGITS = 6
"""Decimals of scores, as in results of a file."""


def list_labels(
    world: World,
    slug: str | None,
    item: str | None = None,
    worker: str | None = None,
    *,
    counting: bool = False,
    ended: bool = True,
    gold: str | None = INCLUDE,
) -> Iterator[dict[str, Any]]:
    """Yield a row per label, in the order in which they were stored, then those set by hand; read on demand.

    Args:
        world: database and clock.
        slug: the experiment; None for all.
        item: only of this item.
        worker: only of this worker, who sets no label by hand.
        counting: only labels that count, as they count: not those of rejected work, taken out, of excluded workers,
            without value, that say nothing or are none of the classes, replaced by a later one, or set by hand.
        ended: also labels of experiments that have ended; those of ``slug`` are listed anyway.
        gold: what to do with items with a known answer, see :func:`turkctl.operations.selection.gold.check_gold`.

    Raises:
        NotFoundError: no such experiment.
    """
    versions = _versions(world, slug, ended=ended)
    for version in versions:
        read_answers(world, version)
    if worker is not None:
        only = versions[0].experiment_id if slug is not None else None
        (worker,) = labellers(world, only, world.listing_place.mode, [worker])
    rows = _labels(world, versions, slug is not None, Narrowed(item, worker, counting), ended=ended)
    known = {version.slug: _known(world, version) for version in versions}
    return _marked(rows, lambda row: known.get(row["experiment"], {}), gold)


def columns_with_gold(world: World, slug: str | None, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table, with that of known answers if the experiments have any.

    Raises:
        NotFoundError: no such experiment.
    """
    any_known = any(_known(world, version) for version in _versions(world, slug))
    return (*columns, GOLD_COLUMN) if any_known else tuple(columns)


def _known(world: World, version: Version) -> dict[str, str]:
    with world.database.read() as session:
        return contents.gold_answers(session, version.experiment_id)


def _marked(
    rows: Iterator[dict[str, Any]], known: Callable[[dict[str, Any]], Mapping[str, str]], gold: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the rows that are wanted; with the known answer of their item, unless such items are left out."""
    for row in rows:
        answer = known(row).get(row["item"])
        if gold is None and answer is None:
            yield row
        elif gold == INCLUDE or (gold == ONLY and answer is not None):
            yield {**row, GOLD_COLUMN: answer}


def labellers(world: World, experiment_id: int | None, mode: str, workers: Sequence[str]) -> list[str]:
    """Return the workers, each once; a name under which nobody gave labels may be a lab's own id of a worker."""
    named = list(dict.fromkeys(workers))
    with world.database.read() as session:
        unknown = label_votes.unknown_workers(session, experiment_id, mode, named)
    found = meant_by_lists(world, unknown) if unknown else {}
    return list(dict.fromkeys(found.get(each, each) for each in named))


def _versions(world: World, slug: str | None, *, ended: bool = True) -> list[Version]:
    with world.database.read() as session:
        return [find_experiment(session, slug)] if slug is not None else experiments.list_all(session, ended=ended)


def _labels(
    world: World, versions: list[Version], named: bool, narrowed: Narrowed, *, ended: bool
) -> Iterator[dict[str, Any]]:
    """Read each page in its own transaction, so that a slow reader of the output blocks nobody."""
    after, mode = 0, world.listing_place.mode
    experiment_id = versions[0].experiment_id if named else None
    with world.database.read() as session:
        statuses = LabelStatuses(session, versions, mode, narrowed, _rules(session, versions, mode))
    while True:
        with world.database.read() as session:
            page, after = label_votes.list_page(session, mode, experiment_id, narrowed, after, ended=ended)
        if not page:
            break
        yield from _vote_rows(page, statuses, counting=narrowed.only_counting)
    if not narrowed.only_counting and narrowed.worker is None:
        yield from _rows_by_hand(world, versions, narrowed.item)


def _rules(session: Session, versions: list[Version], mode: str) -> dict[str, AnswerRule]:
    """Return what answers mean, by experiment; a question that nobody settled is as the last run took it."""
    found = {}
    for version in versions:
        run = label_results.standing_run(session, version.experiment_id, mode)
        found[version.slug] = settled_rule(rule_of(session, version, mode), run)
    return found


def settled_rule(rule: AnswerRule, run: AggregationRun | None) -> AnswerRule:
    """Return a rule with an open question settled as a run took it."""
    if rule.question != "open" or run is None:
        return rule
    if is_numeric(run):
        return replace(rule, question="numbers")
    return replace(rule, question="any" if (run.facts or {}).get("classes") else "truth")


def sorted_answers(session: Session, version: Version, mode: str, counts: Mapping[str, int]) -> Sorted:
    """Return the classes of all answers of an experiment, as its last run took them, else as its method would.

    Args:
        session: a reading session.
        version: the experiment.
        mode: of the labels.
        counts: how often each text was answered.
    """
    run = label_results.standing_run(session, version.experiment_id, mode)
    rule = settled_rule(rule_of(session, version, mode), run)
    return sort_answers(rule, counts, names_too=method_of(version) in NAMED_CLASSES)


def _vote_rows(page: list[ListedLabel], statuses: LabelStatuses, *, counting: bool) -> Iterator[dict[str, Any]]:
    for each in page:
        status = statuses.of(each)
        row = {name: getattr(each, name) for name in LABEL_COLUMNS} | {"status": status}
        if not counting:
            yield {**row, "set_by": None, "reason": None}
        elif status == COUNTS:
            yield {**row, "label": statuses.as_counted(each)}


def _rows_by_hand(world: World, versions: list[Version], item: str | None) -> Iterator[dict[str, Any]]:
    mode = world.listing_place.mode
    for version in versions:
        with world.database.read() as session:
            found = label_results.list_by_hand(session, version.experiment_id, mode)
        for each in found:
            if item in (None, each.item):
                row: dict[str, Any] = {
                    "item": each.item,
                    "worker": None,
                    "label": each.label,
                    "experiment": version.slug,
                }
                row |= {"at": each.at, "assignment_id": None, "status": BY_HAND}
                yield {**row, "set_by": each.by, "reason": each.reason}


def list_results(world: World, slug: str | None, *, gold: str | None = INCLUDE) -> Iterator[dict[str, Any]]:
    """Yield a row per item: the last run's result or the label set by hand; with all experiments, rows name theirs.

    ``gold`` says what to do with items with a known answer, see :func:`turkctl.operations.selection.gold.check_gold`.

    Raises:
        NotFoundError: no such experiment.
    """
    versions = _versions(world, slug)
    columns = result_columns(world, versions, named=slug is None, gold=gold)
    return (row for version in versions for row in results_of(world, version, columns, gold=gold))


def columns_of_results(world: World, slug: str | None, *, gold: str | None = INCLUDE) -> Sequence[str]:
    """Return the columns of :func:`list_results`.

    Raises:
        NotFoundError: no such experiment.
    """
    return result_columns(world, _versions(world, slug), named=slug is None, gold=gold)


def list_by_hand(world: World, slug: str | None) -> Iterator[dict[str, Any]]:
    """Yield a row per label that was set by hand, as ``labels set --from`` takes them.

    Raises:
        NotFoundError: no such experiment.
    """
    rows = _rows_by_hand(world, _versions(world, slug), None)
    return ({name: row[name] for name in BY_HAND_COLUMNS} for row in rows)


def result_columns(
    world: World, versions: Sequence[Version], *, named: bool, gold: str | None = INCLUDE
) -> Sequence[str]:
    """Return the columns of the results of experiments; ``named`` if rows name their experiment."""
    with world.database.read() as session:
        mode = world.listing_place.mode
        runs = [label_results.standing_run(session, each.experiment_id, mode) for each in versions]
    interval = INTERVAL if any(map(is_numeric, runs)) else ()
    marked = (GOLD_COLUMN,) if gold is not None and any(_known(world, each) for each in versions) else ()
    return (*(("experiment",) if named else ()), *ITEM_COLUMNS, *interval, *marked)


def results_of(
    world: World, version: Version, columns: Sequence[str], *, gold: str | None = INCLUDE
) -> Iterator[dict[str, Any]]:
    """Yield the results of one experiment, with these columns, known items marked."""
    known = _known(world, version)
    for row in _marked(_results_of(world, version), lambda _row: known, gold):
        yield {name: row[name] for name in columns}


def _results_of(world: World, version: Version) -> Iterator[dict[str, Any]]:
    with world.database.read() as session:
        run = label_results.standing_run(session, version.experiment_id, world.listing_place.mode)
    for item in items_of(world, version, run):
        yield {"experiment": version.slug, **_item_row(item, run), **_interval(item)}


def is_numeric(run: AggregationRun | None) -> bool:
    """Return whether the labels of a run are numbers."""
    return run is not None and bool((run.facts or {}).get("numeric"))


def _interval(item: LabelledItem) -> dict[str, Any]:
    return {"low": _rounded(item.low), "high": _rounded(item.high)}


def items_of(world: World, version: Version, run: AggregationRun | None) -> Iterator[LabelledItem]:
    """Yield the current run's results and the labels set by hand; each page is read in its own transaction."""
    of, after = (version.experiment_id, world.listing_place.mode), None
    while run is not None:
        with world.database.read() as session:
            page = label_results.list_page(session, run, of, after)
        if not page:
            break
        yield from page
        after = page[-1].item
    with world.database.read() as session:
        yield from label_results.list_waiting(session, *of)


def _item_row(item: LabelledItem, run: AggregationRun | None) -> dict[str, Any]:
    return {
        "item": item.item,
        "label": as_shown(item.label, run),
        "score": _rounded(item.score),
        "p": _rounded(item.p),
        "n": item.n,
        "method": item.method,
    }


def as_shown(label: str | None, run: AggregationRun | None) -> bool | str | float | None:
    """Return a stored label as JSON shows it: true, false, a class, or a number."""
    if label is not None and is_numeric(run):
        return round(float(label), DIGITS) + 0.0
    several = run is not None and bool((run.facts or {}).get("classes"))
    return {"true": True, "false": False}.get(label, label) if label is not None and not several else label


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS) + 0.0


def history(world: World, slug: str | None, limit: int | None, *, ended: bool = True) -> list[dict[str, Any]]:
    """Return a row per run of this mode, newest first; ``ended=False`` leaves out those of ended experiments.

    A run that was killed could not record it; the next run does so. Until then this function says so.

    Raises:
        NotFoundError: no such experiment.
    """
    from turkctl.operations.labels.hold import abandoned

    mode = world.listing_place.mode
    with world.database.read() as session:
        experiment_id = None if slug is None else find_experiment(session, slug).experiment_id
        runs = label_results.list_runs(session, mode, experiment_id, limit, ended=ended)
        left = abandoned(session, mode)
    return [_run_row(run, abandoned=run.experiment_id in left) for run in runs]


def _run_row(run: AggregationRun, *, abandoned: bool) -> dict[str, Any]:
    facts = run.facts or {}
    killed = run.status == label_results.RUNNING and abandoned
    return {
        "run": run.id,
        "experiment": run.experiment,
        "mode": run.mode,
        "method": run.method,
        "started": run.started,
        "finished": run.finished,
        "status": label_results.INTERRUPTED if killed else run.status,
        **{name: facts.get(name) for name in _FACTS},
        "agreement": agreement_in_order(facts.get("agreement")),
        "warnings": facts.get("warnings", []),
        "changes": None if run.changes is None else dict(sorted(run.changes.items(), key=_usual_first)),
        "seconds": facts.get("total_seconds"),
        "error": run.error,
    }


def _usual_first(change: tuple[str, int]) -> tuple[int, str]:
    """Return new labels first, then reversed ones, then all others; the database keeps them sorted by name."""
    usual = ("none->no", "none->yes", "yes->no", "no->yes")
    return usual.index(change[0]) if change[0] in usual else len(usual), change[0]


def show_item(world: World, slug: str, item: str) -> dict[str, Any]:
    """Return one item in full: its label, its votes with their workers' quality, and the results of earlier runs.

    Raises:
        NotFoundError: no such experiment, or no such item in this mode.
    """
    versions = _versions(world, slug)
    version, mode = versions[0], world.listing_place.mode
    read_answers(world, version)
    of = (version.experiment_id, mode)
    with world.database.read() as session:
        votes, _ = label_votes.list_page(session, mode, version.experiment_id, Narrowed(item), 0)
        statuses = LabelStatuses(session, versions, mode, Narrowed(item), _rules(session, versions, mode))
        known = label_results.get_item(session, *of, item)
        if known is None and not votes:
            raise unknown_item(version, mode, item)
        run = label_results.standing_run(session, *of)
        names = sorted({vote.worker for vote in votes})
        said = {row["worker"]: row for row in label_results.list_workers(session, run.id, names)} if run else {}
        past = label_results.past_items(session, *of, item)
        decided = next((each for each in label_results.list_by_hand(session, *of) if each.item == item), None)
    shown = _item_row(known, run) if known is not None else dict.fromkeys(ITEM_COLUMNS[1:])
    if known is not None and is_numeric(run):
        shown |= _interval(known)
    return {
        "experiment": version.slug,
        **shown,
        "item": item,
        **_decision(decided, known),
        "run": None if run is None else run.id,
        "threshold": None if run is None else (run.facts or {}).get("threshold"),
        "votes": [
            {
                "worker": vote.worker,
                "label": vote.label,
                "at": vote.at,
                "status": statuses.of(vote),
                "assignment_id": vote.assignment_id,
                **_ability(said.get(vote.worker)),
            }
            for vote in votes
        ],
        "runs": [
            {"run": each.id, "method": each.method, "started": each.started}
            | {"label": as_shown(label, each), "score": _rounded(score)}
            for each, label, score in past
        ],
    }


def _decision(decided: ByHand | None, known: LabelledItem | None) -> dict[str, Any]:
    """Return where the label is from; who set it by hand, when and why."""
    if decided is None:
        source = None if known is None else "aggregation"
        return {"source": source, "set_by": None, "set_at": None, "reason": None}
    return {"source": BY_HAND, "set_by": decided.by, "set_at": decided.at, "reason": decided.reason}


def _ability(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the facts on a worker that are shown with their vote."""
    names = ("agreement", "sensitivity", "specificity", "flags", "remarks")
    return {name: (facts or {}).get(name) for name in names}


def unknown_item(version: Version, mode: str, item: str) -> NotFoundError:
    """Return the error for an item without a label."""
    return NotFoundError(
        f"experiment {version.slug} has no label for '{item}' in mode {mode}",
        hint=f"see: turkctl labels list --experiment {version.slug}",
    )


def list_workers(world: World, slug: str) -> list[dict[str, Any]]:
    """Return the last run's results on workers, and who is excluded.

    Raises:
        NotFoundError: no such experiment.
        UsageError: its labels have never been aggregated in this mode.
    """
    version, mode = _versions(world, slug)[0], world.listing_place.mode
    with world.database.read() as session:
        run = require_run(session, version, mode)
        out = label_votes.excluded(session, version.experiment_id, mode)
        rows = label_results.list_workers(session, run.id)
        measured = _by_known_items(session, world, version)
    rows = [in_order_of_classes(row, run.facts or {}) for row in rows]
    found = [{**row, "excluded": row["worker"] in out} for row in _ordered(rows)]
    return (
        found if measured is None else [{**row, **measured.get(row["worker"], Accuracy()).as_dict()} for row in found]
    )


def _by_known_items(session: Session, world: World, version: Version) -> Mapping[str, Accuracy] | None:
    """Return how well workers do on items with a known answer, whatever the method does with these; None without."""
    if not contents.gold_answers(session, version.experiment_id):
        return None
    try:
        return accuracies(session, world.listing_place, Selection(experiment=version.slug))
    except UsageError:  # the settings do not name the field of these answers
        return None


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns in the order of a result from a file; the database keeps facts sorted by name."""
    model = ("bias", "distance", "w", "t", "noise", "cut", "a1", "a0", "sensitivity", "specificity")
    first = ("worker", "n", "agreement", "with_others", *model)
    last = ("classes", "flags", "remarks")
    names = list(dict.fromkeys(name for row in rows for name in row))
    order = [name for name in first if name in names]
    order += [name for name in names if name not in (*first, *last)] + [name for name in last if name in names]
    return [{name: row.get(name) for name in order} for row in rows]


def require_run(session: Session, version: Version, mode: str) -> AggregationRun:
    """Return the run whose results are current.

    Raises:
        UsageError: there is none.
    """
    run = label_results.standing_run(session, version.experiment_id, mode)
    if run is None:
        raise UsageError(
            f"the labels of experiment {version.slug} were never aggregated in mode {mode}",
            hint=f"run: turkctl labels aggregate --experiment {version.slug}",
        )
    return run


def is_dirty(world: World, slug: str) -> bool:
    """Return whether an experiment has labels that no run has seen.

    Raises:
        NotFoundError: no such experiment.
    """
    from turkctl.operations.labels.hold import has_news

    with world.database.read() as session:
        version = find_experiment(session, slug)
        state = label_state.get(session, version.experiment_id, world.listing_place.mode)
        return state is not None and has_news(session, state)
