"""The share of votes. A tie gives no label."""

from __future__ import annotations

import numpy as np

from turkctl.labels.options import Options, Tick
from turkctl.labels.result import Fit
from turkctl.labels.votes import Votes


def fit(votes: Votes, _options: Options, tick: Tick) -> Fit:
    """Score: the mean of the votes as +1 and -1. p: the share of true votes with one vote more for each side."""
    n = votes.per_item
    true = np.bincount(votes.item, votes.value, len(votes.items))
    tick(1, 1)
    return Fit(2 * true / n - 1, (true + 1) / (n + 2), rounds=1, converged=True)


def fit_many(votes: Votes, _options: Options, tick: Tick) -> Fit:
    """The class with most votes; score: its share and the share of the others, as +1 and -1; p as for two."""
    kinds = len(votes.classes)
    cells = votes.item.astype(np.int64) * kinds + votes.value
    counts = np.bincount(cells, minlength=len(votes.items) * kinds).reshape(-1, kinds)
    most = counts.max(axis=1)
    best = np.where((counts == most[:, None]).sum(axis=1) > 1, -1, counts.argmax(axis=1))
    n = votes.per_item
    tick(1, 1)
    return Fit(2 * most / n - 1, (most + 1) / (n + kinds), best, rounds=1, converged=True)
