"""Answer with a file of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from flask import Response, stream_with_context

from turkctl.csv_rows import csv_lines

_PART = 500
"""Lines that are sent at a time."""


def csv_download(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """Return rows as a CSV file, written as they are read; cells that a spreadsheet would run are quoted."""
    lines = csv_lines(columns, rows, spreadsheet=True)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(_parts(lines)), content_type="text/csv; charset=utf-8", headers=headers)


def _parts(lines: Iterator[str]) -> Iterator[str]:
    while part := "".join(islice(lines, _PART)):
        yield part
