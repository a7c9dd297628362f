"""Find the items whose next vote is expected to tell most, and add outputs to them (``labels needs-more``)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.content.items import MAX_OUTPUTS
from turkctl.operations.engine.plan import PLANNED, SKIPPED, BatchResult, ItemResult
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.lists import as_shown, is_numeric, items_of, require_run
from turkctl.operations.sync.usable import look_at_answers
from turkctl.store import contents, contents_adding, contents_counts, label_results
from turkctl.store.base import Scope
from turkctl.store.experiments import Version
from turkctl.store.label_results import LabelledItem

COLUMNS = ("item", "bits", "label", "p", "n")
LEAST, MOST = 0.55, 0.99
"""Bounds of the share of correct votes: labels from few votes agree too well, and nobody is always right."""
DIGITS = 6


def bits(p: float, n: int, accuracy: float) -> float:
    """Return how much one more vote is expected to tell about whether the label is right, in bits, 0 to 1.

    That is the mutual information of the answer and the vote of a worker who is right with probability ``accuracy``
    (D. V. Lindley, On a measure of the information provided by an experiment, 1956): with q the probability that the
    vote says what the label says, H(q) - H(accuracy), where H is the entropy of a yes-or-no event. Estimates from few
    votes are too confident, so p is first shrunk to one half by the rule of succession: (n p + 1) / (n + 2).

    Args:
        p: the estimate that the label is right, or true.
        n: number of votes behind it.
        accuracy: the share of correct votes.
    """
    drawn = (n * p + 1) / (n + 2)
    agrees = drawn * accuracy + (1 - drawn) * (1 - accuracy)
    return max(0.0, _entropy(agrees) - _entropy(accuracy))


def _entropy(share: float) -> float:
    return -sum(part * math.log2(part) for part in (share, 1 - share) if part > 0)


def needs_more(world: World, slug: str, limit: int) -> list[dict[str, Any]]:
    """Return the items whose next vote is worth most, best first, up to the limit.

    Items whose label was set by hand, with a known answer, or without votes are left out.

    Raises:
        NotFoundError: no such experiment.
        UsageError: its labels were never aggregated in this mode, or are numbers.
    """
    mode = world.listing_place.mode
    with world.database.read() as session:
        version = find_experiment(session, slug)
        run = require_run(session, version, mode)
        if is_numeric(run):
            raise UsageError(
                f"the labels of experiment {version.slug} are numbers, whose next vote has no value in bits",
                hint="see which intervals are wide: turkctl labels export --results",
            )
        accuracy = _accuracy(label_results.list_workers(session, run.id))
        gold = contents.gold_answers(session, version.experiment_id)
    best = heapq.nsmallest(limit, _valued(items_of(world, version, run), gold.keys(), accuracy))
    return [
        {"item": name, "bits": round(-worth, DIGITS), "label": as_shown(item.label, run)}
        | {"p": None if item.p is None else round(item.p, DIGITS), "n": item.n}
        for worth, name, item in best
    ]


def _valued(items: Iterator[LabelledItem], known: Any, accuracy: float) -> Iterator[tuple[float, str, LabelledItem]]:
    for item in items:
        if item.method != "admin" and item.item not in known and item.p is not None:
            yield -bits(item.p, item.n, accuracy), item.item, item


def _accuracy(workers: Sequence[dict[str, Any]]) -> float:
    """Return the share of votes that agree with the labels."""
    judged = [(row["n"], row["agreement"]) for row in workers if row.get("agreement") is not None]
    votes = sum(n for n, _ in judged)
    share = sum(n * agreement for n, agreement in judged) / votes if votes else LEAST
    return min(max(share, LEAST), MOST)


def add_outputs(world: World, slug: str, items: Sequence[str], outputs: int, *, dry_run: bool = False) -> BatchResult:
    """Raise the number of outputs of items; ``content dispatch`` posts them.

    An item that is still waiting for outputs, pending or under way, is skipped: running it again adds nothing twice.

    Raises:
        NotFoundError: no such experiment.
        UsageError: the number of outputs is out of range.
    """
    if not 1 <= outputs <= MAX_OUTPUTS:
        raise UsageError(
            f"--add-outputs must be between 1 and {MAX_OUTPUTS:,}, not {outputs}",
            hint="give the number of outputs to add",
        )
    with world.database.read() as session:
        version = find_experiment(session, slug)
    look_at_answers(world, [version])
    with world.database.read() if dry_run else world.database.write() as session:
        found = contents.find(session, version.experiment_id, items)
        ids = [row for row, _ in found.values()]
        place, now = world.listing_place, world.now()
        scope = Scope(session, place, now)
        needs = contents_counts.needs(scope, ids)
        waiting = {row for row, need in needs.items() if need > 0}
        waiting |= contents_counts.out(scope, ids).keys()
        reasons = {item: _reason(version, found.get(item), waiting) for item in items}
        if not dry_run:
            todo = [found[item][0] for item in items if reasons[item] is None]
            # An item with more outputs than were asked for has a negative need.
            by = {row: outputs - min(needs.get(row, 0), 0) for row in todo}
            contents_adding.raise_outputs(session, by, MAX_OUTPUTS, now)
    done = PLANNED if dry_run else "added"
    results = [
        ItemResult(item, done, f"{outputs} more outputs") if reason is None else ItemResult(item, SKIPPED, reason)
        for item, reason in reasons.items()
    ]
    result = BatchResult("add outputs", place.mode, results, dry_run=dry_run)
    world.origin.tally.add(result, slug)
    return result


def _reason(version: Version, there: tuple[int, Any] | None, waiting: set[int]) -> str | None:
    """Return why no outputs are added to an item; None if they are."""
    if there is None:
        return f"experiment {version.slug} has no content with that key"
    if there[1] is not None:
        return "it was removed from content"
    return "it is already waiting for outputs" if there[0] in waiting else None
