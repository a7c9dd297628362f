"""Find what SQLite holds and PostgreSQL would refuse, before anything is written.

SQLite keeps what it is given: words in a column of numbers, texts longer than the column, the character NUL.
PostgreSQL refuses the row, so the row is named, for its owner to decide what it should say.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Date, SmallInteger, String, Time, text

from turkctl.copying.sides import Side
from turkctl.copying.tables import BYTES, INTEGER, NUMBER, TEXT, TIME, TRUTH, CopiedTable, kind_of, stored_type
from turkctl.errors import UsageError

_TYPES = {
    INTEGER: ("typeof({c}) <> 'integer'", "is not a whole number"),
    TRUTH: ("typeof({c}) <> 'integer' OR {c} NOT IN (0, 1)", "is neither 0 nor 1"),
    NUMBER: ("typeof({c}) NOT IN ('integer', 'real')", "is not a number"),
    TEXT: ("typeof({c}) = 'blob'", "is bytes, not text"),
    BYTES: ("typeof({c}) <> 'blob'", "is not bytes"),
}
_NUL = ("typeof({c}) = 'text' AND instr({c}, char(0)) > 0", "has the character NUL, which PostgreSQL does not store")
_SHOWN = 40
"""Characters of a value that are shown."""


def refuse_misfits(source: Side, copied: CopiedTable) -> None:
    """Raise UsageError if a row of a table in SQLite does not fit its table in PostgreSQL; the message names it."""
    tests = [test for column in copied.columns if column.name not in copied.cleared for test in _tests(source, column)]
    anything = " OR ".join(f"({condition})" for condition, _, _ in tests)
    key = [source.quote(column.name) for column in copied.table.primary_key.columns] or ["rowid"]
    found = source.connection.execute(
        text(f"SELECT {', '.join(key)} FROM {source.quote(copied.name)} WHERE {anything} LIMIT 1")  # noqa: S608  quoted
    ).first()
    if found is None:
        return
    same = " AND ".join(f"{column} IS :k{number}" for number, column in enumerate(key))
    values = {f"k{number}": value for number, value in enumerate(found)}
    for condition, column, says in tests:
        row = source.connection.execute(
            text(
                f"SELECT substr({source.quote(column)}, 1, {_SHOWN:d}) FROM {source.quote(copied.name)}"  # noqa: S608
                f" WHERE {same} AND ({condition})"
            ),
            values,
        ).first()
        if row is not None:
            named = ", ".join(f"{name} {value!r}" for name, value in zip(_names(copied), found, strict=True))
            raise UsageError(
                f"nothing was copied: in {source.name}, table {copied.name}, row {named}, the column {column} {says}:"
                f" {row[0]!r}",
                hint="change it there, for example with sqlite3, then run this again",
            )


def _names(copied: CopiedTable) -> list[str]:
    return [column.name for column in copied.table.primary_key.columns] or ["number"]


def _tests(source: Side, column: Column[Any]) -> list[tuple[str, str, str]]:
    """Return conditions that a row must not meet: in SQL, the column, and in words."""
    quoted, kind, stored = source.quote(column.name), kind_of(column), stored_type(column)
    found = [_TYPES[kind]] if kind in _TYPES else []
    if kind == TIME:
        found.append(_time(stored))
    if kind == INTEGER and not isinstance(stored, BigInteger):
        bits = 15 if isinstance(stored, SmallInteger) else 31
        found.append((f"{{c}} NOT BETWEEN -{2**bits} AND {2**bits - 1}", f"does not fit {bits + 1} bits"))
    if isinstance(stored, String):
        found.append(_NUL)
        if stored.length is not None:
            found.append((f"length({{c}}) > {stored.length:d}", f"has more than {stored.length} characters"))
    tests = [(f"{quoted} IS NOT NULL AND ({each.format(c=quoted)})", column.name, says) for each, says in found]
    if not column.nullable:
        tests.append((f"{quoted} IS NULL", column.name, "is missing"))
    return tests


def _time(stored: Any) -> tuple[str, str]:
    """Return the condition for texts that are no time."""
    reads = "time" if isinstance(stored, Time) else "date" if isinstance(stored, Date) else "datetime"
    return f"typeof({{c}}) <> 'text' OR {reads}({{c}}) IS NULL", "is not a time"
