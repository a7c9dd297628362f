"""Copy a table's rows from one database to another, one row in memory at a time, and compare both afterwards."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Integer, text
from sqlalchemy.exc import OperationalError

from turkctl.copying.sides import Side
from turkctl.copying.tables import BYTES, INTEGER, NUMBER, OTHER, TEXT, TIME, TRUTH, CopiedTable, kind_of
from turkctl.errors import TurkctlError, UsageError

Row = Sequence[Any]
Told = Callable[[int], None]
"""Called with the number of rows that were copied since the last call."""
TELL_EVERY = 500
_DIGIT = 65_536  # a sum of 64-bit numbers overflows SQLite's, so their halves are summed
_SUMS = {
    INTEGER: "coalesce(sum({c} / 65536), 0), coalesce(sum({c} % 65536), 0)",
    TRUTH: "coalesce(sum(CAST({c} AS INTEGER)), 0), 0",
    NUMBER: "coalesce(sum(CAST({c} AS DOUBLE PRECISION)), 0), 0",
    OTHER: "0, 0",
    TIME: "0, 0",
}
_LENGTHS = {True: "coalesce(sum(length(CAST({c} AS BLOB))), 0), 0", False: "coalesce(sum(octet_length({c})), 0), 0"}
"""By whether it is SQLite: bytes of text in UTF-8."""
_BYTES = {True: "coalesce(sum(length({c})), 0), 0", False: "coalesce(sum(octet_length({c})), 0), 0"}


class CopyDiffersError(TurkctlError):
    """A table that was copied is not the same."""

    code = "copy_differs"


def count(source: Side, copied: CopiedTable) -> int:
    """Return the number of the table's rows."""
    statement = text(f"SELECT count(*) FROM {source.quote(copied.name)}")  # noqa: S608  quoted
    with source.translating():
        return int(source.connection.execute(statement).scalar_one())


def copy_rows(source: Side, target: Side, copied: CopiedTable, told: Told) -> None:
    """Copy all rows of a table into the table of that name, which is empty.

    Raises:
        UsageError: the target refuses a row, or a text cannot be read.
        DatabaseUnreachableError: one of the databases does not answer, or its disk is full.
    """
    rows = _told(_read(source, target, copied), told)
    try:
        _write(target, copied, rows)
    except target.driver_error as error:
        with target.translating():
            raise _refused(target, copied, error) from error


def _write(target: Side, copied: CopiedTable, rows: Iterator[Row]) -> None:
    names = ", ".join(target.quote(column.name) for column in copied.columns)
    table = target.quote(copied.name)
    if target.sqlite:
        marks = ", ".join("?" * len(copied.columns))
        target.cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  quoted
        return
    with target.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _refused(target: Side, copied: CopiedTable, error: Exception) -> Exception:
    """Return the error for what the target's driver raised while rows were written."""
    dbapi: Any = error
    if not isinstance(error, sqlite3.DataError | sqlite3.IntegrityError) and not _is_about_data(error):
        return OperationalError("COPY", None, dbapi)
    context = getattr(getattr(error, "diag", None), "context", None) or f"table {copied.name}"
    return UsageError(
        f"nothing was copied: {target.name} refuses a row: {str(error).splitlines()[0]} ({context.splitlines()[0]})",
        hint="change the row where it is copied from, then run this again",
    )


def _is_about_data(error: Exception) -> bool:
    """Return whether PostgreSQL refuses data (class 22) or a breach of a constraint (23)."""
    return str(getattr(error, "sqlstate", None) or "")[:2] in ("22", "23")


def _read(source: Side, target: Side, copied: CopiedTable) -> Iterator[Row]:
    columns = ", ".join(_selected(source, target, copied, column) for column in copied.columns)
    statement = f"SELECT {columns} FROM {source.quote(copied.name)}"  # noqa: S608  quoted
    change = _as_sqlite if target.sqlite and not source.sqlite else None
    cursor = source.reader()
    number = 0
    try:
        cursor.execute(statement)
        for row in cursor:
            number += 1
            yield row if change is None else [change(value) for value in row]
    except source.driver_error as error:
        if "decode" in str(error):
            raise UsageError(
                f"nothing was copied: in {source.name}, table {copied.name}, row {number + 1} has a text that is not"
                " UTF-8",
                hint="change it there, for example with sqlite3, then run this again",
            ) from error
        dbapi: Any = error
        with source.translating():
            raise OperationalError(statement, None, dbapi) from error
    finally:
        cursor.close()


def _selected(source: Side, target: Side, copied: CopiedTable, column: Column[Any]) -> str:
    """Return how a column is read: what only PostgreSQL has as text, which it reads again."""
    if column.name in copied.cleared:
        return "NULL"
    quoted, kind = source.quote(column.name), kind_of(column)
    between_servers = not source.sqlite and not target.sqlite and kind == TIME
    return f"CAST({quoted} AS TEXT)" if not source.sqlite and (kind == OTHER or between_servers) else quoted


def _as_sqlite(value: Any) -> Any:
    """Return a value of PostgreSQL's as turkctl and psiTurk keep it in SQLite."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat(" ", "microseconds")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def _told(rows: Iterator[Row], told: Told) -> Iterator[Row]:
    number = 0
    for row in rows:
        yield row
        number += 1
        if number == TELL_EVERY:
            told(number)
            number = 0
    told(number)


def compare(source: Side, target: Side, copied: CopiedTable) -> int:
    """Compare counts and sums of all columns of a table on both sides; return the number of rows.

    Raises:
        CopyDiffersError: they differ.
    """
    number, found = count(source, copied), count(target, copied)
    if number != found:
        raise CopyDiffersError(
            f"the copy of table {copied.name} has {found} rows, not {number}; nothing was copied", hint="try again"
        )
    if number:
        _compare_columns(source, target, copied)
    return number


def _compare_columns(source: Side, target: Side, copied: CopiedTable) -> None:
    here, there = _measured(source, copied), _measured(target, copied)
    names = [column.name for column in copied.columns if column.name not in copied.cleared]
    for number, name in enumerate(names):
        part = slice(3 * number, 3 * number + 3)
        if not all(map(_alike, here[part], there[part])):
            raise CopyDiffersError(
                f"the copy of table {copied.name} differs in column {name}; nothing was copied", hint="try again"
            )


def _measured(side: Side, copied: CopiedTable) -> list[Any]:
    """Return for each column the number of its values, and their sum in two parts."""
    wanted = []
    for column in copied.columns:
        if column.name in copied.cleared:
            continue
        sums = {**_SUMS, TEXT: _LENGTHS[side.sqlite], BYTES: _BYTES[side.sqlite]}
        quoted = side.quote(column.name)
        wanted.append(f"count({quoted}), {sums[kind_of(column)].format(c=quoted)}")
    statement = text(f"SELECT {', '.join(wanted)} FROM {side.quote(copied.name)}")  # noqa: S608  quoted
    with side.translating():
        return list(side.connection.execute(statement).one())


def _alike(here: Any, there: Any) -> bool:
    if isinstance(here, float) or isinstance(there, float):
        one, other = float(here), float(there)
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return int(here) == int(there)


def go_on_counting(target: Side, copied: CopiedTable) -> None:
    """Let PostgreSQL count on from the greatest number that was copied."""
    if target.sqlite:
        return
    for column in copied.table.primary_key.columns:
        if isinstance(column.type, Integer) or kind_of(column) == INTEGER:
            table, name = target.quote(copied.name), target.quote(column.name)
            target.connection.execute(
                text(
                    f"SELECT setval(s, (SELECT max({name}) FROM {table}))"  # noqa: S608  quoted
                    " FROM pg_get_serial_sequence(:t, :c) AS s"
                    f" WHERE s IS NOT NULL AND EXISTS (SELECT 1 FROM {table})"
                ),
                {"t": table, "c": column.name},
            )


def learn(target: Side, copied: CopiedTable) -> None:
    """Let PostgreSQL learn what a table holds, for its plans."""
    if not target.sqlite:
        target.connection.exec_driver_sql(f"ANALYZE {target.quote(copied.name)}")
