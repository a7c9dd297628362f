"""The mode of the session, the balance of each mode, and what this server is: database, markets, scheduler, version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from turkctl import __version__
from turkctl.addresses import mask_url
from turkctl.dashboard.desk import MODE, Desk, desk, page, parts
from turkctl.errors import TurkctlError
from turkctl.operations.tasks.scheduler import scheduler_status
from turkctl.settings import MODES
from turkctl.web.inside import inside
from turkctl.words import known_name

if TYPE_CHECKING:
    from turkctl.settings import Settings

pages = Blueprint("settings", __name__)

AMAZON = "Amazon Mechanical Turk"


@pages.get("/settings")
def index() -> ResponseReturnValue:
    """Show the mode of this session, the balances, the database, the markets and who runs the scheduler."""
    here = desk()
    return page(
        "settings.html",
        ["balance", "--all-modes"],
        modes=[(mode, _market(parts().studies(mode).settings)) for mode in MODES],
        database=here.world.settings.masked("database_url"),
        version=__version__,
        **_scheduler(here),
    )


def _market(settings: Settings) -> str:
    """Return the market of a mode, without secrets."""
    if settings.mode == "local":
        return f"built-in, {settings.masked('market_url')}"
    endpoint = settings.endpoint_url
    if endpoint is not None:
        return mask_url(endpoint)
    return f"{AMAZON}, sandbox" if settings.mode == "sandbox" else AMAZON


def _scheduler(here: Desk) -> dict[str, Any]:
    """Return who runs tasks; or why that is unknown, as in a database without tables of turkctl's."""
    try:
        return {"scheduler": scheduler_status(here.world), "scheduler_trouble": None}
    except TurkctlError as error:
        return {"scheduler": None, "scheduler_trouble": error.message}


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
