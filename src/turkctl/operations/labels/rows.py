"""Reading labels from CSV or JSON Lines: millions of rows, one at a time, into small numbers."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from turkctl.errors import UsageError
from turkctl.operations.labels.columns import ColumnNames
from turkctl.operations.labels.meaning import truth

STANDARD_INPUT = "-"
DELIMITERS = ",;\t"
ROWS_PER_TICK = 1 << 15
LONGEST_SHOWN = 40
"""Characters of a value that an error shows."""

Find = Callable[[Sequence[str], ColumnNames, str], dict[str, int]]
Row = tuple[str, ...]
Bad = Callable[[UsageError], None]


class BadRowError(UsageError):
    """A row that cannot be read; those after it can."""


class Ids(dict[str, int]):
    """Texts as they stand in the file to numbers; the same text with other blanks around it has the same number."""

    def __init__(self, role: str, line: Callable[[], str]) -> None:
        super().__init__()
        self._role = role
        self._line = line
        self.names: dict[str, int] = {}

    def __missing__(self, raw: str) -> int:
        name = raw.strip()
        if not name:
            raise UsageError(f"{self._line()}: the {self._role} is missing", hint="fix the row, or take it out")
        if "\0" in name:
            raise UsageError(f"{self._line()}: the {self._role} has a NUL byte in it", hint="fix the row")
        self.check(name)
        number = self[raw] = self.names.setdefault(name, len(self.names))
        return number

    def check(self, name: str) -> None:
        """Refuse what cannot be; ids can be anything."""


class Values(Ids):
    """Labels to numbers; ``allowed`` are the classes, None for any, ``binary`` insists on true and false."""

    def __init__(self, line: Callable[[], str], allowed: Sequence[str] | None, *, binary: bool) -> None:
        super().__init__("label", line)
        self._allowed = None if allowed is None else frozenset(allowed)
        self._binary = binary

    def check(self, name: str) -> None:
        """Refuse what is none of the classes, or neither true nor false."""
        shown = name if len(name) <= LONGEST_SHOWN else name[:LONGEST_SHOWN] + "…"
        if self._allowed is not None and name not in self._allowed:
            raise UsageError(
                f"{self._line()}: the label '{shown}' is none of the classes", hint="fix it, or add it to --classes"
            )
        if self._binary and truth(name) is None:
            raise UsageError(
                f"{self._line()}: the label '{shown}' is neither true nor false",
                hint="write 1 or 0, true or false, yes or no; for other answers: --classes, or --method dawid-skene",
            )


@dataclass
class Table:
    """The rows of a file: numbers per row, and what the numbers stand for. ``left_out`` rows say "can't tell"."""

    items: dict[str, int]
    workers: dict[str, int]
    values: dict[str, int]
    item: array[int] = field(default_factory=lambda: array("i"))
    worker: array[int] = field(default_factory=lambda: array("i"))
    value: array[int] = field(default_factory=lambda: array("i"))
    gold: dict[int, int] = field(default_factory=dict)
    """Items to values, where the file has a column of gold answers."""
    left_out: int = 0


class Source:
    """An open file of labels: its name in errors, its rows, and how far it has been read."""

    def __init__(self, name: str, stream: TextIO, size: int | None, *, json_lines: bool | None = None) -> None:
        self.name = name
        self._stream = stream
        self._size = size
        self._count: Callable[[], int] = int
        first = stream.readline().removeprefix("\ufeff")
        self._lines = chain([first], stream)
        self._first = first
        self._bad: Bad | None = None
        self._is_json = first.lstrip().startswith("{") if json_lines is None else json_lines

    @property
    def place(self) -> str:
        """Where the reader is: file and line."""
        return f"{self.name}, line {self._count()}"

    def progress(self, tick: Callable[[int, int], None]) -> None:
        """Say how many bytes are read, where that can be known."""
        if self._size:
            tick(min(self._stream.buffer.tell(), self._size), self._size)

    def rows(self, names: ColumnNames, find: Find, bad: Bad | None = None) -> Iterator[Row | list[str] | None]:
        """The cells of each row that are asked for, in the order that ``find`` has them; None for "can't tell".

        ``bad`` is told of rows that cannot be read, which are left out then; without it the first one is an error.

        Raises:
            UsageError: no rows, a JSON array; ragged rows, broken quotes or JSON, each with its line.
        """
        if not self._first.strip():
            raise UsageError(f"{self.name} is empty", hint="give a file with a row of column names and a row per label")
        if self._first.lstrip().startswith("["):
            raise UsageError(f"{self.name} is a JSON array", hint="write one object per line, as -o jsonl does; or CSV")
        self._bad = bad
        return self._json_rows(names, find) if self._is_json else self._csv_rows(names, find)

    def _refuse(self, error: UsageError) -> None:
        if self._bad is None:
            raise error
        self._bad(error)

    def _csv_rows(self, names: ColumnNames, find: Find) -> Iterator[Row | list[str]]:
        delimiter = max(DELIMITERS, key=self._first.count)
        reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._count = lambda: reader.line_num
        try:
            header = [cell.strip() for cell in next(reader)]
            places = list(find(header, names, self.name).values())
            width, whole = len(header), places == list(range(len(header)))
            for row in reader:
                if len(row) != width:
                    if not row:
                        continue
                    cells = "cell" if len(row) == 1 else "cells"
                    words = f"{self.place}: {len(row)} {cells}, the header has {width}"
                    self._refuse(UsageError(words, hint="fix the row"))
                    continue
                yield row if whole else [row[place] for place in places]
        except csv.Error as error:
            raise UsageError(f"{self.place}: this is no CSV: {error}", hint="fix the row") from None

    def _json_rows(self, names: ColumnNames, find: Find) -> Iterator[Row | None]:
        number = 0
        self._count = lambda: number
        wanted: dict[str, str] = {}
        for number, line in enumerate(self._lines, start=1):  # noqa: B007  # the property above reads it
            if not line.strip():
                continue
            try:
                record = self._record(line)
                wanted = wanted or self._names(record, names, find)
                cells = self._cells(record, wanted)
            except BadRowError as error:
                self._refuse(error)
                continue
            yield cells

    def _names(self, record: Mapping[str, Any], names: ColumnNames, find: Find) -> dict[str, str]:
        header = list(dict.fromkeys([*record, *([names.gold] if names.gold else [])]))
        return {role: header[place] for role, place in find(header, names, self.name).items()}

    def _record(self, line: str) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadRowError(f"{self.place}: this is no JSON: {error}", hint="write one object per line") from None
        if not isinstance(record, dict):
            raise BadRowError(f"{self.place}: this is no JSON object", hint="write one object per line")
        return record

    def _cells(self, record: dict[str, Any], wanted: Mapping[str, str]) -> Row | None:
        cells = []
        for role, name in wanted.items():
            value = record.get(name)
            if role == "label" and value is None and name in record:
                return None
            if isinstance(value, dict | list | float):
                raise BadRowError(
                    f"{self.place}: '{name}' is {json.dumps(value)}", hint="give a text or a whole number"
                )
            cells.append("" if value is None else str(value).lower() if isinstance(value, bool) else str(value))
        return tuple(cells)


@contextmanager
def opened(path: str, stdin: TextIO) -> Iterator[Source]:
    """The file, or standard input for ``-``; JSON Lines by its suffix or its first character.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    try:
        if path == STANDARD_INPUT:
            yield Source(name, stdin, None)
            return
        file = Path(path)
        suffix = {".csv": False, ".tsv": False, ".jsonl": True, ".ndjson": True}.get(file.suffix.lower())
        with file.open(encoding="utf-8", newline="") as stream:
            yield Source(name, stream, file.stat().st_size, json_lines=suffix)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not a UTF-8 text: {error.reason}", hint="save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}", hint="name a CSV or JSON Lines file") from None


def read_table(
    source: Source,
    names: ColumnNames,
    find: Find,
    tick: Callable[[int, int], None],
    *,
    classes: Sequence[str] | None,
    binary: bool,
) -> Table:
    """All labels of a file.

    Raises:
        UsageError: what is wrong, with file and line.
    """
    rows = source.rows(names, find)
    items, workers = Ids("item", lambda: source.place), Ids("worker", lambda: source.place)
    values = Values(lambda: source.place, classes, binary=binary)
    table = Table(items.names, workers.names, values.names)
    add_item, add_worker, add_value = table.item.append, table.worker.append, table.value.append
    for number, row in enumerate(rows):
        if row is None:
            table.left_out += 1
            continue
        number_of_item = items[row[0]]
        add_item(number_of_item)
        add_worker(workers[row[1]])
        add_value(values[row[2]])
        if names.gold is not None and row[3]:
            _note_gold(table, number_of_item, values[row[3]], row[0], source)
        if not number % ROWS_PER_TICK:
            source.progress(tick)
    return table


def _note_gold(table: Table, item: int, answer: int, name: str, source: Source) -> None:
    if table.gold.setdefault(item, answer) != answer:
        raise UsageError(f"{source.place}: item {name.strip()} has two gold answers", hint="fix one of them")


def read_gold(source: Source, names: ColumnNames, find: Find, check: Callable[[str, str], None]) -> Mapping[str, str]:
    """Items to answers as they are written; ``check`` is given each answer and its place.

    Raises:
        UsageError: what is wrong, with file and line.
    """
    gold: dict[str, str] = {}
    for row in source.rows(names, find):
        if row is None:
            continue
        item, answer = row[0].strip(), row[1].strip()
        if not item or not answer:
            raise UsageError(f"{source.place}: the {'label' if item else 'item'} is missing", hint="fix the row")
        check(answer, source.place)
        if gold.setdefault(item, answer) != answer:
            raise UsageError(f"{source.place}: item {item} has two gold answers", hint="fix one of them")
    return gold
