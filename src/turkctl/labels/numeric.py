"""Mean and median of answers that are numbers, each with an interval that holds the true one in 95 of 100 cases.

The interval of the mean is Student's (The probable error of a mean, Biometrika 6, 1908): the mean plus and minus the
quantile of t with n - 1 degrees of freedom times s / sqrt(n). It supposes that answers scatter about as a normal
distribution does, and needs two of them.

The interval of the median is that of Thompson (On confidence ranges for the median and other expectation distributions
for populations of unknown distribution form, Annals of Mathematical Statistics 7, 1936): from the k-th smallest answer
to the k-th largest, where k is as large as the binomial distribution allows. It supposes nothing about how answers
scatter, and needs six of them.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from turkctl.labels.options import MethodOptions, Tick
from turkctl.labels.result import DIGITS, Fit
from turkctl.labels.votes import Floats, Ints, Votes

LEVEL = 0.95
"""The share of intervals that hold the true value."""
SAME = 0.5 * 10**-DIGITS
"""How near to its item's number an answer agrees with it."""
_TAIL = (1 - LEVEL) / 2


def fit_mean(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Return the mean answer of each item."""
    given, n = _numbers(votes), votes.per_item
    mean: Floats = np.bincount(votes.item, given, len(n)) / n
    rest = np.bincount(votes.item, (given - mean[votes.item]) ** 2, len(n))
    freedom = np.maximum(n - 1, 1)
    reach = special.stdtrit(freedom, 1 - _TAIL) * np.sqrt(rest / freedom / n)
    reach[n < 2] = np.nan
    tick(1, 1)
    return _fit(votes, given, mean, mean - reach, mean + reach, least=2)


def fit_median(votes: Votes, _options: MethodOptions, tick: Tick) -> Fit:
    """Return the median answer of each item; of an even number of answers, the middle of the two in the middle."""
    given, n = _numbers(votes), votes.per_item
    ordered = given[np.lexsort((given, votes.item))]
    first = np.concatenate(([0], np.cumsum(n)[:-1]))
    median: Floats = (ordered[first + (n - 1) // 2] + ordered[first + n // 2]) / 2
    rank = _ranks(n)
    inside = np.maximum(rank, 1)
    low = np.where(rank > 0, ordered[first + inside - 1], np.nan)
    high = np.where(rank > 0, ordered[first + n - inside], np.nan)
    tick(1, 1)
    return _fit(votes, given, median, low, high, least=6)


def _numbers(votes: Votes) -> Floats:
    return np.asarray(votes.classes, np.float64)[votes.value]


def _ranks(n: Ints) -> Ints:
    """Return for each number of answers the k whose k-th smallest and largest are the interval; 0 if there is none."""
    sizes, place = np.unique(n, return_inverse=True)
    return np.array([int((special.bdtr(np.arange((size + 1) // 2), size, 0.5) <= _TAIL).sum()) for size in sizes])[
        place
    ]


def _fit(votes: Votes, given: Floats, value: Floats, low: Floats, high: Floats, *, least: int) -> Fit:
    away = given - value[votes.item]
    per_worker, workers = votes.per_worker, len(votes.workers)
    short = int((votes.per_item < least).sum())
    told = [f"an interval needs {least} answers: {short:,} of {len(value):,} items have none"] if short else []
    return Fit(
        score=value,
        p=np.full(len(value), np.nan),
        item={"low": low, "high": high},
        worker={
            "agreement": np.bincount(votes.worker, np.abs(away) < SAME, workers) / per_worker,
            "bias": np.bincount(votes.worker, away, workers) / per_worker,
            "distance": np.bincount(votes.worker, np.abs(away), workers) / per_worker,
        },
        rounds=1,
        converged=True,
        parameters={"level": LEVEL},
        warnings=told,
    )
