"""What needs a decision today, campaigns at work, money, and what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import link_to
from turkctl.dashboard.desk import Desk, desk, page, parts
from turkctl.errors import SchemaError
from turkctl.operations.intents.forms import interrupted_forms
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Ordering
from turkctl.operations.status.read import read_status
from turkctl.operations.status.sentences import (
    CUT_SHORT,
    DELETABLE,
    OWED,
    REVIEW,
    UNCLEAR,
    UNKNOWN,
    StatusDecision,
    StatusWords,
    coming,
    decisions,
)
from turkctl.operations.status.shapes import Status

pages = Blueprint("home", __name__)

MOST_DAYS = 31
"""Days of a chart; the others are a page away."""


@dataclass(frozen=True)
class Way:
    """What can be done about a decision: an act that is planned first, or a page to look at.

    Attributes:
        words: of the button or the link.
        act: the name of the act in its address.
        fields: what its form asks for.
        asks: a field that the person fills in, and its label.
        address: of the page, if there is no act.
    """

    words: str
    act: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    asks: tuple[str, str] | None = None
    address: str | None = None


@pages.get("/")
@pages.get("")
def index() -> ResponseReturnValue:
    """Show where the study stands, as ``turkctl status --chart`` does."""
    here = desk()
    try:
        return _standing(here)
    except SchemaError:  # a database of psiTurk's: the frame says what to do
        columns, rows = parts().counts.groups(here.world, Query(), Ordering(), ("mode", "status"))
        return page("home_bare.html", ["participants", "list", "--group-by=mode", "--group-by=status"],
                    names_mode=False, columns=columns, rows=rows)  # fmt: skip


def _standing(here: Desk) -> str:
    status = read_status(here.world, here.world.now(), days=True)
    words = StatusWords(UTC, _mode_words(here))
    return page(
        "home.html",
        ["status", "--chart"],
        status=status,
        experiments=[(each, list(words.experiment(each, status))) for each in status.experiments if not each.idle],
        decisions=[(each, _ways(here, each)) for each in decisions(words, status)],
        coming=list(coming(words, status)),
        interrupted=interrupted_forms(here.world),
        days=_days(status),
        most_days=MOST_DAYS,
    )


def _days(status: Status) -> dict[str, Sequence[Any]]:
    """Return the last days on which people handed in work, by experiment."""
    slugs = dict.fromkeys(day.experiment for day in status.days)
    return {slug: [day for day in status.days if day.experiment == slug][-MOST_DAYS:] for slug in slugs}


def _ways(here: Desk, decision: StatusDecision) -> list[Way]:
    """Return what the page offers beside a decision: acts to those who may change something, and pages."""
    slug = decision.experiment
    of = {} if slug is None else {"experiment": slug}
    acts = {
        REVIEW: Way("Approve", "workers-approve", of),
        OWED: Way("Pay bonuses", "workers-bonus", {**of, "auto": "1"}, ("reason", "Reason")),
        DELETABLE: Way("Delete", "hits-delete", of),
    }
    looks = {
        REVIEW: ("Look at the work", link_to("work.index", status="Submitted", **of)),
        OWED: ("Look at who is owed", url_for("participants.index", mode=here.mode, sort="bonus", desc="1")),
        UNCLEAR: ("Look at the bonuses", url_for("participants.index", mode=here.mode, sort="bonus", desc="1")),
        DELETABLE: ("Look at the HITs", link_to("hits.index", **of)),
        UNKNOWN: ("Look at the HITs", link_to("hits.index")),
        CUT_SHORT: ("See what was done", None if decision.run is None else url_for("acts.show", number=decision.run)),
    }
    ways = []
    act = acts.get(decision.about or "")
    if act is not None and slug is not None and here.may_change:
        ways.append(act)
    words, target = looks.get(decision.about or "", ("", None))
    return [*ways, Way(words, address=target)] if target is not None else ways


def _mode_words(here: Desk) -> str:
    return "" if here.mode == here.parts.studies.first_mode else f"--mode {here.mode}"
