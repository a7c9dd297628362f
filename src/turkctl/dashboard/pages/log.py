"""What was done, when, by whom, with which command, at what cost."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.desk import desk, page
from turkctl.operations.log import COLUMNS, LogQuery, list_log

pages = Blueprint("log", __name__)

MOST = 200
"""Lines of the page."""


@pages.get("/log")
def index() -> ResponseReturnValue:
    """Show the log of acts of this mode, the newest first."""
    rows = desk().veil.rows(reversed(list_log(desk().world, LogQuery(limit=MOST))))
    return page(
        "log.html", ["log"], columns=COLUMNS, rows=rows, run=lambda row: url_for("acts.show", number=row["number"])
    )
