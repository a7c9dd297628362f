"""Take what tasks submit: ``POST /mturk/externalSubmit``, from whatever origin a task has.

The assignment id, which nobody can guess, is what entitles to submit: a form from another origin carries no session
that can be relied on, and no token. Where a session comes along, it must be that of the worker.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_login import current_user

from turkctl.market.answers import RESERVED
from turkctl.market.errors import WorkError
from turkctl.market.site.desk import me, parts, site_origin
from turkctl.market.site.frames import NOT_ACCEPTED
from turkctl.market.work import Sent
from turkctl.web.headers import let_be_framed

pages = Blueprint("submit", __name__)

MOST_FIELDS = 5_000
MOST_CHARACTERS = 1_000_000
"""Of all names and values of a submission."""

_SUBMITTED = "Submitted", "Your work was submitted."
_ALREADY = "Submitted", "Your work was already submitted; nothing was changed."


@pages.post("/mturk/externalSubmit")
def external_submit() -> Response:
    """Submit an assignment with the fields of the form, from the address and from the body."""
    assignment_id = _assignment_id()
    if assignment_id is None:
        return _refuse("Nothing was submitted", "This form names no assignment.")
    if assignment_id == NOT_ACCEPTED:
        return _refuse("Nothing was submitted", "This is a preview. Accept the HIT first, then submit.")
    fields = _fields()
    if len(fields) > MOST_FIELDS or _size(fields) > MOST_CHARACTERS:
        return _refuse("Nothing was submitted", "The answers are too long.", 413)
    visitor = me().worker_id if current_user.is_authenticated else None
    try:
        sent = Sent(fields, parts().correct, _as_sent())
        parts().market.submit_from_page(parts().environment, assignment_id, visitor, sent)
    except WorkError as error:
        if error.code == "AlreadySubmitted":
            return _tell(*_ALREADY, assignment_id)
        words = "There is no such assignment of yours." if error.code == "NotFound" else error.message
        return _refuse("Nothing was submitted", words)
    return _tell(*_SUBMITTED, assignment_id)


def keep_body(endpoint: str | None, _arguments: object) -> None:
    """Read the body of a submission before its form is read from it; for ``url_value_preprocessor``."""
    if endpoint == "submit.external_submit":
        request.get_data(cache=True)


def _as_sent() -> bytes:
    """Return the request as it came: address, type and body; no cookies, and nothing of the worker's computer."""
    asked = b"?" + request.query_string if request.query_string else b""
    kind = (request.content_type or "").encode(errors="replace")
    return b"POST %b%b\r\nContent-Type: %b\r\n\r\n%b" % (request.path.encode(), asked, kind, request.get_data())


def _assignment_id() -> str | None:
    """Return the assignment that the form names: in its body, or in the address alone."""
    return request.form.get("assignmentId") or request.args.get("assignmentId") or None


def _fields() -> dict[str, list[str]]:
    """Return all values by name, those of the address first; the market's own names are no answers."""
    found: dict[str, list[str]] = {}
    for source in (request.args, request.form):
        for name, values in source.lists():
            if name not in RESERVED:
                found.setdefault(name, []).extend(values)
    return found


def _size(fields: dict[str, list[str]]) -> int:
    return sum(len(name) + sum(map(len, values)) for name, values in fields.items())


def _tell(title: str, words: str, assignment_id: str) -> Response:
    page = render_template(
        "market/submitted.html",
        title=title,
        words=words,
        assignment_id=assignment_id,
        origin=site_origin(),
        onward=url_for("tasks.done", assignment_id=assignment_id),
    )
    return let_be_framed(make_response(page))


def _refuse(title: str, words: str, status: int = 400) -> Response:
    page = render_template("market/submitted.html", title=title, words=words, assignment_id=None, origin=None)
    return let_be_framed(make_response(page, status))
