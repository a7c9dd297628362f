"""Create and drop turkctl's indexes on psiTurk's table, only on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Index, MetaData, inspect, text
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlmodel import Session

from turkctl.errors import SchemaError
from turkctl.store.base import PREFIX
from turkctl.store.engine import READ_ONLY_HINT, WRITABLE, Database
from turkctl.store.participants import participants_table

COLUMNS = {
    # In the order of lists, with the columns of common filters and groups: the index alone answers those.
    "recent": ("beginhit", "cond", "status", "codeversion", "mode"),
    "worker": ("workerid",),
    "assignment": ("assignmentid",),
    "hit": ("hitid",),
}
_LONGEST_TABLE = 40  # characters of a table's name in that of its index; PostgreSQL's names have at most 63


@dataclass(frozen=True)
class IndexState:
    """One index that makes lists fast, and whether it exists."""

    name: str
    columns: Sequence[str]
    there: bool
    broken: bool = False
    """Whether PostgreSQL was interrupted while it made the index: it is useless and has to be made again."""
    instead: str | None = None
    """Another index of the same columns, which serves as well."""


def states(session: Session, table: str) -> list[IndexState]:
    """Return the state of each index."""
    connection = session.connection()
    found = {str(each["name"]): each["column_names"] for each in inspect(connection).get_indexes(table)}
    broken = _invalid(connection)
    others = {tuple(columns): name for name, columns in found.items() if not name.startswith(PREFIX)}
    return [
        IndexState(name, columns, name in found and name not in broken, name in broken, others.get(columns))
        for name, columns in ((_name(table, what), columns) for what, columns in COLUMNS.items())
    ]


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
    return Index(state.name, *(columns[column] for column in state.columns), postgresql_concurrently=True)


def _invalid(connection: Connection) -> set[str]:
    if connection.dialect.name != "postgresql":
        return set()
    statement = text("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid")
    return set(connection.execute(statement).scalars())
