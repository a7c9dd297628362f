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


@dataclass(frozen=True)
class Fit:
    """The result of a method, before scores are cut into labels.

    ``score`` and ``p`` have an entry per item; ``best``, for more than two classes, is the index of the class that the
    score belongs to, -1 for a tie. ``cut_score`` is the score for choosing a cut if gold items were used in the fit.
    ``item`` and ``worker`` hold further columns by name.
    """

    score: Floats
    p: Floats
    best: Ints | None = None
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

    For more than two classes, ``n_true`` counts the votes for the best class. ``worker`` has the columns ``n`` and
    ``agreement`` (with the final labels, NaN without any) and the method's own; ``flags`` are the method's own too.
    ``quality`` has what is known of workers whatever the method.
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

    @cached_property
    def agreement(self) -> Reliability:
        """Return how far the workers agree beyond chance."""
        return measure(self.votes)

    @cached_property
    def quality(self) -> Quality:
        """Return how good the workers are, by class, and what stands out."""
        return rate(self.votes, self.label, self.flags, self.worker.get("t"))

    def labels(self) -> list[Hashable | None]:
        """Return the class of each item, None for no label."""
        classes = (*self.votes.classes, None)
        return [classes[position] for position in self.label.tolist()]

    def item_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per item, in order: item, label, score, p, n, method; for cubam-nd also its position ``x``."""
        method = self.run.method
        columns = (self.votes.items, self.labels(), _listed(self.score), _listed(self.p), self.n.tolist())
        places = _listed(self.item["x"]) if "x" in self.item else None
        for position, (item, label, score, p, n) in enumerate(zip(*columns, strict=True)):
            row = {"item": item, "label": label, "score": score, "p": p, "n": n, "method": method}
            if places is not None:
                row["x"] = places[position]
            yield row

    def worker_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per worker, in order.

        The keys are worker, n, agreement, with_others, the method's own, then classes, flags and remarks.
        """
        quality = self.quality
        usual = {"n": self.worker["n"], "agreement": self.worker["agreement"], "with_others": quality.with_others}
        columns = {name: _listed(values) for name, values in {**usual, **self.worker}.items()}
        for position, worker in enumerate(self.votes.workers):
            row: dict[str, Any] = {"worker": worker}
            row |= {name: _number(values[position]) for name, values in columns.items()}
            if "confusion" in row:
                row["confusion"] = self._by_name(row["confusion"])
            row["classes"] = quality.classes[position]
            row["flags"] = [name for name, raised in quality.flags.items() if raised[position]]
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
