"""A row for each person with a column for each question, and the items that answers are about."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from dispatch_support import ContentStudy
from pyarrow import parquet
from study_support import worker

from turkctl.operations.participants import export as participant_export
from turkctl.operations.participants.datastring import PARTICIPANT
from turkctl.operations.participants.export import ExportReport, export, plan_export
from turkctl.operations.participants.filters import Query

WIDE = [*PARTICIPANT, "begin_hit", "begin_exp", "end_hit"]
SEVERAL = 'contents_per_hit = 2\nanswer_field = "label_{n}"\noutputs = 3\n'


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """A HIT of two items, which three workers may do."""
    made = ContentStudy(tmp_path, SEVERAL)
    made.add_numbered(2)
    made.dispatch()
    yield made
    made.world.close()


def answered(study: ContentStudy, number: int = 1, **fields: str) -> None:
    (hit,) = study.shown()
    study.answer(hit, number, **fields)
    study.sync()


def record(study: ContentStudy, number: int, questions: Any) -> None:
    """Store what psiTurk recorded of a worker."""
    text = json.dumps({"questiondata": questions})
    study.write("UPDATE assignments SET datastring = :text WHERE workerid = :who", text=text, who=worker(number))


def exported(
    study: ContentStudy, data: str | None = None, form: str = "jsonl", stop: Event | None = None, **options: Any
) -> tuple[list[dict[str, Any]], ExportReport]:
    shown: list[str] = []
    wanted = plan_export(data, form, options.pop("file", None), options.pop("key", None), wide=data is None)
    wanted = replace(wanted, **options)
    report = export(study.world, Query(), wanted, shown.append, stop or Event())
    text = "".join(shown)
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text))), report
    return [json.loads(line) for line in text.splitlines()], report


def test_an_answer_in_the_nth_field_has_the_key_of_the_nth_item(study: ContentStudy) -> None:
    answered(study, label_1="a", label_2="b", age="31")
    (keys,) = study.shown().values()
    rows, _report = exported(study, "question")
    assert [(row["item_key"], row["item_keys"], row["question"], row["value"]) for row in rows] == [
        (keys[0], None, "label_1", "a"),
        (keys[1], None, "label_2", "b"),
        (None, keys, "age", "31"),
    ]
    tables, _report = exported(study, "question", "csv", item_columns=True)
    assert [row["item.url"] for row in tables] == [f"u{key[1:]}" for key in keys] + [""]
    assert json.loads(tables[2]["item_keys"]) == keys


def test_a_person_has_one_row_with_begin_and_end(study: ContentStudy) -> None:
    answered(study, label_1="a", label_2="b", age="31")
    answered(study, 2, label_2="c")
    (keys,) = study.shown().values()
    rows, report = exported(study)
    assert list(rows[0]) == [*WIDE, "item_key", "item_keys", "age", "label_1", "label_2"]
    told = [(row["worker_id"], row["item_keys"], row["age"], row["label_1"], row["label_2"]) for row in rows]
    assert told == [(worker(1), keys, "31", "a", "b"), (worker(2), keys, None, None, "c")]
    assert all(row["begin_hit"] <= row["end_hit"] and row["end_hit"].endswith("Z") for row in rows)
    assert (report.rows, report.participants, report.renamed, report.missed) == ({"wide": 2}, 2, {}, 0)


def test_what_is_inside_of_objects_has_columns_and_names_are_safe(study: ContentStudy) -> None:
    answered(study, label_1="a")
    answered(study, 2, label_1="b")
    record(study, 1, {"mood": {"am": 3, "pm": [1, 2]}, "mood.am": 4, "How old?": "31", "status": "x", "by": True})
    record(study, 2, {"MOOD.AM": 5})
    rows, report = exported(study, form="csv")
    names = ["mood.am", "mood.pm", "mood.am_2", "How_old", "status_2", "q_by", "MOOD.AM_3"]
    assert list(rows[0])[len(WIDE) + 2 :] == names
    assert [rows[0][name] for name in names] == ["3", "[1, 2]", "4", "31", "x", "true", ""]
    assert [rows[1][name] for name in names] == [""] * 6 + ["5"]
    assert report.renamed == {"How_old": "How old?", "status_2": "status", "q_by": "by", "MOOD.AM_3": "MOOD.AM"}


def test_a_crowd_form_is_unpacked_in_both_forms(study: ContentStudy) -> None:
    told = {"label_1": {"label": "Cat"}, "sure": {"yes": True, "no": False}}
    answered(study, taskAnswers=json.dumps([told]))
    rows, _report = exported(study, "question")
    (keys,) = study.shown().values()
    assert [(row["item_key"], row["question"], row["value"]) for row in rows] == [
        (keys[0], "label_1.label", "Cat"),
        (None, "sure.yes", True),
        (None, "sure.no", False),
    ]
    ((row,), _report) = exported(study, form="csv")
    assert (row["label_1.label"], row["sure.yes"], row["sure.no"]) == ("Cat", "true", "false")


def test_parquet_has_the_same_columns(study: ContentStudy, tmp_path: Path) -> None:
    answered(study, label_1="a")
    exported(study, form="parquet", file=str(tmp_path / "wide.parquet"), item_columns=True)
    (row,) = parquet.read_table(tmp_path / "wide.parquet").to_pylist()
    columns = ["item.key", "item.urgency", "item.url"]
    assert list(row) == [*WIDE, "item_key", "item_keys", *columns, "label_1"]
    assert json.loads(row["item_keys"]) == next(iter(study.shown().values()))


def test_pseudonyms_are_in_names_keys_and_answers(study: ContentStudy, tmp_path: Path) -> None:
    answered(study, label_1="a")
    record(study, 1, {f"note of {worker(1)}": f"by {worker(1).lower()}"})
    rows, report = exported(study, key=tmp_path / "key", item_columns=True)
    assert worker(1).lower() not in json.dumps([rows, report.renamed]).lower()
    (row,) = rows
    assert row[f"note_of_{row['worker_id']}"] == f"by {row['worker_id']}"


class AtReading(Event):
    """Does something when participants are begun to be read for this time."""

    def __init__(self, time: int, act: Any) -> None:
        super().__init__()
        self.left = time
        self.act = act

    def is_set(self) -> bool:
        self.left -= 1
        if self.left == 0:
            self.act()
        return False


def test_answers_to_questions_that_come_up_meanwhile_are_counted(study: ContentStudy) -> None:
    answered(study, label_1="a")
    stop = AtReading(2, lambda: answered(study, 2, label_1="b", new="c"))
    rows, report = exported(study, stop=stop)
    assert [row["label_1"] for row in rows] == ["a", "b"]
    assert report.missed == 1


def test_questions_beyond_the_most_are_in_one_column(study: ContentStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_export, "MOST_COLUMNS", 1)
    answered(study, label_1="a", label_2="b")
    ((row,), report) = exported(study)
    assert (row["label_1"], row["other_answers"], report.missed) == ("a", {"label_2": "b"}, 0)


def test_what_cannot_be_read_is_named_and_others_have_their_rows(study: ContentStudy) -> None:
    answered(study, label_1="a")
    answered(study, 2, label_1="b")
    study.write("UPDATE assignments SET datastring = '{' WHERE workerid = :who", who=worker(1))
    rows, report = exported(study)
    assert ([row["worker_id"] for row in rows], report.unreadable) == ([worker(2)], 1)
