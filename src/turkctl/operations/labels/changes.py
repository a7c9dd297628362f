"""Set labels by hand, take labels out, exclude workers, and ask for a new aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from turkctl.classes import BINARY, Class
from turkctl.errors import NotFoundError, TurkctlError, UsageError
from turkctl.operations.engine.plan import ALREADY_DONE, PLANNED, SKIPPED, BatchResult, ItemResult, fail
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.intents import processes
from turkctl.operations.labels.decisions import ItemDecision
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.lists import as_shown, is_numeric, labellers, settled_rule, sorted_answers, unknown_item
from turkctl.operations.labels.meaning import as_class, rule_of, word
from turkctl.store import contents, contents_usable, label_results, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.store.label_results import AggregationRun, ByHand
from turkctl.store.label_votes import Narrowed
from turkctl.words import counted


def mark_dirty(world: World, slug: str) -> dict[str, Any]:
    """Mark an experiment's labels for the next run, whether or not anything is new.

    Raises:
        NotFoundError: no such experiment.
    """
    version = _version(world, slug)
    mode, now = world.listing_place.mode, world.now()
    with world.database.write() as session:
        label_state.ensure(session, version.experiment_id, mode, now)
        label_state.mark_dirty(session, version.experiment_id, mode, now)
    world.origin.tally.say("to be aggregated anew", slug)
    return {"experiment": slug, "mode": mode, "dirty": True}


def _version(world: World, slug: str) -> Version:
    with world.database.read() as session:
        return find_experiment(session, slug)


def set_label(world: World, slug: str, item: str, value: str | None, reason: str | None = None) -> dict[str, Any]:
    """Set the label of an item by hand, which no run overwrites; with None, runs decide again.

    Raises:
        NotFoundError: no such experiment, or the item is not in its content and has no label in this mode.
        UsageError: the value is not one of the labels, or no label is set by hand and it should be cleared.
    """
    version, mode = _version(world, slug), world.listing_place.mode
    read_answers(world, version)
    of = (version.experiment_id, mode)
    with world.database.write() as session:
        run = label_results.standing_run(session, *of)
        if value is None:
            if not label_results.clear_admin(session, *of, item):
                raise UsageError(f"the label of '{item}' is not set by hand", hint="see: turkctl labels show")
        else:
            if not _known_items(session, version, mode, [item]):
                raise unknown_item(version, mode, item)
            label = _Classes(session, version, mode, run).word(value)
            _set(session, world, of, item, label, reason)
        known = label_results.get_item(session, *of, item)
    shown = None if known is None else as_shown(known.label, run)
    told = f"label of {item} is up to aggregation again" if value is None else f"label of {item} set to {value}"
    world.origin.tally.say(told, slug)
    return {"experiment": slug, "item": item, "label": shown, "method": None if known is None else known.method}


def _set(session: Session, world: World, of: tuple[int, str], item: str, label: str, reason: str | None) -> None:
    by = processes.account_of(world.origin.account)
    label_results.set_admin(session, *of, item, label, world.now(), by=by, reason=reason)


def _known_items(session: Session, version: Version, mode: str, items: Sequence[str]) -> set[str]:
    """Return which items have a label in this mode or are in the experiment's content."""
    known = label_votes.known_items(session, version.experiment_id, mode, items)
    return known | contents.find(session, version.experiment_id, items).keys()


class _Classes:
    """The labels that can be set: of the settings, the last run, or the answers; else true and false."""

    def __init__(self, session: Session, version: Version, mode: str, run: AggregationRun | None) -> None:
        self._rule = settled_rule(rule_of(session, version, mode), run)
        answered: tuple[Class, ...] = ()
        if self._rule.question == "open":  # nothing was aggregated yet: the classes are what was answered
            counts = label_votes.value_counts(session, version.experiment_id, mode)
            found = sorted_answers(session, version, mode, counts)
            self._rule, answered = found.rule, found.classes
        if is_numeric(run):
            self._rule = replace(self._rule, question="numbers", names=(), true=(), false=())
        of_run = () if run is None else (run.facts or {}).get("classes") or ()
        self._classes: tuple[Class, ...] = tuple(self._rule.names or of_run or answered) or BINARY

    @property
    def words(self) -> list[str]:
        """Return the labels that can be set; none if any number can."""
        return [] if self._rule.question == "numbers" else [word(each) for each in self._classes]

    def word(self, value: str) -> str:
        """Return a label as it is stored.

        Raises:
            UsageError: it is not one of them.
        """
        if value.strip().lower() in ("true", "false") and self._classes == BINARY:
            return value.strip().lower()
        return word(as_class(value.strip(), self._classes, self._rule))


def settable(world: World, slug: str) -> list[str]:
    """Return the labels that items of an experiment can be given by hand; none if any number can.

    Raises:
        NotFoundError: no such experiment.
    """
    version, mode = _version(world, slug), world.listing_place.mode
    with world.database.read() as session:
        run = label_results.standing_run(session, version.experiment_id, mode)
        return _Classes(session, version, mode, run).words


def set_labels(
    world: World,
    slug: str,
    decisions: Sequence[ItemDecision],
    reason: str | None,
    *,
    clear: bool,
    dry_run: bool = False,
) -> BatchResult:
    """Set the labels of many items by hand, or with ``clear`` let runs decide on them again.

    A row whose label is blank is skipped: nobody decided on its item. An item that is unknown, named twice or given a
    label that is none of the classes fails, with its row; the others are set.

    Raises:
        NotFoundError: no such experiment.
    """
    version, mode = _version(world, slug), world.listing_place.mode
    read_answers(world, version)
    of = (version.experiment_id, mode)
    with world.database.read() if dry_run else world.database.write() as session:
        classes = _Classes(session, version, mode, label_results.standing_run(session, *of))
        known = _known_items(session, version, mode, [each.item for each in decisions])
        before = {each.item: each for each in label_results.list_by_hand(session, *of)}
        results: list[ItemResult] = []
        seen: dict[str, int] = {}
        for each in decisions:
            if not clear and not each.label:
                results.append(ItemResult(each.item, SKIPPED, f"row {each.row:,} has no label"))
                continue
            try:
                if seen.setdefault(each.item, each.row) != each.row:
                    raise UsageError(f"the item is already in row {seen[each.item]:,}")
                if each.item not in known and each.item not in before:
                    raise unknown_item(version, mode, each.item)
                label = None if clear else classes.word(each.label)
            except TurkctlError as error:
                results.append(fail(each.item, error, each.row))
                continue
            if _is_so(before.get(each.item), label, reason):
                results.append(ItemResult(each.item, ALREADY_DONE, label))
                continue
            if not dry_run:
                _apply(session, world, of, each.item, label, reason)
            done = PLANNED if dry_run else "cleared" if clear else "set"
            results.append(ItemResult(each.item, done, label))
    result = BatchResult("clear" if clear else "set", mode, results, dry_run=dry_run)
    world.origin.tally.add(result, slug)
    return result


def _is_so(was: ByHand | None, label: str | None, reason: str | None) -> bool:
    """Return whether a label is set by hand already, for the same reason, or is not if there should be none."""
    if was is None or label is None:
        return was is None and label is None
    return (was.label, was.reason) == (label, reason)


def _apply(
    session: Session, world: World, of: tuple[int, str], item: str, label: str | None, reason: str | None
) -> None:
    """Set a label by hand, or clear it."""
    if label is None:
        label_results.clear_admin(session, *of, item)
    else:
        _set(session, world, of, item, label, reason)


def exclude_workers(
    world: World, slug: str, workers: Sequence[str], *, undo: bool = False, dry_run: bool = False
) -> BatchResult:
    """Exclude workers, so that no label of theirs counts for an experiment, now or later; or include them again.

    Raises:
        NotFoundError: no such experiment, or a worker who gave no label in this mode; nothing is done then.
    """
    version, mode, now = _version(world, slug), world.listing_place.mode, world.now()
    read_answers(world, version)
    of = (version.experiment_id, mode)
    chosen = labellers(world, *of, workers)
    with world.database.read() if dry_run else world.database.write() as session:
        out = label_votes.excluded(session, *of)
        unknown = [each for each in label_votes.unknown_workers(session, *of, chosen) if each not in out]
        if unknown:
            raise NotFoundError(
                f"worker {unknown[0]} gave no label to experiment {slug} in mode {mode}",
                hint=f"see: turkctl labels list --experiment {slug}",
            )
        todo = [each for each in chosen if (each in out) is undo]
        if todo and not dry_run:
            if undo:
                label_votes.include(session, *of, todo)
            else:
                label_votes.exclude(session, *of, todo, now)
            label_state.mark_dirty(session, *of, now)
    done = PLANNED if dry_run else "included" if undo else "excluded"
    results = [ItemResult(each, done if each in todo else ALREADY_DONE) for each in chosen]
    result = BatchResult("include" if undo else "exclude", mode, results, dry_run=dry_run)
    world.origin.tally.add(result, slug)
    return result


def invalidate(
    world: World, slug: str, item: str | None, worker: str | None, *, undo: bool = False, dry_run: bool = False
) -> dict[str, Any]:
    """Take out the labels of an item, of a worker, or of a worker on an item; or put them back.

    Raises:
        NotFoundError: no such experiment.
        UsageError: neither an item nor a worker is named, or there is no such label.
    """
    if item is None and worker is None:
        raise UsageError("no labels are selected", hint="give --item, --worker, or both")
    version, mode, now = _version(world, slug), world.listing_place.mode, world.now()
    read_answers(world, version)
    of = (version.experiment_id, mode)
    meant = Narrowed(item, None if worker is None else labellers(world, *of, [worker])[0])
    with world.database.read() if dry_run else world.database.write() as session:
        there, _ = label_votes.list_page(session, mode, version.experiment_id, meant, 0, size=1)
        if not there:
            raise UsageError(f"experiment {slug} has no such label in mode {mode}", hint="see: turkctl labels list")
        if dry_run:
            changed = label_votes.count_invalid(session, *of, meant, to=not undo)
        else:
            changed = label_votes.set_invalid(session, *of, meant, to=not undo)
            contents_usable.mirror_invalid(session, *of)
            if changed:
                label_state.mark_dirty(session, *of, now)
    if changed and not dry_run:
        world.origin.tally.say(f"{counted(changed, 'label')} {'put back' if undo else 'taken out'}", slug)
    return {"experiment": slug, "mode": mode, "dry_run": dry_run, "labels": changed, "invalid": not undo}
