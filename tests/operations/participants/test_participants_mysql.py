"""psiTurk's table in MySQL or MariaDB: read like any other, never written."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, update

from turkctl.context import Context
from turkctl.errors import DatabaseUnreachableError, NotFoundError, SchemaError
from turkctl.operations.participants.bonus import set_bonus
from turkctl.operations.participants.counting import choices
from turkctl.operations.participants.export import export, plan_export
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import TABLE, count, grouped, listed, show
from turkctl.operations.participants.optimize import optimize
from turkctl.operations.participants.pages import page_of, stream
from turkctl.settings import load
from turkctl.store import participant_exports, participant_streams
from turkctl.store.engine import connect, parse_url
from turkctl.store.participant_lists import Ordering
from turkctl.store.participants import participants_table
from turkctl.units import parse_money

VARIABLE = "TURKCTL_TEST_MYSQL_URL"
WHY_SKIPPED = f"{VARIABLE} is not set: there is no MySQL to test on"
BEGAN = datetime.fromisoformat("2026-11-20T23:30:00")  # the table's times have no zone


@pytest.fixture
def psiturk(tmp_path: Path) -> Iterator[Context]:
    """A project on a MySQL database with a participants table, which is dropped at the end."""
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(WHY_SKIPPED)
    name = f"test_people_{secrets.token_hex(6)}"
    table = participants_table(name)
    engine = create_engine(parse_url(given))
    table.create(engine)
    people: list[dict[str, Any]] = [
        {"uniqueid": f"W{number}:A{number}", "assignmentid": f"A{number}", "workerid": f"W{number}", "hitid": "H",
         "cond": number % 2, "mode": mode, "status": status, "bonus": 0.35, "codeversion": "1.0",
         "beginhit": None if number == 3 else BEGAN + timedelta(days=number), "datastring": '{"data": []}'}
        for number, (mode, status) in enumerate((("live", 4), ("live", 3), ("debug", 2), ("live", None)))
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(table), people)
    context = Context(load({"database_url": given}, {"TURKCTL_PARTICIPANTS_TABLE": name}, tmp_path))
    yield context
    context.close()
    table.drop(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"modes": ["live"], "conditions": [0]}, 1),
        ({"complete": True}, 2),
        ({"complete": False}, 2),
        ({"statuses": ["submitted"], "workers": ["W0"], "hits": ["H"], "code_versions": ["1.0"]}, 1),
        ({"since": "2026-11-21T00:00"}, 2),
        ({"until": "2026-11-21T00:00"}, 1),
        ({"where": ["bonus=0.35"]}, 4),
        ({"where": ["status="]}, 1),
    ],
)
def test_filters_count(psiturk: Context, filters: dict[str, Any], expected: int) -> None:
    assert count(psiturk, Query(**filters)) == expected


def test_rows_groups_and_one_in_full(psiturk: Context) -> None:
    _columns, rows = listed(psiturk, Query(), Ordering("begin_hit", True, 2, 1))
    assert [row["worker_id"] for row in rows] == ["W1", "W0"]
    assert rows[1]["begin_hit"] == BEGAN.replace(tzinfo=UTC)
    assert [row["worker_id"] for row in listed(psiturk, Query(), Ordering(offset=3))[1]] == ["W3"]
    assert grouped(psiturk, Query(), Ordering("count", True), ["mode", "complete"])[1] == [
        {"mode": "live", "complete": True, "count": 2},
        {"mode": "debug", "complete": False, "count": 1},
        {"mode": "live", "complete": False, "count": 1},
    ]
    assert grouped(psiturk, Query(), Ordering(limit=1), ["day"])[1] == [{"day": "2026-11-20", "count": 1}]
    assert show(psiturk, "W2")["data"] == {"data": []}


def test_pages_choices_and_a_stream(psiturk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_streams, "PART", 2)
    for by in TABLE:
        for descending in (False, True):
            ordering = Ordering(by, descending)
            whole = listed(psiturk, Query(), ordering)[1]
            pages = [page_of(psiturk, Query(), ordering, number, 3) for number in (1, 2, 3)]
            assert [row for page in pages for row in page.rows] == whole == list(stream(psiturk, Query(), ordering))
            assert [(page.has_more, page.total) for page in pages] == [(True, None), (False, 4), (False, None)]
    found = choices(psiturk, Query(modes=["live"], complete=True))
    assert found["mode"] == [("live", 2)]
    assert found["status"] == [("completed", 1), ("submitted", 1)]


def test_an_export_reads_everybody_once_in_pages_cut_short(psiturk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant_exports, "PAGE_KEYS", 3)
    monkeypatch.setattr(participant_exports, "PAGE_BYTES", 1)
    name = psiturk.settings["participants_table"]
    engine = create_engine(parse_url(psiturk.settings.database_url))
    with engine.begin() as connection:
        recorded = '{"questiondata": {"who": "zoë"}}'
        connection.execute(update(participants_table(name)).values(datastring=recorded))
    engine.dispose()
    written: list[str] = []
    report = export(psiturk, Query(), plan_export("question", "jsonl", None), written.append, Event())
    rows = [json.loads(line) for line in "".join(written).splitlines()]
    assert [(row["worker_id"], row["value"]) for row in rows] == [(f"W{number}", "zoë") for number in range(4)]
    assert (report.participants, report.unreadable) == (4, 0)


def test_nothing_is_written_there(psiturk: Context) -> None:
    for write in (
        lambda: set_bonus(psiturk, "W1", parse_money("0.50")),
        lambda: optimize(psiturk, drop=False, dry_run=False),
        lambda: psiturk.database,
        lambda: count(psiturk, Query(campaigns=[1])),
    ):
        with pytest.raises(SchemaError, match="mysql") as refused:
            write()
        assert "SQLite or PostgreSQL" in (refused.value.hint or "")


def test_a_table_or_a_server_that_is_not_there_is_said(psiturk: Context, tmp_path: Path) -> None:
    url = psiturk.settings.database_url
    with pytest.raises(NotFoundError, match="no table folk"):
        count(Context(load({"database_url": url}, {"TURKCTL_PARTICIPANTS_TABLE": "folk"}, tmp_path)), Query())
    away = parse_url(url).set(port=1).render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnreachableError, match="cannot be reached"):
        count(Context(load({"database_url": away}, {}, tmp_path)), Query())


@pytest.mark.parametrize("url", ["mysql://lab@127.0.0.1/psiturk", "mysql+pymysql://lab@127.0.0.1/psiturk"])
def test_a_missing_driver_is_named_with_the_command_that_installs_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(DatabaseUnreachableError) as refused:
        connect(url)
    assert refused.value.exit_code == 4
    assert "pip install 'turkctl[mysql]'" in (refused.value.hint or "")
