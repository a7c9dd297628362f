"""Put another text in the place of somebody's id everywhere in a database, and leave no trace of it in its files.

The market and the study erase people in the same way; each says which tables it has. Tables are looked at as the
database has them, so that columns that others added are not forgotten.
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, select
from sqlalchemy.exc import OperationalError

Replace = Callable[[str], str]

_DISTINCT = 10
"""Characters from which on an id of capital letters and digits cannot be part of another word."""
_TRIES, _PAUSE_S = 20, 0.1
"""How often, and how long apart, the log of an SQLite database is tried to be emptied while others read it."""


@dataclass(frozen=True)
class Texts:
    """A table's columns of text, and its key."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """Return the columns that name a row; all columns of text if there is no key."""
        return tuple(self.table.primary_key.columns) or self.columns


def texts_of(connection: Connection, names: Iterable[str]) -> Iterator[Texts]:
    """Yield those of the tables that there are and that have columns of text, as the database describes them."""
    found = MetaData()
    there = set(connection.dialect.get_table_names(connection))
    wanted = [name for name in dict.fromkeys(names) if name in there]
    found.reflect(connection, only=wanted, resolve_fks=False)
    for name in wanted:
        table = found.tables[name]
        columns = tuple(column for column in table.columns if isinstance(column.type, String))
        if columns:
            yield Texts(table, columns)


def replacement(old: str, new: str) -> Replace:
    """Return a function that puts ``new`` in the place of ``old``; of a short one only where it is a whole word."""
    escaped = re.escape(old)
    whole = escaped if len(old) >= _DISTINCT else rf"(?<!\w){escaped}(?!\w)"
    pattern = re.compile(whole)
    return lambda text: pattern.sub(lambda _match: new, text)


def forms_of(text: str) -> tuple[str, ...]:
    """Return a text as it may be written in documents: plain, and in the ways of XML, HTML and JSON."""
    xml = html.escape(text, quote=False).encode("ascii", "xmlcharrefreplace").decode()
    return tuple(dict.fromkeys((text, xml, html.escape(text), json.dumps(text)[1:-1])))


def replace_texts(
    connection: Connection, found: Texts, olds: Sequence[str], new: str, only: Mapping[str, str] | None = None
) -> int:
    """Replace texts in the columns of a table; return the number of rows changed.

    Args:
        connection: with a transaction.
        found: the table.
        olds: what is replaced.
        new: what comes in its place.
        only: values of columns that the rows must have, where the table has these columns.
    """
    table, changed = found.table, set[tuple[Any, ...]]()
    conditions = [table.c[name] == value for name, value in (only or {}).items() if name in table.c]
    for old in olds:
        replace = replacement(old, new)
        for column in found.columns:
            statement = select(*found.key, column.label("erased_text")).where(
                *conditions, column.contains(old, autoescape=True)
            )
            for *key, text in connection.execute(statement).all():
                better = replace(text)
                if better == text:
                    continue
                same = [each == value for each, value in zip(found.key, key, strict=True)]
                connection.execute(table.update().where(*same).values({column.name: better}))
                changed.add(tuple(key))
    return len(changed)


def count_texts(connection: Connection, found: Texts, text: str) -> int:
    """Return the number of cells in which a text stands as a whole word, or anywhere if it is distinct."""
    replace = replacement(text, "")
    return sum(
        replace(cell) != cell
        for column in found.columns
        for (cell,) in connection.execute(select(column).where(column.contains(text, autoescape=True)))
    )


def overwrite_deleted(connection: Connection) -> None:
    """Make SQLite write zeros over what this connection deletes."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def clean(engine: Engine, names: Sequence[str], sleep: Callable[[float], None] = time.sleep) -> str | None:
    """Write a database's files anew without what was deleted; return what remains to be done, if anything does.

    Args:
        engine: of the database; no transaction of this thread may be open.
        names: the tables that were changed.
        sleep: waits.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            quote = connection.dialect.identifier_preparer.quote
            for name in names:  # its statistics have common values in them
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {quote(name)}")
        return "PostgreSQL's write-ahead log and its archives, until they are overwritten"
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA query_only=OFF")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("VACUUM")
        for _ in range(_TRIES):
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, *_rest) = cursor.fetchone() or (0,)
            if not busy:
                return None
            sleep(_PAUSE_S)
    except engine.dialect.loaded_dbapi.Error as error:
        raise OperationalError("VACUUM", None, error) from error
    finally:
        raw.close()
    return "the database's write-ahead log, which others are reading: run the command again when they have ended"
