"""Write CSV, optionally for a spreadsheet. No other module writes CSV.

A spreadsheet treats a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, which may read other cells,
connect to a network address or start a program, and workers choose what is in their answers. ``--spreadsheet`` puts an
apostrophe before such texts, as the Open Worldwide Application Security Project advises; numbers stay numbers. Other
programs that read CSV need the cells unchanged, so this is done only on request.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from turkctl.cells import cell

_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Sink(Protocol):
    """Something that lines can be written to."""

    def write(self, line: str, /) -> object:
        """Write a line."""


def harmless_cell(value: Any) -> Any:
    """Return the value with an apostrophe before it if a spreadsheet would take it for a formula."""
    risky = isinstance(value, str) and value.startswith(_BEGINS) and _NUMBER.fullmatch(value) is None
    return f"'{value}" if risky else value


def row_writer(sink: Sink, line_end: str, *, spreadsheet: bool) -> Callable[[Sequence[Any]], None]:
    """Return a function that writes one row.

    Args:
        sink: where the lines go.
        line_end: the end of each line.
        spreadsheet: whether the file is meant for a spreadsheet.
    """
    writer = csv.writer(sink, lineterminator=line_end)

    def write(cells: Iterable[Any]) -> None:
        writer.writerow([harmless_cell(each) for each in cells] if spreadsheet else cells)

    return write


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, spreadsheet: bool) -> Iterator[str]:
    """Yield a header and the rows as lines of CSV, with the cells of ``-o csv``, as a server sends them.

    Args:
        columns: the keys of a row, which are the header.
        rows: what to write; each is read when its line is asked for.
        spreadsheet: whether the file is meant for a spreadsheet.
    """
    written = _Last()
    write = row_writer(written, "\r\n", spreadsheet=spreadsheet)
    write(columns)
    yield written.line
    for row in rows:
        write([cell(row.get(name)) for name in columns])
        yield written.line


class _Last:
    """Keeps the last line that was written."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line
