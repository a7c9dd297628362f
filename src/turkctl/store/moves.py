"""Say what of a database belongs to the study, so that it can be copied to another one; keep the mark of a move.

Copied are all of turkctl's tables, psiTurk's participants, and psiTurk's own tables beside them. Leases are copied as
given back: nobody holds anything in the copy, while their counts go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, or_, select
from sqlmodel import Session

from turkctl.copying import marks
from turkctl.copying.marks import MoveMark
from turkctl.copying.tables import CopiedTable, as_it_is, has_no_rows
from turkctl.errors import SchemaError
from turkctl.store import leases, psiturk, schema
from turkctl.store.account_looks import LOOKS
from turkctl.store.base import PREFIX, VERSION_TABLE
from turkctl.store.engine import Database
from turkctl.store.leases import LEASES
from turkctl.store.marks import MARK, SETTING, WHAT, mark_text
from turkctl.store.meta import Meta, database_id
from turkctl.store.runs import ENDED, RUNS

_META = Meta.__table__
_DOES = {leases.SCHEDULER: "a scheduler", leases.DASHBOARD: "a dashboard"}


class StudyContents:
    """A study as it is copied."""

    what = WHAT
    setting = SETTING

    def __init__(self, participants_table: str) -> None:
        """Prepare to copy a study with psiTurk's participants in a table of this name."""
        self._psiturks = (participants_table, psiturk.HITS, psiturk.CAMPAIGNS, psiturk.JOBS)

    def identity(self, connection: Connection) -> str | None:
        """Return the random id of the database; None if it has no tables of ours."""
        if not inspect(connection).has_table(_META.name):
            return None
        with Session(connection) as session:
            return database_id(session)

    def is_empty(self, connection: Connection) -> bool:
        """Return whether the study has no row that somebody would miss."""
        return _is_empty(connection)

    def owns(self, table: str) -> bool:
        """Return whether a table in an otherwise empty database is the study's."""
        return not table.startswith(schema.MARKET_PREFIX)

    def tables(self, connection: Connection, dialect: str) -> Sequence[CopiedTable]:
        """Return our tables, and psiTurk's as they are."""
        there = set(inspect(connection).get_table_names())
        given_back = {LEASES.name: frozenset({LEASES.c.owner.name})}
        ours = schema.all_tables().sorted_tables
        return [
            schema.versions_table(),
            *(CopiedTable(table, cleared=given_back.get(table.name, frozenset())) for table in ours),
            *(as_it_is(connection, name, dialect) for name in dict.fromkeys(self._psiturks) if name in there),
        ]

    def left_out(self, tables: Sequence[str]) -> Sequence[str]:
        """Return those of a database's tables that are neither ours nor psiTurk's."""
        mine = (PREFIX, schema.MARKET_PREFIX)
        return [name for name in tables if not name.startswith(mine) and name not in self._psiturks]

    def at_work(self, connection: Connection) -> Sequence[Mapping[str, Any]]:
        """Return the holders of leases."""
        with Session(connection) as session:
            held = leases.all_held(session, leases.machine_clock(session))
        return [
            {
                "does": _DOES.get(row.name.partition(" ")[0], "a run"),
                "host": row.host,
                "pid": row.pid,
                "boot": row.boot_id,
                "namespace": row.pid_namespace,
                "started": row.started,
            }
            for row in held
        ]

    def mark(self, connection: Connection) -> MoveMark | None:
        """Return the study's mark."""
        return marks.read(mark_text(connection))

    def set_mark(self, connection: Connection, mark: MoveMark) -> None:
        """Give the study a mark, in the connection's transaction."""
        connection.execute(delete(_META).where(_META.c.key == MARK))
        connection.execute(insert(_META).values(key=MARK, value=mark.text()))


def require(database: Database) -> None:
    """Raise SchemaError unless the database has a study at this turkctl's schema; nothing is created."""
    revision = schema.current(database)
    if revision is None:
        raise SchemaError(
            f"there is no study in {database.url_for_people}",
            hint="name its database with --database-url; to add turkctl's tables to psiTurk's, run: turkctl db upgrade",
        )
    schema.ensure(database)


def is_empty(database: Database) -> bool:
    """Return whether a database has no row that somebody would miss."""
    with database.read() as session:
        return _is_empty(session.connection())


_NOT_MISSED = (VERSION_TABLE, _META.name, LEASES.name, LOOKS.name, RUNS.name)
"""Facts about the database itself, and what any command leaves in one that it was given by mistake."""


def _is_empty(connection: Connection) -> bool:
    there = inspect(connection).get_table_names()
    if not has_no_rows(connection, [name for name in there if _is_missed(name)]):
        return False
    return RUNS.name not in there or connection.execute(_DID_SOMETHING).first() is None


def _is_missed(table: str) -> bool:
    return not table.startswith(schema.MARKET_PREFIX) and table not in _NOT_MISSED


_DID_SOMETHING = select(RUNS.c.id).where(or_(RUNS.c.state != ENDED, RUNS.c.succeeded > 0)).limit(1)
"""Finds a run whose line in the log tells of something that happened, or may have."""
