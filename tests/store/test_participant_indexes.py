"""Indexes on psiTurk's table: made when asked for, used by lists, and gone again."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from queries import counted
from sqlalchemy import text
from sqlmodel import Session

from turkctl.context import Context
from turkctl.errors import NotFoundError, SchemaError
from turkctl.operations.participants.lists import TABLE as TABLE_COLUMNS
from turkctl.operations.participants.optimize import optimize
from turkctl.settings import load
from turkctl.store import indexes
from turkctl.store.engine import Database
from turkctl.store.participant_lists import COLUMNS, Ordering, ParticipantFilter, count, groups, rows

TABLE = "assignments"
TEN = len(indexes.COLUMNS)


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    """A project on a database of turkctl's."""
    url = database.url.render_as_string(hide_password=False)
    context = Context(load({"database_url": url}, {}, tmp_path))
    context.__dict__["bare_database"] = database
    return context


def statuses(context: Context, *, drop: bool = False, dry_run: bool = False) -> list[str]:
    return [item.status for item in optimize(context, drop=drop, dry_run=dry_run).results]


def there(database: Database) -> set[str]:
    with database.read() as session:
        return {state.name for state in indexes.states(session, TABLE) if state.there}


def test_indexes_are_planned_made_once_and_dropped(context: Context, database: Database) -> None:
    assert statuses(context, dry_run=True) == ["planned"] * TEN
    assert there(database) == set()
    assert statuses(context) == ["created"] * TEN
    assert there(database) == {f"turkctl_assignments_{what}" for what in indexes.COLUMNS}
    assert statuses(context) == statuses(context, dry_run=True) == ["already_done"] * TEN
    assert statuses(context, drop=True, dry_run=True) == ["planned"] * TEN
    assert statuses(context, drop=True) == ["dropped"] * TEN
    assert there(database) == set()
    assert statuses(context, drop=True) == ["already_done"] * TEN


def test_an_index_of_the_lab_s_own_on_the_same_columns_does_as_well(context: Context, database: Database) -> None:
    with database.write() as session:
        columns = ", ".join(indexes.COLUMNS["worker"])
        session.connection().execute(text(f"CREATE INDEX mine ON assignments ({columns})"))
    assert statuses(context) == ["created", "already_done", *["created"] * (TEN - 2)]
    if database.dialect == "sqlite":
        assert "INDEXED BY mine" in asked(database, Ordering("worker_id", limit=2))[0]
    assert statuses(context, drop=True).count("dropped") == TEN - 1
    with database.read() as session:
        assert "mine" in {state.instead for state in indexes.states(session, TABLE)}


def test_an_index_that_postgresql_could_not_finish_is_made_anew(context: Context, database: Database) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite makes an index whole or not at all")
    statuses(context)
    with database.write() as session:
        session.connection().execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'turkctl_assignments_hit'::regclass")
        )
    assert len(there(database)) == TEN - 1
    assert statuses(context).count("created") == 1
    assert len(there(database)) == TEN


def test_an_index_of_an_older_turkctl_is_made_anew(context: Context, database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("CREATE INDEX turkctl_assignments_worker ON assignments (workerid)"))
    assert statuses(context) == ["created"] * TEN
    assert statuses(context) == ["already_done"] * TEN


BAR = ParticipantFilter(
    modes=["live", "sandbox"],
    conditions=[1, 2],
    code_versions=["1.0", "1.1"],
    statuses=[4, 5],
    complete=True,
    since=datetime.fromisoformat("2026-11-20"),
    until=datetime.fromisoformat("2026-11-30"),
)
"""Every common filter at once."""


def asked(database: Database, ordering: Ordering, wanted: ParticipantFilter = BAR) -> list[str]:
    """The statements of a list that look for rows."""
    with database.read() as session, counted(database) as queries:
        rows(session, TABLE, wanted, ["worker_id"], ordering)
    return [statement for statement, _values in queries if "FROM assignments" in statement]


def plans(database: Database, read: Callable[[Session], object]) -> list[str]:
    """How SQLite carries out the statements of a function that read the participants table."""
    with database.read() as session:
        with counted(database) as queries:
            read(session)
        raw = session.connection().connection.cursor()
        found = []
        for statement, values in queries:
            if "FROM assignments" in statement:
                raw.execute(f"EXPLAIN QUERY PLAN {statement}", literal_eval(values))
                found.append(" | ".join(str(row[3]) for row in raw.fetchall()))
        return found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", TABLE_COLUMNS)
def test_sqlite_finds_a_page_in_the_order_of_one_index_and_sorts_nothing(
    context: Context, database: Database, by: str, descending: bool
) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics")
    statuses(context)
    for wanted in (ParticipantFilter(), BAR):
        page = Ordering(by, descending, 50, 100)
        found, *_rows = plans(database, partial(rows, name=TABLE, wanted=wanted, columns=["worker_id"], ordering=page))
        assert f"USING COVERING INDEX turkctl_assignments_{indexes.ORDERS[COLUMNS[by]]}" in found
        assert "TEMP B-TREE" not in found


def test_sqlite_counts_by_an_index_and_its_groups_are_not_sorted(context: Context, database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics")
    statuses(context)
    (found,) = plans(database, lambda session: count(session, TABLE, BAR))
    assert "USING COVERING INDEX turkctl_assignments_counts" in found
    by = ("condition", "status", "mode", "codeversion")
    (found,) = plans(database, lambda session: groups(session, TABLE, ParticipantFilter(), by, Ordering()))
    assert "USING COVERING INDEX turkctl_assignments_counts" in found
    assert "GROUP BY" not in found


def test_somebody_who_is_named_is_looked_up_by_their_own_index(context: Context, database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL reads a table this small without an index")
    statuses(context)
    named = ParticipantFilter(modes=["live"], workers=["W1"])
    assert "INDEXED BY" not in asked(database, Ordering("status", limit=5), named)[0]
    found, *_rows = plans(database, lambda session: rows(session, TABLE, named, ["mode"], Ordering("status", limit=5)))
    assert "turkctl_assignments_worker (workerid=?)" in found


@pytest.mark.parametrize(
    "condition", ["mode = 'live'", "codeversion = '1.0'", "status = 4", "cond = 1", "mode <> 'debug' AND cond = 1"]
)
def test_psiturk_s_own_queries_read_the_table_as_before(context: Context, database: Database, condition: str) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics")
    statement = f"EXPLAIN QUERY PLAN SELECT * FROM assignments WHERE {condition}"
    statuses(context)
    with database.read() as session:
        assert [row[3] for row in session.connection().execute(text(statement))] == ["SCAN assignments"]


def test_a_table_that_is_not_there_or_lacks_a_column_is_named(context: Context, database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("ALTER TABLE assignments DROP COLUMN cond"))
    with pytest.raises(SchemaError, match="cond"):
        optimize(context, drop=False, dry_run=True)
    with database.write() as session:
        session.connection().execute(text("DROP TABLE assignments"))
    with pytest.raises(NotFoundError, match="no table assignments"):
        optimize(context, drop=False, dry_run=False)
