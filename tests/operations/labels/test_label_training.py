"""Results as data to train a model: the item's columns, votes, a probability per class, and where the label is from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from label_support import LABELS, VOTES, LabelStudy, rows_of

from turkctl.operations.labels.changes import set_label
from turkctl.operations.labels.training import training_data

CLASSES = """
[experiments.photos.labels]
classes = ["cat", "dog", "big fox"]
min_votes = 2
method = "{method}"
"""
SAID = {
    "i0": ("cat", "Cat", "dog"),
    "i1": ("dog", "dog", "dog"),
    "i2": ("cat", "dog", "big fox"),
    "g1": ("dog", "dog", "cat"),
}


Make = Callable[[str], LabelStudy]


@pytest.fixture(params=KINDS)
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make the study with these lines of settings; it is closed at the end."""
    made: list[LabelStudy] = []

    def study(keys: str) -> LabelStudy:
        made.append(LabelStudy(tmp_path, keys, url=url))
        return made[-1]

    with new_database(request.param, tmp_path) as url:
        yield study
        for each in made:
            each.world.close()


def study_of(make: Make, method: str = "majority") -> LabelStudy:
    """Three items with three votes each, and a known one."""
    study = make(CLASSES.format(method=method))
    study.add_numbered(3)
    study.add("key,url,truth,about\ng1,x,Cat,known\n", gold="truth")
    study.import_rows([(item, f"w{place}", said) for item, votes in SAID.items() for place, said in enumerate(votes)])
    study.aggregate()
    return study


def rows(study: LabelStudy, **options: Any) -> dict[str, dict[str, Any]]:
    found = training_data(study.world, "photos", **options)
    made = list(found.rows)
    assert all(tuple(row) == tuple(found.columns) for row in made)
    return {row["item"]: row for row in made}


@pytest.mark.parametrize("method", ["majority", "dawid-skene", "cubam", "cubam-marginal"])
def test_every_class_has_its_votes_and_a_probability(make: Make, method: str) -> None:
    study = study_of(make, method)
    found = rows(study)
    assert list(found) == ["i0", "i1", "i2"]
    assert [row["votes"] for row in found.values()] == [
        {"cat": 2, "dog": 1},
        {"dog": 3},
        {"cat": 1, "dog": 1, "big fox": 1},
    ]
    for row in found.values():
        shares = {name: row[f"p.{name.replace(' ', '_')}"] for name in ("cat", "dog", "big fox")}
        assert max(shares.values()) == pytest.approx(row["p"], abs=2e-6)
        if row["label"] is not None:
            assert shares[row["label"]] == pytest.approx(row["p"], abs=2e-6)
        if not method.startswith("cubam"):
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["source"] == (None if row["label"] is None else "votes")
    assert found["i1"]["label"] == "dog"


def test_rows_carry_the_columns_of_the_items(make: Make) -> None:
    study = study_of(make)
    study.import_rows([("unlisted", who, "cat") for who in ("w1", "w2")])
    study.aggregate()
    found = rows(study)
    assert (found["i1"]["item.url"], found["i1"]["item.about"]) == ("u1", None)
    assert found["unlisted"]["item.url"] is None
    assert rows(study, gold="only")["g1"]["item.about"] == "known"


def test_a_label_set_by_hand_goes_before_a_known_answer_and_that_before_votes(make: Make) -> None:
    study = study_of(make)
    known = rows(study, gold="only")["g1"]
    assert (known["label"], known["source"], known["gold"]) == ("cat", "gold", "Cat")
    assert (known["votes"], known["p.dog"]) == ({"cat": 1, "dog": 2}, 0.5)
    set_label(study.world, "photos", "g1", "big fox")
    set_label(study.world, "photos", "i2", "dog")
    study.add("key,url\nnew,y\n")
    set_label(study.world, "photos", "new", "dog")
    found = rows(study, gold="include")
    assert {item: (row["label"], row["source"]) for item, row in found.items()} == {
        "g1": ("big fox", "by hand"),
        "i0": ("cat", "votes"),
        "i1": ("dog", "votes"),
        "i2": ("dog", "by hand"),
        "new": ("dog", "by hand"),
    }
    assert (found["new"]["votes"], found["new"]["p.dog"], found["new"]["n"]) == (None, None, 0)


def test_a_known_answer_to_another_question_is_no_label(make: Make) -> None:
    study = make(CLASSES.format(method="majority").replace("min_votes", 'field = "animal"\nmin_votes'))
    study.add("key,url,truth\ng1,x,cat\n", gold="truth")
    study.import_rows([("g1", who, "dog") for who in ("w1", "w2")] + [("a", who, "cat") for who in ("w1", "w2")])
    study.aggregate()
    known = rows(study, gold="only")["g1"]
    assert (known["label"], known["source"], known["gold"]) == ("dog", "votes", "cat")


def test_a_yes_or_no_question_has_two_probabilities_that_add_up_to_one(make: Make) -> None:
    study = make(LABELS + 'method = "majority"\n')
    study.import_rows(rows_of(VOTES))
    study.aggregate()
    found = rows(study)
    assert found["p0"]["votes"] == {"false": 1, "true": 2}
    assert found["p3"]["votes"] == {"false": 3}
    for row in found.values():
        assert row["p.true"] == row["p"]
        assert row["p.true"] + row["p.false"] == pytest.approx(1)


def test_numbers_have_votes_by_number_and_no_probabilities(make: Make) -> None:
    study = make('\n[experiments.photos.labels]\nmethod = "mean"\nmin_votes = 2\n')
    study.import_rows([("a", "w1", "3"), ("a", "w2", "3.0"), ("a", "w3", "4.5"), ("b", "w1", "1"), ("b", "w2", "2")])
    study.aggregate()
    found = training_data(study.world, "photos")
    assert not [name for name in found.columns if name.startswith("p.")]
    assert {row["item"]: row["votes"] for row in found.rows} == {"a": {"3": 2, "4.5": 1}, "b": {"1": 1, "2": 1}}


def test_results_of_an_older_turkctl_are_named_and_have_no_probabilities(make: Make) -> None:
    study = study_of(make)
    study.write("UPDATE turkctl_label_result SET votes = NULL, by_class = NULL")
    study.write("UPDATE turkctl_label_run SET facts = replace(facts, '\"per_class\": true', '\"per_class\": false')")
    found = training_data(study.world, "photos")
    assert found.old == ["photos"]
    assert {(row["votes"], row["p.cat"]) for row in found.rows} == {(None, None)}


def test_all_experiments_share_the_columns_of_their_classes(make: Make) -> None:
    study = study_of(make)
    found = training_data(study.world, None)
    assert found.columns[:2] == ("experiment", "item")
    assert {row["experiment"] for row in found.rows} == {"photos"}
    assert training_data(study.world, None).old == []
