"""One person: their work, answers, wages, bonuses and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import address, link_to
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.participant_names import shown_name
from turkctl.operations.participants.person import show_person
from turkctl.operations.payments.ledger import LedgerQuery, list_payments

pages = Blueprint("people", __name__)

MOST = 200
"""Rows of each list; a person with more is seldom looked at row by row."""
FACTS = (
    *("assignments", "submitted", "approved", "rejected", "last_seen", "hours", "wage"),
    *("gold_n", "gold_accuracy", "gold_low", "gold_high", "blocked"),
)
WORK = ("assignment_id", "experiment", "status", "submitted", "reward", "bonuses", "paid", "minutes", "wage")
PAYMENTS = ("paid_at", "kind", "assignment_id", "experiment", "amount", "fee", "reason", "source")
MESSAGES = ("sent", "about", "subject", "text", "delivered", "detail")
ROWS = ("uniqueid", "condition", "codeversion", "begin_hit", "end_hit", "bonus", "status")
KEPT_OUT = ("experiment", "purpose", "granted", "error")

Row = Mapping[str, Any]


@pages.get("/workers/<worker>")
def show(worker: str) -> ResponseReturnValue:
    """Show one worker of the session's mode; ``refresh=1`` also asks the market whether they are blocked."""
    here, refresh = desk(), request.args.get("refresh") == "1"
    worker_id = here.find_worker(worker)
    found = show_person(here.world, worker_id, refresh=refresh)
    person = here.veil.rows([found | {"payments": list_payments(here.world, LedgerQuery(worker_id=worker_id))}])[0]
    lists = ("work", "payments", "messages", "exclusions", "participants")
    return page(
        "person.html",
        ["workers", "show", person["worker_id"], *(["--refresh"] if refresh else [])],
        person=person,
        shown={name: person[name][-MOST:][::-1] for name in lists},
        more={name: max(0, len(person[name]) - MOST) for name in lists},
        facts=FACTS,
        columns={
            "work": WORK,
            "payments": PAYMENTS,
            "messages": MESSAGES,
            "participants": ROWS,
            "exclusions": KEPT_OUT,
        },
        links={"assignment_id": _to_work, "hit_id": _to_hit, "uniqueid": _to_participant},
        refresh_address=address(refresh="1"),
    )


def _to_work(row: Row) -> str | None:
    return link_to("work.show", assignment_id=row["assignment_id"])


def _to_hit(row: Row) -> str | None:
    return link_to("hits.show", hit_id=row["hit_id"])


def _to_participant(row: Row) -> str:
    return url_for("participant.show", wanted=shown_name(row))
