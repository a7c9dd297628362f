from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_support import LABELS, VOTES, LabelStudy, rows_of

from turkctl.errors import UsageError
from turkctl.operations.labels.changes import set_label
from turkctl.operations.labels.needs_more import add_outputs, bits, needs_more

SHARES = st.floats(0.5, 1.0)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[LabelStudy]:
    """Six items with labels, five of them content, one of which has a known answer."""
    made = LabelStudy(tmp_path, 'answer_field = "bird_{n}"\n' + LABELS)
    made.add("key,truth\np0,\np1,\np2,\np3,\np4,yes\n", gold="truth")
    made.import_rows(rows_of(VOTES))
    yield made
    made.world.close()


def test_a_coin_tells_nothing_and_one_who_is_always_right_tells_all_of_an_item_without_votes() -> None:
    assert bits(0.5, 0, 0.5) == 0
    assert bits(0.5, 0, 1.0) == 1
    assert bits(0.5, 0, 0.75) == pytest.approx(0.188722, abs=1e-6)


@given(p=SHARES, other=SHARES, n=st.integers(1, 50), more=st.integers(1, 50), accuracy=st.floats(0.55, 0.99))
def test_a_vote_is_worth_more_the_nearer_to_a_tie_and_the_fewer_votes(
    p: float, other: float, n: int, more: int, accuracy: float
) -> None:
    near, far = sorted((p, other))
    assert bits(near, n, accuracy) >= bits(far, n, accuracy) - 1e-12
    assert bits(p, n, accuracy) >= bits(p, n + more, accuracy) - 1e-12
    assert bits(p, n, accuracy) == pytest.approx(bits(1 - p, n, accuracy))


def test_items_come_by_worth_without_those_that_are_known_or_set_by_hand(study: LabelStudy) -> None:
    study.aggregate()
    set_label(study.world, "photos", "p1", "true")
    rows = needs_more(study.world, "photos", 10)
    assert {row["item"] for row in rows} == {"p0", "p2", "p3", "p5"}
    assert all(one["bits"] >= two["bits"] for one, two in itertools.pairwise(rows))
    assert [row["item"] for row in needs_more(study.world, "photos", 2)] == [row["item"] for row in rows[:2]]


def test_labels_that_were_never_aggregated_have_no_worth(study: LabelStudy) -> None:
    with pytest.raises(UsageError, match="were never aggregated in mode local"):
        needs_more(study.world, "photos", 10)


def test_outputs_are_added_to_content_that_waits_for_none_and_not_twice(study: LabelStudy) -> None:
    study.dispatch()
    for hit in study.shown():
        study.answer(hit, 1, bird_1="yes")
    study.sync()
    items = ["p0", "p2", "p5"]
    planned = add_outputs(study.world, "photos", items, 2, dry_run=True)
    assert (planned.dry_run, planned.succeeded, study.pending()) == (True, 0, [])
    done = add_outputs(study.world, "photos", items, 2)
    assert [(item.id, item.status) for item in done.results] == [("p0", "added"), ("p2", "added"), ("p5", "skipped")]
    assert done.results[2].detail == "experiment photos has no content with that key"
    assert study.pending() == ["p0", "p2"]
    again = add_outputs(study.world, "photos", items, 2)
    assert [item.status for item in again.results] == ["skipped"] * 3
    study.dispatch()
    assert {item.detail for item in add_outputs(study.world, "photos", ["p0"], 1).results} == {
        "it is already waiting for outputs"
    }
    with pytest.raises(UsageError, match="--add-outputs must be between 1 and 1,000, not 0"):
        add_outputs(study.world, "photos", items, 0)
