"""What one assignment answered, beside the items that it was about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from study_support import worker

from turkctl.errors import NotFoundError
from turkctl.operations.participants.answers import NOT_READ, OF_ITEM, UNREADABLE, answers_of
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.assignments import list_assignments

KEYS = 'contents_per_hit = 2\ngold_per_hit = 1\nanswer_field = "label_{key}"\noutputs = 2\n'


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """A HIT of two items and a known one, which two workers may do."""
    made = ContentStudy(tmp_path, KEYS)
    made.add("key,url,truth\ng1,x,Black Cat\n", gold="truth")
    made.add_numbered(2)
    made.dispatch()
    yield made
    made.world.close()


def answered(study: ContentStudy, number: int = 1, **fields: str) -> str:
    """The assignment of somebody who answered so, read from the market."""
    (hit,) = study.shown()
    made = study.answer(hit, number, **fields)
    study.sync()
    return made


def items(study: ContentStudy, assignment: str) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in answers_of(study.world, assignment)["items"]}


def test_each_answer_is_beside_its_item_and_the_known_one_is_checked(study: ContentStudy) -> None:
    work = answered(study, label_g1=" black  cat", label_i0="dog", remark="fine")
    shown = answers_of(study.world, work)
    (row,) = list_assignments(study.world, WorkSelection(Selection(ids=(work,))))
    assert {key: shown[key] for key in row} == row
    assert (shown["read"], shown["note"], shown["document"]) == (True, None, None)
    assert shown["answers"] == {"label_g1": " black  cat", "label_i0": "dog", "remark": "fine"}
    assert [item["key"] for item in shown["items"]] == next(iter(study.shown().values()))
    assert [item["position"] for item in shown["items"]] == [1, 2, 3]
    found = items(study, work)
    assert tuple(found["g1"]) == OF_ITEM
    assert (found["g1"]["answer"], found["g1"]["gold"], found["g1"]["right"]) == ("black  cat", "Black Cat", True)
    assert found["i0"] == {
        "position": found["i0"]["position"],
        "key": "i0",
        "field": "label_i0",
        "answer": "dog",
        "gold": None,
        "right": None,
        "data": {"key": "i0", "url": "u0", "urgency": "2"},
    }
    assert (found["i1"]["field"], found["i1"]["answer"]) == ("label_i1", None)


def test_a_known_answer_that_was_left_out_or_is_another_is_wrong(study: ContentStudy) -> None:
    wrong, left_out = answered(study, 1, label_g1="dog"), answered(study, 2, label_i0="dog")
    assert items(study, wrong)["g1"]["right"] is False
    assert items(study, left_out)["g1"]["right"] is False


def test_without_the_name_of_the_field_nothing_is_judged(tmp_path: Path) -> None:
    keys = 'contents_per_hit = 1\ngold_per_hit = 1\n[experiments.photos.labels]\nfield = "bird_{key}"\n'
    study = ContentStudy(tmp_path, keys)
    study.add("key,url,truth\ng1,x,cat\n", gold="truth")
    study.add_numbered(1)
    study.dispatch()
    found = items(study, answered(study, bird_g1="cat"))
    assert (found["g1"]["field"], found["g1"]["answer"], found["g1"]["right"]) == ("bird_g1", "cat", None)
    study.world.close()


def test_answers_that_were_not_read_or_cannot_be_are_said_to_be(study: ContentStudy) -> None:
    work = answered(study, label_g1="cat")
    study.write("UPDATE turkctl_assignment SET answers = NULL")
    assert answers_of(study.world, work)["answers"] == {"label_g1": "cat"}, "they are parsed from the document"
    study.write("UPDATE turkctl_assignment SET answer = '<broken'")
    shown = answers_of(study.world, work)
    assert (shown["read"], shown["answers"], shown["document"]) == (False, None, "<broken")
    assert shown["note"] == UNREADABLE
    study.write("UPDATE turkctl_assignment SET answer = NULL")
    shown = answers_of(study.world, work)
    assert (shown["read"], shown["document"], shown["note"]) == (False, None, NOT_READ)
    assert {item["right"] for item in shown["items"]} == {None}


def test_what_psiturk_recorded_is_summed_up(study: ContentStudy) -> None:
    work = answered(study, label_g1="cat")
    shown = answers_of(study.world, work)["participant"]
    assert (shown["uniqueid"], shown["recorded"]) == (f"{worker(1)}:{work}", None)
    recorded = {"data": [{"trialdata": {"rt": 1}}, {"trialdata": {"rt": 2}}, 7], "questiondata": {"age": "31"}}
    study.write("UPDATE assignments SET datastring = :d, cond = 4", d=json.dumps(recorded))
    shown = answers_of(study.world, work)["participant"]
    assert shown["condition"] == 4
    assert shown["recorded"] == {
        "trials": 2,
        "events": 0,
        "questions": {"age": "31"},
        "detail": "1 part could not be read",
    }
    study.write("UPDATE assignments SET datastring = 'no JSON'")
    assert answers_of(study.world, work)["participant"]["recorded"]["detail"] == "it is not in psiTurk's form"


def test_work_that_only_psiturks_rows_have_is_shown_with_what_they_say(study: ContentStudy) -> None:
    for name, status in (("A2", 2), ("A4", 4)):
        study.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, mode)"
            " VALUES (:u, :a, 'AVISITOR', '3OLD', '1.0', :s, 'local')",
            u=f"AVISITOR:{name}",
            a=name,
            s=status,
        )
    begun, done = answers_of(study.world, "A2"), answers_of(study.world, "A4")
    assert (begun["worker_id"], begun["status"], begun["participant"]["status"]) == ("AVISITOR", None, "started")
    assert (done["worker_id"], done["status"], done["participant"]["status"]) == ("AVISITOR", "Submitted", "submitted")
    assert begun["note"] == done["note"] == NOT_READ
    assert list(begun) == list(done)


def test_there_are_no_answers_of_what_nobody_knows(study: ContentStudy) -> None:
    answered(study, label_g1="cat")
    for name in ("3NOBODY", worker(1), ""):
        with pytest.raises(NotFoundError, match="there is no assignment"):
            answers_of(study.world, name)
