"""Mean and median of numbers, and their intervals."""

from __future__ import annotations

from math import comb, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.labels.methods import aggregate, options_for
from turkctl.labels.options import MethodOptions
from turkctl.labels.result import Result
from turkctl.labels.votes import Votes


def of(answers: dict[str, list[float]], method: str, **options: int) -> Result:
    """The numbers of each item, one a worker."""
    rows = [(item, f"w{place}", value) for item, values in answers.items() for place, value in enumerate(values)]
    items, workers, values = zip(*rows, strict=True)
    votes = Votes.of(items, workers, values, classes=sorted(set(values)))
    return aggregate(votes, method, MethodOptions(min_votes=1, **options))


def test_the_mean_has_students_interval() -> None:
    # Student's own example: the additional hours of sleep of ten patients, mean 1.58 and s 1.23.
    hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    (row,) = of({"a": hours}, "mean").item_rows()
    assert row["label"] == row["score"] == pytest.approx(1.58)
    assert (row["low"], row["high"]) == pytest.approx((0.7001, 2.4599), abs=1e-4)
    assert (row["p"], row["n"], row["method"]) == (None, 10, "mean")


def test_the_median_has_thompsons_interval() -> None:
    found = of({"ten": list(range(1, 11)), "six": [5, 1, 9, 7, 3, 11], "odd": [4, 2, 8]}, "median")
    rows = {row["item"]: row for row in found.item_rows()}
    assert (rows["ten"]["label"], rows["ten"]["low"], rows["ten"]["high"]) == (5.5, 2, 9)
    assert (rows["six"]["label"], rows["six"]["low"], rows["six"]["high"]) == (6, 1, 11)
    assert (rows["odd"]["label"], rows["odd"]["low"], rows["odd"]["high"]) == (4, None, None)
    assert found.run.warnings == ("an interval needs 6 answers: 1 of 3 items have none",)


def test_one_answer_has_a_mean_without_an_interval() -> None:
    (row,) = of({"a": [3.5]}, "mean").item_rows()
    assert (row["label"], row["low"], row["high"]) == (3.5, None, None)


def test_too_few_answers_give_no_label() -> None:
    votes = Votes.of(["a", "a", "b"], ["x", "y", "x"], [1.0, 2.0, 5.0], classes=[1.0, 2.0, 5.0])
    assert aggregate(votes, "mean", MethodOptions(min_votes=2)).labels() == [1.5, None]


def test_zeros_and_ones_are_numbers_too() -> None:
    found = of({"a": [0.0, 1.0, 1.0], "b": [0.0, 0.0, 1.0]}, "mean")
    assert found.labels() == pytest.approx([2 / 3, 1 / 3], abs=1e-6)
    assert not found.votes.binary


def test_workers_have_their_bias_and_distance() -> None:
    rows = list(of({"a": [1.0, 3.0], "b": [2.0, 6.0]}, "mean").worker_rows())
    assert [(row["worker"], row["n"], row["bias"], row["distance"]) for row in rows] == [
        ("w0", 2, -1.5, 1.5),
        ("w1", 2, 1.5, 1.5),
    ]
    assert [row["agreement"] for row in rows] == [0, 0]


def test_a_threshold_is_refused() -> None:
    with pytest.raises(UsageError, match="mean does not use threshold"):
        options_for("mean", {"threshold": 1.0})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_numbers_are_those_of_their_definition(values: list[int]) -> None:
    numbers = [float(value) for value in values]
    assert of({"a": numbers}, "mean").score[0] == pytest.approx(np.mean(numbers))
    found = of({"a": numbers}, "median")
    assert found.score[0] == np.median(numbers)
    n, ordered = len(numbers), sorted(numbers)
    outside = [2 * sum(comb(n, i) for i in range(k)) / 2**n for k in range(n // 2 + 2)]
    rank = max(k for k, chance in enumerate(outside) if chance <= 0.05)
    low, high = found.item["low"][0], found.item["high"][0]
    if rank:
        assert (low, high) == (ordered[rank - 1], ordered[n - rank])
    else:
        assert isnan(low)
        assert isnan(high)
