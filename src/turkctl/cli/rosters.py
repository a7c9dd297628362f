"""Read a lab's list of its own people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.newcomers import RosterRow
from turkctl.rows import RowError, Table, as_text, opened, plain

OWN_IDS = ("own_id", "id")
"""Names of the column of own ids; the first that the table has is used."""
_NAMES = ("name", "full_name")
_GROUPS = ("groups", "group")
_QUALIFICATIONS = ("qualifications", "qualification")
_LOCALES = ("locale", "country")
_BETWEEN = ";"
_LARGEST = 2**31 - 1
"""The largest value of a qualification."""
_SHOWN = 5
"""Bad rows that a message names."""


@dataclass(frozen=True)
class Roster:
    """The people of a file, what is wrong with its rows, and its columns that are not used."""

    name: str
    rows: tuple[RosterRow, ...]
    problems: tuple[tuple[int, str], ...]
    unused: tuple[str, ...]


def read_roster(file: Path, stdin: TextIO, column: str | None) -> Roster:
    """Return the people of a file.

    Args:
        file: the table; ``-`` is standard input.
        stdin: standard input.
        column: the column of own ids; by default the first of :data:`OWN_IDS` that there is.

    Raises:
        UsageError: it cannot be read, names nobody, or has no column of own ids.
    """
    problems: list[tuple[int, str]] = []
    rows: list[RosterRow] = []
    with opened(file, stdin) as table:
        columns = _columns(table, column)
        for record in table.records(lambda error: problems.append((error.row, error.why))):
            try:
                rows.append(_row(table, columns, record))
            except RowError as error:
                problems.append((error.row, error.why))
        known = {plain(each) for each in columns.values() if each is not None}
        unused = tuple(each for each in table.columns if plain(each) not in known)
        if not rows and not problems:
            raise UsageError(f"{table.name} names nobody", hint="give a row for each person below the column names")
        return Roster(table.name, tuple(rows), tuple(problems), unused)


def read_rows(file: Path, stdin: TextIO, column: str | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a file with all their cells, and the own id in each; arguments are those of the roster.

    Raises:
        UsageError: it cannot be read, a row cannot be used, or it has a column ``url``, which is to be added.
    """
    rows: list[dict[str, Any]] = []
    ids: list[str] = []
    with opened(file, stdin) as table:
        named = id_column(table, column)
        if "url" in table.columns:
            raise UsageError(f"{table.name} has a column 'url' already", hint="rename it, or leave it out")
        for record in table.records():
            ids.append(_cell(table, record, named))
            rows.append(record)
    if not rows:
        raise UsageError(f"{file} names nobody", hint="give a row for each person below the column names")
    return rows, ids


def refuse(name: str, problems: Sequence[tuple[int, str]], what: str) -> UsageError:
    """Return the error for a file with bad rows, of which the first are named."""
    first = "; ".join(f"row {row:,}: {why}" for row, why in sorted(problems)[:_SHOWN])
    more = f" ({len(problems):,} bad rows in total)" if len(problems) > _SHOWN else ""
    return UsageError(f"{name}, {first}{more}", hint=f"fix these rows, or remove them; {what}")


def id_column(table: Table, column: str | None) -> str:
    """Return the column of own ids.

    Raises:
        UsageError: there is none.
    """
    found = table.column(column, "--column") if column is not None else table.find(*OWN_IDS)
    if found is None:
        raise UsageError(
            f"{table.name} has no column own_id",
            hint=f"give its name with --column; the columns are {', '.join(table.columns)}",
        )
    return found


def _columns(table: Table, column: str | None) -> dict[str, str | None]:
    return {
        "own_id": id_column(table, column),
        "name": table.find(*_NAMES),
        "groups": table.find(*_GROUPS),
        "qualifications": table.find(*_QUALIFICATIONS),
        "locale": table.find(*_LOCALES),
    }


def _row(table: Table, columns: Mapping[str, str | None], record: Mapping[str, Any]) -> RosterRow:
    cells = {name: _cell(table, record, column) for name, column in columns.items()}
    groups = tuple(dict.fromkeys(_parts(cells["groups"])))
    return RosterRow(
        table.row,
        cells["own_id"],
        cells["name"] or None,
        groups or None,
        tuple(_qualification(table, each) for each in _parts(cells["qualifications"])),
        cells["locale"] or None,
    )


def _cell(table: Table, record: Mapping[str, Any], column: str | None) -> str:
    value = "" if column is None else record.get(column, "")
    if isinstance(value, list):
        value = _BETWEEN.join(str(each) for each in value)
    try:
        return as_text(value)
    except ValueError as error:
        raise table.error(str(error)) from None


def _parts(text: str) -> Iterator[str]:
    return filter(None, (each.strip() for each in text.split(_BETWEEN)))


def _qualification(table: Table, text: str) -> tuple[str, int]:
    """Return type and value of ``trained = 90``; of ``trained`` alone the value is 1."""
    name, equals, value = (each.strip() for each in text.rpartition("="))
    if not equals:
        return value, 1
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(_LARGEST)) or abs(int(value)) > _LARGEST:
        raise table.error(f"'{value[:20]}' is not the value of a qualification, a whole number")
    return name, int(value)
