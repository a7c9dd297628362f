"""Remove items, so that they are no longer dispatched (``content remove``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.content.items import PART, AddRequest, Reader
from turkctl.operations.engine.plan import ALREADY_DONE, PLANNED, BatchResult, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment, find_experiment
from turkctl.rows import opened
from turkctl.store import contents, contents_counts
from turkctl.store.base import Scope
from turkctl.store.experiments import Version
from turkctl.words import counted, plural


def chosen_keys(named: Sequence[str], in_file: Iterable[str] | None, *, everything: bool) -> list[str] | None:
    """Return the distinct keys to remove; None means all of them.

    Raises:
        UsageError: not exactly one of keys, a file and ``everything`` is given.
    """
    if (bool(named), in_file is not None, everything).count(True) != 1:
        raise UsageError("items to remove must be given in exactly one way", hint="give keys, --file FILE or --all")
    if everything:
        return None
    return list(dict.fromkeys(in_file if in_file is not None else named))


def remove_content(
    world: World, slug: str | None, keys: Sequence[str] | None, *, dry_run: bool = False
) -> tuple[BatchResult, str | None]:
    """Remove items from dispatch. HITs already posted for them stay and count; adding an item again restores it.

    Args:
        world: database and clock.
        slug: the experiment; None means the only configured one.
        keys: the keys of the items; None means all items.
        dry_run: only report what would be removed.

    Returns:
        The result for each item, and a note on items in posted HITs, if any.

    Raises:
        NotFoundError: there is no such experiment, or it has no item with a key; nothing is removed.
        UsageError: several experiments are configured and none is named.
    """
    with world.database.read() as session:
        version = (
            find_active_experiment(session, None, world.settings) if slug is None else find_experiment(session, slug)
        )
        chosen = _chosen(session, version, keys)
    results: list[ItemResult] = []
    items = outputs = 0
    for start in range(0, len(chosen), PART):
        part = chosen[start : start + PART]
        with world.database.read() if dry_run else world.database.write() as session:
            out = contents_counts.out(Scope(session, world.listing_place, world.now()), [row for row, _, _ in part])
            results += _remove(session, world, part, out, dry_run=dry_run)
        items, outputs = items + len(out), outputs + sum(out.values())
    note = None
    if items:
        note = (
            f"{counted(items, 'item')} of these {plural(items, 'is', 'are')} in posted HITs, for "
            f"{counted(outputs, 'output')} that will still be counted and paid for; to end the HITs, run: turkctl "
            "hits expire"
        )
    result = BatchResult("remove", world.listing_place.mode, results, dry_run=dry_run)
    world.origin.tally.add(result, version.slug)
    return result, note


def _remove(
    session: Session, world: World, part: Sequence[tuple[int, str, bool]], out: Mapping[int, int], *, dry_run: bool
) -> list[ItemResult]:
    if not dry_run:
        contents.remove(session, [row for row, _, gone in part if not gone], world.now())
    found = []
    for row, key, gone in part:
        detail = f"outputs of posted HITs that will still be counted: {out[row]}" if row in out else None
        status = ALREADY_DONE if gone else (PLANNED if dry_run else "removed")
        found.append(ItemResult(key, status, detail))
    return found


def _chosen(session: Session, version: Version, keys: Sequence[str] | None) -> list[tuple[int, str, bool]]:
    """Return (id, key, whether it is already removed) of each item to remove."""
    if keys is None:
        return [(row, key, False) for row, key in contents.keys_of(session, version.experiment_id)]
    found = contents.find(session, version.experiment_id, keys)
    for key in keys:
        if key not in found:
            raise NotFoundError(
                f"experiment {version.slug} has no content '{key}'",
                hint=f"see: turkctl content list --experiment {version.slug}",
            )
    return [(found[key][0], key, found[key][1] is not None) for key in keys]


def keys_in(path: Path, stdin: TextIO, column: str | None) -> Iterator[str]:
    """Yield the keys of a file of content, found as in ``content add``; ``column`` names the key column.

    Raises:
        UsageError: see :func:`turkctl.rows.opened`; or the column is missing.
    """
    with opened(path, stdin) as table:
        reader = Reader(table, AddRequest(path, None, column), frozenset())
        for item in reader.items():
            yield item.key
