"""Making a table fit a terminal: ids and numbers stay whole, and what there is no room for is named, not squeezed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

GAP = 2
"""Spaces between two columns."""
LONGEST = 32
"""A word of a text that is longer than this may be broken; ids are shorter."""
SPARE = (
    "mode",
    "title",
    "expired",
    "ended",
    "created",
    "finished",
    "begin_hit",
    "last_run",
    "codeversion",
    "hit_id",
    "experiment",
    "expires",
    "max_assignments",
    "reward",
)
"""Columns that a narrow terminal can do without, the most dispensable first; after them go those on the right."""

HEADINGS = {"mend": "fix", "spent": "committed"}
"""What a column is called where people read it, if that is another word than its key in JSON and CSV."""

_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\dZ$")

Cells = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Layout:
    """What of a table is shown: the columns with their widths in characters, the cells, the columns left out."""

    widths: dict[str, int]
    cells: Cells
    missed: list[str]

    def left(self, room: int) -> int:
        """Return characters beside the table, in ``room`` characters."""
        return room - _needed(self.widths) - GAP


def plain_lines(columns: Sequence[str], cells: Cells) -> Iterator[str]:
    """Return a table for grep, awk and diff: nothing is wrapped or cut, and no line ends in spaces."""
    lines = [{column: _heading(column) for column in columns}, *cells]
    widths = {column: max(_width(line[column]) for line in lines) for column in columns}
    for line in lines:
        padded = (line[column] + " " * (widths[column] - _width(line[column])) for column in columns)
        yield (" " * GAP).join(padded).rstrip()


def drawn(layout: Layout, bars: Sequence[str] = ()) -> Table:
    """Return a table for people; on the right a bar for each row, where there are bars."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, width in layout.widths.items():
        table.add_column(Text(_heading(column), style="bold"), overflow="fold", width=width)
    if bars:
        table.add_column("", no_wrap=True, width=max(map(len, bars)))
    for place, each in enumerate(layout.cells):
        table.add_row(*(Text(each[column]) for column in layout.widths), *([Text(bars[place])] if bars else []))
    return table


def fit(columns: Sequence[str], cells: Cells, room: int) -> Layout:
    """Choose what to show in ``room`` characters.

    When all is too wide, times lose their seconds and texts are wrapped between words; then columns without a value
    go, which nobody misses, and then others. The first column, and one more, always stay.
    """
    widths = {column: _most(column, cells) for column in columns}
    if _needed(widths) <= room:
        return Layout(widths, cells, [])
    short = [{name: _TIME.sub(r"\1Z", value) for name, value in row.items()} for row in cells]
    needs = {column: _least(column, short) for column in columns}
    gone = _gone(needs, _dispensable(columns, short), room)
    widths = {column: needs[column] for column in columns if column not in gone}
    _widen(widths, {column: _most(column, short) for column in widths}, room)
    return Layout(widths, short, [column for column in columns if column in gone and any(row[column] for row in short)])


def _gone(needs: dict[str, int], dispensable: Sequence[str], room: int) -> list[str]:
    """Return the columns to leave out: in order until the rest fits, less those that fit again beside it."""
    gone: list[str] = []

    def free() -> int:
        return room - _needed({column: width for column, width in needs.items() if column not in gone})

    for column in dispensable[:-1]:
        if free() >= 0:
            break
        gone.append(column)
    for column in reversed(gone.copy()):
        if needs[column] + GAP <= free():
            gone.remove(column)
    return gone


def _width(text: str) -> int:
    """Return places on the screen, of which some letters take two."""
    from rich.cells import cell_len

    return cell_len(text)


def _heading(column: str) -> str:
    return HEADINGS.get(column, column).replace("_", " ").upper()


def _most(column: str, cells: Cells) -> int:
    """Return the width at which nothing of a column is wrapped."""
    return max(len(_heading(column)), *(_width(row[column]) for row in cells))


def _least(column: str, cells: Cells) -> int:
    """Return the width that a column needs: its longest word, the heading's too; what has no spaces stays whole."""
    longest = max((_width(word) for row in cells for word in row[column].split()), default=0)
    if any(" " in row[column] for row in cells):
        longest = min(longest, LONGEST)
    return max(longest, *map(len, _heading(column).split()))


def _dispensable(columns: Sequence[str], cells: Cells) -> list[str]:
    """Return all columns but the first, in the order in which they are left out."""
    empty = [column for column in reversed(columns) if not any(row[column] for row in cells)]
    ordered = [*empty, *(column for column in SPARE if column in columns), *reversed(columns)]
    return [column for column in dict.fromkeys(ordered) if column != columns[0]]


def _needed(widths: dict[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _widen(widths: dict[str, int], wanted: dict[str, int], room: int) -> None:
    """Hand out the room that is left in equal parts; what one column does not want goes to the others."""
    waiting = sorted(widths, key=lambda each: wanted[each] - widths[each])
    for done, column in enumerate(waiting):
        part = (room - _needed(widths)) // (len(waiting) - done)
        widths[column] += max(0, min(wanted[column] - widths[column], part))
