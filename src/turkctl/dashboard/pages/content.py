"""How far the items of experiments are, and the items themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import address, page_address, page_number
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.downloads import csv_download
from turkctl.dashboard.pages.experiment_choice import experiment_options
from turkctl.operations.content.items import COLUMNS, list_content
from turkctl.operations.status.content import GROUPS, content_status
from turkctl.operations.status.read import read_status

pages = Blueprint("content", __name__)

SIZE = 50
"""Items of a page."""
MOST_ROWS = 200
"""Days, weeks or people of the page; the file has all."""
RECENT = 7
"""Days with answers that are shown above the items."""
_BY = ("experiment", "day", "week", "worker")
"""What the rows of progress are grouped by."""
_MINUTES = "minutes_per_item"
_KINDS = ("all", "pending", "gold", "removed")
"""Which items are listed; pending ones are in the order of dispatch."""


@pages.get("/content")
def index() -> ResponseReturnValue:
    """Show how far the items are, and one page of them."""
    world, slug = desk().world, request.args.get("experiment") or None
    kind = request.args.get("kind", "all")
    status = read_status(world, world.now())
    first = (page_number() - 1) * SIZE
    chosen: dict[str, Any] = {kind: True} if kind in _KINDS[1:] else {}
    rows = list(islice(list_content(world, slug, **chosen, limit=SIZE + 1, offset=first), SIZE + 1))
    flags = [f"--{kind}"] if chosen else []
    return page(
        "content.html",
        ["content", "list", *option("--experiment", slug), *flags],
        progress=[each for each in status.experiments if each.content is not None],
        days=_newest_first(content_status(world, slug, group="day"), RECENT),
        day_columns=GROUPS["day"],
        experiments=experiment_options(world, "all", slug),
        slug=slug,
        kind=kind,
        kinds=[(each, each) for each in _KINDS],
        columns=[name for name in COLUMNS if slug is None or name != "experiment"],
        rows=rows[:SIZE],
        number=page_number(),
        has_more=len(rows) > SIZE,
        page_address=page_address,
    )


def _newest_first(rows: Iterable[dict[str, Any]], most: int, day: str = "day") -> list[dict[str, Any]]:
    """Return the newest rows of days or weeks, the newest first."""
    return sorted(rows, key=lambda row: row[day], reverse=True)[:most]


@pages.get("/content/progress")
def progress() -> ResponseReturnValue:
    """Show when answers came in, or who gave them and how well; as a page, or as a file with all rows."""
    world, slug = desk().world, request.args.get("experiment") or None
    by = request.args.get("by", "day")
    by = by if by in _BY else "day"
    group = None if by == "experiment" else by
    found = content_status(world, slug, group=group)
    if request.args.get("format") == "csv":
        return csv_download(f"items-by-{by}.csv", GROUPS[group], _veiled(found))
    all_rows = list(found)
    rows = _newest_first(all_rows, MOST_ROWS, by) if by in ("day", "week") else all_rows[:MOST_ROWS]
    columns = [name for name in GROUPS[group] if slug is None or name != "experiment"]
    if by == "worker":
        rows = [{**row, _MINUTES: _in_minutes(row["seconds_per_item"])} for row in desk().veil.rows(rows)]
        columns = [_MINUTES if name == "seconds_per_item" else name for name in columns]
    return page(
        "content_progress.html",
        ["content", "status", *option("--experiment", slug), *option("--group-by", group)],
        experiments=experiment_options(world, "all", slug),
        slug=slug,
        by=by,
        ways=[(each, each) for each in _BY],
        columns=columns,
        numbers=[name for name in columns if name not in _TEXTS],
        rows=rows,
        hidden=len(all_rows) - len(rows),
        most=MOST_ROWS,
        csv_address=address(format="csv"),
    )


_TEXTS = ("experiment", "day", "week", "begins", "expected_end", "worker_id")
"""Columns that are no numbers."""
_PART = 500
"""Rows whose names are hidden at a time."""


def _veiled(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows as the person may see them."""
    while part := list(islice(rows, _PART)):
        yield from desk().veil.rows(part)


def _in_minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 2)
