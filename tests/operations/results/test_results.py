"""Answers with the items that they are about: long, wide, filtered, without ids, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from study_support import worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.hits.details import show_hit
from turkctl.operations.participants.answers import answers_of
from turkctl.operations.results import rows as result_rows
from turkctl.operations.results.rows import KEYS, WIDE_KEYS, Results, ResultsRequest, results
from turkctl.operations.selection.gold import INCLUDE, ONLY
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.store import answered_items

EVERYTHING = WorkSelection(Selection())
SEVERAL = 'contents_per_hit = 2\ngold_per_hit = 1\nanswer_field = "label_{n}"\noutputs = 2\n'


def study_of(folder: Path, keys: str) -> ContentStudy:
    made = ContentStudy(folder, keys)
    made.add("key,url,truth\ng1,x,Black Cat\n", gold="truth")
    made.add_numbered(2)
    made.dispatch()
    return made


@pytest.fixture
def several(tmp_path: Path) -> Iterator[ContentStudy]:
    """A HIT of two items and a known one, which two workers may do."""
    made = study_of(tmp_path, SEVERAL)
    yield made
    made.world.close()


def found(study: ContentStudy, **options: Any) -> Results:
    return results(study.world, ResultsRequest(options.pop("work", EVERYTHING), **{"gold": INCLUDE, **options}))


def listed(study: ContentStudy, **options: Any) -> list[dict[str, Any]]:
    return list(found(study, **options).rows)


def answered(study: ContentStudy, number: int = 1, **fields: str) -> tuple[str, list[str]]:
    """The assignment of a worker who answered so, and the keys of the items in their order."""
    ((hit, keys),) = study.shown().items()
    made = study.answer(hit, number, **fields)
    study.sync()
    return made, keys


def test_the_answer_in_the_nth_field_is_about_the_nth_item(several: ContentStudy) -> None:
    work, keys = answered(several, label_1="a", label_2="b", label_3="c", age="31")
    rows = listed(several, gold=INCLUDE)
    assert all(tuple(row) == KEYS for row in rows)
    assert [(row["key"], row["position"], row["question"], row["answer"], row["field"]) for row in rows] == [
        (keys[0], 1, "label", "a", "label_1"),
        (keys[1], 2, "label", "b", "label_2"),
        (keys[2], 3, "label", "c", "label_3"),
        (None, None, "age", "31", "age"),
    ]
    assert [row["keys"] for row in rows] == [None, None, None, keys]
    assert {row["key"]: row["gold"] for row in rows} == {"g1": "Black Cat", "i0": None, "i1": None, None: None}
    shared = {(row["experiment"], row["assignment_id"], row["worker_id"], row["status"], row["mode"]) for row in rows}
    assert shared == {("photos", work, worker(1), "Submitted", "local")}


def test_the_same_is_shown_with_a_hit_and_with_an_assignment(several: ContentStudy) -> None:
    work, keys = answered(several, label_2="b", age="31")
    expected = [
        {"key": keys[1], "keys": None, "question": "label", "answer": "b", "field": "label_2"},
        {"key": None, "keys": keys, "question": "age", "answer": "31", "field": "age"},
    ]
    (hit,) = several.shown()
    shown = show_hit(several.world, hit)
    assert [(item["position"], item["key"]) for item in shown["items"]] == list(enumerate(keys, start=1))
    assert [each["results"] for each in shown["assignments"]] == [expected]
    assert answers_of(several.world, work)["results"] == expected


def test_a_hit_without_items_has_no_results(several: ContentStudy) -> None:
    (hit,) = several.post(1, experiment="photos")
    several.answer(hit, 2)
    several.sync()
    shown = show_hit(several.world, hit)
    assert (shown["items"], [each["results"] for each in shown["assignments"]]) == ([], [[]])
    assert listed(several) == []


def test_wide_has_a_row_per_item_and_worker_with_what_is_about_all_items_in_each(several: ContentStudy) -> None:
    _work, keys = answered(several, label_1="a", label_3="c", age="31")
    answered(several, 2, label_2="d", why_2="because")
    wide = found(several, wide=True)
    rows = list(wide.rows)
    assert wide.keys == [*WIDE_KEYS, "label", "age", "why"]
    assert all(list(row) == wide.keys for row in rows)
    assert [(row["key"], row["worker_id"], row["label"], row["age"], row["why"]) for row in rows] == [
        (keys[0], worker(1), "a", "31", None),
        (keys[1], worker(1), None, "31", None),
        (keys[2], worker(1), "c", "31", None),
        (keys[0], worker(2), None, None, None),
        (keys[1], worker(2), "d", None, "because"),
        (keys[2], worker(2), None, None, None),
    ]


def test_a_question_about_one_item_and_one_about_all_have_columns_of_their_own(several: ContentStudy) -> None:
    answered(several, note="about all")
    answered(several, 2, note_1="about one")
    wide = found(several, wide=True)
    assert [(row["note"], row["note_2"]) for row in wide.rows] == [
        *[(None, "about all")] * 3,
        ("about one", None),
        *[(None, None)] * 2,
    ]
    assert wide.renamed == {"note_2": "note"}


def test_known_items_can_be_left_out(several: ContentStudy) -> None:
    _work, keys = answered(several, **{f"label_{n}": "x" for n in (1, 2, 3)}, age="31")
    assert [row["key"] for row in listed(several, gold=ONLY)] == ["g1"]
    assert [row["key"] for row in listed(several, gold=None)] == [*(key for key in keys if key != "g1"), None]
    assert [row["key"] for row in listed(several, gold=ONLY, wide=True)] == ["g1"]
    assert [row["key"] for row in listed(several, gold=None, item="g1")] == ["g1", None]


def test_one_item_is_found_with_what_was_said_about_all(several: ContentStudy) -> None:
    answered(several, **{f"label_{n}": "x" for n in (1, 2, 3)}, age="31")
    assert [(row["key"], row["question"]) for row in listed(several, item="i1")] == [("i1", "label"), (None, "age")]
    assert listed(several, item="none") == []


def test_what_the_file_says_of_an_item_is_in_columns(several: ContentStudy) -> None:
    answered(several, label_1="x", label_2="x", label_3="x", age="31")
    shown = found(several, item_columns=True)
    rows = list(shown.rows)
    assert shown.keys == [*KEYS, "item.key", "item.urgency", "item.url"]
    assert {(row["item.key"], row["item.url"]) for row in rows} == {
        ("g1", "x"),
        ("i0", "u0"),
        ("i1", "u1"),
        (None, None),
    }
    wide = found(several, item_columns=True, wide=True)
    assert wide.keys == [*WIDE_KEYS, "item.key", "item.urgency", "item.url", "label", "age"]
    assert [row["item.key"] for row in wide.rows] == [row["key"] for row in rows[:3]]


def test_selectors_narrow_the_work(several: ContentStudy) -> None:
    first, _keys = answered(several, label_1="x")
    answered(several, 2, label_1="y")
    several.world.mturk.approve(first)
    several.sync()
    (hit,) = several.shown()

    def said(**options: Any) -> list[str]:
        return [row["answer"] for row in listed(several, **options)]

    assert said(work=WorkSelection(Selection(ids=(worker(2),)))) == ["y"]
    assert said(work=WorkSelection(Selection(ids=(first,)))) == ["x"]
    assert said(work=WorkSelection(Selection(), (hit,))) == ["x", "y"]
    assert said(work=WorkSelection(Selection(regex="^no"))) == []
    assert said(statuses=("approved",)) == ["x"]
    assert said(statuses=("Submitted", "rejected")) == ["y"]
    with pytest.raises(NotFoundError, match="no worker"):
        found(several, work=WorkSelection(Selection(ids=("A404",))))
    with pytest.raises(NotFoundError):
        found(several, work=WorkSelection(Selection(experiment="none")))
    with pytest.raises(UsageError, match="status"):
        found(several, statuses=("done",))


def test_a_crowd_form_is_unpacked_into_columns(tmp_path: Path) -> None:
    study = study_of(tmp_path, "outputs = 2\n")
    hit, (key,) = next(iter(study.shown().items()))
    told = {"animal": {"label": "Cat"}, "sure": {"yes": True, "no": False}, "tags": {"labels": ["a"]}}
    study.answer(hit, 1, taskAnswers=json.dumps([told]))
    study.sync()
    assert {row["question"]: row["answer"] for row in listed(study)} == {
        "animal.label": "Cat",
        "sure.yes": True,
        "sure.no": False,
        "tags.labels": ["a"],
    }
    (row,) = listed(study, wide=True, texts=True)
    assert (row["key"], row["animal.label"], row["sure.no"], row["tags.labels"]) == (key, "Cat", "false", '["a"]')
    study.world.close()


def test_what_psiturk_recorded_goes_before_what_was_submitted(tmp_path: Path) -> None:
    study = study_of(tmp_path, "outputs = 3\n")
    hit, (key,) = next(iter(study.shown().items()))
    for number in (1, 2, 3):
        study.answer(hit, number, finished="yes")
    study.sync()
    for number, text in ((1, '{"questiondata": {"mood": {"am": 3}}}'), (2, "broken"), (3, "")):
        study.write("UPDATE assignments SET datastring = :text WHERE workerid = :who", text=text, who=worker(number))
    shown = found(study)
    assert [(row["key"], row["question"], row["answer"]) for row in shown.rows] == [(key, "mood", {"am": 3})]
    assert shown.unread == 1
    wide = found(study, wide=True)
    assert [(row["worker_id"], row["mood.am"]) for row in wide.rows] == [(worker(1), 3), (worker(3), None)]
    study.world.close()


def test_pseudonyms_are_in_the_place_of_ids_everywhere(several: ContentStudy, tmp_path: Path) -> None:
    work, keys = answered(several, label_1=f"I am {worker(1)}", comment="fine")
    (hit,) = several.shown()
    key_file = tmp_path / "study.key"
    shown = found(several, key_file=key_file, item_columns=True)
    text = json.dumps(list(shown.rows), default=str)
    assert shown.key is not None
    assert (shown.key.created, worker(1) in text, work in text, hit in text) == (True, False, False, False)
    first, *_ = listed(several, key_file=key_file)
    assert first["key"] == keys[0]
    assert first["answer"] == f"I am {first['worker_id']}"
    (again, *_) = listed(several, key_file=key_file, wide=True)
    assert again["worker_id"] == first["worker_id"]


def test_what_changes_between_the_readings_is_counted_and_new_work_is_left_out(several: ContentStudy) -> None:
    first, _keys = answered(several, label_1="x")
    wide = found(several, wide=True)
    changed = json.dumps({"label_1": "y", "new": "z"})
    several.write("UPDATE turkctl_assignment SET answers = :new WHERE assignment_id = :which", new=changed, which=first)
    answered(several, 2, label_1="z")
    assert [row["label"] for row in wide.rows] == ["y", None, None]
    assert wide.missed == 3, "it would be in three rows"


def test_pages_together_are_all_of_the_work(several: ContentStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(several, label_1="x")
    answered(several, 2, label_1="y")
    whole = listed(several)
    monkeypatch.setattr(answered_items, "PAGE", 1)
    assert listed(several) == whole
    assert [row["answer"] for row in whole] == ["x", "y"]


def test_no_more_columns_than_the_most(several: ContentStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_rows, "MOST", 1)
    answered(several, label_1="x", a="1", b="2")
    assert len(found(several, item_columns=True).keys) == len(KEYS) + 1
    wide = found(several, wide=True)
    assert wide.keys[len(WIDE_KEYS) :] == ["label", "other_answers"]
    assert [row["other_answers"] for row in wide.rows] == [{"a": "1", "b": "2"}] * 3
