"""The dynamic filtered table of participants: rows, or counts by group, by the filter in the address."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import Sorting, address, link_to, page_address, page_number, tidy_address
from turkctl.dashboard.commands import option, options
from turkctl.dashboard.desk import desk, page, parts
from turkctl.dashboard.downloads import csv_download
from turkctl.dashboard.participant_filters import (
    GROUPS,
    group_address,
    psiturk_groups,
    query_words,
    read_groups,
    read_query,
    several,
)
from turkctl.dashboard.participant_names import shown_name
from turkctl.operations.participants import wages
from turkctl.operations.participants.counting import CHOICES
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import (
    OF_PARTICIPANT,
    SHOWN,
    SORTABLE,
    TABLE,
    Ordering,
    known_columns,
    with_empty_days,
)
from turkctl.operations.participants.pages import page_of, stream

pages = Blueprint("participants", __name__)

SIZE = 50
"""Rows of a page."""
MOST_GROUPS = 500
"""Groups of a page; a download has all."""
MOST_CHOICES = 100
"""Values of one menu."""
COLUMNS = (*SORTABLE, "complete", *OF_PARTICIPANT)
"""What the page offers as columns."""
_USUAL = (*TABLE, "complete")
_FOR_LINKS = ("uniqueid", "assignment_id", "worker_id", "mode")
_PART = 500
"""Rows of a download that are read at a time."""

Row = Mapping[str, Any]


@pages.get("/participants")
def index() -> ResponseReturnValue:
    """Show the participants of the filter, or counts by group; or download all of them as CSV."""
    tidy = tidy_address()
    if tidy is not None:
        return redirect(tidy)
    by, query = read_groups(request.args), read_query(request.args)
    if request.args.get("format") == "csv":
        return _download(query, by)
    return _groups(query, by) if by else _rows(query)


def _rows(query: Query) -> ResponseReturnValue:
    here, chosen, sorting = desk(), _columns(), Sorting(SORTABLE)
    ordering = _ordering(sorting, SORTABLE)
    found = page_of(here.world, query, ordering, page_number(), SIZE, _read(chosen or _USUAL, _FOR_LINKS))
    rows = here.veil.rows(_with_wages(found.rows, chosen))
    order = _order_words(ordering)
    command = ["participants", "list", *query_words(request.args), *order, *option("--columns", ",".join(chosen))]
    return _page(command, columns=chosen or _USUAL, rows=rows, found=found, sorting=sorting, links=_links())


def _groups(query: Query, by: Sequence[str]) -> ResponseReturnValue:
    columns, rows = _counted(query, by)
    sorting = Sorting(columns)
    ordering = _ordering(sorting, columns)
    return _page(
        ["participants", "list", *query_words(request.args), *options("--group-by", by), *_order_words(ordering)],
        columns=columns,
        rows=rows[:MOST_GROUPS],
        groups_in_all=len(rows),
        total=sum(row["count"] for row in rows),
        most=max((row["count"] for row in rows), default=0),
        by=by,
        sorting=sorting,
        group_address=lambda row: group_address(row, request.args),
    )


def _counted(query: Query, by: Sequence[str]) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Return the counts; where days alone are counted, in their order, those without anybody are among them."""
    sortable = (*by, "count")
    ordering = _ordering(Sorting(sortable), sortable)
    columns, rows = parts().counts.groups(desk().world, query, ordering, by)
    by_day = list(by) == ["day"] and ordering.by is None
    return columns, with_empty_days(rows) if by_day else rows


def _ordering(sorting: Sorting, sortable: Sequence[str]) -> Ordering:
    """Return the order that the address names; one that only the other view has counts for nothing here."""
    elsewhere = sorting.by in (*SORTABLE, *GROUPS, "count") and sorting.by not in sortable
    return Ordering(None, False) if elsewhere else Ordering(sorting.by, sorting.descending)


def _order_words(ordering: Ordering) -> list[str]:
    return [*option("--sort", ordering.by), *(["--desc"] if ordering.descending else [])]


def _columns() -> list[str]:
    """Return the columns that the address names, one by one or with commas; none where it names the usual ones."""
    named = [name for each in several(request.args, "columns") for name in each.split(",") if name]
    chosen = list(dict.fromkeys(known_columns(named)))
    return [] if tuple(chosen) == _USUAL else chosen


def _read(columns: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """Return the columns that are read for those that are shown."""
    wanted = list(columns)
    needed = wages.NEEDED if set(wanted) & set(OF_PARTICIPANT) else ()
    return [name for name in dict.fromkeys([*wanted, *others, *needed]) if name not in OF_PARTICIPANT]


def _with_wages(rows: Sequence[dict[str, Any]], columns: Iterable[str]) -> Sequence[dict[str, Any]]:
    return wages.add_wages(desk().world, rows) if set(columns) & set(OF_PARTICIPANT) else rows


def _links() -> dict[str, Callable[[Row], str | None]]:
    """Return where cells lead: pages about people, work and HITs are those of the session's mode."""
    mode = desk().mode

    def to_participant(row: Row) -> str:
        return url_for("participant.show", wanted=shown_name(row))

    def to_worker(row: Row) -> str | None:
        return link_to("people.show", worker=row["worker_id"]) if row["mode"] == mode else None

    def to_hit(row: Row) -> str | None:
        return link_to("hits.show", hit_id=row["hit_id"]) if row["mode"] == mode else None

    return {
        "uniqueid": to_participant,
        "assignment_id": to_participant,
        "worker_id": to_worker,
        "hit_id": to_hit,
    }


def _page(command: Sequence[str], **values: Any) -> str:
    shared: dict[str, Any] = {"by": [], "found": None, "number": page_number(), "page_address": page_address}
    return page(
        "participants.html",
        command,
        names_mode=False,
        args=request.args,
        groups=GROUPS,
        choices=CHOICES,
        all_columns=COLUMNS,
        chosen=_columns(),
        several=several,
        csv_address=address(format="csv", page=None),
        psiturk_address=address(group_by=psiturk_groups(request.args), page=None, sort=None, desc=None),
        **{**shared, **values},
    )


@pages.get("/participants/count")
def counted() -> ResponseReturnValue:
    """Return how many participants the filter of the address has, for a part of the page; kept for 30 seconds."""
    return f"{parts().counts.count(desk().world, read_query(request.args)):,}"


@pages.get("/participants/choices")
def offered() -> ResponseReturnValue:
    """Return the menus of the filter with the values that occur, and how often, for a part of the page."""
    found = parts().counts.choices(desk().world, read_query(request.args))
    return render_template(
        "dashboard/participant_choices.html",
        offered=found,
        args=request.args,
        names=CHOICES,
        several=several,
        most=MOST_CHOICES,
    )


def _download(query: Query, by: Sequence[str]) -> Response:
    """Return all rows of the filter as CSV, as they are read; cells that a spreadsheet would run are quoted."""
    if by:
        columns, rows = _counted(query, by)
        found: Iterator[dict[str, Any]] = iter(rows)
    else:
        columns = _columns() or SHOWN
        ordering = _ordering(Sorting(SORTABLE), SORTABLE)
        found = stream(desk().world, query, ordering, _read(columns, ("uniqueid", "worker_id")))
    return csv_download("participants.csv", columns, _veiled(columns, found))


def _veiled(columns: Sequence[str], rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a download as the person may see them, with wages where the columns have them."""
    while part := list(itertools.islice(rows, _PART)):
        yield from desk().veil.rows(_with_wages(part, columns))
