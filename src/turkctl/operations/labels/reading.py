"""Read labels from a table of millions of rows, one at a time, into arrays of small integers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turkctl.classes import AnswerRule
from turkctl.operations.labels.columns import STATUS, ColumnNames
from turkctl.rows import FIX_ROW, Bad, RowError, Table, as_text

ROWS_PER_TICK = 1 << 15

Find = Callable[[Sequence[str], ColumnNames, str], dict[str, int]]
Refusal = Callable[[str, str], RowError]
"""Makes the error for the row that was read last, from the message and the hint."""


@dataclass
class Dropped:
    """The numbers of rows that do not count, whatever their label is."""

    unknown: int = 0
    """Rows of JSON with null, for "can't tell"."""
    rejected: int = 0
    """Rows of rejected work, in a file with the column AssignmentStatus."""


def label_cells(
    table: Table,
    names: ColumnNames,
    find: Find,
    bad: Bad | None = None,
    dropped: Dropped | None = None,
    *,
    numbers: bool = False,
) -> Iterator[Sequence[str]]:
    """Yield the wanted texts of each row that counts, in the order of ``find``.

    Args:
        table: the open file.
        names: column names from the command line.
        find: returns which column is which.
        bad: is called with the error of each invalid row, which is skipped; without it the first error is raised.
        dropped: counts the rows that do not count.
        numbers: whether labels of JSON can be any numbers; otherwise ``1.0`` can be one, but not ``0.5``.

    Raises:
        UsageError: a column is missing; a row that cannot be read.
    """
    header = list(table.columns)
    if names.gold is not None and not table.fixed and names.gold not in header:
        header.append(names.gold)  # which later objects may have
    places = find(header, names, table.name)
    columns = [header[place] for place in places.values()]
    dropped = dropped or Dropped()
    cells: Iterator[Sequence[str]] = table.cells(columns, bad)
    if not table.fixed:
        cells = _texts(table, cells, columns, list(places), bad, dropped, numbers=numbers)
    return _not_rejected(cells, dropped) if STATUS in places else cells


def _not_rejected(rows: Iterator[Sequence[str]], dropped: Dropped) -> Iterator[Sequence[str]]:
    """Yield the rows whose last cell, the status of the work, is not Rejected."""
    for cells in rows:
        if cells[-1].strip().lower() == "rejected":
            dropped.rejected += 1
        else:
            yield cells


def _texts(
    table: Table,
    rows: Iterator[Sequence[Any]],
    columns: Sequence[str],
    roles: Sequence[str],
    bad: Bad | None,
    dropped: Dropped,
    *,
    numbers: bool,
) -> Iterator[Sequence[str]]:
    """Yield values of JSON as texts; leave out rows whose label is null."""
    label = roles.index("label")
    for cells in rows:
        of_row = zip(columns, roles, cells, strict=True)
        wrong = next(((name, cell) for name, role, cell in of_row if not _is_plain(cell, role, numbers=numbers)), None)
        if wrong is not None:
            error = table.error(f"'{wrong[0]}' is {json.dumps(wrong[1])}", "give a text or a whole number")
            if bad is None:
                raise error
            bad(error)
        elif cells[label] is None:
            dropped.unknown += 1
        else:
            yield [as_text(cell) for cell in cells]


def _is_plain(cell: Any, role: str, *, numbers: bool) -> bool:
    """Return whether a value of JSON can be an id, or a label: only that may have a decimal point."""
    if isinstance(cell, float):
        return role in ("label", "gold") and (numbers or cell.is_integer())
    return not isinstance(cell, dict | list)


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
    """Maps labels to numbers, and refuses those that say nothing unless they are to be left out."""

    def __init__(self, table: Table, rule: AnswerRule, *, skip_missing: bool) -> None:
        super().__init__("label", table.error)
        self._table = table
        self._rule = rule
        self._skip_missing = skip_missing

    def __missing__(self, raw: str) -> int:
        name = raw.strip()
        if self._rule.question == "numbers":
            name = self._table.number(name)
        if not self._skip_missing and self._rule.kind(name) == "missing":
            what = f"the label is missing: '{name}' says nothing" if name else "the label is missing"
            raise self.refusal(what, f"{FIX_ROW}, or add --skip-missing")
        if "\0" in name:
            raise self.refusal("the label has a NUL character", FIX_ROW)
        number = self[raw] = self.names.setdefault(name, len(self.names))
        return number


@dataclass
class Numbers:
    """The rows of a file as numbers, and what the numbers stand for."""

    items: dict[str, int]
    workers: dict[str, int]
    values: dict[str, int]
    item: array[int] = field(default_factory=lambda: array("i"))
    worker: array[int] = field(default_factory=lambda: array("i"))
    value: array[int] = field(default_factory=lambda: array("i"))
    row: array[int] = field(default_factory=lambda: array("i"))
    """The number of each row in the file."""
    gold: dict[int, int] = field(default_factory=dict)
    """The gold answer by item, if the file has such a column."""
    dropped: Dropped = field(default_factory=Dropped)


def read_numbers(
    table: Table,
    names: ColumnNames,
    find: Find,
    tick: Callable[[int, int], None],
    rule: AnswerRule,
    *,
    skip_missing: bool = False,
) -> Numbers:
    """Return all labels of a file, also those that are none of the classes.

    Raises:
        UsageError: what is wrong, with file and row.
    """
    items, workers = Ids("item", table.error), Ids("worker", table.error)
    values = Values(table, rule, skip_missing=skip_missing)
    found = Numbers(items.names, workers.names, values.names)
    add_item, add_worker, add_value = found.item.append, found.worker.append, found.value.append
    add_row = found.row.append
    has_gold = names.gold is not None
    rows = label_cells(table, names, find, dropped=found.dropped, numbers=rule.question == "numbers")
    for number, row in enumerate(rows):
        item = items[row[0]]
        add_item(item)
        add_worker(workers[row[1]])
        add_value(values[row[2]])
        add_row(table.row)
        if has_gold and rule.kind(row[3]) != "missing":
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
        item, answer = row[0].strip(), row[1].strip()
        if not item or not answer:
            raise table.error(f"the {'label' if item else 'item'} is missing")
        check(answer, table.place)
        if gold.setdefault(item, answer) != answer:
            raise table.error(f"item {item} has two gold answers", "fix one of them")
    return gold
