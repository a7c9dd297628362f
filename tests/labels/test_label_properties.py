"""What holds of any votes: order, names and the sign of the question do not matter."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels_support import draw, run, table_rows, votes_of

from turkctl.errors import UsageError
from turkctl.labels.methods import METHODS
from turkctl.labels.votes import Votes

Rows = list[tuple[int, int, bool]]

some_votes = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 4), st.booleans()),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)
every_method = pytest.mark.parametrize("method", METHODS)
ROUNDING = 1e-6


@every_method
@settings(max_examples=12, deadline=None)
@given(rows=some_votes, seed=st.integers(0, 999))
def test_the_order_of_rows_changes_nothing(method: str, rows: Rows, seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    one, other = run(votes_of(rows), method), run(votes_of(shuffled), method)
    assert one.score.tolist() == other.score.tolist()
    assert one.labels() == other.labels()
    assert list(one.worker_rows()) == list(other.worker_rows())


@every_method
def test_new_names_change_nothing_but_rounding(method: str) -> None:
    drawn = draw(200, 12)
    votes = drawn.votes
    names = random.Random(4)
    items = names.sample(range(10_000), len(votes.items))
    workers = names.sample(range(10_000), len(votes.workers))
    renamed = Votes.of_codes(items, workers, votes.classes, votes.item, votes.worker, votes.value)
    one, other = run(votes, method), run(renamed, method)
    scores = dict(zip(other.votes.items, other.score.tolist(), strict=True))
    np.testing.assert_allclose(one.score, [scores[name] for name in items], atol=ROUNDING)


@settings(max_examples=12, deadline=None)
@given(rows=some_votes, seed=st.integers(0, 999))
def test_new_names_change_no_score_of_cubam_on_any_votes(rows: Rows, seed: int) -> None:
    shuffled = random.Random(seed)
    item = dict(zip(range(8), shuffled.sample(range(8), 8), strict=True))
    worker = dict(zip(range(5), shuffled.sample(range(5), 5), strict=True))
    one = run(votes_of(rows), "cubam")
    other = run(votes_of([(item[i], worker[w], value) for i, w, value in rows]), "cubam")
    scores = dict(zip(other.votes.items, other.score.tolist(), strict=True))
    np.testing.assert_allclose(one.score, [scores[item[name]] for name in one.votes.items], atol=1e-4)


@pytest.mark.parametrize("method", ["majority", "dawid-skene", "one-coin", "cubam-marginal"])
@settings(max_examples=12, deadline=None)
@given(rows=some_votes)
def test_asking_the_opposite_turns_every_score_around(method: str, rows: Rows) -> None:
    one = run(votes_of(rows), method)
    other = run(votes_of([(item, worker, not value) for item, worker, value in rows]), method)
    np.testing.assert_allclose(one.score, -other.score, atol=2e-3)


def test_a_vote_value_is_the_same_written_as_a_number() -> None:
    rows = table_rows()
    numbers = Votes.of(*zip(*((item, worker, int(value)) for item, worker, value in rows), strict=True))
    assert numbers.binary
    assert run(numbers, "cubam").score.tolist() == run(votes_of(rows), "cubam").score.tolist()


@given(rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans()), min_size=1, max_size=60))
def test_of_repeated_votes_the_last_counts_or_all(rows: Rows) -> None:
    items, workers, values = zip(*rows, strict=True)
    last = Votes.of(items, workers, values)
    kept = {(item, worker): value for item, worker, value in rows}
    found = {
        (last.items[item], last.workers[worker]): bool(value)
        for item, worker, value in zip(last.item, last.worker, last.value, strict=True)
    }
    assert found == kept
    assert last.duplicates == len(rows) - len(kept)
    everything = Votes.of(items, workers, values, duplicates="all")
    assert (len(everything), everything.duplicates) == (len(rows), last.duplicates)


def test_ids_of_any_type_are_kept_and_sorted() -> None:
    votes = Votes.of([2, "b", 1, (0, 1)], ["x", "x", "y", "y"], [True, False, True, True])
    assert votes.items == (1, 2, "b", (0, 1))
    assert votes.workers == ("x", "y")


def test_votes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(UsageError, match="differ in length"):
        Votes.of([1], [1, 2], [True, True])
    with pytest.raises(UsageError, match="'z' is not one of the classes"):
        Votes.of([1], [1], ["z"], classes=["x", "y"])
    with pytest.raises(UsageError, match="gold answer 'z' of item 1"):
        Votes.of([1], [1], ["x"], classes=["x", "y"], gold={1: "z"})
