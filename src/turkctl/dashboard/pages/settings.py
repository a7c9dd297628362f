"""The mode of the session, and the balance of each mode."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.desk import MODE, desk, page, parts
from turkctl.settings import MODES
from turkctl.web.inside import inside
from turkctl.words import known_name

pages = Blueprint("settings", __name__)


@pages.get("/settings")
def index() -> ResponseReturnValue:
    """Show the mode of this session and the balances."""
    return page("settings.html", ["balance", "--all-modes"], modes=MODES)


@pages.post("/settings/mode")
def switch() -> ResponseReturnValue:
    """Switch the mode of this session; other sessions and the project's settings keep theirs."""
    session[MODE] = known_name(request.form.get("mode", ""), MODES, "mode")
    return redirect(inside(request.form.get("from"), "/dashboard", url_for("settings.index")), 303)


@pages.get("/settings/balance")
def balance() -> ResponseReturnValue:
    """Return the balance of the session's mode, or of the mode asked for, for a part of a page."""
    from markupsafe import escape

    mode = request.args.get("mode") or desk().mode
    return str(escape(parts().frames.balance(parts().studies(known_name(mode, MODES, "mode")))))
