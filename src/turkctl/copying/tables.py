"""Describe a table so that it can be made in another database and its rows copied there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

INTEGER, TRUTH, NUMBER, TEXT, BYTES, TIME, OTHER = "integer", "truth", "number", "text", "bytes", "time", "other"
_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, TRUTH),
    (Integer, INTEGER),
    (Numeric, NUMBER),
    (Float, NUMBER),
    (String, TEXT),
    (LargeBinary, BYTES),
    (DateTime, TIME),
    (Date, TIME),
    (Time, TIME),
)
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
_OWN_STATEMENTS = text(
    "SELECT sql FROM sqlite_master WHERE tbl_name = :name AND type IN ('table', 'index') AND sql IS NOT NULL"
    " ORDER BY type = 'index', name"
)


@dataclass(frozen=True)
class CopiedTable:
    """A table that is copied.

    Attributes:
        table: it, as it is made in the other database.
        statements: SQLite's own statements, which make it in another SQLite database as it is; else none.
        cleared: columns that are null in the copy.
        filled: whether its rows are copied.
    """

    table: Table
    statements: tuple[str, ...] = ()
    cleared: frozenset[str] = frozenset()
    filled: bool = True

    @property
    def name(self) -> str:
        """Return its name."""
        return self.table.name

    @property
    def columns(self) -> Sequence[Column[Any]]:
        """Return its columns, in the order in which they are copied."""
        return list(self.table.columns)

    def make(self, connection: Connection) -> None:
        """Make it, with its indexes, in the other database."""
        for statement in self.statements:
            connection.exec_driver_sql(statement)
        if not self.statements:
            self.table.create(connection)


def stored_type(column: Column[Any]) -> TypeEngine[Any]:
    """Return the type that PostgreSQL has for a column."""
    kind: Any = column.type
    return kind.load_dialect_impl(_POSTGRESQL) if isinstance(kind, TypeDecorator) else kind


def kind_of(column: Column[Any]) -> str:
    """Return what a column holds, in one of the words above."""
    stored = stored_type(column)
    return next((kind for base, kind in _KINDS if isinstance(stored, base)), OTHER)


def as_it_is(connection: Connection, name: str, dialect: str) -> CopiedTable:
    """Describe a table of somebody else's, with whatever columns and indexes it has.

    Args:
        connection: to the database that it is in.
        name: of the table.
        dialect: of the database that it is copied to.
    """
    found = MetaData()
    found.reflect(connection, only=[name], resolve_fks=False)
    table = found.tables[name]
    here = connection.dialect.name
    if here == dialect == "sqlite":
        rows = connection.execute(_OWN_STATEMENTS, {"name": name})
        return CopiedTable(_rebuilt(table, same=False), tuple(str(row.sql) for row in rows))
    return CopiedTable(_rebuilt(table, same=here == dialect))


def _rebuilt(table: Table, *, same: bool) -> Table:
    """Return the table with types that both databases have, unless both are of the same kind."""
    columns = [
        Column(
            each.name,
            each.type if same else _common(each),
            primary_key=each.primary_key,
            nullable=each.nullable,
            autoincrement=_counts(table, each),
        )
        for each in table.columns
    ]
    made = Table(table.name, MetaData(), *columns)
    for each in table.constraints:
        if isinstance(each, UniqueConstraint):
            made.append_constraint(UniqueConstraint(*(column.name for column in each.columns), name=each.name))
    for index in _plain_indexes(table):
        Index(index.name, *(made.c[column.name] for column in index.columns), unique=index.unique)
    return made


def _common(column: Column[Any]) -> TypeEngine[Any]:
    found = column.type.as_generic(allow_nulltype=True)
    unknown = isinstance(found, NullType) or kind_of(Column("x", found)) == OTHER
    return Text() if unknown else found


def _counts(table: Table, column: Column[Any]) -> Any:
    """Return whether the database counts the column's values."""
    alone = list(table.primary_key.columns) == [column] and isinstance(column.type, Integer)
    return "auto" if alone else False


def _plain_indexes(table: Table) -> Iterator[Index]:
    """Yield the indexes on columns; one on an expression makes nothing wrong where it is missing."""
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.columns and all(isinstance(each, Column) for each in index.expressions):
            yield index


def has_no_rows(connection: Connection, names: Iterable[str]) -> bool:
    """Return whether all of these tables are empty."""
    quote = connection.dialect.identifier_preparer.quote
    return not any(
        connection.exec_driver_sql(f"SELECT 1 FROM {quote(name)} LIMIT 1").first()  # noqa: S608  quoted
        for name in names
    )
