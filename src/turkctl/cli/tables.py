"""Make a table fit a terminal: no word is broken, what is left out is named, and what must not be lost is stacked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turkctl.cli.top import fold_words

if TYPE_CHECKING:
    from rich.console import RenderableType

GAP = 2
"""Spaces between two columns."""
LONG_ID = 16
"""An id with more characters is left out first; numbers and workers' ids are shorter."""
MONEY = (
    *("reward", "cost", "spent", "bonus", "earned", "budget", "total", "fee", "amount", "paid", "wage", "on_hold"),
    *("median_wage", "rewards", "bonuses", "fees", "committed", "left", "owed", "ledger", "price"),
)
KEPT = (
    *("experiment", "what", "ok", "why", "mend", "reason", "error", "message", "summary", "detail", "remarks"),
    *MONEY,
)
"""Columns that are never left out: the experiment, what happens, whether it is well, why, what to do, and money."""
SPARE = (
    "last_7_days",
    "today",
    "per_day",
    "mode",
    "title",
    "expired",
    "ended",
    "created",
    "finished",
    "begin_hit",
    "last_run",
    "codeversion",
    "expires",
    "max_assignments",
)
"""Columns that a narrow terminal can do without, after long ids, the most dispensable first."""
LATE = ("worker", "worker_id", "available", "goal", "count", "submitted", "completed", "status")
"""Columns that are left out after all others, the last of them last."""

HEADINGS = {"mend": "fix", "spent": "committed"}
"""What a column is called where people read it, if that is another word than its key in JSON and CSV."""

Cells = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Layout:
    """What of a table is shown: the columns with their widths in characters, the cells, the columns left out."""

    widths: dict[str, int]
    cells: Cells
    missed: list[str]
    stacked: bool = False
    """Whether even the columns that are never left out are too wide, so that each value has a line of its own."""

    def left(self, room: int) -> int:
        """Return the number of characters beside the table, in ``room`` characters."""
        return 0 if self.stacked else room - _needed(self.widths) - GAP


def named(column: str) -> str:
    """Return what people call a column, as in ``fix``."""
    return HEADINGS.get(column, column)


def plain_lines(columns: Sequence[str], cells: Cells) -> Iterator[str]:
    """Return a table for grep, awk and diff: nothing is wrapped or cut, and no line ends in spaces."""
    lines = [{column: _heading(column) for column in columns}, *cells]
    widths = {column: max(_width(line[column]) for line in lines) for column in columns}
    for line in lines:
        padded = (line[column] + " " * (widths[column] - _width(line[column])) for column in columns)
        yield (" " * GAP).join(padded).rstrip()


def drawn(layout: Layout, room: int, bars: Sequence[str] = ()) -> RenderableType:
    """Return the layout for people, in ``room`` characters; on the right a bar for each row, where there are bars."""
    if layout.stacked:
        return _stack(layout, room)
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


def _stack(layout: Layout, room: int) -> RenderableType:
    """Return a line ``key: value`` for each value there is, and an empty line between two rows.

    Values are wrapped between words. A longer word keeps its line, which the terminal wraps: it can be copied whole.
    """
    from rich.console import Group
    from rich.text import Text

    shown = Text(no_wrap=True, overflow="ignore")
    for place, row in enumerate(layout.cells):
        shown.append("\n\n" if place else "")
        for line, column in enumerate(column for column in layout.widths if row[column]):
            shown.append("\n" if line else "").append(f"{named(column)}:", style="bold")
            shown.append(_folded(row[column], room, len(named(column)) + 2))
    return Group(shown)  # a text alone would be printed as part of another, which wraps


def _folded(value: str, room: int, start: int) -> str:
    """Return a value that begins in this column of a line, wrapped between words if it is too long for the line."""
    if start + _width(value) <= room:
        return f" {value}"
    first, *others = fold_words(["x" * (start - 1), *value.split()], room, hang="  ")
    return "\n".join([first[start - 1 :], *others])


def fit(columns: Sequence[str], cells: Cells, room: int, *, kept: Collection[str] = ()) -> Layout:
    """Choose what to show in ``room`` characters.

    When all is too wide, texts are wrapped between words; then columns without a value go, which nobody misses, then
    long ids, and then others. The first column stays unless it is a long id, and so do those in :data:`KEPT` and in
    ``kept``. Where these need more room, the rows are stacked, with all that they have.
    """
    widths = {column: _most(column, cells) for column in columns}
    if _needed(widths) <= room:
        return Layout(widths, cells, [])
    needs = {column: _least(column, cells) for column in columns}
    gone = _gone(needs, _dispensable(columns, cells, kept), room)
    widths = {column: needs[column] for column in columns if column not in gone}
    told = [column for column in columns if any(row[column] for row in cells)]
    if _needed(widths) > room or len([column for column in told if column not in gone]) < min(2, len(told)):
        return Layout(dict.fromkeys(told, room), cells, [], stacked=True)
    _widen(widths, {column: _most(column, cells) for column in widths}, room)
    return Layout(widths, cells, [column for column in told if column in gone])


def _gone(needs: dict[str, int], dispensable: Sequence[str], room: int) -> list[str]:
    """Return the columns to leave out: in order until the rest fits, less those that fit again beside it."""
    gone: list[str] = []

    def free() -> int:
        return room - _needed({column: width for column, width in needs.items() if column not in gone})

    for column in dispensable:
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
    return named(column).replace("_", " ").upper()


def _most(column: str, cells: Cells) -> int:
    """Return the width at which nothing of a column is wrapped."""
    return max(len(_heading(column)), *(_width(row[column]) for row in cells))


def _least(column: str, cells: Cells) -> int:
    """Return the width that a column needs: its longest word, those of its heading included."""
    words = [*_heading(column).split(), *(word for row in cells for word in row[column].split())]
    return max(map(_width, words))


def _dispensable(columns: Sequence[str], cells: Cells, kept: Collection[str]) -> list[str]:
    """Return the columns that may be left out, in the order in which they are."""
    empty = [column for column in reversed(columns) if not any(row[column] for row in cells)]
    ids = [column for column in columns if _is_long_id(column, cells)]
    stay = {*kept, *KEPT, *([] if not columns or columns[0] in ids else columns[:1])}
    others = [*(column for column in SPARE if column in columns), *reversed(columns)]
    ordered = [*ids, *(column for column in others if column not in LATE)]
    ordered += [column for column in LATE if column in columns]
    return list(dict.fromkeys([*empty, *(column for column in ordered if column not in stay)]))


def _is_long_id(column: str, cells: Cells) -> bool:
    is_id = column in ("id", "uniqueid") or column.endswith("_id")
    return is_id and any(_width(row[column]) > LONG_ID for row in cells)


def _needed(widths: dict[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _widen(widths: dict[str, int], wanted: dict[str, int], room: int) -> None:
    """Hand out the room that is left in equal parts; what one column does not want goes to the others."""
    waiting = sorted(widths, key=lambda each: wanted[each] - widths[each])
    for done, column in enumerate(waiting):
        part = (room - _needed(widths)) // (len(waiting) - done)
        widths[column] += max(0, min(wanted[column] - widths[column], part))
