from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlmodel import Session

from turkctl.errors import SchemaError
from turkctl.store import meta, participants, schema
from turkctl.store.engine import Database, connect

PSITURK = "assignments"


def _run(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().execute(text(statement))


def _make_foreign(database: Database) -> None:
    """A database of psiTurk's, with one participant."""
    with database.write() as session:
        table = participants.participants_table(PSITURK)
        table.create(session.connection())
        row = {"uniqueid": "W:A", "assignmentid": "A", "workerid": "W", "hitid": "H", "mode": "live"}
        session.connection().execute(table.insert().values(row))


def _shape(database: Database) -> dict[str, Any]:
    """Everything the database can tell about its tables."""
    with database.read() as session:
        inspector = inspect(session.connection())
        return {
            name: {
                "columns": [
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in inspector.get_columns(name)
                ],
                "key": inspector.get_pk_constraint(name),
                "unique": sorted(inspector.get_unique_constraints(name), key=str),
                "indexes": sorted(map(_worded, inspector.get_indexes(name)), key=str),
                "foreign": sorted(inspector.get_foreign_keys(name), key=str),
            }
            for name in sorted(inspector.get_table_names())
        }


def _worded(index: Any) -> dict[str, Any]:
    """An index with the condition of a partial one as text."""
    options = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def test_head_is_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(schema.config())
    assert script.get_heads() == [schema.HEAD]
    assert all(revision.revision.isdigit() for revision in script.walk_revisions())


def test_migrating_an_empty_database_gives_what_creating_it_gives(empty: Database) -> None:
    assert schema.upgrade(empty) == (None, schema.HEAD)
    migrated = _shape(empty)
    _run(empty, *(f"DROP TABLE {name}" for name in _in_order_of_dropping(migrated)))
    schema.ensure(empty)
    assert _shape(empty) == migrated
    assert schema.check(empty) == []


def _in_order_of_dropping(shape: dict[str, Any]) -> list[str]:
    labels = ("", "_excluded", "_admin", "_relabel", "_state", "_worker", "_result", "_run")
    first = [f"turkctl_label{name}" for name in labels]
    first += [
        "turkctl_content_unusable",
        "turkctl_content_reading",
        "turkctl_content_hit",
        "turkctl_content",
        "turkctl_payment",
        "turkctl_qualification",
        "turkctl_qualification_grant",
        "turkctl_qualification_type",
        "turkctl_round",
        "turkctl_campaign",
    ]
    first += ["turkctl_intent", "turkctl_assignment", "turkctl_hit", "turkctl_experiment_settings"]
    first += ["turkctl_experiment"]
    return first + [name for name in shape if name not in first]


def made_here(session: Session) -> bool:
    """Whether turkctl found the database empty, by its own note."""
    statement = text("SELECT value FROM turkctl_meta WHERE key = :key")
    return session.connection().execute(statement, {"key": meta.MADE_DATABASE}).scalar() == "yes"


def test_an_empty_database_gets_its_tables_at_first_use(empty: Database) -> None:
    assert schema.current(empty) is None
    schema.ensure(empty)
    assert schema.current(empty) == schema.HEAD
    with empty.read() as session:
        assert made_here(session)
        assert meta.participants_made(session, PSITURK)
        assert participants.count(session, PSITURK) == 0


def test_the_participants_table_is_made_under_the_configured_name(empty: Database) -> None:
    schema.ensure(empty, "people")
    with empty.read() as session:
        assert meta.participants_made(session, "people")
        assert not meta.participants_made(session, PSITURK)
        assert not participants.exists(session, PSITURK)


def test_every_database_has_an_id_of_its_own_and_keeps_it(database: Database) -> None:
    with database.read() as session:
        first = meta.database_id(session)
    schema.ensure(database)
    schema.upgrade(database)
    with database.read() as session:
        assert meta.database_id(session) == first
    assert len(first) == 32


def test_somebody_elses_database_is_refused_and_left_alone(empty: Database) -> None:
    _make_foreign(empty)
    before = _shape(empty)
    with pytest.raises(SchemaError, match="another program") as caught:
        schema.ensure(empty)
    assert "turkctl db upgrade" in str(caught.value.hint)
    assert _shape(empty) == before


def test_upgrading_somebody_elses_database_adds_our_tables_and_touches_no_other(empty: Database) -> None:
    _make_foreign(empty)
    before = _shape(empty)
    assert schema.upgrade(empty) == (None, schema.HEAD)
    after = _shape(empty)
    assert {name for name in after if not name.startswith("turkctl_")} == {PSITURK}
    assert after[PSITURK] == before[PSITURK]
    schema.ensure(empty)
    assert schema.check(empty) == []
    with empty.read() as session:
        assert not made_here(session)
        assert not meta.participants_made(session, PSITURK)
        assert participants.count(session, PSITURK) == 1


def test_upgrading_somebody_elses_database_makes_no_participants_table(empty: Database) -> None:
    _run(empty, "CREATE TABLE notes (id INTEGER)")
    schema.upgrade(empty)
    with empty.read() as session:
        assert not participants.exists(session, PSITURK)
    assert schema.check(empty) == [f"there is no participants table {PSITURK}"]


def test_tables_of_the_built_in_market_make_a_database_nobody_elses(empty: Database) -> None:
    _run(empty, "CREATE TABLE market_hit (id INTEGER)")
    schema.ensure(empty)
    with empty.read() as session:
        assert made_here(session)


def test_an_older_schema_names_the_command_that_upgrades_it(database: Database) -> None:
    _run(database, "UPDATE turkctl_alembic_version SET version_num = '0000'")
    with pytest.raises(SchemaError, match="older schema 0000") as caught:
        schema.ensure(database)
    assert caught.value.hint == "run: turkctl db upgrade"


@pytest.mark.parametrize("revision", ["9999", "c0ffee"])
def test_a_newer_schema_is_refused_by_every_command(database: Database, revision: str) -> None:
    _run(database, f"UPDATE turkctl_alembic_version SET version_num = '{revision}'")
    for command in (schema.ensure, schema.upgrade, schema.check):
        with pytest.raises(SchemaError, match="newer turkctl") as caught:
            command(database)
        assert "upgrade turkctl" in str(caught.value.hint)


def test_check_names_what_is_not_as_it_should_be(database: Database) -> None:
    _run(
        database,
        "DROP INDEX ix_turkctl_intent_batch",
        "ALTER TABLE turkctl_intent ADD COLUMN extra INTEGER",
        "CREATE TABLE turkctl_stray (id INTEGER)",
        "CREATE TABLE strangers (id INTEGER)",
        "ALTER TABLE assignments DROP COLUMN browser",
    )
    found = schema.check(database)
    assert sorted(found) == [
        "column turkctl_intent.extra: not turkctl's",
        "index ix_turkctl_intent_batch of turkctl_intent: missing",
        "table assignments lacks psiTurk's column browser",
        "table turkctl_stray: not turkctl's",
    ]


@pytest.mark.parametrize("act", ["ensure", "upgrade"])
def test_processes_that_make_the_tables_at_once_make_them_once(url: str, act: str) -> None:
    code = (
        "import sys; from turkctl.store import schema; from turkctl.store.engine import connect;"
        "database = connect(sys.argv[1]); print('ready', flush=True); sys.stdin.readline();"
        f"schema.{act}(database); print(schema.current(database)); database.close()"
    )
    command = [sys.executable, "-W", "error", "-c", code, url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    finished = [process.communicate(timeout=60) for process in processes]
    assert finished == [(f"{schema.HEAD}\n", "")] * 3
    database = connect(url)
    try:
        assert schema.check(database) == []
        with database.read() as session:
            assert made_here(session)
            assert meta.participants_made(session, PSITURK)
            if database.dialect == "sqlite":
                assert session.connection().exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    finally:
        database.close()


def test_a_migration_that_fails_leaves_everything_as_it_was(empty: Database) -> None:
    _run(empty, "CREATE TABLE turkctl_intent (id INTEGER)")
    before = _shape(empty)
    with pytest.raises(SchemaError, match="already exists"):
        schema.upgrade(empty)
    assert _shape(empty) == before


def _break_a_reference(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path)) as plain:  # which does not enforce references
        plain.execute(
            "CREATE TABLE IF NOT EXISTS theirs (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES theirs(id))"
        )
        if table == "theirs":
            plain.execute("INSERT INTO theirs VALUES (1, 99)")
        else:
            plain.execute("INSERT INTO turkctl_experiment_settings VALUES (1, 99, 1, '1', 'd', '{}', 's', 't')")
        plain.commit()


def test_a_migration_that_would_break_a_reference_of_ours_is_undone(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'turkctl.db'}")
    schema.ensure(database)
    _break_a_reference(tmp_path / "turkctl.db", "theirs")
    assert schema.upgrade(database) == (schema.HEAD, schema.HEAD)  # what is broken elsewhere is not our business
    _break_a_reference(tmp_path / "turkctl.db", "ours")
    with pytest.raises(SchemaError, match="turkctl_experiment_settings would refer to nothing"):
        schema.upgrade(database)
    with database.read() as session:  # references are enforced again
        assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_neither_alembic_nor_boto3_is_needed_to_list_hits(url: str) -> None:
    code = (
        "import sys; from turkctl.store import hits, schema; from turkctl.store.base import Place;"
        "from turkctl.store.engine import connect; database = connect(sys.argv[1]); schema.ensure(database)\n"
        "with database.read() as session: print(hits.select_hits(session, hits.HitFilter(Place('local', 'm'))))\n"
        "database.close(); print(sorted({'alembic', 'boto3', 'botocore', 'rich', 'apscheduler'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[]\n[]\n", "")
