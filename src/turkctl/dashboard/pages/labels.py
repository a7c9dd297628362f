"""Labels, who gave them and how well, past aggregations, and items that need more answers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import page_address, page_number
from turkctl.dashboard.commands import arguments, option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import chosen_experiment, experiment_options
from turkctl.errors import UsageError
from turkctl.operations.labels.changes import settable
from turkctl.operations.labels.lists import (
    HISTORY_COLUMNS,
    columns_of_results,
    history,
    is_dirty,
    list_results,
    list_workers,
    show_item,
)
from turkctl.operations.labels.needs_more import COLUMNS as NEEDED
from turkctl.operations.labels.needs_more import needs_more
from turkctl.operations.labels.quality import TOLD_CLASSES, readable_workers

pages = Blueprint("labels", __name__)

SIZE = 50
"""Items of a page."""
MOST_WORKERS = 200
"""Annotators of the page."""
MOST_RUNS = 20
_WORKER_COLUMNS = ("worker", "n", "agreement", "with_others", "right", "wrong_as", "remarks", "excluded")


@pages.get("/labels")
def index() -> ResponseReturnValue:
    """Show the labels of an experiment, its annotators and its past aggregations."""
    world = desk().world
    slug = chosen_experiment(world, request.args.get("experiment"))
    shared: dict[str, Any] = {"experiments": experiment_options(world, "choose one", slug), "slug": slug}
    if slug is None:
        return page("labels.html", ["labels", "history"], runs=_runs(None), run_columns=HISTORY_COLUMNS, **shared)
    first = (page_number() - 1) * SIZE
    rows = list(islice(list_results(world, slug), first, first + SIZE + 1))
    workers, trouble = _workers(slug)
    return page(
        "labels.html",
        ["labels", "export", "--results", *option("--experiment", slug)],
        runs=_runs(slug),
        run_columns=HISTORY_COLUMNS,
        dirty=is_dirty(world, slug),
        columns=columns_of_results(world, slug),
        rows=rows[:SIZE],
        has_more=len(rows) > SIZE,
        number=page_number(),
        page_address=page_address,
        workers=workers,
        worker_columns=[name for name in _WORKER_COLUMNS if not workers or name in workers[0]],
        trouble=trouble,
        links={"item": lambda row: url_for("labels.item", experiment=slug, item=row["item"])},
        **shared,
    )


def _runs(slug: str | None) -> list[dict[str, Any]]:
    found = history(desk().world, slug, MOST_RUNS, ended=False)
    return [{**row, "changes": _changes(row["changes"] or {})} for row in found]


def _changes(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in changes.items() if number)


def _workers(slug: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the annotators as the last aggregation saw them, or why there are none."""
    here = desk()
    try:
        rows = list_workers(here.world, slug)[:MOST_WORKERS]
        return here.veil.rows(readable_workers(rows, TOLD_CLASSES)), None
    except UsageError as error:
        return [], f"{error.message}; {error.hint}"


@pages.get("/labels/needs-more")
def more() -> ResponseReturnValue:
    """Show the items that are nearest to a tie, to be given more answers."""
    world = desk().world
    slug = chosen_experiment(world, request.args.get("experiment"))
    rows: list[dict[str, Any]] = []
    trouble = None
    if slug is not None:
        try:
            rows = needs_more(world, slug, SIZE)
        except UsageError as error:
            trouble = f"{error.message}; {error.hint}"
    return page(
        "needs_more.html",
        ["labels", "needs-more", *option("--experiment", slug)],
        experiments=experiment_options(world, "choose one", slug),
        slug=slug,
        columns=NEEDED,
        rows=rows,
        trouble=trouble,
        links={"item": lambda row: url_for("labels.item", experiment=slug, item=row["item"])},
    )


@pages.get("/labels/items")
def item() -> ResponseReturnValue:
    """Show one item: its label, its votes, and the labels it can be given."""
    here, slug, key = desk(), request.args.get("experiment", ""), request.args.get("item", "")
    if not key:
        return redirect(url_for("review.index", experiment=slug or None))
    shown = show_item(here.world, slug, key)
    votes = here.veil.rows(shown["votes"])
    return page(
        "label_item.html",
        ["labels", "show", *option("--experiment", slug), *arguments(key)],
        slug=slug,
        item=shown,
        votes=votes,
        classes=settable(here.world, slug),
    )
