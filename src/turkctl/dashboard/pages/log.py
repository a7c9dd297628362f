"""What was done, when, by whom, with which command, at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.addresses import address, page_address, page_number
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.operations.log import COLUMNS, LogQuery, list_log
from turkctl.units import parse_time

pages = Blueprint("log", __name__)

SIZE = 50
"""Lines of a page."""


def read_query(args: Mapping[str, str], number: int) -> LogQuery:
    """Return the lines that an address names, of one page and one line more, by which the next page is known.

    Raises:
        UsageError: a time is invalid.
    """
    return LogQuery(
        since=_time(args, "since"),
        until=_time(args, "until"),
        act=args.get("act") or None,
        experiment=args.get("experiment") or None,
        limit=SIZE + 1,
        all_modes=args.get("all_modes") == "1",
        offset=(number - 1) * SIZE,
    )


def _time(args: Mapping[str, str], name: str) -> datetime | None:
    text = args.get(name)
    return parse_time(text) if text else None


def words_of(args: Mapping[str, str]) -> list[str]:
    """Return the filter as options of ``log``."""
    given = [word for name in ("since", "until", "act", "experiment") for word in option(f"--{name}", args.get(name))]
    return [*given, *(["--all-modes"] if args.get("all_modes") == "1" else [])]


@pages.get("/log")
def index() -> ResponseReturnValue:
    """Show the log of acts of this mode, the newest first."""
    here, number = desk(), page_number()
    query = read_query(request.args, number)
    found = list(reversed(list_log(here.world, query)))
    return page(
        "log.html",
        ["log", *words_of(request.args), "--limit", str(number * SIZE)],
        args=request.args,
        columns=_columns(all_modes=query.all_modes),
        rows=here.veil.rows(found[:SIZE]),
        more=len(found) > SIZE,
        number=number,
        page_address=page_address,
        other_modes=None if query.all_modes else address(all_modes="1", page=None),
        run=_run_address,
    )


def _columns(*, all_modes: bool) -> list[str]:
    """Return the columns; command lines name workers, so only those who may see them see command lines."""
    hidden = () if desk().user.names else ("command",)
    return [each for each in ("mode", *COLUMNS) if each not in hidden and (all_modes or each != "mode")]


def _run_address(row: Mapping[str, Any]) -> str:
    return url_for("acts.show", number=row["number"])
