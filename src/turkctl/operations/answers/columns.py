"""Name the columns of tables that R, SPSS and JASP read.

All three take a name that begins with a letter, has letters, digits, dots and underscores, and at most 64 bytes (SPSS),
is no word of their languages, and differs from the others not only in capital letters (SPSS).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from turkctl.operations.sync.answers import free_name, leaves

LONGEST = 64
"""Bytes of the longest name."""
MOST = 1000
"""Number of questions that get a column."""
OTHERS = "other_answers"
"""The column with the answers to questions beyond that number, as an object."""
NAMELESS = "q"
"""What a name begins with that has no letter to begin with."""
_OF_SPSS = ("all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with")
_OF_R = ("break", "else", "false", "for", "function", "if", "in", "inf", "na", "nan", "next", "null", "repeat", "true")
_WORDS = frozenset((*_OF_SPSS, *_OF_R, "while"))


class FreshNames:
    """Gives out names of columns, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {each.casefold() for each in taken}

    def add(self, wanted: str) -> str:
        """Return a name for a column that is to have this one; a taken name gets the lowest free number from 2."""
        plain = safe(wanted)
        number, found = 1, plain
        while found.casefold() in self._taken:
            number += 1
            end = f"_{number}"
            found = _cut(plain, LONGEST - len(end)) + end
        self._taken.add(found.casefold())
        return found


def safe(name: str) -> str:
    """Return a name as R, SPSS and JASP take it, like the given one; such a name stays as it is."""
    text = unicodedata.normalize("NFKC", name)
    text = "".join(each if each.isalnum() or each in "._" else "_" for each in text).strip("._")
    if not text[:1].isalpha() or text.casefold() in _WORDS:
        text = f"{NAMELESS}_{text}" if text else NAMELESS
    return _cut(text, LONGEST)


def _cut(text: str, most: int) -> str:
    """Return the beginning of a text that has at most so many bytes, and ends in a letter or digit."""
    return text.encode()[:most].decode(errors="ignore").rstrip("._") or NAMELESS


class ItemColumns:
    """The columns with what the study's files say of items, named ``item.`` and the name there."""

    def __init__(self, names: Iterable[str] = (), taken: Iterable[str] = ()) -> None:
        given = FreshNames(taken)
        self._columns = {name: given.add(f"item.{name}") for name in sorted(names)}

    @property
    def names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._columns.values())

    def of(self, data: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the cells of an item; without one, empty ones."""
        return {column: None if data is None else data.get(name) for name, column in self._columns.items()}


class QuestionColumns:
    """The columns of questions, in the order in which they are added, and the cells of those who answered."""

    def __init__(self, taken: Iterable[str], most: int = MOST) -> None:
        """Begin without questions.

        Args:
            taken: the names of other columns of the table.
            most: number of questions with a column of their own.
        """
        self._given = FreshNames([*taken, OTHERS])
        self._most = most
        self._columns: dict[Hashable, str] = {}
        self._more = False
        self.renamed: dict[str, str] = {}
        """The questions whose columns have other names, by the column."""
        self.missed = 0
        """Number of answers that had no place in the rows, because their questions were added later or never."""

    def add(self, key: Hashable, question: str) -> None:
        """Give a question a column, unless one with this key has it."""
        if key in self._columns:
            return
        if len(self._columns) >= self._most:
            self._more = True
            return
        column = self._columns[key] = self._given.add(question)
        if column != question:
            self.renamed[column] = question

    @property
    def names(self) -> list[str]:
        """Return the names of the columns."""
        return [*self._columns.values(), *([OTHERS] if self._more else [])]

    def cells(self, answers: Iterable[tuple[Hashable, str, Any]]) -> dict[str, Any]:
        """Return the cells of all columns for answers (key, question and value); None where there is no answer."""
        row: dict[str, Any] = dict.fromkeys(self._columns.values())
        others: dict[str, Any] = {}
        for key, question, value in answers:
            column = self._columns.get(key)
            if column is None:
                others[free_name(question, others)] = value
            else:
                row[column] = value
        if self._more:
            return {**row, OTHERS: others or None}
        self.missed += len(others)
        return row


def flat(answers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return answers by question; values inside objects have names joined with dots, and no name comes twice."""
    found: dict[str, Any] = {}
    for question, value in answers:
        for name, leaf in leaves(question, value):
            found[free_name(name, found)] = leaf
    return found
