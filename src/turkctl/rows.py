"""Read users' tables (CSV, JSON Lines or JSON), one row at a time.

Every command that takes a table reads it here, so that all of them understand a file in the same way: CSV saved by a
spreadsheet in Berlin, with semicolons, a byte order mark and decimal commas, as well as the output of ``-o jsonl``.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TextIO, cast

from turkctl.errors import UsageError
from turkctl.ids import is_text
from turkctl.units import parse_money
from turkctl.words import counted, meant

STANDARD_INPUT = "-"
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
ENDINGS = {".csv": False, ".tsv": False, ".jsonl": True, ".ndjson": True, ".json": True}
"""File name endings, and whether such a file is JSON."""
MAX_CELL = 16 * 2**20
"""Most characters of a cell, or of an object in a JSON array; more means that a quotation mark is never closed."""
MAX_HEADER_LINES = 1000
FIX_ROW = "fix that row, or remove it"
SAVE_AS = 'save it as "CSV UTF-8": in Excel that is a file type of Save As, in LibreOffice a character set'

_PART = 1 << 16
_NOWHERE = "\x1f"
"""The separator of columns in a list, which has only one column."""
_MAGIC = {
    b"PK\x03\x04": "an Excel or LibreOffice file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"\x1f\x8b": "a compressed file",
}
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Byte order marks, and the encoding of each."""
_OBJECT = re.compile(r"\s*\{\s*(?:[\"}]|$)")
_ARRAY = re.compile(r"\s*\[\s*(?:[{\]]|$)")
_QUOTED = re.compile(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*"')
_UNCLOSED = re.compile(r'(?:^|[,;\t])"')
_SEPARATOR = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_DECIMAL_COMMA = re.compile(r"\s*([+-]?\$?)(?:([0-9]+),([0-9]{1,2}|[0-9]{4,})|(0+),([0-9]{3}))\s*")
_CSV_ERRORS = {
    "unexpected end of data": "a quotation mark is never closed",
    "expected after": "there is text after a closing quotation mark",
    "field larger": f"a cell has more than {MAX_CELL:,} characters; is a quotation mark never closed?",
}

Bad = Callable[["RowError"], None]
"""A function that is called with the error of a row that cannot be used, and is then left out."""


class RowError(UsageError):
    """A row that cannot be used; rows after it can."""

    def __init__(self, place: str, row: int, why: str, hint: str | None = FIX_ROW) -> None:
        super().__init__(f"{place}: {why}", hint)
        self.row = row
        self.why = why


class Table:
    """An open table: its columns, and its rows one at a time.

    Rows of CSV are counted as in a spreadsheet: the header is row 1, blank rows count, and a row whose cells contain
    line breaks is one row. JSON Lines are counted by line, the objects of a JSON array from 1.
    """

    columns: tuple[str, ...]
    """The names of the columns in order; in JSON those of the first object."""
    decimal_comma = False
    """Whether a comma in a number can only be a decimal comma or a mistake."""
    fixed = True
    """Whether every row has these columns and no others."""
    _unit = "row"

    def __init__(self, source: _Source) -> None:
        self.name = source.name
        self.row = 0
        """The number of the last row that was read."""
        self._source = source

    @property
    def place(self) -> str:
        """Return the place of the last row that was read: file and row."""
        return self.place_of(self.row)

    def place_of(self, row: int) -> str:
        """Return the place of the row with this number: file and row."""
        return f"{self.name}, {self._unit} {row:,}"

    def error(self, why: str, hint: str | None = FIX_ROW) -> RowError:
        """Return the error for the last row that was read."""
        return RowError(self.place, self.row, why, hint)

    def cells(self, columns: Sequence[str], bad: Bad | None = None) -> Iterator[Sequence[Any]]:
        """Yield the cells of these columns from each row that is not blank, in their order.

        Cells of CSV are texts, unchanged; those of JSON are values, and ``""`` if a value is missing.

        Args:
            columns: two or more of the table's columns.
            bad: called with the error of each row that cannot be read; without it the first error is raised.

        Raises:
            RowError: a row has too many or too few cells, NUL characters or invalid JSON.
            UsageError: the rest cannot be read: it is not UTF-8, or a quotation mark is not closed.
        """
        raise NotImplementedError

    def records(self, bad: Bad | None = None) -> Iterator[dict[str, Any]]:
        """Yield the cells by column of each row that is not blank; the rest is as for :meth:`cells`."""
        raise NotImplementedError

    def column(self, name: str, flag: str) -> str:
        """Return the name of a column given by an option.

        Raises:
            UsageError: there is no such column; the message names the nearest.
        """
        if name in self.columns:
            return name
        raise self.no_column(f"{self.name} has no column '{name}' ({flag})", name)

    def no_column(self, message: str, name: str) -> UsageError:
        """Return the error for a missing column: the message with the nearest name, and all names as the hint."""
        return UsageError(message + meant(name, self.columns), hint="the columns are " + ", ".join(self.columns))

    def find(self, *names: str) -> str | None:
        """Return the first of these columns that the table has, or None.

        Names are given in small letters without spaces; in the file they may have capitals, spaces, ``_`` and ``-``.

        Raises:
            UsageError: two columns match the same name.
        """
        for name in names:
            found = [column for column in self.columns if plain(column) == plain(name)]
            if len(found) > 1:
                both = " and ".join(f"'{column}'" for column in found)
                raise UsageError(f"{self.name} has two columns for '{name}': {both}", hint="rename one of them")
            if found:
                return found[0]
        return None

    def number(self, text: str) -> str:
        """Return the text of a number with a decimal point for its decimal comma; leave other texts unchanged.

        Only an unambiguous comma is replaced: commas must not separate columns, and ``1,234`` may be a thousand.
        """
        match = _DECIMAL_COMMA.fullmatch(text) if self.decimal_comma else None
        return text if match is None else f"{match[1]}{match[2] or match[4]}.{match[3] or match[5]}"

    def money(self, text: str) -> Decimal:
        """Return dollars from a cell: ``0.50``, ``$0.50``, or ``0,50`` if that is unambiguous.

        Raises:
            UsageError: the cell is not an amount, or is ambiguous.
        """
        pointed = self.number(text)
        try:
            return parse_money(pointed)
        except UsageError:
            if pointed == text:
                raise
            return parse_money(text)  # its error shows the text as written

    def progress(self, tick: Callable[[int, int], None]) -> None:
        """Call ``tick`` with the number of bytes read and the total, if the total is known."""
        if self._source.size:
            tick(min(self._source.bytes.given, self._source.size), self._source.size)


def plain(name: str) -> str:
    """Return the name of a column in small letters, without spaces, ``_`` and ``-``."""
    return re.sub(r"[\s_-]", "", name).casefold()


def as_text(value: Any) -> str:
    """Return a cell as text, without blanks around it.

    Raises:
        ValueError: it is a JSON list or object.
    """
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise ValueError(f"{json.dumps(value)[:40]} is neither a text nor a number")
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def opened(file: str | Path, stdin: TextIO, *, listed: Sequence[str] = ()) -> Iterator[Table]:
    """Open a table: the file, or standard input for ``-``.

    JSON is recognised by its first characters or by the ending of the name; everything else is CSV.

    Args:
        file: the path as given, which errors name.
        stdin: standard input; it stays open.
        listed: names of a column that may be the only one. Such a list may lack its header, which is then the first of
            these names; everything after a ``#`` in it is ignored.

    Raises:
        UsageError: the file cannot be read, is empty, or is not a table; or a column has no name or a repeated one.
    """
    if str(file) == STANDARD_INPUT:
        yield _table(_Source("standard input", stdin.buffer), None, listed)
        return
    path = Path(file)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise _unreadable(str(file), error) from None
    with stream:
        yield _table(_Source(str(file), stream, path.stat().st_size), ENDINGS.get(path.suffix.lower()), listed)


def _unreadable(name: str, error: OSError) -> UsageError:
    return UsageError(f"cannot read {name}: {error.strerror}", hint="give a CSV, JSON Lines or JSON file")


class _Bytes(io.BufferedIOBase):
    """Reads the bytes of a file without its byte order mark, in large parts, and counts them."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.head = file.read(4)
        self.mark = next((mark for mark in _MARKS if self.head.startswith(mark)), b"")
        self._ahead = self.head.removeprefix(self.mark)
        self.given = 0
        self.nul = False
        """Whether a NUL was among them."""

    def readable(self) -> bool:
        """Return true."""
        return True

    def read1(self, _size: int = -1, /) -> bytes:
        """Return the next part, which may be larger than requested."""
        part = self._ahead or self._file.read(_PART)
        self._ahead = b""
        self.given += len(part)
        self.nul = self.nul or b"\0" in part
        return part


class _Source:
    """The text of a table's file, with what errors and progress need."""

    def __init__(self, name: str, file: BinaryIO, size: int | None = None) -> None:
        """Read the first bytes.

        Raises:
            UsageError: the file cannot be read, or is not text.
        """
        self.name = name
        self.size = size
        try:
            self.bytes = _Bytes(file)
        except OSError as error:
            raise _unreadable(name, error) from None
        for magic, what in _MAGIC.items():
            if self.bytes.head.startswith(magic):
                raise UsageError(f"{name} is {what}, not text", hint=SAVE_AS)
        encoding = _MARKS.get(self.bytes.mark, "utf-8")
        self.text = io.TextIOWrapper(cast(BinaryIO, self.bytes), encoding=encoding, newline="")

    @contextmanager
    def reading(self, lines: Callable[[], int]) -> Iterator[None]:
        """Raise a UsageError for errors in reading the text.

        Args:
            lines: returns the number of lines read before the error.

        Raises:
            UsageError: the text is in another encoding, or cannot be read.
        """
        try:
            yield
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(error.encoding, "ignore")
            line = lines() + len(_LINE_END.findall(before)) + 1
            encoding = self.text.encoding.upper()
            raise UsageError(f"{self.name}, line {line:,}: this is not {encoding} text", hint=SAVE_AS) from None
        except OSError as error:
            raise _unreadable(self.name, error) from None


def _table(source: _Source, is_json: bool | None, listed: Sequence[str]) -> Table:
    """Return the table in a text; if ``is_json`` is None, its first characters decide whether it is JSON."""
    head: list[str] = []
    with source.reading(lambda: len(head)):
        while not head or not head[-1].strip():
            if not (line := source.text.readline(_PART)):
                raise _empty(source.name)
            head.append("\n" if listed and line.lstrip().startswith("#") else line)
        first = head[-1]
        if source.bytes.nul and "\0" in first:
            raise UsageError(f"{source.name} has NUL characters, so it is not text", hint=SAVE_AS)
        if _ARRAY.match(first):
            return _Json(source, head, as_array=True)
        if not first.endswith(("\n", "\r")):
            head[-1] += source.text.readline(MAX_CELL)
        if is_json or _OBJECT.match(first):
            return _Json(source, head, as_array=False)
        if match := _SEPARATOR.fullmatch(first):  # a line for Excel only, which does not show it
            return _Csv(source, source.text, match[1], not_rows=len(head))
        if listed and not any(delimiter in first.partition("#")[0] for delimiter in DELIMITERS):
            return _list(source, head, listed)
        delimiter = _delimiter(source.name, _header(source, head))
        return _Csv(source, chain(head, source.text), delimiter)


def _list(source: _Source, head: Sequence[str], listed: Sequence[str]) -> Table:
    """Return the table of one column that is in a list."""
    lines = (line.partition("#")[0] for line in chain(head, source.text))
    if plain(head[-1].partition("#")[0].strip('" \t\r\n')) in map(plain, listed):
        return _Csv(source, lines, _NOWHERE)
    return _Csv(source, chain([listed[0]], lines), _NOWHERE, not_rows=-1)


def _empty(name: str) -> UsageError:
    return UsageError(f"{name} is empty", hint="the first row must name the columns")


def _header(source: _Source, head: list[str]) -> str:
    """Return the first row without its quoted parts; ``head`` ends with its first line and gets the others."""
    start = len(head) - 1
    while _UNCLOSED.search(bare := _QUOTED.sub("", "".join(head[start:]))):
        line = source.text.readline(MAX_CELL) if len(head) < MAX_HEADER_LINES else ""
        if not line:
            raise UsageError(
                f"{source.name}, row {start + 1}: a quotation mark is never closed",
                hint="the first row must name the columns",
            )
        head.append(line)
    return bare


def _delimiter(name: str, header: str) -> str:
    """Return the separator of the columns in a header without its quoted parts.

    Raises:
        UsageError: two separators occur equally often.
    """
    counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
    most = max(counts.values())
    found = [delimiter for delimiter, count in counts.items() if count == most]
    if most and len(found) > 1:
        either = " or ".join(DELIMITERS[delimiter] for delimiter in found)
        raise UsageError(
            f"{name}: the first row does not say whether {either} separates columns",
            hint="put names that contain one of them in quotation marks",
        )
    return found[0]


class _Csv(Table):
    """A CSV file with a known separator."""

    def __init__(self, source: _Source, lines: Iterable[str], delimiter: str, *, not_rows: int = 0) -> None:
        """Read the header.

        Args:
            source: the source of the lines.
            lines: the lines, header included.
            delimiter: the separator of cells.
            not_rows: number of lines of the file before these; -1 for a header that is not in the file.
        """
        super().__init__(source)
        self.decimal_comma = delimiter in ";\t"
        self._not_rows = not_rows
        csv.field_size_limit(MAX_CELL)
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._numbered = enumerate(self._reader, start=1 + min(not_rows, 0))
        header: list[str] = []
        rows = self._numbered
        with self._reading_csv():
            for self.row, header in rows:
                if any(cell.strip() for cell in header):
                    break
            else:
                raise _empty(self.name)
        self._most = len(header)
        names = [cell.strip() for cell in header]
        while not names[-1]:  # empty columns that a spreadsheet leaves to the right
            names.pop()
        self.columns = _named(self.name, names)

    @property
    def place(self) -> str:
        """Return the place of the last row that was read: file and row, and the line if its number is another."""
        line = self._reader.line_num + self._not_rows
        return super().place + (f" (line {line:,})" if line != self.row else "")

    @contextmanager
    def _reading_csv(self) -> Iterator[None]:
        try:
            with self._source.reading(lambda: self._reader.line_num + self._not_rows):
                yield
        except csv.Error as error:
            words = next((words for part, words in _CSV_ERRORS.items() if part in str(error)), str(error))
            raise UsageError(f"{self.name}, row {self.row + 1:,}: {words}", hint=FIX_ROW) from None

    def cells(self, columns: Sequence[str], bad: Bad | None = None) -> Iterator[Sequence[Any]]:
        rows = self._rows(bad)
        return rows if tuple(columns) == self.columns else map(itemgetter(*map(self.columns.index, columns)), rows)

    def records(self, bad: Bad | None = None) -> Iterator[dict[str, Any]]:
        columns = self.columns
        for cells in self._rows(bad):
            yield dict(zip(columns, cells, strict=True))

    def _rows(self, bad: Bad | None) -> Iterator[list[str]]:
        rows, source, width = self._numbered, self._source.bytes, len(self.columns)
        with self._reading_csv():
            for self.row, cells in rows:
                if len(cells) != width or cells[0] < "!" or source.nul:  # only such rows need a closer look
                    if not any(cell.strip() for cell in cells):
                        continue
                    if why := self._wrong(cells):
                        _refuse(self.error(why), bad)
                        continue
                    del cells[width:]
                yield cells

    def _wrong(self, cells: Sequence[str]) -> str | None:
        """Return what is wrong with a row that is not blank; None if nothing is."""
        count, width = len(cells), len(self.columns)
        if count < width or any(cell.strip() for cell in cells[width:]) or count > self._most:
            return f"{counted(count, 'cell')}, but the header has {width}"
        if any("\0" in cell for cell in cells):
            return "it has a NUL character"
        return None


def _refuse(error: RowError, bad: Bad | None) -> None:
    if bad is None:
        raise error
    bad(error)


def _named(where: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns.

    Raises:
        UsageError: a name is missing or repeated.
    """
    for number, name in enumerate(names, start=1):
        if not name:
            raise UsageError(f"column {number} of {where} has no name", hint="give every column its own name")
        if names.index(name) != number - 1:
            raise UsageError(f"{where} has two columns '{name}'", hint="give every column its own name")
    return tuple(names)


class _Json(Table):
    """JSON Lines, or a JSON array of objects."""

    fixed = False

    def __init__(self, source: _Source, head: Sequence[str], *, as_array: bool) -> None:
        """Read as far as the first object, whose keys are the columns."""
        super().__init__(source)
        self._lines = 0
        self._unit = "object" if as_array else "line"
        self._found = self._in_array("".join(head)) if as_array else self._in_lines(head)
        self._ahead: list[tuple[int, dict[str, Any] | RowError]] = []
        with self._reading():
            for number, found in self._found:
                self._ahead.append((number, found))
                if isinstance(found, dict):
                    self.columns = _named(self.name, list(found))
                    return
        for _number, error in self._ahead:
            assert isinstance(error, RowError)
            raise error
        raise UsageError(f"{self.name} has no rows", hint="write one JSON object for each row")

    def _reading(self) -> AbstractContextManager[None]:
        return self._source.reading(lambda: self._lines)

    def cells(self, columns: Sequence[str], bad: Bad | None = None) -> Iterator[Sequence[Any]]:
        for record in self.records(bad):
            yield [record.get(column, "") for column in columns]

    def records(self, bad: Bad | None = None) -> Iterator[dict[str, Any]]:
        objects = chain(self._ahead, self._found)
        with self._reading():
            for self.row, found in objects:
                if isinstance(found, dict):
                    yield found
                else:
                    _refuse(found, bad)

    def _in_lines(self, head: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
        lines = enumerate(chain(head, self._source.text), start=1)
        for self._lines, line in lines:
            if not line.strip():
                continue
            try:
                found = _DECODER.decode(line)
            except (ValueError, RecursionError) as error:
                yield self._lines, self._bad(self._lines, _json_words(error))
                continue
            if isinstance(found, dict):
                yield self._lines, self._whole(self._lines, found, line)
            else:
                yield self._lines, self._bad(self._lines, "this is not a JSON object")

    def _bad(self, number: int, why: str, hint: str = "write one object per line") -> RowError:
        return RowError(f"{self.name}, {self._unit} {number:,}", number, why, hint)

    def _whole(self, number: int, found: dict[str, Any], text: str) -> dict[str, Any] | RowError:
        """Return an object, or its error if it has a text that no database and no file can hold."""
        if _HALF.search(text) is None or is_text(json.dumps(found, ensure_ascii=False)):
            return found
        return self._bad(number, "it holds half of a surrogate pair, which is no character", FIX_ROW)

    def _in_array(self, buffer: str) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
        """Yield the objects of an array, keeping little more than one in memory at a time."""
        self._lines = buffer.count("\n")
        array = _Array(buffer, self._more)
        number = 0
        try:
            array.take("[")
            while array.next() != "]" or number:
                number += 1
                yield number, self._whole(number, *array.object())
                if array.next() != "]":
                    array.take(",")
                    continue
                break
            array.take("]")
            if array.next():
                raise ValueError("there is more after the end of the array")
        except UnicodeDecodeError:
            raise  # it is a ValueError too
        except (ValueError, RecursionError) as error:
            words = _json_words(error)
            raise UsageError(f"{self.name}, object {number:,}: {words}", hint="write an array of objects") from None

    def _more(self, count: int) -> str:
        part = self._source.text.read(count)
        self._lines += part.count("\n")
        return part


class _Array:
    """Reads a JSON array part by part."""

    def __init__(self, buffer: str, more: Callable[[int], str]) -> None:
        self._buffer = buffer
        self._more = more
        self._at = 0

    def next(self) -> str:
        """Return the next character that is not blank, without consuming it; "" at the end."""
        while True:
            rest = _BLANK.match(self._buffer, self._at)
            self._at = rest.end() if rest else self._at
            if self._at < len(self._buffer) or not self._read():
                return self._buffer[self._at : self._at + 1]

    def take(self, character: str) -> None:
        """Consume this character.

        Raises:
            ValueError: the next character is another one.
        """
        if self.next() != character:
            raise ValueError(f"'{character}' is missing")
        self._at += 1

    def object(self) -> tuple[dict[str, Any], str]:
        """Consume an object; return it and its text.

        Raises:
            ValueError: what comes next is not an object.
        """
        if self.next() != "{":
            raise ValueError("this is not a JSON object")
        while True:
            try:
                found, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                if len(self._buffer) - self._at > MAX_CELL or not self._read():
                    raise
            else:
                assert isinstance(found, dict)
                text, self._at = self._buffer[self._at : end], end
                return found, text

    def _read(self) -> bool:
        """Read as much again as is not consumed yet; return whether there was more."""
        rest = self._buffer[self._at :]
        part = self._more(max(_PART, len(rest)))
        self._buffer, self._at = rest + part, 0
        return bool(part)


_BLANK = re.compile(r"[ \t\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _object(pairs: Collection[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has '{twice}' twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def _json_words(error: Exception) -> str:
    """Return in words why a text is not a JSON object."""
    if isinstance(error, json.JSONDecodeError):
        return f"this is not JSON: {error.msg} at character {error.pos + 1}"
    return "its lists and objects are nested too deeply" if isinstance(error, RecursionError) else str(error)
