"""Odd answers are left out and named, mapped to a class, and items are decided by hand, many at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from label_support import LabelStudy, rows_of
from standard_input import standard_input
from study_support import worker

from turkctl.errors import UsageError
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.experiments.stored import find_experiment, settings_of
from turkctl.operations.labels.changes import set_label, set_labels, settable
from turkctl.operations.labels.decisions import read_decisions, read_mappings
from turkctl.operations.labels.lists import list_by_hand, list_labels, show_item
from turkctl.operations.labels.relabel import list_answers, relabel
from turkctl.operations.labels.runs import AggregateRequest, why_nothing

ANIMALS = (
    '\n[experiments.photos.labels]\nfield = "animal"\nclasses = ["deer", "fox"]\nmethod = "majority"\nmin_votes = 1\n'
)


def answered(study: LabelStudy, *answers: str | list[str]) -> str:
    """Workers answer about one HIT, in turn; return its id."""
    (hit,) = study.post(len(answers), experiment="photos")
    for number, said in enumerate(answers, start=1):
        study.answer(hit, number, animal=said)
    study.sync()
    return hit


@pytest.fixture(params=KINDS)
def animals(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """Answers to a question with two classes, some of them odd, on either database."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, ANIMALS, url=url)
        answered(made, "Deer", " deer", "fox", "wolf", "NA", "deer|fox")
        yield made
        made.world.close()


def mapped(study: LabelStudy, text: str, **options: Any) -> BatchResult:
    pairs = read_mappings("-", standard_input(text), clear=options.get("undo", False))
    return relabel(study.world, "photos", pairs, options.pop("reason", "as we agreed"), **options)


def decided(study: LabelStudy, text: str, **options: Any) -> BatchResult:
    clear = options.setdefault("clear", False)
    decisions = read_decisions("-", standard_input(text), clear=clear)
    return set_labels(study.world, "photos", decisions, options.pop("reason", "looked again"), **options)


def statuses(result: BatchResult) -> list[tuple[str, str]]:
    return [(item.id, item.status) for item in result.results]


def test_odd_answers_are_left_out_counted_and_named_and_the_aggregation_goes_on(animals: LabelStudy) -> None:
    (outcome,) = animals.aggregate()
    assert outcome.result is not None
    assert (outcome.status, outcome.result.run.labels) == ("done", 3)
    assert (outcome.left_out.odd, outcome.left_out.missing) == (2, 1)
    assert [line.partition(": ")[2] for line in outcome.left_out.named] == [
        "the label 'wolf' is not one of the classes",
        "the label 'deer|fox' is not one of the classes",
    ]
    assert f"worker {worker(4)} (assignment " in outcome.left_out.named[0]
    assert "left out: 1 label that says nothing (blank, NA or NaN)" in outcome.notes
    assert [label for label, _ in animals.results().values()] == ["deer"]
    assert [status for *_, status in animals.labels()] == ["counts", "counts", "counts", "odd", "missing", "odd"]
    exported = list_labels(animals.world, "photos", counting=True)
    assert [row["label"] for row in exported] == ["Deer", "deer", "fox"]


def test_an_answer_that_was_relabelled_counts_now_and_later_and_until_that_is_undone(animals: LabelStudy) -> None:
    animals.aggregate()
    assert statuses(mapped(animals, "answer,label\nWolf,fox\ndeer|fox,deer\n")) == [
        ("Wolf", "relabelled"),
        ("deer|fox", "relabelled"),
    ]
    assert animals.dirty
    (outcome,) = animals.aggregate()
    assert outcome.result is not None
    assert (outcome.result.run.labels, outcome.left_out.odd) == (5, 0)
    later = answered(animals, "WOLF", "wolf ", "fox")
    (outcome,) = animals.aggregate()
    assert animals.results()[later][0] == "fox"
    by_answer = {row["answer"]: row for row in list_answers(animals.world, "photos")}
    assert (by_answer["wolf"]["status"], by_answer["wolf"]["label"], by_answer["wolf"]["n"]) == ("counts", "fox", 2)
    assert (by_answer["WOLF"]["stands_for"], by_answer["WOLF"]["reason"]) == ("fox", "as we agreed")
    assert by_answer["wolf"]["set_by"]
    assert statuses(mapped(animals, "wolf,fox\n")) == [("wolf", "already_done")]
    assert statuses(mapped(animals, "wolf,deer\n")) == [("wolf", "relabelled")]
    assert [row["label"] for row in list_answers(animals.world, "photos") if row["answer"] == "wolf"] == ["deer"]
    assert statuses(mapped(animals, "wolf,deer\n", undo=True)) == [("wolf", "undone")]
    assert statuses(mapped(animals, "wolf,deer\n", undo=True)) == [("wolf", "already_done")]
    (outcome,) = animals.aggregate()
    assert outcome.left_out.odd == 3


def test_a_mapping_that_cannot_be_kept_fails_with_its_row_and_the_others_are_kept(animals: LabelStudy) -> None:
    found = mapped(animals, f"answer,label\nwolf,cat\ndeer|fox,deer\nDEER|fox,fox\n{'x' * 256},fox\n")
    assert [(item.status, item.error and item.error.message) for item in found.results] == [
        ("failed", "row 2: 'cat' is not one of the classes"),
        ("relabelled", None),
        ("failed", "row 4: the answer is already in row 3"),
        ("failed", "row 5: the answer has more than 255 characters"),
    ]
    assert statuses(mapped(animals, "wolf,fox\n", dry_run=True)) == [("wolf", "planned")]
    (outcome,) = animals.aggregate()
    assert outcome.left_out.odd == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("answer,label,more\nwolf,,x\n", "row 2: the label is missing"),
        ("answer,label\n", "has no rows"),
        ("one,two,three\nwolf,fox,x\n", "has no column answer and label"),
        ("answer,other\nwolf,fox\n", "has no column answer and label"),
    ],
)
def test_a_file_of_answers_that_cannot_be_read_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_mappings("-", standard_input(text), clear=False)


def test_many_items_are_decided_at_once_and_an_unknown_one_fails_alone(animals: LabelStudy) -> None:
    animals.aggregate()
    ((item, _),) = animals.results().items()
    found = decided(animals, f"item,label\n{item},FOX\np77,fox\n{item},deer\n")
    assert [(each.id, each.status) for each in found.results] == [(item, "set"), ("p77", "failed"), (item, "failed")]
    assert found.results[1].error is not None
    assert found.results[1].error.message.startswith("row 3: experiment photos has no label for 'p77'")
    animals.aggregate(force=True)
    assert animals.results() == {item: ("fox", "admin")}
    shown = show_item(animals.world, "photos", item)
    assert (shown["source"], shown["reason"], bool(shown["set_by"])) == ("by hand", "looked again", True)
    (row,) = [row for row in list_labels(animals.world, "photos") if row["status"] == "by hand"]
    assert (row["item"], row["label"], row["worker"], row["reason"]) == (item, "fox", None, "looked again")
    assert [row["label"] for row in list_by_hand(animals.world, "photos")] == ["fox"]
    assert statuses(decided(animals, f"item,label\n{item},fox\n")) == [(item, "already_done")]
    assert statuses(decided(animals, f"item,label\n{item},deer\n", reason="another look")) == [(item, "set")]
    assert animals.results() == {item: ("deer", "admin")}
    assert statuses(decided(animals, f"item\n{item}\n", clear=True, dry_run=True)) == [(item, "planned")]
    assert statuses(decided(animals, f"item,label\n{item},\n", clear=True)) == [(item, "cleared")]
    assert statuses(decided(animals, f"item\n{item}\n", clear=True)) == [(item, "already_done")]
    assert animals.results() == {item: ("deer", "majority")}
    assert show_item(animals.world, "photos", item)["source"] == "aggregation"


def test_a_decision_that_names_no_class_fails_and_a_dry_run_sets_nothing(animals: LabelStudy) -> None:
    animals.aggregate()
    ((item, _),) = animals.results().items()
    (failed,) = decided(animals, f"item,label\n{item},wolf\n").results
    assert failed.error is not None
    assert failed.error.message == "row 2: 'wolf' is not one of the labels"
    assert statuses(decided(animals, f"item,label\n{item},fox\n", dry_run=True)) == [(item, "planned")]
    assert animals.results()[item][1] == "majority"
    assert settable(animals.world, "photos") == ["deer", "fox"]


def test_the_field_of_answers_is_named_when_none_is_set(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, "\n[experiments.photos.labels]\nmin_votes = 1\n")
    with pytest.raises(UsageError, match="experiment photos has no labels yet in mode local"):
        study.aggregate()
    (hit,) = study.post(1, experiment="photos")
    study.answer(hit, 1, **{f"label_{n}": "yes" for n in (1, 2, 3, 10)}, comment="none")
    study.sync()
    says = "labels.field is not set: the answers have the fields label_1 … label_10, comment"
    with pytest.raises(UsageError, match=says) as refused:
        study.aggregate()
    assert (refused.value.hint or "").startswith('write field = "label_{n}" in [experiments.photos.labels]')
    assert says in why_nothing(study.world, AggregateRequest())[0]
    study.world.close()
    later = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nfield = "bird"\n')
    with pytest.raises(UsageError, match=r'labels\.field is "bird": the answers have the fields label_1'):
        later.aggregate()
    later.world.close()


def test_answers_to_content_that_make_no_labels_do_not_fail_a_run_of_all(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, 'answer_field = "animal"\n')
    answered(study, "a brown animal", "it has horns")
    (outcome,) = study.aggregate(None, method="one-coin")
    assert (outcome.status, outcome.error) == ("clean", None)
    assert outcome.notes[0].startswith("not aggregated: experiment photos, item ")
    with pytest.raises(UsageError, match="is neither true nor false"):
        study.aggregate(method="one-coin")
    study.world.close()


def test_numbers_have_a_mean_with_an_interval_that_is_stored(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nmethod = "mean"\nmin_votes = 2\n')
    study.import_rows([("p0", "w0", "1"), ("p0", "w1", "2.0"), ("p0", "w2", "3"), ("p1", "w0", "4"), ("p1", "w1", "5")])
    with pytest.raises(UsageError, match="row 2: the label 'many' is not a number"):
        study.import_rows([("p0", "w0", "many")])
    (outcome,) = study.aggregate()
    assert outcome.changes == {"none->number": 2, "number->none": 0, "number->number": 0}
    assert {item: label for item, (label, _) in study.results().items()} == {"p0": 2.0, "p1": 4.5}
    shown = show_item(study.world, "photos", "p0")
    assert (shown["low"], shown["high"]) == pytest.approx((-0.484138, 4.484138), abs=1e-6)
    assert set_label(study.world, "photos", "p0", "3.50")["label"] == 3.5
    with pytest.raises(UsageError, match="'many' is not a number"):
        set_label(study.world, "photos", "p0", "many")
    assert settable(study.world, "photos") == []
    assert {status for *_, status in study.labels()} == {"counts", "by hand"}
    study.import_rows([("p1", "w1", "6")])
    (outcome,) = study.aggregate()
    assert outcome.changes["number->number"] == 1
    study.world.close()


def test_another_spelling_is_no_change_and_is_told_once(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, '\n[experiments.photos.labels]\nmethod = "majority"\nmin_votes = 1\n')
    study.import_rows([("p0", "w0", "Cat"), ("p0", "w1", "cat"), ("p1", "w0", "dog"), ("p1", "w1", "dog")])
    (outcome,) = study.aggregate()
    told = (
        "spellings of one class: 'cat' as 'Cat'; case_sensitive = true in [experiments.photos.labels] keeps them apart"
    )
    assert outcome.notes == (told,)
    study.import_rows([("p0", "w2", "cat")])
    (outcome,) = study.aggregate()
    assert outcome.changes == {}
    assert study.results()["p0"][0] == "cat"
    study.world.close()
    later = LabelStudy(
        tmp_path, '\n[experiments.photos.labels]\nmethod = "majority"\nmin_votes = 1\ncase_sensitive = true\n'
    )
    (outcome,) = later.aggregate()
    assert outcome.notes == ()
    later.world.close()


def test_a_column_of_odd_labels_is_refused_by_an_import_before_later_rows(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path)
    rows = [*rows_of(("10",)), ("p1", "w0", "perhaps"), ("p1", "", "no")]
    with pytest.raises(UsageError, match="row 4: the label 'perhaps' is neither true nor false"):
        study.import_rows(rows)
    report = study.import_rows([*rows, ("p2", "w0", "NA")], skip_bad_rows=True, skip_missing=True)
    assert (report.added, report.bad, report.left_out, report.rows) == (2, 2, 1, 5)
    study.import_rows([("p3", "w0", "Cat"), ("p3", "w1", "dog")])
    assert ("p3", "w0", "Cat", "counts") in study.labels()
    study.world.close()


def test_the_settings_say_which_answers_are_usable(tmp_path: Path) -> None:
    study = LabelStudy(tmp_path, ANIMALS)
    with study.world.database.read() as session:
        settings = settings_of(find_experiment(session, "photos"))
    rule = settings.answer_rule({"wolf": "fox"})
    assert [rule.is_usable(text) for text in ("Deer", "wolf", "cat", "NA", "", None)] == [True, True, *[False] * 4]
    study.world.close()
    plain = LabelStudy(tmp_path, 'answer_field = "animal"\n')
    with plain.world.database.read() as session:
        rule = settings_of(find_experiment(session, "photos")).answer_rule()
    assert [rule.is_usable(text) for text in ("a brown one", "NA", " ")] == [True, False, False]
    plain.world.close()
