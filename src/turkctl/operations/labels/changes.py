"""Set labels by hand, take labels out, exclude workers, and ask for a new aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.engine.plan import ALREADY_DONE, PLANNED, BatchResult, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.labels.aggregation import DEFAULT_METHOD
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.lists import as_shown, unknown_item
from turkctl.operations.labels.meaning import BINARY, Class, Meaning, word
from turkctl.operations.project.labels import LabelSettings
from turkctl.store import contents, contents_usable, label_results, label_state, label_votes
from turkctl.store.experiments import Version
from turkctl.store.label_results import AggregationRun
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


def set_label(world: World, slug: str, item: str, value: str | None) -> dict[str, Any]:
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
            if not label_votes.knows_item(session, *of, item) and not contents.find(session, of[0], [item]):
                raise unknown_item(version, mode, item)
            label_results.set_admin(session, *of, item, word(_class(version, run, value)), world.now())
        known = label_results.get_item(session, *of, item)
    label = None if known is None else as_shown(known.label, run)
    told = f"label of {item} is up to aggregation again" if value is None else f"label of {item} set to {value}"
    world.origin.tally.say(told, slug)
    return {"experiment": slug, "item": item, "label": label, "method": None if known is None else known.method}


def _class(version: Version, run: AggregationRun | None, value: str) -> Class:
    """Return the class that a value names, from the settings or the last run; else true or false."""
    settings = settings_of(version).labels or LabelSettings()
    found = settings.classes or ((run.facts or {}).get("classes") if run is not None else None)
    if not found and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return Meaning(version.slug, settings, DEFAULT_METHOD).as_class(value, tuple(found) if found else BINARY)


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
    chosen = list(dict.fromkeys(workers))
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
    of, meant = (version.experiment_id, mode), Narrowed(item, worker)
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
