"""Draw labels from the signal model, always the same for a size and a regime, so that measurements can be compared.

Each item has five labels. The number of workers is twice the square root of the number of labels, and their activity is
proportional to 1 over their rank. ``demo`` is the recipe of the CUBAM reference, ``crowd`` has spammers, reversed
workers and fewer true items, and ``prior`` is drawn from the priors of the fitted model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REGIMES = ("demo", "crowd", "prior")
PER_ITEM = 5
SEED = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelData:
    """For each label, in random order: item, worker, value (0 or 1). For each item: the true signal."""

    item: NDArray[np.int32]
    worker: NDArray[np.int32]
    value: NDArray[np.int32]
    signal: Floats

    @property
    def workers(self) -> int:
        """Return the number of workers who gave a label."""
        return int(self.worker.max()) + 1


def draw(labels: int, regime: str) -> LabelData:
    """Draw the data. The order of the draws is part of the recipe."""
    rng = np.random.default_rng(SEED)
    items = labels // PER_ITEM
    signal = _signals(rng, items, regime)
    weight, threshold = _WORKERS[regime](rng, max(20, round(2 * labels**0.5)))
    worker = _assignment(rng, items, len(weight)).ravel()
    item = np.repeat(np.arange(items), PER_ITEM)
    seen = weight[worker] * signal[item] - threshold[worker] + rng.standard_normal(labels)
    dense = np.unique(worker, return_inverse=True)[1]
    order = rng.permutation(labels)
    return LabelData(
        item[order].astype(np.int32),
        dense[order].astype(np.int32),
        (seen[order] > 0).astype(np.int32),
        signal,
    )


def _signals(rng: np.random.Generator, items: int, regime: str) -> Floats:
    upper = rng.random(items) < (0.3 if regime == "crowd" else 0.5)
    spread = 0.8 if regime == "prior" else 0.5
    return np.where(upper, 1.0, -1.0) + spread * rng.standard_normal(items)


def _demo_workers(rng: np.random.Generator, workers: int) -> tuple[Floats, Floats]:
    noise = np.clip(rng.gamma(1.5, 0.3, workers), 0.05, 3.0)
    direction = np.where(rng.random(workers) < 0.01, -1.0, 1.0)
    bias = rng.standard_normal(workers)
    while (far := np.abs(bias) > 2).any():
        bias[far] = rng.standard_normal(int(far.sum()))
    return direction / noise, 0.8 * bias / noise


def _crowd_workers(rng: np.random.Generator, workers: int) -> tuple[Floats, Floats]:
    noise = np.clip(rng.gamma(2.0, 0.35, workers), 0.1, 3.0)
    kind = rng.random(workers)
    weight = np.where(kind < 0.03, -1, 1) / noise
    threshold = rng.normal(0, 0.5, workers) / noise
    spammer = kind > 0.85
    weight[spammer] = 0.0
    threshold[spammer] = rng.normal(0, 1, int(spammer.sum()))
    return weight, threshold


def _prior_workers(rng: np.random.Generator, workers: int) -> tuple[Floats, Floats]:
    return rng.normal(1, 1, workers), rng.normal(0, 3, workers)


_WORKERS = {"demo": _demo_workers, "crowd": _crowd_workers, "prior": _prior_workers}


def _assignment(rng: np.random.Generator, items: int, workers: int) -> NDArray[np.int64]:
    """Draw workers for each item [item, label], by their activity; draw again where a worker occurs twice."""
    activity = 1.0 / np.arange(1, workers + 1)
    bounds = np.cumsum(rng.permutation(activity / activity.sum()))
    bounds[-1] = 1.0
    chosen = np.searchsorted(bounds, rng.random((items, PER_ITEM)))
    while True:
        in_order = np.sort(chosen, axis=1)
        twice = np.flatnonzero((np.diff(in_order, axis=1) == 0).any(axis=1))
        if not len(twice):
            return chosen
        chosen[twice] = np.searchsorted(bounds, rng.random((len(twice), PER_ITEM)))
