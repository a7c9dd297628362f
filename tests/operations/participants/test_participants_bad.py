"""Participants tables that are not as psiTurk leaves them: what can be read is, and the rest is said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from turkctl.context import Context
from turkctl.errors import DatabaseUnreachableError, ExitCode, NotFoundError, SchemaError, UsageError
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import count, grouped, listed, show
from turkctl.settings import load
from turkctl.store.participant_lists import Ordering
from turkctl.store.participants import participants_table

PLAIN = Ordering()
EXPERIMENT = """\
[experiments.{name}]
code_version = "{version}"
title = "t"
description = "d"
reward = "0.50"
duration = "30m"
lifetime = "24h"
external_url = "https://lab.example.org/pub"
"""


class Study:
    """A psiTurk database that tests change by hand, and the project that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "participants.db"
        columns = ", ".join(column.name for column in participants_table("assignments").columns)
        self.sql(f"CREATE TABLE assignments ({columns}, PRIMARY KEY (uniqueid))")
        self.sql("INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid) VALUES ('W:A', 'A', 'W', 'H')")
        self.context = Context(load({"database_url": f"sqlite:///{self.file}"}, {}, folder))

    def sql(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.file)) as plain:
            plain.execute(statement, values)
            plain.commit()


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path)
    yield made
    made.context.close()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (None, None),
        ("", None),
        ("   ", "   "),
        ("not JSON at all", "not JSON at all"),
        ('{"data": [1, 2', '{"data": [1, 2'),
        ("[1, null]", [1, None]),
        ('{"score": NaN}', {"score": "NaN"}),
        (b'{"data": 1}', {"data": 1}),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("[" * 100_000, "[" * 100_000),
        ("[" * 400 + "]" * 400, "[" * 400 + "]" * 400),
    ],
)
def test_what_was_recorded_is_shown_as_it_is_where_it_is_no_json(study: Study, written: Any, shown: Any) -> None:
    study.sql("UPDATE assignments SET datastring = ?", written)
    data = show(study.context, "W")["data"]
    assert data == shown
    json.dumps(data, allow_nan=False)


def test_values_that_psiturk_never_writes_are_listed_as_they_are(study: Study) -> None:
    study.sql("UPDATE assignments SET status = 'done', beginhit = 'soon', beginexp = '', endhit = '2026-11-20T10:00Z'")
    _columns, (row,) = listed(study.context, Query(), PLAIN)
    assert (row["status"], row["complete"], row["begin_hit"], row["begin_exp"]) == ("done", False, "soon", None)
    assert row["end_hit"].isoformat() == "2026-11-20T10:00:00+00:00"
    assert listed(study.context, Query(), Ordering(limit=1))[1] == [row]
    assert grouped(study.context, Query(), PLAIN, ["day", "status", "begin_exp"])[1] == [
        {"day": None, "status": "done", "begin_exp": None, "count": 1}
    ]
    study.sql("UPDATE assignments SET codeversion = CAST('1.0' AS BLOB), browser = x'ff41'")
    assert listed(study.context, Query(), PLAIN, ["codeversion", "browser"])[1] == [
        {"codeversion": "1.0", "browser": "\\xffA"}
    ]
    for number in ("9", "-1"):
        study.sql("UPDATE assignments SET status = CAST(? AS INTEGER)", number)
        assert listed(study.context, Query(), PLAIN, ["status"])[1] == [{"status": number}]
        assert count(study.context, Query(where=[f"status={number}"])) == 1


@pytest.mark.parametrize("amount", ["nan", "inf", "-infinity", "1.20 USD"])
def test_an_amount_that_is_no_number_is_refused(study: Study, amount: str) -> None:
    with pytest.raises(UsageError, match="bonus is a number"):
        count(study.context, Query(where=[f"bonus={amount}"]))


def test_a_text_that_is_not_utf_8_is_said(study: Study) -> None:
    study.sql("UPDATE assignments SET browser = CAST(x'ff41' AS TEXT)")
    with pytest.raises(DatabaseUnreachableError, match="not UTF-8"):
        listed(study.context, Query(), PLAIN, ["browser"])
    assert count(study.context, Query()) == 1


def test_a_database_of_a_newer_turkctl_is_refused_and_an_older_one_read(study: Study) -> None:
    study.sql("CREATE TABLE turkctl_alembic_version (version_num VARCHAR(32) NOT NULL)")
    study.sql("INSERT INTO turkctl_alembic_version VALUES ('0001')")
    assert count(study.context, Query()) == 1
    study.sql("UPDATE turkctl_alembic_version SET version_num = '9999'")
    for read in (
        lambda: count(study.context, Query()),
        lambda: listed(study.context, Query(), PLAIN),
        lambda: grouped(study.context, Query(), PLAIN, ["mode"]),
        lambda: show(study.context, "W"),
    ):
        with pytest.raises(SchemaError, match="newer turkctl") as refused:
            read()
        assert refused.value.exit_code == ExitCode.USAGE
        assert "upgrade turkctl" in (refused.value.hint or "")


def test_one_in_full_needs_the_columns_that_it_is_found_by(study: Study) -> None:
    study.sql("ALTER TABLE assignments DROP COLUMN workerid")
    with pytest.raises(SchemaError, match="lacks psiTurk's workerid"):
        show(study.context, "A")


def test_a_table_that_is_not_there_is_named_with_the_setting(study: Study) -> None:
    study.sql("ALTER TABLE assignments RENAME TO people")
    with pytest.raises(NotFoundError, match="no table assignments") as refused:
        count(study.context, Query())
    assert "participants_table" in (refused.value.hint or "")


@pytest.mark.parametrize("name", ["my people", 'odd"name', "People", "select"])
def test_the_table_may_have_any_name(study: Study, name: str) -> None:
    quoted = name.replace('"', '""')
    study.sql(f'ALTER TABLE assignments RENAME TO "{quoted}"')
    settings = load({"database_url": f"sqlite:///{study.file}"}, {"TURKCTL_PARTICIPANTS_TABLE": name}, study.folder)
    context = Context(settings)
    assert count(context, Query()) == 1
    assert listed(context, Query(workers=["W"]), Ordering(limit=1))[1][0]["worker_id"] == "W"
    context.close()


@pytest.mark.parametrize(
    ("ask", "near"),
    [
        (lambda context: listed(context, Query(), PLAIN, ["workerid"]), "worker_id"),
        (lambda context: listed(context, Query(), PLAIN, ["Conditon"]), "condition"),
        (lambda context: listed(context, Query(), Ordering("beginn-hit")), "begin_hit"),
        (lambda context: grouped(context, Query(), PLAIN, ["stauts"]), "status"),
        (lambda context: count(context, Query(statuses=["QUITEARLY"])), "quit_early"),
        (lambda context: count(context, Query(statuses=["Submited"])), "submitted"),
        (lambda context: count(context, Query(where=["brwser=x"])), "browser"),
    ],
)
def test_a_misspelt_name_is_met_with_the_nearest(study: Study, ask: Any, near: str) -> None:
    with pytest.raises(UsageError) as refused:
        ask(study.context)
    assert str(refused.value.hint).startswith(f"did you mean '{near}'?")


def test_the_current_code_versions_are_those_of_all_configured_experiments(study: Study) -> None:
    for number, version in enumerate(("1.0", "2.0", "3.0")):
        study.sql(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion) VALUES (?, ?, ?, 'H', ?)",
            f"W{number}:A{number}", f"A{number}", f"W{number}", version,
        )  # fmt: skip
    text = EXPERIMENT.format(name="one", version="1.0") + EXPERIMENT.format(name="two", version="3.0")
    (study.folder / "turkctl.toml").write_text(f'database_url = "sqlite:///participants.db"\n{text}')
    context = Context(load({}, {}, study.folder))
    assert [row["codeversion"] for row in listed(context, Query(current=True), PLAIN)[1]] == ["1.0", "3.0"]
    context.close()


def test_a_column_may_be_written_as_tables_write_it(study: Study) -> None:
    columns, rows = listed(study.context, Query(), Ordering("BEGIN HIT", limit=1), ["Worker ID"])
    assert (list(columns), rows) == (["worker_id"], [{"worker_id": "W"}])
