"""Files of content, read row by row: CSV with a header, or JSON Lines."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from turkctl.errors import UsageError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
MAX_FIELD = 16 * 2**20
"""Characters of one cell: more is a quotation mark that was never closed."""


@dataclass(frozen=True)
class Source:
    """An open file of content."""

    name: str
    columns: tuple[str, ...] | None
    """Of a CSV file; None for JSON Lines, where each row has its own."""
    rows: Iterator[tuple[int, int, dict[str, Any]]]
    """Number of the row, from 1, number of its line, and its values by column."""


def bad_row(name: str, row: int, line: int, why: str) -> UsageError:
    """The error for one row."""
    return UsageError(f"{name}, row {row:,} (line {line:,}): {why}; nothing was changed", hint="fix that row")


@contextmanager
def opened(path: Path | None, stdin: BinaryIO) -> Iterator[Source]:
    """The rows of a file, or of standard input where there is no path.

    The suffix says what it is: .csv, .tsv, .jsonl or .ndjson. Standard input is JSON Lines where it begins with ``{``.

    Raises:
        UsageError: another suffix; not there; empty; not UTF-8; a row that cannot be read (when it is reached).
    """
    if path is None:
        with _text(stdin) as text:
            yield _source("standard input", text, None)
        return
    suffix = path.suffix.lower()
    if suffix not in (*SEPARATORS, *JSON_LINES):
        raise UsageError(
            f"{path.name} is neither CSV nor JSON Lines by its name",
            hint="name it .csv, .tsv, .jsonl or .ndjson, or give - and pipe it in",
        )
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="give a CSV or JSON Lines file") from None
    with file, _text(file) as text:
        yield _source(path.name, text, suffix)


@contextmanager
def _text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield text
    finally:
        with suppress(ValueError):  # closed by its owner
            text.detach()


def _source(name: str, text: io.TextIOWrapper, suffix: str | None) -> Source:
    lines: Iterator[str] = iter(text)
    if suffix is None:
        try:
            head = list(itertools.islice(lines, 1))
        except UnicodeDecodeError:
            _not_utf8(name, 0)
        suffix = ".jsonl" if head and head[0].lstrip().startswith("{") else ".csv"
        lines = itertools.chain(head, lines)
    if suffix in JSON_LINES:
        return Source(name, None, _json_rows(name, lines))
    return _csv_source(name, lines, SEPARATORS[suffix])


def _not_utf8(name: str, rows: int) -> NoReturn:
    where = f" after row {rows:,}" if rows else ""
    raise UsageError(f"{name} is not UTF-8{where}; nothing was changed", hint="save it as UTF-8")


def _csv_source(name: str, lines: Iterator[str], separator: str) -> Source:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        header = next((row for row in reader if row), [])
    except UnicodeDecodeError:
        _not_utf8(name, 0)
    except csv.Error as error:
        raise UsageError(f"{name} is no CSV: {error}", hint="its first row names the columns") from None
    columns = tuple(column.strip() for column in header)
    if not columns:
        raise UsageError(f"{name} is empty", hint="its first row names the columns")
    for column in columns:
        if not column or columns.count(column) > 1:
            what = f"'{column}' more than once" if column else "a column without a name"
            raise UsageError(f"the header of {name} has {what}", hint="every column needs a name of its own")
    return Source(name, columns, _csv_rows(name, reader, columns))


def _csv_rows(name: str, reader: Any, columns: tuple[str, ...]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    number, width = 0, len(columns)
    try:
        for cells in reader:
            if not cells:
                continue  # an empty line
            number += 1
            if len(cells) != width:
                why = f"it has {len(cells)} cells, the header {width}"
                raise bad_row(name, number, reader.line_num, why)
            yield number, reader.line_num, dict(zip(columns, cells, strict=True))
    except UnicodeDecodeError:
        _not_utf8(name, number)
    except csv.Error as error:
        raise bad_row(name, number + 1, reader.line_num, str(error)) from None


def _json_rows(name: str, lines: Iterator[str]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    number = line = 0
    try:
        for line, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            number += 1
            yield number, line, _object(text)
    except UnicodeDecodeError:
        _not_utf8(name, number)
    except (ValueError, RecursionError) as error:
        raise bad_row(name, number, line, str(error)) from None


def _object(text: str) -> dict[str, Any]:
    """The values of one line.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        found = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(found, Mapping):
        raise ValueError('it is no JSON object, as in {"key": "a"}')
    return dict(found)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
