"""How far the items of experiments are, and the items themselves."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import page_address, page_number
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import experiment_options
from turkctl.operations.content.items import COLUMNS, list_content
from turkctl.operations.status.read import read_status

pages = Blueprint("content", __name__)

SIZE = 50
"""Items of a page."""
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
