from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select

from turkctl.errors import ConfigError, SchemaError
from turkctl.store import participants
from turkctl.store.engine import Database, connect

# What psiTurk 3 has SQLite make of its Participant model.
PSITURKS_OWN = """
CREATE TABLE assignments (
    uniqueid VARCHAR(128) NOT NULL, assignmentid VARCHAR(128) NOT NULL, workerid VARCHAR(128) NOT NULL,
    hitid VARCHAR(128) NOT NULL, ipaddress VARCHAR(128), browser VARCHAR(128), platform VARCHAR(128),
    language VARCHAR(128), cond INTEGER, counterbalance INTEGER, codeversion VARCHAR(128), beginhit DATETIME,
    beginexp DATETIME, endhit DATETIME, bonus FLOAT, status INTEGER, mode VARCHAR(128), datastring TEXT,
    PRIMARY KEY (uniqueid)
)
"""
ROW = """
INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, cond, beginhit, bonus, status, mode)
VALUES (?, ?, ?, ?, 1, '2025-03-01 10:20:30.123456', 0.25, 4, ?)
"""


@pytest.fixture
def psiturk(tmp_path: Path) -> Iterator[Database]:
    """A file as psiTurk leaves it: two participants of live, one of debug."""
    path = tmp_path / "participants.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(PSITURKS_OWN)
        rows = [("W1:A1", "A1", "W1", "H1", "live"), ("W2:A2", "A2", "W2", "H1", "live")]
        plain.executemany(ROW, [*rows, ("D:D", "D", "D", "DH", "debug")])
        plain.commit()
    database = connect(f"sqlite:///{path}")
    yield database
    database.close()


def test_a_file_of_psiturks_is_read_without_any_table_of_ours(psiturk: Database) -> None:
    table = participants.participants_table("assignments")
    with psiturk.read() as session:
        assert participants.exists(session, "assignments")
        assert participants.missing_columns(session, "assignments") == []
        assert participants.count(session, "assignments") == 3
        assert participants.count(session, "assignments", mode="live") == 2
        known = participants.known_ids(session, "assignments", "live")
        begun = session.connection().execute(select(table.c.beginhit).limit(1)).scalar()
    assert known == participants.KnownIds(frozenset({"H1"}), frozenset({"A1", "A2"}))
    assert begun == datetime.fromisoformat("2025-03-01T10:20:30.123456")


def test_the_table_we_make_is_psiturks_column_for_column(psiturk: Database, tmp_path: Path) -> None:
    ours = connect(f"sqlite:///{tmp_path / 'ours.db'}")
    with ours.write() as session:
        participants.participants_table("assignments").create(session.connection())
    with ours.read() as one, psiturk.read() as other:
        columns = [inspect(session.connection()).get_columns("assignments") for session in (one, other)]
        made, theirs = ([{**column, "type": str(column["type"])} for column in found] for found in columns)
        keys = [inspect(session.connection()).get_pk_constraint("assignments") for session in (one, other)]
    ours.close()
    assert made == theirs
    assert keys[0] == keys[1]


def test_a_participant_starts_allocated_and_without_a_bonus(database: Database) -> None:
    table = participants.participants_table("assignments")
    assert len(participants.STATUS_NAMES) == 8
    with database.write() as session:
        row = {"uniqueid": "W:A", "assignmentid": "A", "workerid": "W", "hitid": "H"}
        session.connection().execute(insert(table).values(row))
        status, bonus = session.connection().execute(select(table.c.status, table.c.bonus)).one()
    assert participants.STATUS_NAMES[status] == "allocated"
    assert bonus == 0


def test_a_table_that_lacks_columns_is_told_of(empty: Database) -> None:
    with empty.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE people (uniqueid TEXT, workerid TEXT)")
        missing = participants.missing_columns(session, "people")
    assert "uniqueid" not in missing
    assert "datastring" in missing
    assert not {"mode", "bonus"} & set(missing)  # psiTurk 2 has tables without them
    assert len(missing) == 14


def test_a_participants_table_that_is_not_there_is_named(empty: Database) -> None:
    with pytest.raises(SchemaError, match=r"lacks a table: .*people"), empty.read() as session:
        participants.count(session, "people")


@pytest.mark.parametrize("name", ["", "turkctl_hit"])
def test_the_participants_table_cannot_be_one_of_ours(name: str) -> None:
    with pytest.raises(ConfigError):
        participants.participants_table(name)
