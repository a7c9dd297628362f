"""Read labels from a table of millions of rows, one at a time, into arrays of small integers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turkctl.operations.labels.columns import ColumnNames
from turkctl.operations.labels.meaning import truth
from turkctl.rows import FIX_ROW, Bad, RowError, Table, as_text

ROWS_PER_TICK = 1 << 15
LONGEST_SHOWN = 40
"""Maximum number of characters of a value that an error shows."""

Find = Callable[[Sequence[str], ColumnNames, str], dict[str, int]]
Refusal = Callable[[str, str], RowError]
"""Makes the error for the row that was read last, from the message and the hint."""


def label_cells(table: Table, names: ColumnNames, find: Find, bad: Bad | None = None) -> Iterator[Sequence[str] | None]:
    """Yield the wanted texts of each row, in the order of ``find``; None for "can't tell".

    Args:
        table: the open file.
        names: column names from the command line.
        find: returns which column is which.
        bad: is called with the error of each invalid row, which is skipped; without it the first error is raised.

    Raises:
        UsageError: a column is missing; a row that cannot be read.
    """
    header = list(table.columns)
    if names.gold is not None and not table.fixed and names.gold not in header:
        header.append(names.gold)  # which later objects may have
    places = find(header, names, table.name)
    columns = [header[place] for place in places.values()]
    cells = table.cells(columns, bad)
    return cells if table.fixed else _texts(table, cells, columns, list(places).index("label"), bad)


def _texts(
    table: Table, rows: Iterator[Sequence[Any]], columns: Sequence[str], label: int, bad: Bad | None
) -> Iterator[Sequence[str] | None]:
    """Yield values of JSON as texts; None for a label that is null."""
    for cells in rows:
        wrong = next(
            (each for each in zip(columns, cells, strict=True) if isinstance(each[1], dict | list | float)), None
        )
        if wrong is None:
            yield None if cells[label] is None else [as_text(cell) for cell in cells]
            continue
        error = table.error(f"'{wrong[0]}' is {json.dumps(wrong[1])}", "give a text or a whole number")
        if bad is None:
            raise error
        bad(error)


class Ids(dict[str, int]):
    """Maps texts of the file to numbers; blanks around a text make no difference."""

    def __init__(self, role: str, refusal: Refusal) -> None:
        super().__init__()
        self._role = role
        self.refusal = refusal
        self.names: dict[str, int] = {}

    def __missing__(self, raw: str) -> int:
        name = raw.strip()
        if not name:
            raise self.refusal(f"the {self._role} is missing", FIX_ROW)
        if "\0" in name:
            raise self.refusal(f"the {self._role} has a NUL character", FIX_ROW)
        self.check(name)
        number = self[raw] = self.names.setdefault(name, len(self.names))
        return number

    def check(self, name: str) -> None:
        """Raise if the text is invalid; any id is valid."""


class Values(Ids):
    """Maps labels to numbers; ``allowed`` are the classes (None for any); ``binary`` allows true and false only."""

    def __init__(self, refusal: Refusal, allowed: Sequence[str] | None, *, binary: bool) -> None:
        super().__init__("label", refusal)
        self._allowed = None if allowed is None else frozenset(allowed)
        self._binary = binary

    def check(self, name: str) -> None:
        """Raise if the label is not one of the classes, or neither true nor false."""
        shown = name if len(name) <= LONGEST_SHOWN else name[:LONGEST_SHOWN] + "…"
        if self._allowed is not None and name not in self._allowed:
            raise self.refusal(f"the label '{shown}' is not one of the classes", "fix it, or add it to --classes")
        if self._binary and truth(name) is None:
            raise self.refusal(
                f"the label '{shown}' is neither true nor false",
                "write 1 or 0, true or false, yes or no; for other answers: --classes, or --method dawid-skene",
            )


@dataclass
class Numbers:
    """The rows of a file as numbers, and what the numbers stand for. ``left_out`` counts rows with "can't tell"."""

    items: dict[str, int]
    workers: dict[str, int]
    values: dict[str, int]
    item: array[int] = field(default_factory=lambda: array("i"))
    worker: array[int] = field(default_factory=lambda: array("i"))
    value: array[int] = field(default_factory=lambda: array("i"))
    gold: dict[int, int] = field(default_factory=dict)
    """The gold answer by item, if the file has such a column."""
    left_out: int = 0


def read_numbers(
    table: Table,
    names: ColumnNames,
    find: Find,
    tick: Callable[[int, int], None],
    *,
    classes: Sequence[str] | None,
    binary: bool,
) -> Numbers:
    """Return all labels of a file.

    Raises:
        UsageError: what is wrong, with file and row.
    """
    items, workers = Ids("item", table.error), Ids("worker", table.error)
    values = Values(table.error, classes, binary=binary)
    found = Numbers(items.names, workers.names, values.names)
    add_item, add_worker, add_value = found.item.append, found.worker.append, found.value.append
    has_gold = names.gold is not None
    for number, row in enumerate(label_cells(table, names, find)):
        if row is None:
            found.left_out += 1
            continue
        item = items[row[0]]
        add_item(item)
        add_worker(workers[row[1]])
        add_value(values[row[2]])
        if has_gold and row[3]:
            answer = values[row[3]]
            if found.gold.setdefault(item, answer) != answer:
                raise table.error(f"item {row[0].strip()} has two gold answers", "fix one of them")
        if not number % ROWS_PER_TICK:
            table.progress(tick)
    return found


def read_gold(table: Table, names: ColumnNames, find: Find, check: Callable[[str, str], None]) -> Mapping[str, str]:
    """Return the answer by item as it is written; ``check`` is called with each answer and its place.

    Raises:
        UsageError: what is wrong, with file and row.
    """
    gold: dict[str, str] = {}
    for row in label_cells(table, names, find):
        if row is None:
            continue
        item, answer = row[0].strip(), row[1].strip()
        if not item or not answer:
            raise table.error(f"the {'label' if item else 'item'} is missing")
        check(answer, table.place)
        if gold.setdefault(item, answer) != answer:
            raise table.error(f"item {item} has two gold answers", "fix one of them")
    return gold
