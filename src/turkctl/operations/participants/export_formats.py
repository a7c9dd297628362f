"""Write rows as CSV, JSON Lines or Parquet, holding only a part of them in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any, BinaryIO, Protocol

from turkctl.csv_rows import row_writer
from turkctl.errors import UsageError
from turkctl.operations.participants.datastring import (
    FIELDS,
    NUMBERS,
    PARTICIPANT,
    REST,
    Kind,
    as_text,
    is_number,
)

FORMATS = ("csv", "jsonl", "parquet")
CHUNK_CHARACTERS = 1 << 16
PIECE_ROWS = 2000
PIECE_CHARACTERS = 4_000_000
"""Number of rows, and amount of text, after which rows of a Parquet file are packed into Arrow's arrays."""
GROUP_PIECES = 10
"""Number of pieces in a row group: its description stays in memory to the end, so there must not be too many groups."""
_AS_THEY_ARE = frozenset((str, int, float, type(None)))

Write = Callable[[str], object]
Row = Mapping[str, Any]


class Writer(Protocol):
    """Writer of one table."""

    def write(self, participant: Row, rows: Sequence[Row]) -> None:
        """Add the rows of one participant; the participant's keys are given apart."""

    def close(self) -> None:
        """Write what is still buffered."""


def table_columns(kind: Kind, recorded: Sequence[str], known: Sequence[str] = tuple(PARTICIPANT)) -> list[str]:
    """Return the columns of a table of this kind, given the experiment's fields, and what is known of participants."""
    names = [*known, *FIELDS[kind]]
    return [*names, *(name for name in recorded if name not in (REST, *names)), REST] if kind == "trial" else names


class TextSink:
    """Buffer that writes text in chunks."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._held: list[str] = []
        self._size = 0

    def add(self, line: str) -> None:
        """Add one line, without its line break."""
        self._held.append(line)
        self._size += len(line)
        if self._size >= CHUNK_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        if self._held:
            self._held.append("")
            self._write(_printable("\n".join(self._held)))
        self._held, self._size = [], 0


class CsvWriter:
    """CSV with a header; a missing value and null are empty."""

    def __init__(self, sink: TextSink, columns: Sequence[str], *, spreadsheet: bool = False) -> None:
        self._sink = sink
        self._places = {name: place for place, name in enumerate(columns)}
        # Python quotes a carriage return only where lines end with one, and unquoted it would end the line.
        self._write_row = row_writer(_Lines(sink), "\r\n", spreadsheet=spreadsheet)
        self._write_row(columns)

    def write(self, participant: Row, rows: Sequence[Row]) -> None:
        """Add the rows of one participant."""
        places = self._places
        blank = [*map(_cell, participant.values()), *[None] * (len(places) - len(participant))]
        for row in rows:
            cells = blank.copy()
            for name, value in fitted(row, places.keys()).items():
                cells[places[name]] = _cell(value)
            self._write_row(cells)

    def close(self) -> None:
        """Write what is still buffered."""
        self._sink.flush()


def _cell(value: Any) -> Any:
    return value if type(value) in _AS_THEY_ARE else as_text(value)


class _Lines:
    """Replaces the line break of each line from the ``csv`` module."""

    def __init__(self, sink: TextSink) -> None:
        self._sink = sink

    def write(self, line: str) -> None:
        self._sink.add(line[:-2])


class JsonLinesWriter:
    """JSON Lines: one object per line, values as recorded; with ``kind`` first if there are several kinds."""

    def __init__(self, sink: TextSink, kind: str | None = None) -> None:
        self._sink = sink
        self._first = {} if kind is None else {"kind": kind}

    def write(self, participant: Row, rows: Sequence[Row]) -> None:
        """Add the rows of one participant."""
        first = {**self._first, **participant}
        for row in rows:
            self._sink.add(json.dumps({**first, **row}, ensure_ascii=False))

    def close(self) -> None:
        """Write what is still buffered."""
        self._sink.flush()


class ParquetWriter:
    """Parquet in small row groups: text, except for columns that are known to hold numbers."""

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[str],
        numbers: Collection[str] = (),
        types: Mapping[str, type] | None = None,
    ) -> None:
        """Begin the file.

        Args:
            file: where to.
            columns: of the table.
            numbers: those of them that hold numbers which psiTurk writes.
            types: ``int`` or ``float`` for other columns of numbers.
        """
        pa, parquet = import_parquet()
        given = types or {}
        self._columns = {name: given.get(name, _NUMBERS.get(name) if name in numbers else None) for name in columns}
        arrow: Mapping[type | None, Any] = {None: pa.string(), int: pa.int64(), float: pa.float64()}
        self._schema = pa.schema([(_printable(name), arrow[number]) for name, number in self._columns.items()])
        self._file = parquet.ParquetWriter(file, self._schema)
        self._rows: list[list[Any]] = []
        self._size = 0
        self._pieces: list[Any] = []

    def write(self, participant: Row, rows: Sequence[Row]) -> None:
        """Add the rows of one participant; an invalid number of psiTurk becomes null."""
        for row in rows:
            cells = {**participant, **fitted(row, self._columns.keys())}
            self._rows.append([self._cell(name, cells.get(name)) for name in self._columns])
            if len(self._rows) >= PIECE_ROWS or self._size >= PIECE_CHARACTERS:
                self._pack()
            if len(self._pieces) >= GROUP_PIECES:
                self._flush()

    def _cell(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        number = self._columns[name]
        if number is not None:
            return number(value) if is_number(name, value) else None
        text = as_text(value) or ""
        self._size += len(text)
        return text

    def close(self) -> None:
        """Write what is still buffered, and the end of the file."""
        if self._rows:
            self._pack()
        if self._pieces:
            self._flush()
        self.let_go()

    def let_go(self) -> None:
        """Close the writer while the file is open, even after an error, so that pyarrow does not try it later."""
        self._file.close()

    def _pack(self) -> None:
        pa, _parquet = import_parquet()
        columns = zip(zip(*self._rows, strict=True), self._schema, strict=True)
        self._pieces.append(pa.Table.from_arrays([_array(pa, *each) for each in columns], schema=self._schema))
        self._rows, self._size = [], 0

    def _flush(self) -> None:
        pa, _parquet = import_parquet()
        self._file.write_table(pa.concat_tables(self._pieces))
        self._pieces = []


_NUMBERS: Mapping[str, type] = {
    "condition": int,
    "counterbalance": int,
    "current_trial": int,
    "dateTime": float,
    "timestamp": float,
    "interval": float,
}


def numbers_of(kind: Kind | None) -> Sequence[str]:
    """Return the columns of numbers in a table of this kind, or in one with a row for each person."""
    return ("condition", "counterbalance", *(() if kind is None else NUMBERS[kind]))


def _array(pa: Any, values: Sequence[Any], field: Any) -> Any:
    """Return a column of a row group."""
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:
        return pa.array([each and _printable(each) for each in values], field.type)


def _printable(text: str) -> str:
    """Return the text with lone surrogates, which UTF-8 cannot encode, escaped as in JSON."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fitted(row: Row, columns: Set[str]) -> Row:
    """Return the row, with the fields that have no column as one object in the column for the rest."""
    if row.keys() <= columns:
        return row
    rest = {name: value for name, value in row.items() if name not in columns}
    return {name: value for name, value in row.items() if name in columns} | {REST: rest}


def import_parquet() -> tuple[Any, Any]:
    """Return the modules that write Parquet.

    Raises:
        UsageError: they are not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        hint = "run: pip install 'turkctl[parquet]', or choose --format csv or jsonl"
        raise UsageError("Parquet needs pyarrow, which is not installed", hint=hint) from None
    return pa, parquet
