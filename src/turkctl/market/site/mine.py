"""Show people their own work, earnings, messages and qualifications."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from turkctl.market.errors import WorkError
from turkctl.market.my_work import Piece
from turkctl.market.site.desk import me, parts

pages = Blueprint("mine", __name__, url_prefix="/worker")

STATUSES = {
    "Accepted": "Accepted",
    "Submitted": "Submitted, waiting for the requester",
    "Approved": "Approved",
    "Rejected": "Rejected",
    "Returned": "Returned",
    "Abandoned": "Time ran out",
}
"""The statuses of assignments, in the order in which they are shown, and in words."""


@pages.get("/mine")
def index() -> ResponseReturnValue:
    """Show my work by status, and what I earned by status and day."""
    market, environment = parts().market, parts().environment
    pieces = market.work_of(environment, me().worker_id)
    by_status = {status: [each for each in pieces if each.status == status] for status in STATUSES}
    return render_template(
        "market/mine.html",
        sections=[(words, by_status[status]) for status, words in STATUSES.items() if by_status[status]],
        sums=[
            (words, len(by_status[status]), _sum(by_status[status]))
            for status, words in STATUSES.items()
            if by_status[status] and status in ("Submitted", "Approved")
        ],
        bonuses=sum((each.bonus for each in pieces), Decimal(0)),
        days=market.earnings_of(environment, me().worker_id),
    )


def _sum(pieces: list[Piece]) -> Decimal:
    return sum((each.reward for each in pieces), Decimal(0))


@pages.get("/messages")
def messages() -> ResponseReturnValue:
    """Show what requesters wrote to me."""
    return render_template(
        "market/messages.html", messages=parts().market.messages(parts().environment, me().worker_id)
    )


@pages.get("/qualifications")
def qualifications() -> ResponseReturnValue:
    """Show the qualifications that I hold, asked for, or can request."""
    found = parts().market.qualifications_of(parts().environment, me().worker_id)
    return render_template("market/qualifications.html", qualifications=found)


@pages.post("/qualifications/<type_id>/request")
def ask(type_id: str) -> ResponseReturnValue:
    """Request a qualification that has no test."""
    market, environment = parts().market, parts().environment
    found = {each.type_id: each for each in market.qualifications_of(environment, me().worker_id)}
    if type_id not in found:
        abort(404, "There is no such qualification.")
    try:
        told = market.request_qualification(environment, me().worker_id, type_id)
    except WorkError as error:
        flash(error.message, "warning")
    else:
        granted = told["Status"] == "Granted"
        flash("You hold it now." if granted else "You asked for it; the requester decides.", "info")
    return redirect(url_for("mine.qualifications"), 303)
