"""Read what people decided about labels from a file: items with their labels, or answers with those they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from turkctl.errors import UsageError
from turkctl.rows import Table, as_text, opened

ITEM = ("item", "task", "key")
LABEL = ("label", "truth", "gold", "answer")
ANSWER = ("answer", "from", "old")
STANDS_FOR = ("label", "to", "new", "class")


@dataclass(frozen=True)
class ItemDecision:
    """The label of an item, and the row of the file that says so."""

    row: int
    item: str
    label: str
    """Blank if nobody decided on the item."""


@dataclass(frozen=True)
class Instead:
    """An answer, the label that it stands for, and the row of the file that says so."""

    row: int
    answer: str
    label: str


def read_decisions(file: str, stdin: TextIO, *, clear: bool) -> list[ItemDecision]:
    """Return the items of a file with their labels, which may be blank; with ``clear``, no label is needed.

    Raises:
        UsageError: the file cannot be read, has no such columns or no rows; an item is missing.
    """
    with opened(file, stdin) as table:
        item = _column(table, ITEM, "an item and a label in each row")
        label = None if clear else _column(table, LABEL, "an item and a label in each row")
        found = [ItemDecision(*each) for each in _pairs(table, item, label, blank=True)]
    _check_some(found, file)
    return found


def read_mappings(file: str, stdin: TextIO, *, clear: bool) -> list[Instead]:
    """Return the answers of a file with the labels that they stand for; with ``clear``, no label is needed.

    Columns that are named otherwise, two of them, are a file without a header: its first row is an answer too.

    Raises:
        UsageError: the file cannot be read, has no such columns or no rows; an answer or a label is missing.
    """
    with opened(file, stdin) as table:
        found = []
        answer, label = table.find(*ANSWER), table.find(*STANDS_FOR)
        if answer is None and label is None and len(table.columns) == 2 and table.fixed:
            answer, label = table.columns
            found.append(Instead(table.row, answer, label))
        if answer is None or (label is None and not clear):
            raise _no_column(table, "answer and label, as in Deer,deer")
        found += [Instead(*each) for each in _pairs(table, answer, label)]
    _check_some(found, file)
    return found


def _column(table: Table, names: Sequence[str], wanted: str) -> str:
    found = table.find(*names)
    if found is None:
        raise _no_column(table, f"{names[0]} ({wanted})")
    return found


def _no_column(table: Table, wanted: str) -> UsageError:
    return UsageError(f"{table.name} has no column {wanted}", hint=f"it has {', '.join(table.columns)}: rename one")


def _pairs(table: Table, first: str, second: str | None, *, blank: bool = False) -> Iterator[tuple[int, str, str]]:
    """Yield the number of each row and the texts of two columns; without a second one, nothing for it.

    ``blank`` lets the second one be blank.
    """
    for record in table.records():
        texts = []
        for column in (first, second):
            try:
                text = "" if column is None else as_text(record.get(column))
            except ValueError as error:
                raise table.error(str(error)) from None
            if not text and column is not None and not (blank and column == second):
                raise table.error(f"the {column} is missing")
            texts.append(text)
        yield table.row, texts[0], texts[1]


def _check_some(found: Sequence[object], file: str) -> None:
    if not found:
        raise UsageError(f"{file} has no rows", hint="give a row for each below the column names")
