"""Create and drop turkctl's indexes on psiTurk's table, only on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Index, MetaData, TableClause, TextClause, column, inspect, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session

from turkctl.errors import SchemaError
from turkctl.store.base import PREFIX
from turkctl.store.engine import READ_ONLY_HINT, WRITABLE, Database
from turkctl.store.participants import participants_table

_FILTERS = ("cond", "status", "codeversion", "mode", "beginhit")
"""The columns of common filters. An index that has them too answers a filtered list without a look at the table."""


def _in_order_of(column: str) -> tuple[str, ...]:
    return (column, "uniqueid", *(each for each in _FILTERS if each != column))


COUNTS = "counts"
_NAMES = {
    "beginhit": "recent",
    "workerid": "worker",
    "assignmentid": "assignment",
    "hitid": "hit",
    "cond": "condition",
    "codeversion": "codeversion",
    "bonus": "bonus",
    "status": "status",
    "mode": "mode",
}
"""The columns that lists are sorted by, and what their indexes are called."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    **{what: _in_order_of(column) for column, what in _NAMES.items()},
    COUNTS: ("mode", "codeversion", "status", "cond", "beginhit"),
}
ORDERS: Mapping[str, str] = _NAMES
_SHARED = frozenset(("recent", "worker", "assignment", "hit"))
"""Indexes that serve anybody who looks for one participant."""
ALWAYS = "coalesce(status, 0) IS NOT NULL"
"""The condition of all other indexes on SQLite. It is true of every row, and SQLite uses such an index only for a query
that asks for the same. Without it, SQLite, which knows nothing of the values, would answer psiTurk's own queries for a
mode or a code version by reading most of the table in the order of the index, several times as slow as before."""
_LONGEST_TABLE = 40  # characters of a table's name in that of its index; PostgreSQL's names have at most 63


@dataclass(frozen=True)
class IndexState:
    """One index that makes lists fast, and whether it exists."""

    name: str
    columns: Sequence[str]
    there: bool
    broken: bool = False
    """Whether it has to be made again: PostgreSQL was interrupted, or an older turkctl made it of other columns."""
    instead: str | None = None
    """Another index of the same columns, which serves as well."""
    shared: bool = True
    """Whether programs other than turkctl can use it on SQLite."""


class IndexedTable(TableClause):
    """A table that SQLite has to read by one of its indexes: it has no statistics to choose well by itself."""

    inherit_cache = False

    def __init__(self, name: str, index: str) -> None:
        super().__init__(name, *(column(each.name, each.type) for each in participants_table(name).columns))
        self.index = index


@compiles(IndexedTable)
def _indexed_by(table: IndexedTable, compiler: SQLCompiler, **_rest: Any) -> str:
    return f"{compiler.preparer.quote(table.name)} INDEXED BY {compiler.preparer.quote(table.index)}"


@dataclass(frozen=True)
class IndexRead:
    """A way to read the participants table by one index."""

    table: TableClause
    conditions: Sequence[TextClause] = ()
    """What the query has to ask for to use it; true of every row."""


def reading(session: Session, table: str, what: str) -> IndexRead | None:
    """Return how to read the table by the index of this name in :data:`COLUMNS`; None if it is not there."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        index = _sqlite_index(connection, table, what)
        if index is None:
            return None
        return IndexRead(IndexedTable(table, index), [] if what in _SHARED else [text(ALWAYS)])
    if connection.dialect.name != "postgresql":
        return None
    there = text(
        "SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relname = :name AND i.indrelid = to_regclass(:table) AND i.indisvalid"
    )
    values = {"name": _name(table, what), "table": connection.dialect.identifier_preparer.quote(table)}
    found = connection.execute(there, values).first()
    return None if found is None else IndexRead(participants_table(table))


def _sqlite_index(connection: Connection, table: str, what: str) -> str | None:
    statement = text(
        "SELECT l.name, l.partial, i.name FROM pragma_index_list(:table) AS l, pragma_index_info(l.name) AS i"
        " ORDER BY l.name, i.seqno"
    )
    rows = connection.execute(statement, {"table": table}).all()
    for (name, partial), columns in groupby(rows, lambda row: (row[0], row[1])):
        is_ours = name.startswith(PREFIX) or not partial
        if is_ours and bool(partial) == (what not in _SHARED) and tuple(row[2] for row in columns) == COLUMNS[what]:
            return str(name)
    return None


def states(session: Session, table: str) -> list[IndexState]:
    """Return the state of each index."""
    connection = session.connection()
    found = {str(each["name"]): each["column_names"] for each in inspect(connection).get_indexes(table)}
    broken = _invalid(connection)
    others = {tuple(columns): name for name, columns in found.items() if not name.startswith(PREFIX)}
    broken |= {_name(table, what) for what, columns in COLUMNS.items() if _differs(found, _name(table, what), columns)}
    return [
        IndexState(name, columns, name in found and name not in broken, name in broken, others.get(columns), shared)
        for name, columns, shared in (
            (_name(table, what), columns, what in _SHARED) for what, columns in COLUMNS.items()
        )
    ]


def _differs(found: Mapping[str, Any], name: str, columns: Sequence[str]) -> bool:
    return name in found and tuple(found[name]) != tuple(columns)


def create(database: Database, table: str, state: IndexState) -> None:
    """Create one index. On PostgreSQL others can write meanwhile; on SQLite they wait.

    Raises:
        SchemaError: turkctl only reads such a database.
        DatabaseUnreachableError: it cannot be written, or stays locked.
    """
    if state.broken:
        drop(database, table, state)
    index = _index(table, state)
    _run(database, CreateIndex(index, if_not_exists=True))


def drop(database: Database, table: str, state: IndexState) -> None:
    """Drop one index.

    Raises:
        SchemaError, DatabaseUnreachableError: see :func:`create`.
    """
    _run(database, DropIndex(_index(table, state), if_exists=True))


def refuse_others(database: Database) -> None:
    """Raise SchemaError if turkctl only reads such a database.

    Raises:
        SchemaError: it does.
    """
    if database.dialect not in WRITABLE:
        raise SchemaError(f"turkctl makes no indexes in {database.dialect}", hint=READ_ONLY_HINT)


def _run(database: Database, statement: Any) -> None:
    refuse_others(database)
    if database.dialect == "postgresql":
        with database.outside_transactions() as connection:
            connection.execute(statement)
        return
    with database.write() as session:
        session.connection().execute(statement)


def _name(table: str, what: str) -> str:
    return f"{PREFIX}{table[:_LONGEST_TABLE]}_{what}"


def _index(table: str, state: IndexState) -> Index:
    # A copy: an index is attached to its table object, and psiTurk's is shared.
    columns = participants_table(table).to_metadata(MetaData()).c
    parts = (columns[each] for each in state.columns)
    return Index(state.name, *parts, postgresql_concurrently=True, sqlite_where=None if state.shared else text(ALWAYS))


def _invalid(connection: Connection) -> set[str]:
    if connection.dialect.name != "postgresql":
        return set()
    statement = text("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid")
    return set(connection.execute(statement).scalars())
