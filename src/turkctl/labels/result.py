"""Results of a method and of a whole run: labels of items, numbers of workers, facts of the run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.agreement import Reliability, measure
from turkctl.labels.quality import Quality, rate, word
from turkctl.labels.votes import Floats, Ints, Votes

TIE = 1e-4
"""Scores nearer to the cut than this are ties: an exact tie of votes ends near 0, mostly within 1e-6, not at 0."""
DIGITS = 6
"""Number of decimals in rows."""
MOST_BY_CLASS = 100
"""Highest number of classes for which the probability of each is kept."""
ITEM_EXTRAS = ("x", "low", "high")
"""Columns on items that only some methods have."""


@dataclass(frozen=True)
class Fit:
    """The result of a method, before scores are cut into labels.

    ``score`` and ``p`` have an entry per item; ``best``, for more than two classes, is the index of the class that the
    score belongs to, -1 for a tie, and ``by_class`` the probability of each class, [item, class]. ``cut_score`` is the
    score for choosing a cut if gold items were used in the fit. ``item`` and ``worker`` hold further columns by name.
    """

    score: Floats
    p: Floats
    best: Ints | None = None
    by_class: Floats | None = None
    cut_score: Floats | None = None
    item: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    worker: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    flags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    rounds: int = 0
    evaluations: int = 0
    objective: float | None = None
    converged: bool | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class FitRun:
    """The facts of one run. ``objective`` is the method's own; ``converged`` is None if the schedule is fixed."""

    method: str
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    items: int
    workers: int
    labels: int
    duplicates: int
    threshold: float | None
    """None if there is no cut: more than two classes."""
    threshold_from: str
    """``default``, ``given`` or ``gold``."""
    rounds: int
    evaluations: int
    objective: float | None
    converged: bool | None
    seconds: float
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the facts in JSON's types."""
        return {**vars(self), "warnings": list(self.warnings)}


@dataclass(frozen=True)
class Result:
    """Per item: ``label`` (index of the class, -1 for none), ``score``, ``p``, ``n`` votes, ``n_true`` true ones.

    For more than two classes, ``n_true`` counts the votes for the best class. If the result is ``numeric``, the label
    of an item is its score, ``label`` is 0 or -1, ``n_true`` is ``n``, and ``p`` is NaN. ``worker`` has the columns
    ``n`` and ``agreement`` (with the final labels, NaN without any; for numbers, with those of all items) and the
    method's own; ``flags`` are the method's own too. ``agreement`` and ``quality`` have what is known of labels and
    workers whatever the method.
    """

    votes: Votes
    label: NDArray[np.int32]
    score: Floats
    p: Floats
    n: Ints
    n_true: Ints
    item: Mapping[str, NDArray[Any]]
    worker: Mapping[str, NDArray[Any]]
    flags: Mapping[str, NDArray[np.bool_]]
    run: FitRun
    numeric: bool = False
    by_class: Floats | None = None
    """Probabilities of each class, [item, class], for more than two."""

    @cached_property
    def agreement(self) -> Reliability | None:
        """Return how far the workers agree beyond chance; None for numbers."""
        return None if self.numeric else measure(self.votes)

    @cached_property
    def quality(self) -> Quality | None:
        """Return how good the workers are, by class, and what stands out; None for numbers."""
        return None if self.numeric else rate(self.votes, self.label, self.flags, self.worker.get("t"))

    def labels(self) -> list[Hashable | None]:
        """Return the class of each item, or its number; None for no label."""
        if self.numeric:
            return [None if at < 0 else value for at, value in zip(self.label, _listed(self.score), strict=True)]
        classes = (*self.votes.classes, None)
        return [classes[position] for position in self.label.tolist()]

    def tallies(self) -> Iterator[dict[Hashable, int]]:
        """Yield the number of votes for each class of each item, in order, without classes that have none."""
        kinds = len(self.votes.classes)
        cells, numbers = np.unique(self.votes.item.astype(np.int64) * kinds + self.votes.value, return_counts=True)
        ends = np.searchsorted(cells, np.arange(1, len(self.votes.items) + 1) * kinds).tolist()
        start = 0
        for end in ends:
            said, given = (cells[start:end] % kinds).tolist(), numbers[start:end].tolist()
            yield {self.votes.classes[each]: number for each, number in zip(said, given, strict=True)}
            start = end

    def probabilities(self) -> Iterator[dict[Hashable, float] | None]:
        """Yield the probability of each class of each item, in order, without those that round to 0; None for none."""
        if self.by_class is None:
            yield from (None for _ in self.votes.items)
            return
        for row in self.by_class:
            shares = zip(self.votes.classes, np.round(row, DIGITS).tolist(), strict=True)
            yield {each: share for each, share in shares if share}

    def item_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per item, in order: item, label, score, p, n, method, and the method's own columns.

        Those are the position ``x`` for cubam-nd, and ``low`` and ``high`` for numbers.
        """
        method = self.run.method
        columns = (self.votes.items, self.labels(), _listed(self.score), _listed(self.p), self.n.tolist())
        more = {name: _listed(values) for name, values in self.item.items() if name in ITEM_EXTRAS}
        for position, (item, label, score, p, n) in enumerate(zip(*columns, strict=True)):
            row = {"item": item, "label": label, "score": score, "p": _number(p), "n": n, "method": method}
            for name, values in more.items():
                row[name] = _number(values[position])
            yield row

    def worker_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per worker, in order.

        The keys are worker, n, agreement, with_others, the method's own, then classes, flags and remarks. For numbers,
        they are worker, n, the method's own, and flags.
        """
        quality = self.quality
        usual: dict[str, Any] = {}
        if quality is not None:
            usual = {"n": self.worker["n"], "agreement": self.worker["agreement"], "with_others": quality.with_others}
        columns = {name: _listed(values) for name, values in {**usual, **self.worker}.items()}
        for position, worker in enumerate(self.votes.workers):
            row: dict[str, Any] = {"worker": worker}
            row |= {name: _number(values[position]) for name, values in columns.items()}
            if "confusion" in row:
                row["confusion"] = self._by_name(row["confusion"])
            flags = self.flags
            if quality is not None:
                flags, row["classes"] = quality.flags, quality.classes[position]
            row["flags"] = [name for name, raised in flags.items() if raised[position]]
            if quality is not None:
                row["remarks"] = quality.remarks[position]
            yield row

    def _by_name(self, confusion: list[list[float]]) -> dict[str, dict[str, float]]:
        """Return a table of shares by the names of class and answer."""
        names = [word(each) for each in self.votes.classes]
        return {name: dict(zip(names, shares, strict=True)) for name, shares in zip(names, confusion, strict=True)}


def _listed(values: NDArray[Any]) -> list[Any]:
    listed: list[Any] = (np.round(values, DIGITS) + 0.0 if values.dtype.kind == "f" else values).tolist()
    return listed


def _number(value: Any) -> Any:
    """Return the value, or None for infinity and NaN, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
