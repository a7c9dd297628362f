"""How far people agree beyond chance: Krippendorff's alpha and, for two people, Cohen's kappa, with intervals.

Alpha (Krippendorff, Content Analysis, chapter on reliability) is 1 - Do/De for classes without an order: Do is the
share of disagreement among pairs of labels on one item, each item weighted by its number of labels, De the share among
all pairs of labels. It takes any number of people and items that not everybody labelled. Kappa (Cohen, A coefficient of
agreement for nominal scales, Educational and Psychological Measurement 20, 1960) is (po - pe)/(1 - pe). Both are also
given for each class against the rest.

Intervals hold 95 %, by the bootstrap over items with percentiles (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993), which Zapf and others (BMC Medical Research Methodology 16, 2016) found to hold what it promises for
alpha. Time is bounded: many items are dealt at random into groups, and the groups are drawn. The seed is fixed, and
the order of items is found from their labels, so that neither rows nor names of items make a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from turkctl.labels.votes import Floats, Ints, Votes

DRAWS = 1000
FEWEST_DRAWS = 200
"""Number of bootstrap samples; the smaller one if there are very many classes."""
WORK = 10_000_000
"""Number of sums in all samples, beyond which there are fewer samples."""
GROUPS = 2000
"""Maximum number of items, or of groups of them, that are drawn."""
SEED = 20040101
MOST_CLASSES = 100
"""With more classes, there are no numbers for each."""
CELLS = 4_000_000
"""Maximum number of sums that are in memory at a time."""
ENDS = (2.5, 97.5)
DIGITS = 6

Statistics = Callable[[Floats], Floats]
"""Returns from sums over items, [sample, column], the coefficients, [sample, coefficient]; NaN where undefined."""


@dataclass(frozen=True)
class Estimate:
    """A coefficient and its interval; the interval is None where fewer than two items can be drawn."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ClassReliability:
    """One class against the rest; ``share`` is its share of the labels."""

    name: Hashable
    share: float
    alpha: Estimate | None
    kappa: Estimate | None


@dataclass(frozen=True)
class Reliability:
    """How far people agree. A coefficient is None where it is undefined: no two labels of an item, or one class only.

    ``items`` and ``labels`` count items with at least two labels and the labels on them. ``kappa`` is None unless there
    are exactly two people. ``classes`` is empty for more than :data:`MOST_CLASSES`.
    """

    items: int
    labels: int
    workers: int
    alpha: Estimate | None
    kappa: Estimate | None
    classes: tuple[ClassReliability, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        rows = [
            {"class": each.name, "share": round(each.share, DIGITS)} | _coefficients(each.alpha, each.kappa)
            for each in self.classes
        ]
        counts = {"items": self.items, "labels": self.labels, "workers": self.workers}
        return counts | _coefficients(self.alpha, self.kappa) | {"classes": rows}


def _coefficients(alpha: Estimate | None, kappa: Estimate | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, estimate in (("alpha", alpha), ("kappa", kappa)):
        ends = ("value", "low", "high") if estimate is not None else ()
        numbers = {end: getattr(estimate, end) for end in ends}
        for end, key in (("value", name), ("low", f"{name}_low"), ("high", f"{name}_high")):
            number = numbers.get(end)
            found[key] = None if number is None else round(number, DIGITS) + 0.0
    return found


def measure(votes: Votes) -> Reliability:
    """Return how far the people who gave these votes agree."""
    each = len(votes.classes) <= MOST_CLASSES
    counts = counts_of(votes)
    alphas = _estimates(*_alpha_sums(counts, each=each))
    kappas = _estimates(*_kappa_sums(votes, each=each)) if len(votes.workers) == 2 else [None] * len(alphas)
    share = np.bincount(votes.value, minlength=len(votes.classes)) / max(len(votes), 1)
    classes = tuple(
        ClassReliability(name, float(share[at]), alphas[at + 1], kappas[at + 1])
        for at, name in enumerate(votes.classes if each else ())
    )
    return Reliability(counts.shape[0], int(counts.sum()), len(votes.workers), alphas[0], kappas[0], classes)


def counts_of(votes: Votes) -> Any:
    """Return the number of votes for each class, as a sparse array [item, class], of the items with at least two."""
    several = votes.per_item >= 2
    place = np.cumsum(several) - 1
    kept = several[votes.item]
    rows, columns = place[votes.item[kept]], votes.value[kept]
    shape = (int(several.sum()), len(votes.classes))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)  # adds what is in one place


def _alpha_sums(counts: Any, *, each: bool) -> tuple[Any, Statistics]:
    """Return what alpha is made of, [item, column], and the function that makes it.

    The columns are the number of labels and the agreement on the item; the numbers for each class; and with ``each``
    the disagreement of each class with the rest.
    """
    kinds = counts.shape[1]
    labels = counts.sum(axis=1)
    coo = counts.tocoo()
    row, column = coo.coords
    number, of_item = coo.data, labels[row]
    agreed = np.bincount(row, number * (number - 1) / (of_item - 1), len(labels))
    against = number * (of_item - number) / (of_item - 1)
    parts = [(labels, np.arange(len(labels)), 0), (agreed, np.arange(len(labels)), 1), (number, row, column + 2)]
    if each:
        parts.append((against, row, column + 2 + kinds))

    def alpha(sums: Floats) -> Floats:
        n, agreement, of_class = sums[:, 0], sums[:, 1], sums[:, 2 : 2 + kinds]
        overall = 1 - (n - agreement) * (n - 1) / _positive(n**2 - (of_class**2).sum(axis=1))
        if not each:
            return overall[:, None]
        whole = n[:, None]
        one = 1 - (whole - 1) * sums[:, 2 + kinds :] / _positive(of_class * (whole - of_class))
        return np.column_stack([overall, one])

    return _stacked(parts, len(labels), 2 + (2 if each else 1) * kinds), alpha


def _kappa_sums(votes: Votes, *, each: bool) -> tuple[Any, Statistics]:
    """Return what kappa is made of, and the function that makes it, as :func:`_alpha_sums` does.

    It is over items that both people labelled once. The columns are 1, whether they agree, the answers of the one and
    of the other, and with ``each`` the answers on which they agree.
    """
    kinds = len(votes.classes)
    once = np.bincount(votes.item.astype(np.int64) * 2 + votes.worker, minlength=2 * len(votes.items)).reshape(-1, 2)
    both = (once == 1).all(axis=1)
    value = votes.value[both[votes.item]].reshape(-1, 2)  # sorted by item, then worker
    first, second, rows = value[:, 0], value[:, 1], np.arange(len(value))
    alike = rows[first == second]
    one = np.ones(len(rows))
    parts = [(one, rows, 0), (one[alike], alike, 1), (one, rows, first + 2), (one, rows, second + 2 + kinds)]
    if each:
        parts.append((one[alike], alike, first[alike] + 2 + 2 * kinds))

    def kappa(sums: Floats) -> Floats:
        n = sums[:, :1]
        a, b = sums[:, 2 : 2 + kinds] / n, sums[:, 2 + kinds : 2 + 2 * kinds] / n
        by_chance = (a * b).sum(axis=1)
        overall = 1 - (1 - sums[:, 1] / n[:, 0]) / _positive(1 - by_chance)
        if not each:
            return overall[:, None]
        unlike = a + b - 2 * sums[:, 2 + 2 * kinds :] / n
        return np.column_stack([overall, 1 - unlike / _positive(a + b - 2 * a * b)])

    return _stacked(parts, len(rows), 2 + (3 if each else 2) * kinds), kappa


def _stacked(parts: list[tuple[Floats, Ints, Any]], rows: int, columns: int) -> Any:
    """Return a sparse array of (values, rows, columns)."""
    values = np.concatenate([value for value, _, _ in parts])
    row = np.concatenate([row for _, row, _ in parts])
    column = np.concatenate([np.broadcast_to(column, row.shape) for _, row, column in parts])
    return csr_array((values, (row, column)), shape=(rows, columns))


def _positive(values: Floats) -> Floats:
    """Return what may be divided by: NaN for nothing, or for what only rounding left."""
    return np.where(values > 1e-9, values, np.nan)


def _estimates(items: Any, statistics: Statistics) -> list[Estimate | None]:
    """Return the coefficients with their intervals, from what each item adds to the sums."""
    if not items.shape[0]:
        return [None] * statistics(np.ones((1, items.shape[1]))).shape[1]
    values = statistics(np.asarray(items.sum(axis=0)).reshape(1, -1))[0]
    drawn = _bootstrap(items, statistics) if items.shape[0] > 1 else np.full((1, len(values)), np.nan)
    return [_estimate(value, sample) for value, sample in zip(values.tolist(), drawn.T, strict=True)]


def _estimate(value: float, drawn: Floats) -> Estimate | None:
    if np.isnan(value):
        return None
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Estimate(value, None, None)
    low, high = np.percentile(known, ENDS).tolist()
    return Estimate(value, low, high)


def _bootstrap(items: Any, statistics: Statistics) -> Floats:
    """Return the coefficients of each bootstrap sample, [sample, coefficient]."""
    rng = np.random.default_rng(SEED)
    groups = _dealt(items, rng)
    number = groups.shape[0]
    draws = min(DRAWS, max(FEWEST_DRAWS, WORK // groups.shape[1]))
    at_once = max(1, min(draws, CELLS // max(number, groups.shape[1])))
    found = []
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        drawn = rng.integers(0, number, (size, number)) + np.arange(size)[:, None] * number
        weights = np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number)
        found.append(statistics(weights.astype(np.float64) @ groups))
    return np.concatenate(found)


def _dealt(items: Any, rng: np.random.Generator) -> Any:
    """Return the items in an order that their names do not matter for; many of them summed in groups of equal size."""
    number = items.shape[0]
    order = np.argsort(items @ rng.random(items.shape[1]), kind="stable")
    if number <= GROUPS:
        return items[order]
    group = np.empty(number, np.int64)
    group[order] = rng.permutation(number) % GROUPS
    coo = items.tocoo()
    return csr_array((coo.data, (group[coo.coords[0]], coo.coords[1])), shape=(GROUPS, items.shape[1]))
