"""The dynamic filtered table of participants: rows, or counts by group, by the filter in the address."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from turkctl.csv_rows import row_writer
from turkctl.dashboard.acts.forms import whole
from turkctl.dashboard.addresses import Sorting, address, page_address, page_number
from turkctl.dashboard.commands import option, options
from turkctl.dashboard.desk import desk, page, parts
from turkctl.errors import UsageError
from turkctl.operations.participants.counting import CHOICES
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import (
    SHOWN,
    SORTABLE,
    TABLE,
    Ordering,
    known_columns,
)
from turkctl.operations.participants.pages import page_of, stream
from turkctl.plain_values import cell

pages = Blueprint("participants", __name__)

SIZE = 50
"""Rows of a page."""
GROUPS = ("condition", "status", "codeversion", "mode", "day", "complete")
"""What the page offers to count by."""


def read_query(args: Any) -> Query:
    """Return the filter that an address names; worker ids may be pseudonyms.

    Raises:
        UsageError: a value is invalid.
    """
    complete = args.get("complete") or None
    if complete not in (None, "yes", "no"):
        raise UsageError(f"complete is '{complete}'", hint="it is yes or no")
    return Query(
        modes=_several(args, "mode"),
        conditions=[whole(each, "the condition") for each in _several(args, "condition")],
        code_versions=_several(args, "codeversion"),
        current=args.get("current") == "1",
        statuses=_several(args, "status"),
        complete=None if complete is None else complete == "yes",
        workers=[desk().veil.find_worker(desk().world, each) for each in _several(args, "worker")],
        hits=_several(args, "hit"),
        campaigns=[whole(each, "the campaign") for each in _several(args, "campaign")],
        since=args.get("since") or None,
        until=args.get("until") or None,
    )


def _several(args: Any, name: str) -> list[str]:
    return [each for each in args.getlist(name) if each]


def words_of(args: Any) -> list[str]:
    """Return the filter as options of ``participants list``."""
    complete = {"yes": ["--complete"], "no": ["--incomplete"]}.get(args.get("complete", ""), [])
    repeated = ("mode", "condition", "codeversion", "status", "worker", "hit", "campaign")
    return [
        *(word for name in repeated for word in options(f"--{name}", _several(args, name))),
        *(["--current"] if args.get("current") == "1" else []),
        *complete,
        *option("--since", args.get("since")),
        *option("--until", args.get("until")),
    ]


@pages.get("/participants")
def index() -> ResponseReturnValue:
    """Show the participants of the filter, or counts by group; or download all of them as CSV."""
    by = _several(request.args, "group_by")
    query = read_query(request.args)
    if request.args.get("format") == "csv":
        return _download(query, by)
    return _groups(query, by) if by else _rows(query)


def _rows(query: Query) -> ResponseReturnValue:
    chosen = known_columns(_several(request.args, "columns"))
    columns = chosen or [*TABLE, "complete"]
    sorting = Sorting(SORTABLE)
    read = [*dict.fromkeys([*columns, *SHOWN])]
    found = page_of(desk().world, query, Ordering(sorting.by, sorting.descending), page_number(), SIZE, read)
    order = [*option("--sort", sorting.by), *(["--desc"] if sorting.descending else [])]
    command = ["participants", "list", *words_of(request.args), *order, *option("--columns", ",".join(chosen))]
    return _page(command, columns=columns, rows=desk().veil.rows(found.rows), found=found, sorting=sorting)


def _groups(query: Query, by: Sequence[str]) -> ResponseReturnValue:
    columns, rows = _counted(query, by)
    total = sum(row["count"] for row in rows)
    command = ["participants", "list", *words_of(request.args), *options("--group-by", by)]
    return _page(
        command, columns=columns, rows=desk().veil.rows(rows), total=total, by=by, group_address=_group_address
    )


def _counted(query: Query, by: Sequence[str]) -> tuple[Sequence[str], list[dict[str, Any]]]:
    here = desk()
    sorting = Sorting(())
    ordering = Ordering(sorting.by, sorting.descending)
    return parts().counts.groups(here.world, query, ordering, by)


def _page(command: Sequence[str], **values: Any) -> str:
    shared: dict[str, Any] = {
        "by": [],
        "found": None,
        "groups": GROUPS,
        "number": page_number(),
        "page_address": page_address,
    }
    return page(
        "participants.html",
        command,
        args=request.args,
        address=address,
        csv_address=address(format="csv", page=None),
        links={},
        **{**shared, **values},
    )


def _group_address(row: Mapping[str, Any]) -> str | None:
    """Return the address of the rows of one group; None where the filter cannot name it."""
    if any(row[name] in (None, "") for name in row if name != "count"):
        return None
    changes: dict[str, Any] = {"group_by": None, "page": None}
    for name, value in row.items():
        if name == "complete":
            changes[name] = "yes" if value else "no"
        elif name == "day":
            return None
        elif name != "count":
            changes[name] = [str(value)]
    return address(**changes)


@pages.get("/participants/count")
def counted() -> ResponseReturnValue:
    """Return how many participants the filter of the address has, for a part of the page; kept for 30 seconds."""
    here, query = desk(), read_query(request.args)
    number = parts().counts.count(here.world, query)
    return f"{number:,}"


@pages.get("/participants/choices")
def offered() -> ResponseReturnValue:
    """Return the menus of the filter with the values that occur, and how often, for a part of the page."""
    here, query = desk(), read_query(request.args)
    found = parts().counts.choices(here.world, query)
    return render_template("dashboard/participant_choices.html", offered=found, args=request.args, names=CHOICES)


def _download(query: Query, by: Sequence[str]) -> Response:
    """Return all rows of the filter as CSV, as they are read; cells that a spreadsheet would run are quoted."""
    here = desk()
    if by:
        columns, rows = _counted(query, by)
        found: Iterator[dict[str, Any]] = iter(rows)
    else:
        columns = known_columns(_several(request.args, "columns")) or list(SHOWN)
        sorting = Sorting(SORTABLE)
        found = stream(here.world, query, Ordering(sorting.by, sorting.descending), columns)
    lines = stream_with_context(_csv(columns, (here.veil.record(row) for row in found)))
    headers = {"Content-Disposition": 'attachment; filename="participants.csv"'}
    return Response(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _csv(columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    """Yield lines of CSV as ``participants list -o csv --spreadsheet`` writes them."""
    line = _Line()
    write = row_writer(line, "\n", spreadsheet=True)
    for cells in itertools.chain([columns], ([cell(row[column]) for column in columns] for row in rows)):
        write(cells)
        yield line.text


class _Line:
    """Takes one line at a time."""

    text = ""

    def write(self, line: str, /) -> None:
        self.text = line
