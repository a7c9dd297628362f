"""HITs: the list with the acts that are possible on each, one HIT in full, deadlines, and the form for new ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.forms import whole
from turkctl.dashboard.addresses import Sorting, link_to, page_address, page_number
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.looks import looking
from turkctl.dashboard.pages.experiment_choice import experiment_options, version_options
from turkctl.errors import NotFoundError, TurkctlError, WrongMarketError
from turkctl.operations.hits.actions import FLAGS, VIEWS
from turkctl.operations.hits.deadlines import COLUMNS as DEADLINE_COLUMNS
from turkctl.operations.hits.deadlines import list_deadlines
from turkctl.operations.hits.lists import STATUSES, list_hits
from turkctl.operations.hits.pages import SORTABLE, HitQuery, actions_here, page_of_hits
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.units import parse_duration

pages = Blueprint("hits", __name__)

SIZE = 50
"""Rows of a page."""
SOON = "7d"
"""How far ahead the page of deadlines looks by default."""
WORK = ("assignment_id", "worker_id", "status", "submitted", "auto_approval", "reward", "bonuses", "minutes")
COUNTERS = ("max_assignments", "available", "pending", "submitted", "completed")
FACTS = (
    *("title", "description", "keywords", "experiment", "codeversion", "campaign", "status", "reward"),
    *(*COUNTERS, "created", "expires", "expired", "duration", "auto_approval_delay", "requirements"),
    *("hit_type_id", "hit_group_id", "annotation", "mode", "market", "origin", "synced"),
)
"""What the page of one HIT shows, in this order."""


def read_selection() -> Selection:
    """Return the HITs that the address names.

    Raises:
        UsageError: the campaign is no number.
    """
    args = request.args
    campaign = args.get("campaign")
    return Selection(
        ids=tuple(each.strip() for each in args.getlist("hit") if each.strip()),
        experiment=args.get("experiment") or None,
        campaign=whole(campaign, "the campaign") if campaign else None,
        code_version=args.get("codeversion") or None,
    )


def _words(selection: Selection) -> list[str]:
    return [
        *selection.ids,
        *option("--experiment", selection.experiment),
        *option("--campaign", selection.campaign),
        *option("--codeversion", selection.code_version),
    ]


@pages.get("/hits")
def index() -> ResponseReturnValue:
    """Show the HITs of the filter in the address, the newest first."""
    here, selection, sorting = desk(), read_selection(), Sorting(SORTABLE)
    chosen, status = request.args.get("view") or "all", request.args.get("status") or None
    ended = request.args.get("ended") == "1"
    query = HitQuery(selection, chosen, status, sorting.by, sorting.descending, ended)
    more = ["--ended"] if ended and not selection.names else []
    found = page_of_hits(here.world, query, page_number(), SIZE)
    return page(
        "hits.html",
        ["hits", "list", *_words(selection), *FLAGS[chosen], *option("--status", status), *more, *sorting.words],
        found=found,
        args=request.args,
        view=chosen,
        views=tuple(VIEWS),
        statuses=[(each, each) for each in STATUSES],
        experiments=experiment_options(here.world, "all", request.args.get("experiment")),
        sorting=sorting,
        number=page_number(),
        page_address=page_address,
        several_markets=len({row["market"] for row in found.rows}) > 1,
    )


@pages.get("/hits/new")
def new() -> ResponseReturnValue:
    """Show the form for new HITs."""
    here = desk()
    slug = request.args.get("experiment")
    command = ["hits", "create", *option("--experiment", slug), "--assignments", request.args.get("assignments") or "9"]
    return page("hit_new.html", command, args=request.args, versions=version_options(here.world), slug=slug)


@pages.get("/hits/deadlines")
def deadlines() -> ResponseReturnValue:
    """Show what will soon happen by itself."""
    here, selection, within = desk(), read_selection(), request.args.get("within") or SOON
    rows = here.veil.rows(list_deadlines(here.world, selection, parse_duration(within)))
    return page(
        "deadlines.html",
        ["hits", "deadlines", *_words(selection), *option("--within", None if within == SOON else within)],
        rows=[{**row, "what": row["what"].replace("_", " ")} for row in rows],
        columns=DEADLINE_COLUMNS,
        args=request.args,
        within=within,
        experiments=experiment_options(here.world, "all", request.args.get("experiment")),
        links={"id": _of_deadline},
    )


def _of_deadline(row: Mapping[str, Any]) -> str | None:
    """Return the address of the HIT or of the assignment that a deadline is about."""
    if row["id"] == row["hit_id"]:
        return link_to("hits.show", hit_id=row["hit_id"])
    return _of_work(row["id"])


def _of_work(assignment_id: str) -> str | None:
    return link_to("work.show", assignment_id=assignment_id)


@pages.get("/hits/<hit_id>")
def show(hit_id: str) -> ResponseReturnValue:
    """Show one HIT with its assignments, as the market has it now; as it is stored if the market does not answer."""
    here = desk()
    hit, work, stored, trouble = _read(hit_id)
    return page(
        "hit.html",
        ["hits", "show", hit_id],
        hit=hit,
        facts=[(name, _text(hit[name])) for name in FACTS if hit.get(name) not in (None, "", [])],
        work=here.veil.rows(work),
        columns=[name for name in WORK if not work or name in work[0]],
        links={"assignment_id": lambda row: _of_work(row["assignment_id"])},
        actions=actions_here(here.world, [hit])[hit_id],
        stored=stored,
        all_work=link_to("work.index", hit=hit_id),
        trouble=trouble,
    )


def _text(value: Any) -> Any:
    """Return a list of qualification requirements as text, other values as they are."""
    nested = isinstance(value, list) and any(isinstance(each, Mapping) for each in value)
    return json.dumps(value, default=str) if nested else value


def _read(hit_id: str) -> tuple[dict[str, Any], Sequence[Mapping[str, Any]], bool, TurkctlError | None]:
    """Return a HIT, its work, whether it is stored, and why the market did not tell of it.

    Raises:
        NotFoundError: neither the market nor the database knows it.
        WrongMarketError: it belongs to another mode.
    """
    from turkctl.operations.hits.details import show_hit
    from turkctl.operations.workers.assignments import list_assignments

    world, trouble = looking(), None
    asked: dict[str, Any] | None = None
    try:
        asked = show_hit(world, hit_id, keep=False)
    except WrongMarketError:
        raise
    except TurkctlError as error:
        trouble = error
    try:
        (row,) = list_hits(world, Selection(ids=(hit_id,)))
    except NotFoundError:
        if asked is None:
            raise (trouble or NotFoundError(f"there is no HIT {hit_id}")) from None
        return asked, asked["assignments"], False, None
    work = list_assignments(world, WorkSelection(Selection(), (hit_id,)))
    known = {each["assignment_id"] for each in work}
    work += [each for each in (asked or {}).get("assignments", ()) if each["assignment_id"] not in known]
    return {**row, **(asked or {})}, work, True, trouble


@pages.get("/hits/<hit_id>/why")
def why(hit_id: str) -> ResponseReturnValue:
    """Return what prevents acts on a HIT and its work, as the market says now, for a part of its page."""
    from turkctl.operations.hits.why import COLUMNS, explain

    whole_page = "HX-Request" not in request.headers
    try:
        rows, error = explain(looking(), hit_id, keep=False), None
    except TurkctlError as problem:
        if whole_page:
            raise
        rows, error = [], problem
    values: dict[str, Any] = {"rows": rows, "columns": COLUMNS, "error": error, "hit_id": hit_id}
    if whole_page:
        return page("hit_why_page.html", ["hits", "why", hit_id], **values)
    return render_template("dashboard/hit_why.html", desk=desk(), **values)
