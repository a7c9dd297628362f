"""Show people their own work, earnings, messages and qualifications."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.market.answers import Fields
from turkctl.market.errors import WorkError
from turkctl.market.my_work import Held, Piece
from turkctl.market.site import forms
from turkctl.market.site.desk import me, parts
from turkctl.market.site.form_answers import Filled, read_answers
from turkctl.market.site.question_form import read_form

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
    days = [each for each in market.earnings_of(environment, me().worker_id) if each.rewards or each.bonuses]
    return render_template(
        "market/mine.html",
        sections=[(words, by_status[status]) for status, words in STATUSES.items() if by_status[status]],
        sums=[
            (words, len(by_status[status]), _sum(by_status[status]))
            for status, words in STATUSES.items()
            if by_status[status] and status in ("Submitted", "Approved")
        ],
        bonuses=sum((each.bonus for each in pieces), Decimal(0)),
        days=days,
        paid=bool(days) or any(each.reward or each.bonus for each in pieces),
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
    _qualification(type_id)
    return _request(type_id, None)


@pages.get("/qualifications/<type_id>/test")
def take_test(type_id: str) -> ResponseReturnValue:
    """Show the test of a qualification."""
    return _test_page(_qualification(type_id, tested=True))


@pages.post("/qualifications/<type_id>/test")
def send_test(type_id: str) -> ResponseReturnValue:
    """Request a qualification with the answers to its test, or show it again with what is wrong."""
    found = _qualification(type_id, tested=True)
    filled = dict(request.form.lists())
    reading = read_answers(read_form(found.test or ""), filled)
    if not reading.problems:
        return _request(type_id, reading.answers)
    response = _test_page(found, filled, reading.problems)
    response.status_code = 400
    return response


def _test_page(found: Held, filled: Filled | None = None, problems: Mapping[str, str] | None = None) -> Response:
    shown = forms.shown(found.test, filled, problems)
    page = render_template("market/test.html", qualification=found, form=shown, problems=problems)
    return forms.with_images(make_response(page), found.test)


def _qualification(type_id: str, *, tested: bool = False) -> Held:
    """Return a qualification that I may know of."""
    everything = parts().market.qualifications_of(parts().environment, me().worker_id)
    found = next((each for each in everything if each.type_id == type_id), None)
    if found is None or (tested and found.test is None):
        abort(404, "There is no such qualification.")
    return found


def _request(type_id: str, answers: Fields | None) -> ResponseReturnValue:
    try:
        told = parts().market.request_qualification(parts().environment, me().worker_id, type_id, answers)
    except WorkError as error:
        flash(error.message, "warning")
    else:
        granted = told["Status"] == "Granted"
        flash("You hold it now." if granted else "You asked for it; the requester decides.", "info")
    return redirect(url_for("mine.qualifications"), 303)
