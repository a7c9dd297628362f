"""Define what all of turkctl's tables share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import CursorResult, MetaData, Table, Update, insert
from sqlalchemy.orm import registry
from sqlmodel import Session, SQLModel
from sqlmodel._compat import SQLModelConfig

from turkctl.errors import SchemaError

PREFIX = "turkctl_"
"""The prefix of every table of ours; all other tables belong to other programs."""

CHUNK = 500
"""Maximum number of values in one ``IN`` list, or rows in one statement: well below the limit of either database."""

_T = TypeVar("_T")

_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


ANY_MARKET = "*"
"""Stands, in a filter, for every market of the mode."""


@dataclass(frozen=True)
class Place:
    """Which market a row belongs to: rows of different places never mix."""

    mode: str
    """``local``, ``sandbox`` or ``live``."""
    market: str
    """The market's identity: the endpoint's address and the account, or the id of the local market's file;
    :data:`ANY_MARKET` in a filter."""


@dataclass(frozen=True)
class Scope:
    """What a query about the state of things goes by: a transaction, the place that counts, and the time it is."""

    session: Session
    place: Place
    now: datetime


class TurkctlTable(SQLModel, registry=registry(metadata=MetaData(naming_convention=_CONVENTION))):
    """Base of turkctl's tables. They have no relationships: a query says what it reads.

    SQLModel does not validate table classes when they are constructed; :meth:`checked` does, strictly.
    """

    model_config = SQLModelConfig(strict=True, extra="forbid", defer_build=True)

    if TYPE_CHECKING:
        __table__: ClassVar[Table]

    def checked(self, *, without: str | None = None) -> dict[str, Any]:
        """Return this row's values by column, each checked against its field's type and length.

        Args:
            without: a column to leave out, because the database fills it in.

        Raises:
            pydantic.ValidationError: a value is of the wrong type or too long.
        """
        values = self.model_dump(warnings=False)
        _plain(type(self)).model_validate(values)
        if without is not None:
            del values[without]
        return values


@cache
def _plain(table: type[TurkctlTable]) -> type[BaseModel]:
    """Return a model of the same fields without SQLAlchemy's instrumentation, which slows validation tenfold."""
    fields: dict[str, Any] = {name: (info.annotation, info) for name, info in table.model_fields.items()}
    return create_model(table.__name__, __config__=ConfigDict(strict=True, extra="forbid"), **fields)


def add(session: Session, row: TurkctlTable) -> None:
    """Validate and insert one row."""
    row.checked()
    session.add(row)
    session.flush()


def changed_one(session: Session, statement: Update) -> bool:
    """Run an UPDATE that names the state it expects; return whether it changed exactly one row."""
    return changed(session, statement) == 1


def changed(session: Session, statement: Update) -> int:
    """Run an UPDATE; return the number of rows that it matched."""
    result = cast("CursorResult[Any]", session.connection().execute(statement))
    return result.rowcount


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield the values in pieces that fit one statement."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def insert_ignoring(session: Session, table: Table, key: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose ``key`` is new; leave the others unchanged."""
    if rows:
        session.connection().execute(insert_into(session, table).on_conflict_do_nothing(index_elements=list(key)), rows)


def insert_into(session: Session, table: Table) -> Any:
    """Return an INSERT with the ON CONFLICT clause that SQLite and PostgreSQL share."""
    dialect = session.connection().dialect.name
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_sqlite

        return insert_sqlite(table)
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(table)
    raise SchemaError(f"turkctl cannot write to {dialect}", hint="use SQLite or PostgreSQL")


def upsert(
    session: Session, table: Table, key: Sequence[str], rows: Sequence[dict[str, Any]], *, newer_by: str
) -> None:
    """Insert the rows, or replace those with the same ``key`` unless the stored row is newer by ``newer_by``."""
    if not rows:
        return
    statement = insert_into(session, table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in key}
    stored = table.c[newer_by]
    statement = statement.on_conflict_do_update(
        index_elements=list(key), set_=new, where=stored.is_(None) | (stored <= statement.excluded[newer_by])
    )
    session.connection().execute(statement, rows)


def insert_rows(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows through Core: thirty times as fast as objects."""
    if rows:
        session.connection().execute(insert(table), rows)


VERSION_TABLE = "turkctl_alembic_version"
