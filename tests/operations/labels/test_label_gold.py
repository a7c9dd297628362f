"""Known items among the labels: marked in lists, left out of exports, and a measure of people whatever the method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from label_support import LabelStudy
from study_support import worker

from turkctl.errors import UsageError
from turkctl.operations.labels.lists import (
    columns_with_gold,
    list_labels,
    list_results,
    list_workers,
)
from turkctl.operations.selection.gold import check_gold

KEYS = """
contents_per_hit = 2
outputs = 3
gold_per_hit = 1
answer_field = "label_{n}"
[experiments.photos.labels]
classes = ["cat", "dog", "fox"]
method = "dawid-skene"
min_votes = 1
"""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[LabelStudy]:
    """Two ordinary items and a known one, labelled by three people; the third says dog to everything."""
    made = LabelStudy(tmp_path, KEYS)
    made.add_numbered(2)
    made.add("key,url,truth\ng1,x,cat\n", gold="truth")
    made.dispatch()
    (hit,) = made.shown()
    for number, word in ((1, "cat"), (2, "cat"), (3, "dog")):
        made.answer(hit, number, **{f"label_{place}": word for place in (1, 2, 3)})
    made.sync()
    yield made
    made.world.close()


def test_lists_mark_known_items_and_exports_leave_them_out_unless_asked(study: LabelStudy) -> None:
    (outcome,) = study.aggregate()
    assert outcome.result is not None
    assert outcome.result.run.warnings == () or outcome.result.run.warnings == []
    marked = {row["item"]: row["gold"] for row in list_results(study.world, "photos")}
    assert marked == {"i0": None, "i1": None, "g1": "cat"}
    assert {row["item"]: row["gold"] for row in list_labels(study.world, "photos")} == marked
    assert [row["item"] for row in list_results(study.world, "photos", gold=None)] == ["i0", "i1"]
    assert [row["item"] for row in list_results(study.world, None, gold="only")] == ["g1"]
    assert columns_with_gold(study.world, "photos", ("item",)) == ("item", "gold")
    with pytest.raises(UsageError, match="include or only"):
        check_gold("both")


def test_people_are_measured_by_known_items_though_the_method_does_not_use_them(study: LabelStudy) -> None:
    study.aggregate()
    measured = {row["worker"]: (row["gold_n"], row["gold_accuracy"]) for row in list_workers(study.world, "photos")}
    assert measured == {worker(1): (1, 1.0), worker(2): (1, 1.0), worker(3): (1, 0.0)}


def test_without_known_items_lists_have_no_column_for_them(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, KEYS)
    assert columns_with_gold(study.world, "photos", ("item",)) == ("item",)
    study.world.close()
