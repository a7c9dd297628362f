"""List the items that a person should decide on, with their votes (``labels disagree``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlmodel import Session

from turkctl.classes import Sorted
from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.item_addresses import ItemAddresses
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.labels.from_answers import read_answers
from turkctl.operations.labels.lists import DIGITS, GOLD_COLUMN, as_shown, is_numeric, require_run, sorted_answers
from turkctl.operations.labels.meaning import word
from turkctl.operations.selection.gold import ONLY
from turkctl.store import contents, label_results, label_votes
from turkctl.store.experiments import Version
from turkctl.store.label_results import AggregationRun, ByHand, LabelledItem
from turkctl.store.label_votes import ItemVote

COLUMNS = ("item", "counts", "n", "result", "p", "votes", "address")
"""Columns of the table."""
KEYS = ("item", "label", "counts", "n", "votes", "result", "p", "address")
"""All keys of a row. The label is blank, for a person to fill in: ``labels set --from`` reads it."""
FIRST, MOST = 2_000, 50_000
"""Number of labels read at first, and at most, in one query."""


@dataclass(frozen=True)
class ToDecide:
    """Which items are listed: those whose votes differ, unless one of the bounds is given.

    Attributes:
        p_below: those whose label of the last aggregation is right with a lower probability.
        votes_below: those with fewer usable votes.
    """

    p_below: float | None = None
    votes_below: int | None = None


def check_wanted(p_below: float | None, votes_below: int | None, *, split: bool = False) -> ToDecide:
    """Return which items are wanted.

    Raises:
        UsageError: more than one kind of items is asked for, or a bound means nothing.
    """
    if sum((p_below is not None, votes_below is not None, split)) > 1:
        raise UsageError(
            "--p-below, --split and --votes-below cannot be used together", hint="give one of them, or run it twice"
        )
    if p_below is not None and not 0 < p_below <= 1:
        raise UsageError(f"--p-below must be above 0 and at most 1, not {p_below:g}", hint="write 0.9 for 90 %")
    if votes_below is not None and votes_below < 1:
        raise UsageError(f"--votes-below must be at least 1, not {votes_below}", hint="give a number of votes")
    return ToDecide(p_below, votes_below)


def disagreements(
    world: World, slug: str, wanted: ToDecide, *, gold: str | None = None, after: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a row for each item to decide, in the order of items; read on demand, some thousand labels at a time.

    The votes are the usable ones: of a person's answers to an item the last one counts. Items whose label was set by
    hand are decided, and left out.

    Args:
        world: database and clock.
        slug: the experiment.
        wanted: which items.
        gold: what to do with items with a known answer, see :func:`turkctl.operations.selection.gold.check_gold`.
        after: only items after this one.

    Raises:
        NotFoundError: no such experiment.
        UsageError: a probability is asked for, and the labels were never aggregated in this mode, or are numbers.
    """
    with world.database.read() as session:
        version = find_experiment(session, slug)
    read_answers(world, version)
    return _List(world, version, wanted, gold).rows(after)


class _List:
    """The list of one experiment, by its answers and results as they are now."""

    def __init__(self, world: World, version: Version, wanted: ToDecide, gold: str | None) -> None:
        mode = world.listing_place.mode
        self._world, self._wanted, self._gold = world, wanted, gold
        self._of = (version.experiment_id, mode)
        self._addresses = ItemAddresses(version)
        with world.database.read() as session:
            self._run = _run(session, version, mode, wanted)
            counts = label_votes.value_counts(session, *self._of)
            found = sorted_answers(session, version, mode, counts)
            self._known = contents.gold_answers(session, version.experiment_id)
            self._decided = label_results.admin_labels(session, *self._of).keys()
        self._labels = _labels(found)

    def rows(self, after: str | None) -> Iterator[dict[str, Any]]:
        """Yield the rows; each page of labels is read in its own transaction."""
        size, more = FIRST, True
        while more:
            with self._world.database.read() as session:
                labels = label_votes.list_by_item(session, *self._of, after, size)
                items = [(item, list(votes)) for item, votes in groupby(labels, lambda each: each.item)]
                more = len(labels) == size
                if more and len(items) > 1:
                    items.pop()  # its votes may go on after the page: the next one begins with it
                elif more:
                    size, items = 4 * size, []
                    continue
                page = self._page(session, items)
            yield from page
            after, size = (items[-1][0] if items else after), min(4 * size, MOST)

    def _page(self, session: Session, items: Sequence[tuple[str, list[ItemVote]]]) -> list[dict[str, Any]]:
        votes = {item: self._usable(of_item) for item, of_item in items if self._may_be(item)}
        votes = {item: of_item for item, of_item in votes.items() if self._has_wanted_votes(of_item)}
        results = {} if self._run is None else label_results.find_items(session, self._run, list(votes))
        if self._wanted.p_below is not None:
            votes = {item: of_item for item, of_item in votes.items() if self._is_doubtful(results.get(item))}
        data = contents.data_by_key(session, self._of[0], list(votes))
        return [self._row(item, of_item, results.get(item), data.get(item)) for item, of_item in votes.items()]

    def _may_be(self, item: str) -> bool:
        """Return whether an item is neither decided by hand nor left out as one with a known answer, or without."""
        known = item in self._known
        return item not in self._decided and (known if self._gold == ONLY else not known or self._gold is not None)

    def _usable(self, labels: Sequence[ItemVote]) -> dict[str, str]:
        """Return the label that each worker gave last, by worker."""
        said = ((each.worker, self._labels.get(each.value or "")) for each in labels if each.counts)
        return {worker: label for worker, label in said if label is not None}

    def _has_wanted_votes(self, votes: dict[str, str]) -> bool:
        if self._wanted.votes_below is not None:
            return len(votes) < self._wanted.votes_below
        return self._wanted.p_below is not None or len(set(votes.values())) > 1

    def _is_doubtful(self, result: LabelledItem | None) -> bool:
        assert self._wanted.p_below is not None
        sure = None if result is None else certainty(result, self._run)
        return sure is not None and sure < self._wanted.p_below

    def _row(
        self, item: str, votes: dict[str, str], result: LabelledItem | None, data: dict[str, Any] | None
    ) -> dict[str, Any]:
        row = {
            "item": item,
            "label": None,
            "counts": dict(Counter(votes.values()).most_common()),
            "n": len(votes),
            "votes": [{"worker": worker, "label": label} for worker, label in votes.items()],
            "result": None if result is None else as_shown(result.label, self._run),
            "p": None if result is None or result.p is None else round(result.p, DIGITS) + 0.0,
            "address": self._addresses.of(item, data),
        }
        return row if self._gold is None else {**row, GOLD_COLUMN: self._known.get(item)}


def _run(session: Session, version: Version, mode: str, wanted: ToDecide) -> AggregationRun | None:
    """Return the run whose results are current; where a probability is asked for, there must be one with such."""
    if wanted.p_below is None:
        return label_results.standing_run(session, version.experiment_id, mode)
    run = require_run(session, version, mode)
    if is_numeric(run):
        raise UsageError(
            f"the labels of experiment {version.slug} are numbers, which have no probability",
            hint="see which intervals are wide: turkctl labels export --results",
        )
    return run


def _labels(found: Sorted) -> dict[str, str]:
    """Return the label of each answer that names a class."""
    return {text: word(found.classes[code]) for text, code in found.codes.items() if code >= 0}


def certainty(result: LabelledItem, run: AggregationRun | None) -> float | None:
    """Return the probability that a label is right; for an item without one, that of the likelier answer.

    The results of a yes-or-no question have the probability of yes.
    """
    if result.p is None or (run is not None and (run.facts or {}).get("classes")):
        return result.p
    if result.label is None:
        return max(result.p, 1 - result.p)
    return result.p if result.label == "true" else 1 - result.p


def decision_on(world: World, slug: str, item: str) -> ByHand | None:
    """Return what was decided by hand on an item; None if nothing was.

    Raises:
        NotFoundError: no such experiment.
    """
    with world.database.read() as session:
        version = find_experiment(session, slug)
        found = label_results.list_by_hand(session, version.experiment_id, world.listing_place.mode)
    return next((each for each in found if each.item == item), None)
