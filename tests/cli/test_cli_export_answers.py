"""``participants export`` of a study whose form is the HIT itself: what was submitted to the market."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from turkctl.context import Context
from turkctl.settings import load

Run = Callable[..., Any]


@pytest.fixture
def answered(configured: Path, turkctl: Run) -> list[str]:
    """A HIT that two workers did; their assignments."""
    hit = json.loads(turkctl("hits", "create", "--assignments", "2", "--json").out)["results"][0]["id"]
    context = Context(load({}, {}, configured))
    made = []
    for name, answer in (("AW000001", {"colour": "red", "why": "it is, really"}), ("AW000002", {"colour": "blue"})):
        context.market.register_worker("production", name)
        made.append(str(context.market.accept("production", name, hit)["AssignmentId"]))
        context.market.submit("production", name, made[-1], answer)
    context.close()
    assert turkctl("sync", "-q").code == 0
    return made


def rows(turkctl: Run, *argv: str) -> list[dict[str, str]]:
    finished = turkctl("participants", "export", "--data", "question", *argv)
    assert finished.code == 0, finished.err
    return list(csv.DictReader(io.StringIO(finished.out)))


def test_answers_on_the_market_are_the_answers_to_questions(answered: list[str], turkctl: Run) -> None:
    found = [(row["assignment_id"], row["question"], row["value"]) for row in rows(turkctl)]
    first, second = answered
    assert sorted(found) == sorted(
        [(first, "colour", "red"), (first, "why", "it is, really"), (second, "colour", "blue")]
    )
    assert [row["assignment_id"] for row in rows(turkctl, "--worker", "AW000002")] == [second]


def test_what_psiturk_recorded_goes_before_and_what_it_left_empty_stays_so(answered: list[str], turkctl: Run) -> None:
    with closing(sqlite3.connect("turkctl.db")) as database, database:
        database.execute(
            "UPDATE assignments SET datastring = ? WHERE workerid = 'AW000001'",
            ('{"questiondata": {"age": "31"}}',),
        )
        database.execute("UPDATE assignments SET datastring = '' WHERE workerid = 'AW000002'")
    assert [(row["question"], row["value"]) for row in rows(turkctl)] == [("age", "31")]


def test_pseudonyms_hide_who_answered(answered: list[str], configured: Path, turkctl: Run) -> None:
    finished = turkctl("participants", "export", "--data", "question", "--anonymize", "study.key")
    assert (finished.code, "AW00000" in finished.out, answered[0] in finished.out) == (0, False, False)
    assert "it is, really" in finished.out
