"""Let people in whom a panel sends, and keep what their session may open small: whoever guesses an id gets no more."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.market.entries import LONGEST_VALUE, MOST_PARAMETERS
from turkctl.market.errors import WorkError
from turkctl.market.site.desk import MemberAccount, me, parts
from turkctl.web.app import error_page

pages = Blueprint("panel_door", __name__, url_prefix="/worker")

ENTERED = "entered"
"""The key of a session that began with a panel's id: it is no proof of who somebody is."""
_ASK = "Ask whoever sent you the address."
_NEVER = ("entrance.password_form", "entrance.choose_password")
"""Pages that would let whoever guessed an id take a person's place for good."""


@pages.get("/enter/<panel>/<key>")
def enter(panel: str, key: str) -> ResponseReturnValue:
    """Come in; who is signed in as somebody else is asked first who they are."""
    given = _given()
    if not current_user.is_authenticated:
        return _come_in(panel, key, given)
    try:
        member = parts().market.panel_member(parts().environment, panel, key, given)
    except WorkError as error:
        return _counted() or _refused(error)
    if member.worker_id == me().worker_id:
        return _come_in(panel, key, given, me().worker_id)
    return _counted() or render_template("market/enter.html", panel=panel, here=_here(panel, key, given))


@pages.post("/enter/<panel>/<key>")
def choose(panel: str, key: str) -> ResponseReturnValue:
    """Come in as who is signed in, or as somebody else at the same browser."""
    if request.form.get("who") == "other":
        parts().door.leave()
    stays = who_stays()
    return (_counted() if stays else None) or _come_in(panel, key, _given(), stays)


def _given() -> dict[str, str]:
    """Return the first values of the address's parameters, as far as they can be what a panel sends."""
    found = list(request.args.items())[: 2 * MOST_PARAMETERS]
    return {name: value for name, value in found if len(value) <= LONGEST_VALUE}


def _come_in(panel: str, key: str, given: dict[str, str], worker_id: str | None = None) -> ResponseReturnValue:
    wait = None if worker_id is not None else _counted()
    if wait is not None:
        return wait
    market, environment = parts().market, parts().environment
    try:
        entered = market.enter(environment, panel, key, given, worker_id)
    except WorkError as error:
        if error.code == "SignIn":
            return redirect(url_for("entrance.sign_in_form", next=_here(panel, key, given)), 303)
        return _refused(error)
    if worker_id is None:
        person = market.person(environment, entered)
        assert person is not None
        parts().door.welcome(MemberAccount(person))
        session[ENTERED] = True
    return redirect(url_for("listing.index"), 303)


def _here(panel: str, key: str, given: dict[str, str]) -> str:
    # The query is put together here: to url_for, names such as _scheme and endpoint would mean something else.
    return f"{url_for('panel_door.enter', panel=panel, key=key)}?{urlencode(given)}"


def _counted() -> ResponseReturnValue | None:
    """Count an attempt of this address; return a page if there were too many."""
    wait = parts().market.note_entrance(request.remote_addr or "", parts().door.clock())
    if wait is None:
        return None
    minutes = -(-int(wait.total_seconds()) // 60)
    words = f"Too many people came in from your network. Try again in {minutes} min."
    return error_page("Not now", words, 429)


def _refused(error: WorkError) -> ResponseReturnValue:
    if error.code == "NoEntry":
        return error_page("No such address", error.message, 404, _ASK)
    return error_page("You cannot come in", error.message, 400, _ASK)


def is_entered() -> bool:
    """Return whether this session began with a panel's id."""
    return bool(session.get(ENTERED))


def who_stays() -> str | None:
    """Return the worker id of whoever is signed in and stays who they are when they come in again, or None.

    A session that began with a panel's id proves nothing: an invitation or another id that it opens would become the
    person's, and let whoever guessed the id in for good.
    """
    return me().worker_id if current_user.is_authenticated and not is_entered() else None


def guard() -> None:
    """Keep sessions that began with a panel's id away from what is not the panel's business."""
    if not is_entered() or request.endpoint is None:
        return
    if request.endpoint in _NEVER:
        abort(403, "Your panel's address is how you come in: there is no name and password to choose.")
    if request.blueprint == "mine" and not parts().market.is_made_by_panel(parts().environment, me().worker_id):
        abort(403, "You came in by a panel. To see this, come in by your own invitation, or by name and password.")
