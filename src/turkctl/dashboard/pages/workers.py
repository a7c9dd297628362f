"""Workers: their assignments by status, what they earned, and acts on those who are ticked."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import Sorting, address, page_address, page_number
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import experiment_options
from turkctl.dashboard.pages.work import filter_words, person_address, read_filter
from turkctl.operations.workers import wages
from turkctl.operations.workers.lists import COLUMNS, SORTABLE, blocked_workers, page_of_workers

pages = Blueprint("workers", __name__)

SIZE = 50
"""Rows of a page."""


@pages.get("/workers")
def index() -> ResponseReturnValue:
    """Show the workers of the filter; the market is asked who is blocked only if the address says so."""
    here, number, args = desk(), page_number(), request.args
    wanted, sorting, asks = read_filter(args), Sorting(SORTABLE), args.get("blocked") == "1"
    some, total = page_of_workers(
        here.world,
        wanted,
        by=sorting.by or "worker_id",
        descending=sorting.descending,
        limit=SIZE,
        offset=(number - 1) * SIZE,
    )
    # What they earned an hour is read for those on the page alone.
    theirs = replace(wanted, selection=replace(wanted.selection, ids=tuple(row["worker_id"] for row in some)))
    rows = wages.of_workers(here.world, theirs, some) if some else []
    if asks:
        blocked = blocked_workers(here.world)
        rows = [{**row, "blocked": row["worker_id"] in blocked} for row in rows]
    return page(
        "workers.html",
        ["workers", "list", *filter_words(args), "--wage", *(["--refresh"] if asks else []), *sorting.words],
        args=args,
        experiments=experiment_options(here.world, "all", args.get("experiment")),
        rows=here.veil.rows(rows),
        columns=[*(name for name in COLUMNS if asks or name != "blocked"), *wages.OF_WORKER],
        total=total,
        sorting=sorting,
        number=number,
        has_more=number * SIZE < total,
        page_address=page_address,
        links={"worker_id": person_address},
        asks=asks,
        asking=address(blocked="1"),
    )
