"""Campaigns: those at work and past ones, one with its rounds and progress, a new one, a change of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.cells import plain
from turkctl.dashboard.acts.campaign_fields import LABELS
from turkctl.dashboard.addresses import Sorting, address
from turkctl.dashboard.campaign_states import is_running, may_change, round_words, state_words
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.downloads import csv_download
from turkctl.dashboard.pages.experiment_choice import version_options
from turkctl.errors import NotFoundError, WrongMarketError
from turkctl.operations.campaigns.lists import COLUMNS, list_campaigns, show_campaign
from turkctl.operations.campaigns.progress import progress_of
from turkctl.operations.experiments.people import unclaimed_warning
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.of_psiturk import unassigned_warning
from turkctl.operations.workers.wages import by_group
from turkctl.units import format_duration, format_money, parse_zone

pages = Blueprint("campaigns", __name__)

PAST = ("id", "experiment", "codeversion", "goal", "completed", "rounds", "spent", "paid", "status", "ended", "reason")
"""Columns of past campaigns."""
ROUND = ("round", "started", "completed", "outstanding", "wanted", "posted", "hits", "cost", "outcome", "reason")


@pages.get("/campaigns")
def index() -> ResponseReturnValue:
    """Show the campaigns of this mode: those at work with their next round, then past ones."""
    world = desk().world
    active = [show_campaign(world, row["id"]) for row in list_campaigns(world, active=True)]
    sorting, ended = Sorting(COLUMNS), request.args.get("ended") == "1"
    return page(
        "campaigns.html",
        ["campaigns", "list", *(["--ended"] if ended else []), *sorting.words],
        active=active,
        past=_sorted(list_campaigns(world, past=True, ended=ended), sorting),
        ended=ended,
        columns=PAST,
        sorting=sorting,
        link=lambda row: url_for("campaigns.show", number=row["id"]),
        state_words=state_words,
        round_words=round_words,
    )


def _sorted(rows: list[dict[str, Any]], sorting: Sorting) -> list[dict[str, Any]]:
    """Return the rows in the order of the address; without one, the newest first."""
    by = sorting.by
    if by is None or by not in COLUMNS:
        return rows[::-1]
    known = [row for row in rows if row[by] is not None]
    missing = [row for row in rows if row[by] is None]
    return sorted(known, key=lambda row: row[by], reverse=sorting.descending) + missing


@pages.get("/campaigns/<int:number>")
def show(number: int) -> ResponseReturnValue:
    """Show one campaign: people, money, its next round and why, its rounds, its progress and wages."""
    row = _campaign(number)
    if request.args.get("format") == "csv":
        return _download(row)
    warnings = [unclaimed_warning(each) for each in row["unclaimed"]]
    if row["unassigned"]:
        warnings.append(unassigned_warning(row["unassigned"]))
    return page(
        "campaign.html",
        ["campaigns", "show", str(number)],
        row=row,
        progress=progress_of(desk().world, number),
        terms=_terms(row),
        wages=_wages(number),
        warnings=warnings,
        columns=ROUND,
        rounds=row["history"][::-1],
        state=state_words(row),
        coming=round_words(row["next_round"]),
        running=is_running(row),
        may_change=may_change(row),
        csv_address=address(format="csv"),
    )


@pages.get("/campaigns/<int:number>/progress.json")
def progress(number: int) -> ResponseReturnValue:
    """Return the numbers of the chart."""
    _campaign(number)
    return jsonify(plain(progress_of(desk().world, number)))


def _campaign(number: int) -> dict[str, Any]:
    """Return what is known of a campaign of the session's mode.

    Raises:
        NotFoundError: there is none of that number.
        WrongMarketError: it recruits in another mode.
    """
    if number > _MOST_NUMBER:
        raise NotFoundError(f"there is no campaign {number}", hint="see the list of campaigns")
    row, mode = show_campaign(desk().world, number), desk().mode
    if row["mode"] != mode:
        raise WrongMarketError(
            f"campaign {number} belongs to mode {row['mode']}, and this session is in mode {mode}",
            hint="switch the mode of this session in the settings",
        )
    return row


_MOST_NUMBER = 2**31 - 1
"""The highest number that a column of the database holds."""


def _terms(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return how a campaign recruits, as (heading, value)."""
    hours = f"{row['hours']} {row['timezone']}" if row["hours"] else "all day"
    return [
        ("Experiment", f"{row['experiment']} {row['codeversion']}"),
        ("Reward", row["reward"]),
        ("Time allotted", format_duration(row["duration"])),
        ("Time between rounds", format_duration(row["every"])),
        ("Assignments per round", row["per_round"]),
        ("Budget", "none of its own" if row["budget"] is None else row["budget"]),
        ("Hours", hours),
        ("Start (UTC)", row["start_at"] or "at once"),
        ("End (UTC)", row["end_at"] or "when the goal is met"),
        ("Repeat workers", "allowed" if row["allow_repeat_workers"] else "kept out"),
        ("Created (UTC)", row["created"]),
        *([("Ended (UTC)", row["ended"])] if row["ended"] else []),
    ]


def _wages(number: int) -> dict[str, Any] | None:
    """Return what workers of a campaign earned per hour; None if no timed work is approved."""
    _columns, rows = by_group(desk().world, WorkSelection(Selection(campaign=number)), ["campaign"])
    return next(iter(rows), None)


def _download(row: Mapping[str, Any]) -> Response:
    """Return all rounds as CSV; cells that a spreadsheet would run are quoted."""
    columns = ("round", "started", "finished", "goal", *ROUND[2:4], "unsettled", *ROUND[4:])
    return csv_download(f"campaign-{row['id']}-rounds.csv", columns, row["history"])


@pages.get("/campaigns/new")
def new() -> ResponseReturnValue:
    """Show the form of a new campaign, filled in from the address."""
    desk().require_manager()
    values, versions = request.args, version_options(desk().world)
    given = values.get("experiment") or (versions[0][0] if len(versions) == 1 else "")
    return page(
        "campaign_new.html",
        ["campaigns", "create", *option("--goal", values.get("goal") or "20")],
        values={**values.to_dict(), "experiment": given},
        versions=versions if len(versions) == 1 else [("", "choose one"), *versions],
        labels=LABELS,
    )


@pages.get("/campaigns/<int:number>/change")
def change(number: int) -> ResponseReturnValue:
    """Show the form that changes a campaign, filled in with what it has."""
    desk().require_manager()
    row = _campaign(number)
    return page(
        "campaign_change.html",
        ["campaigns", "update", str(number)],
        row=row,
        values=_values(row),
        labels=LABELS,
        may_change=may_change(row),
        state=state_words(row),
    )


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a campaign has as texts of the form; its end is in its own time zone."""
    zone = parse_zone(row["timezone"]) if row["timezone"] else UTC
    end: datetime | None = row["end_at"]
    return {
        "goal": row["goal"],
        "every": format_duration(row["every"]),
        "per_round": row["per_round"],
        "budget": "" if row["budget"] is None else format_money(row["budget"]),
        "reward": format_money(row["reward"]),
        "duration": format_duration(row["duration"]),
        "end_at": "" if end is None else f"{end.astimezone(zone):%Y-%m-%dT%H:%M}",
        "hours": row["hours"] or "",
        "timezone": row["timezone"] or "",
    }
