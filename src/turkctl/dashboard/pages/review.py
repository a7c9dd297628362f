"""Items to decide, one after the other: each as its page shows it, its votes, and a key for each label."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.at_once import do_at_once
from turkctl.dashboard.acts.forms import required, whole
from turkctl.dashboard.acts.pages import check_mode
from turkctl.dashboard.acts.registry import find_act
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import chosen_experiment, experiment_options
from turkctl.dashboard.pages.experiments import ShownTask, shown_task
from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.labels.changes import settable
from turkctl.operations.labels.disagree import ToDecide, check_wanted, decision_on, disagreements

pages = Blueprint("review", __name__)

SPLIT, DOUBTFUL, FEW = "split", "p-below", "votes-below"
KINDS = (
    (SPLIT, "whose votes differ"),
    (DOUBTFUL, "with a probability below"),
    (FEW, "with fewer votes than"),
)
USUAL = {SPLIT: "", DOUBTFUL: "0.9", FEW: "3"}
"""The bounds if none is given."""
SHOWN = 20
"""Items of the queue that are listed after the one to decide."""
MOST_KEYS = 9
LONGEST_REASON = 300
"""Characters of a reason, which the cookie of the session keeps from item to item."""
_REASON = "reason"


@dataclass(frozen=True)
class ReviewQueue:
    """Which items are decided, in the order of their keys.

    Attributes:
        kind: one of :data:`KINDS`.
        below: the bound, as it was typed.
    """

    kind: str
    below: str

    @classmethod
    def of(cls, given: Mapping[str, str]) -> ReviewQueue:
        """Return the queue that an address or a form names."""
        kind = given.get("kind", SPLIT)
        kind = kind if kind in USUAL else SPLIT
        return cls(kind, "" if kind == SPLIT else (given.get("below") or USUAL[kind]).strip())

    @property
    def wanted(self) -> ToDecide:
        """Return which items these are.

        Raises:
            UsageError: the bound is none.
        """
        if self.kind == FEW:
            return check_wanted(None, whole(self.below, "the number of votes"))
        if self.kind == SPLIT:
            return ToDecide()
        try:
            bound = float(self.below)
        except ValueError:
            raise UsageError(f"the probability is '{self.below}', which is not a number", "write 0.9") from None
        return check_wanted(bound, None)

    @property
    def words(self) -> list[str]:
        """Return it as options of a command line."""
        return [f"--{self.kind}", *([self.below] if self.below else [])]

    def address(self, slug: str | None, **more: Any) -> str:
        """Return the address of a place in the queue."""
        below = self.below if self.below != USUAL[self.kind] else None
        return url_for("review.index", experiment=slug, kind=self.kind, below=below, **more)


@pages.get("/labels/review")
def index() -> ResponseReturnValue:
    """Show the next item to decide, and those after it."""
    here = desk()
    slug, queue = chosen_experiment(here.world, request.args.get("experiment")), ReviewQueue.of(request.args)
    after = request.args.get("after") or None
    rows: list[dict[str, Any]] = []
    trouble, classes = None, []
    if slug is not None:
        try:
            found = disagreements(here.world, slug, queue.wanted, after=after)
            rows = [_in_words(row) for row in here.veil.rows(islice(found, SHOWN + 2))]
            classes = settable(here.world, slug)
        except UsageError as error:
            trouble = f"{error.message}; {error.hint}"
    return page(
        "review.html",
        ["labels", "disagree", *option("--experiment", slug), *(queue.words if trouble is None else [])],
        experiments=experiment_options(here.world, "choose one", slug),
        slug=slug,
        queue=queue,
        kinds=KINDS,
        after=after,
        trouble=trouble,
        row=rows[0] if rows else None,
        task=_task(slug, rows[0]["item"]) if slug and rows else None,
        later=rows[1 : SHOWN + 1],
        has_more=len(rows) > SHOWN + 1,
        classes=classes,
        keys=[str(number + 1) if number < MOST_KEYS else None for number in range(len(classes))],
        decided=_decided(slug),
        reason=session.get(_REASON, ""),
        longest=LONGEST_REASON,
        form=secrets.token_urlsafe(24),
        links={"item": lambda row: url_for("labels.item", experiment=slug, item=row["item"])},
    )


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = ", ".join(f"{label} {number:,}" for label, number in row["counts"].items())
    return {**row, "counts": counts or "no usable vote"}


def _task(slug: str, item: str) -> ShownTask | None:
    """Return the task that shows an item; None if the item is known by its labels alone."""
    try:
        return shown_task(slug, key=item)
    except NotFoundError:
        return None


def _decided(slug: str | None) -> Mapping[str, Any] | None:
    """Return the decision that the person made last, if the address names it."""
    item = request.args.get("decided")
    found = decision_on(desk().world, slug, item) if slug and item else None
    return None if found is None else {"item": found.item, "label": found.label}


@pages.post("/labels/review/decide")
def decide() -> ResponseReturnValue:
    """Set the label of an item, or leave it, and go to the next; or keep the reason for all that follow."""
    form, queue = request.form, ReviewQueue.of(request.form)
    check_mode(form.get("mode", desk().mode))
    slug, item = required(form, "experiment", "the experiment"), required(form, "item", "the item")
    session[_REASON] = form.get("reason", "").strip()[:LONGEST_REASON]
    if form.get("keep"):
        return redirect(queue.address(slug, after=form.get("after") or None), 303)
    if form.get("skip"):
        return redirect(queue.address(slug, after=item), 303)
    required(form, "value", "the label")
    required(form, "reason", "the reason, which is kept with the label,")
    act = find_act("labels-set")
    do_at_once(act, act.read(form), required(form, "form", "the id of the form"))
    return redirect(queue.address(slug, after=item, decided=item), 303)
