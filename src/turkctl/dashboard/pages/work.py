"""Assignments: what is to be decided first, one beside its items, and the way through a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.forms import whole
from turkctl.dashboard.addresses import Sorting, link_to, page_address, page_number
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import experiment_options
from turkctl.operations.participants.answers import answers_of
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.assignments import SORTABLE, STATUSES, count_assignments, list_assignments

pages = Blueprint("work", __name__)

SIZE = 50
"""Rows of a page."""
FILTERS = ("experiment", "campaign", "codeversion", "hit", "worker")
"""Names of the filter in an address, besides ``status``."""
COLUMNS = (
    *("assignment_id", "worker_id", "experiment", "status", "submitted", "auto_approval", "reward", "bonus", "minutes"),
)
ALL = "all"
_WAITING = "Submitted"
_AROUND = 25
"""How many rows before and after its place an assignment is looked for, since others may be decided meanwhile."""


def read_filter(args: Mapping[str, str]) -> WorkSelection:
    """Return the work that an address names; worker ids may be pseudonyms.

    Raises:
        NotFoundError: there is no such worker.
        UsageError: a value is invalid.
    """
    worker, campaign, hit = (args.get(name) or None for name in ("worker", "campaign", "hit"))
    ids = () if worker is None else (desk().find_worker(worker.strip()),)
    number = None if campaign is None else whole(campaign, "the campaign")
    experiment, version = args.get("experiment") or None, args.get("codeversion") or None
    chosen = Selection(ids, experiment=experiment, campaign=number, code_version=version)
    return WorkSelection(chosen, () if hit is None else (hit,))


def filter_words(args: Mapping[str, str]) -> list[str]:
    """Return the filter of an address as words of a command line."""
    named = [word for name in FILTERS if name != "worker" for word in option(f"--{name}", args.get(name))]
    return [*([args["worker"]] if args.get("worker") else []), *named]


def person_address(row: Mapping[str, Any]) -> str | None:
    """Return the address of the page of a row's worker, as the row shows them."""
    return link_to("people.show", worker=row["worker_id"])


class _Queue:
    """The list that the address names: a filter and an order."""

    def __init__(self) -> None:
        args = request.args
        self.status = args.get("status") or _WAITING
        self.wanted = read_filter(args)
        self.sorting = Sorting(SORTABLE)
        self.query: dict[str, Any] = {
            name: args[name] for name in (*FILTERS, "status", "sort", "desc") if args.get(name)
        }

    @property
    def statuses(self) -> Sequence[str]:
        return () if self.status == ALL else (self.status,)

    def rows(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """Return rows of the list; by default those that are decided first by the market come first."""
        by, down = self.order
        return list_assignments(
            desk().world, self.wanted, self.statuses, by=by, descending=down, limit=limit, offset=offset
        )

    @property
    def order(self) -> tuple[str, bool]:
        """Return the column that it is sorted by, and whether from the largest on."""
        if self.sorting.by:
            return self.sorting.by, self.sorting.descending
        return ("auto_approval", False) if self.waits else ("submitted", True)

    @property
    def waits(self) -> bool:
        """Return whether it lists work that is not decided."""
        return self.status.capitalize() == _WAITING

    def address(self, row: Mapping[str, Any], at: int) -> str:
        """Return the address of an assignment at a place in this list."""
        return url_for("work.show", assignment_id=row["assignment_id"], at=at, **self.query)


@pages.get("/assignments")
def index() -> ResponseReturnValue:
    """Show the assignments of the filter, by default those to be decided."""
    queue, number, args = _Queue(), page_number(), request.args
    first = (number - 1) * SIZE
    found = queue.rows(first, SIZE + 1)
    rows = desk().veil.rows(found[:SIZE])
    places = {row["assignment_id"]: first + index for index, row in enumerate(rows)}
    sorting = queue.sorting
    by, down = queue.order
    order = ["--sort", by, *(["--desc"] if down else [])]
    status = [] if queue.status == ALL else ["--status", queue.status.lower()]
    return page(
        "assignments.html",
        ["workers", "assignments", *filter_words(args), *status, *order],
        args=args,
        experiments=experiment_options(desk().world, "all", args.get("experiment")),
        status=queue.status.capitalize() if queue.status != ALL else ALL,
        statuses=[*((each, each.lower()) for each in STATUSES), (ALL, ALL)],
        rows=rows,
        columns=COLUMNS,
        sorting=sorting,
        number=number,
        has_more=len(found) > SIZE,
        page_address=page_address,
        links={
            "assignment_id": lambda row: queue.address(row, places[row["assignment_id"]]),
            "worker_id": person_address,
        },
        chosen=_chosen_fields(args),
    )


@pages.get("/assignments/count")
def counted() -> ResponseReturnValue:
    """Return how many assignments the filter of the address has, for a part of the page."""
    queue = _Queue()
    return f"{count_assignments(desk().world, queue.wanted, queue.statuses):,}"


def _chosen_fields(args: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of an act on all that the filter has."""
    named = {name: args[name] for name in FILTERS if args.get(name)}
    return ({**named, "each": "1"} if "worker" in named else named) or {"all": "1"}


@pages.get("/assignments/<assignment_id>")
def show(assignment_id: str) -> ResponseReturnValue:
    """Show what an assignment answered beside its items, and the way to the next of the same list."""
    here = desk()
    found = answers_of(here.world, assignment_id)
    before, after = _neighbours(assignment_id)
    fields = {item["field"] for item in found["items"]}
    others = {name: value for name, value in (found["answers"] or {}).items() if name not in fields}
    shown = here.veil.record({**found, "others": others})
    return page(
        "assignment.html",
        ["workers", "answers", assignment_id],
        row=shown,
        names=not here.veil.hides,
        before=before,
        after=after,
        person=person_address(shown),
        queue=url_for("work.index", **_Queue().query),
    )


def _neighbours(assignment_id: str) -> tuple[str | None, str | None]:
    """Return the addresses of the assignments before and after this one in the list that one came from.

    One that was decided meanwhile has left the list: the next has taken its place.
    """
    text = request.args.get("at", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None, None
    queue, at = _Queue(), int(text)
    first = max(0, at - _AROUND)
    rows = queue.rows(first, at - first + _AROUND + 1)
    names = [row["assignment_id"] for row in rows]
    gone = assignment_id not in names
    place = min(at - first, len(rows)) if gone else names.index(assignment_id)
    following = place if gone else place + 1
    before = queue.address(rows[place - 1], first + place - 1) if place > 0 else None
    after = queue.address(rows[following], first + following) if following < len(rows) else None
    return before, after
