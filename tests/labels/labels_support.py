"""What the tests of labels share: a small table with known results, and votes drawn from the signal model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from turkctl.labels.methods import aggregate
from turkctl.labels.options import MethodOptions
from turkctl.labels.result import Result
from turkctl.labels.votes import Votes

TABLE = ("11110", "11011", "11101", "10110", "01100", "00100", "00010", "01000", "00001", "10000")
"""Ten items by five workers: a row per item, a digit per worker."""


def table_rows() -> list[tuple[int, int, bool]]:
    """The table as item, worker, value."""
    return [(item, worker, digit == "1") for item, row in enumerate(TABLE) for worker, digit in enumerate(row)]


def votes_of(rows: list[tuple[int, int, bool]]) -> Votes:
    items, workers, values = zip(*rows, strict=True)
    return Votes.of(items, workers, values)


def small_table() -> Votes:
    return votes_of(table_rows())


@dataclass(frozen=True)
class Drawn:
    """Votes and the truth of each item, in the order of ``votes.items``."""

    votes: Votes
    truth: NDArray[np.bool_]

    def accuracy(self, result: Result) -> float:
        """The share of items on the right side of 0."""
        return float(((result.score > 0) == self.truth).mean())


def draw(
    items: int, workers: int, *, per_item: int = 5, positive: float = 0.5, spammers: float = 0.0, seed: int = 1
) -> Drawn:
    """Items around +1 and -1 with spread .5; workers with noise of .3 to 1.5 and a slight bias, some who guess."""
    rng = np.random.default_rng(seed)
    upper = rng.random(items) < positive
    x = np.where(upper, 1.0, -1.0) + 0.5 * rng.standard_normal(items)
    w = 1 / rng.uniform(0.3, 1.5, workers)
    t = 0.4 * w * rng.standard_normal(workers)
    w[: int(spammers * workers)] = 0
    item = np.repeat(np.arange(items), per_item)
    worker = np.concatenate([rng.choice(workers, per_item, replace=False) for _ in range(items)])
    value = w[worker] * x[item] - t[worker] + rng.standard_normal(len(item)) > 0
    ids = [f"i{number:06}" for number in range(items)], [f"w{number:04}" for number in range(workers)]
    return Drawn(Votes.of_codes(*ids, (False, True), item, worker, value.astype(np.int32)), x > 0)


def run(votes: Votes, method: str, **options: float) -> Result:
    """An aggregation in which every item gets a label."""
    return aggregate(votes, method, MethodOptions(**{"min_votes": 1, **options}))
