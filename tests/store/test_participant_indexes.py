"""Indexes on psiTurk's table: made when asked for, used by lists, and gone again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from turkctl.context import Context
from turkctl.errors import NotFoundError, SchemaError
from turkctl.operations.participants.optimize import optimize
from turkctl.settings import load
from turkctl.store import indexes
from turkctl.store.engine import Database

TABLE = "assignments"


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
    assert statuses(context, dry_run=True) == ["planned"] * 4
    assert there(database) == set()
    assert statuses(context) == ["created"] * 4
    assert there(database) == {f"turkctl_assignments_{what}" for what in ("recent", "worker", "assignment", "hit")}
    assert statuses(context) == statuses(context, dry_run=True) == ["already_done"] * 4
    assert statuses(context, drop=True, dry_run=True) == ["planned"] * 4
    assert statuses(context, drop=True) == ["dropped"] * 4
    assert there(database) == set()
    assert statuses(context, drop=True) == ["already_done"] * 4


def test_an_index_of_the_lab_s_own_on_the_same_column_does_as_well(context: Context, database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("CREATE INDEX mine ON assignments (workerid)"))
    assert statuses(context) == ["created", "already_done", "created", "created"]
    assert statuses(context, drop=True).count("dropped") == 3
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
    assert len(there(database)) == 3
    assert statuses(context) == ["already_done"] * 3 + ["created"]
    assert len(there(database)) == 4


def test_sqlite_reads_the_first_of_a_filtered_list_in_the_order_of_the_index(
    context: Context, database: Database
) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL reads a table this small without an index")
    statuses(context)
    wanted = "SELECT uniqueid FROM assignments WHERE mode = 'live' ORDER BY beginhit DESC NULLS LAST, uniqueid LIMIT 50"
    with database.read() as session:
        plan = session.connection().execute(text(f"EXPLAIN QUERY PLAN {wanted}")).all()
    assert "turkctl_assignments_recent" in str(plan[0])


def test_a_table_that_is_not_there_or_lacks_a_column_is_named(context: Context, database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("ALTER TABLE assignments DROP COLUMN cond"))
    with pytest.raises(SchemaError, match="cond"):
        optimize(context, drop=False, dry_run=True)
    with database.write() as session:
        session.connection().execute(text("DROP TABLE assignments"))
    with pytest.raises(NotFoundError, match="no table assignments"):
        optimize(context, drop=False, dry_run=False)
