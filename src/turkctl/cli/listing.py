"""The options that all lists share, as one bundle: which columns, in which order, how many rows; and who obeys them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.tables import HEADINGS
from turkctl.errors import UsageError
from turkctl.words import known_column

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.cli.output import Row

MOST = 10**9
ALL_COLUMNS = "--columns, -o csv or --json"
"""How to see the columns that a narrow terminal has no room for."""

Columns = Annotated[
    str | None, typer.Option("--columns", metavar="A,B,C", help="Columns to show, with commas between them.")
]
Sort = Annotated[str | None, typer.Option("--sort", metavar="COL", help="Column to sort by.")]
Desc = Annotated[bool, typer.Option("--desc", help="Sort in descending order.")]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=0, max=MOST, help="Number of rows to show at most.")
]

_DIGITS = re.compile("([0-9]+)")


@dataclass(frozen=True)
class Listing:
    """How a list is shown."""

    columns: Columns = None
    sort: Sort = None
    desc: Desc = False
    limit: Limit = None

    @property
    def sorts(self) -> bool:
        """Return whether all rows are needed before the first can be shown."""
        return self.sort is not None or self.desc

    @property
    def enough(self) -> int | None:
        """Return how many rows are enough to read: the limit, but all where sorting has to come first."""
        return None if self.sorts else self.limit

    @property
    def chosen(self) -> list[str]:
        """Return the names of the columns that were chosen, each once; none if the list's own are meant.

        Raises:
            UsageError: ``--columns`` names none.
        """
        names = [name.strip() for name in (self.columns or "").split(",")]
        found = list(dict.fromkeys(_key(name) for name in names if name))
        if self.columns is not None and not found:
            raise UsageError("--columns is empty", hint="write --columns worker_id,status")
        return found

    def show(
        self, run: Invocation, columns: Sequence[str], rows: Iterable[Row], *, keys: Collection[str] = (), skip: int = 0
    ) -> None:
        """Print a list.

        Args:
            run: the invocation.
            columns: of the table, if no others are chosen.
            rows: read on demand, where they are not sorted.
            keys: of rows, where the columns do not name all and there may be no row.
            skip: number of rows to leave out first, after sorting.

        Raises:
            UsageError: a column that the rows do not have.
        """
        shown, arranged = self.arrange(columns, rows, keys=keys, skip=skip)
        kept = shown if self.columns is not None else ()
        run.output.rows(shown, arranged, kept=kept, otherwise=ALL_COLUMNS)

    def arrange(
        self, columns: Sequence[str], rows: Iterable[Row], *, keys: Collection[str] = (), skip: int = 0
    ) -> tuple[Sequence[str], Iterator[Row]]:
        """Return columns and rows as they are shown; see :meth:`show`."""
        iterator = iter(rows)
        first = next(iterator, None)
        found: Iterable[Row] = () if first is None else chain([first], iterator)
        known = dict.fromkeys([*columns, *(first or ()), *keys])
        chosen = list(dict.fromkeys(known_column(name, known) for name in self.chosen))
        if self.sort is not None:
            found = in_order(found, known_column(_key(self.sort), known), descending=self.desc)
        elif self.desc:
            found = reversed(list(found))
        part = islice(found, skip, None if self.limit is None else skip + self.limit)
        return chosen or columns, ({name: row.get(name) for name in chosen} for row in part) if chosen else part


_KEYS = {heading: key for key, heading in HEADINGS.items()}
"""The keys of columns, by what tables call them."""


def _key(name: str) -> str:
    """Return the key of a column that a table calls by this name, in capitals or not; the name itself if none is."""
    return _KEYS.get(name.lower(), name)


def in_order(rows: Iterable[Row], column: str, *, descending: bool) -> list[Row]:
    """Return rows sorted by a column: numbers in texts by their size, missing values last in either direction."""
    keyed = [(_sort_key(row.get(column)), row) for row in rows]
    known = sorted((each for each in keyed if each[0]), key=lambda each: each[0], reverse=descending)
    return [row for _key, row in (*known, *(each for each in keyed if not each[0]))]


def _sort_key(value: Any) -> tuple[Any, ...]:
    """Return what a value is sorted by: numbers before times before texts; nothing for a missing value."""
    if isinstance(value, timedelta):
        return 0, value.total_seconds()
    if isinstance(value, int | float | Decimal):
        return () if math.isnan(value) else (0, value)
    if isinstance(value, datetime):
        return 1, value
    if value is None:
        return ()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return 2, [_number(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(text.casefold()))]


def _number(digits: str) -> tuple[int, str]:
    """Return what orders digits by size, however many there are."""
    bare = digits.lstrip("0")
    return len(bare), bare
