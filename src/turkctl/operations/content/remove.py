"""``content remove``: items that are dispatched no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.content.items import PART, AddRequest, Reader
from turkctl.operations.engine.plan import ALREADY_DONE, PLANNED, BatchResult, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, the_experiment
from turkctl.rows import opened
from turkctl.store import contents, contents_counts
from turkctl.store.experiments import Version
from turkctl.words import counted, plural


def chosen_keys(named: Sequence[str], in_file: Iterable[str] | None, *, everything: bool) -> list[str] | None:
    """The keys that are meant, each once; None is all of them.

    Raises:
        UsageError: nothing says which, or several things do.
    """
    if (bool(named), in_file is not None, everything).count(True) != 1:
        raise UsageError("say which items to remove", hint="give keys, --file FILE or --all, one of these")
    if everything:
        return None
    return list(dict.fromkeys(in_file if in_file is not None else named))


def remove_content(
    world: World, slug: str | None, keys: Sequence[str] | None, *, dry_run: bool = False
) -> tuple[BatchResult, str | None]:
    """Take items out of dispatch. What is out stays out and is counted; adding an item again takes it back in.

    Args:
        world: database and clock.
        slug: the experiment; None is the only one that is configured.
        keys: of the items; None is all of them.
        dry_run: only say what would be removed.

    Returns:
        What became of each, and what to know of those that are out, if any are.

    Raises:
        NotFoundError: no such experiment, or it has no item of a key; nothing is removed then.
        UsageError: several experiments are configured and none is named.
    """
    with world.database.read() as session:
        version = the_experiment(session, None, world.settings) if slug is None else find_experiment(session, slug)
        chosen = _chosen(session, version, keys)
    results: list[ItemResult] = []
    items = outputs = 0
    for start in range(0, len(chosen), PART):
        part = chosen[start : start + PART]
        with world.database.read() if dry_run else world.database.write() as session:
            out = contents_counts.out(session, world.listing_place, world.now(), [row for row, _, _ in part])
            results += _remove(session, world, part, out, dry_run=dry_run)
        items, outputs = items + len(out), outputs + sum(out.values())
    note = None
    if items:
        note = (
            f"{counted(items, 'item')} of these {plural(items, 'is', 'are')} out, for {counted(outputs, 'output')} "
            "that will still be counted and paid for; to end the HITs, run: turkctl hits expire"
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
        detail = f"outputs that are out and will still be counted: {out[row]}" if row in out else None
        status = ALREADY_DONE if gone else (PLANNED if dry_run else "removed")
        found.append(ItemResult(key, status, detail))
    return found


def _chosen(session: Session, version: Version, keys: Sequence[str] | None) -> list[tuple[int, str, bool]]:
    """(id, key, whether it is removed already) of what is to be removed."""
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
    """The keys of a file of content, told as ``content add`` tells them; ``column`` names theirs.

    Raises:
        UsageError: see :func:`turkctl.rows.opened`; or there is no such column.
    """
    with opened(path, stdin) as table:
        reader = Reader(table, AddRequest(path, None, column), frozenset())
        for item in reader.items():
            yield item.key
