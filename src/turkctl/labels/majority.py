"""Majority vote: the share of votes. A tie gives no label."""

from __future__ import annotations

import numpy as np

from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import MOST_BY_CLASS, Fit
from turkctl.labels.votes import Votes


def fit(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Fit two classes. Score: the mean of votes as +1 and -1. p: share of true with one vote added to each side."""
    n = votes.per_item
    true = np.bincount(votes.item, votes.value, len(votes.items))
    tick(1, 1)
    return Fit(2 * true / n - 1, (true + 1) / (n + 2), rounds=1, converged=True)


def fit_many(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Return the class with most votes. Score: its share minus the share of the others; p as for two classes."""
    kinds = len(votes.classes)
    cells = votes.item.astype(np.int64) * kinds + votes.value
    counts = np.bincount(cells, minlength=len(votes.items) * kinds).reshape(-1, kinds)
    most = counts.max(axis=1)
    best = np.where((counts == most[:, None]).sum(axis=1) > 1, -1, counts.argmax(axis=1))
    n = votes.per_item
    tick(1, 1)
    shares = (counts + 1) / (n + kinds)[:, None] if kinds <= MOST_BY_CLASS else None
    return Fit(2 * most / n - 1, (most + 1) / (n + kinds), best, shares, rounds=1, converged=True)
