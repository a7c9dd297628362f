"""Translate the filters of ``participants`` from the command line for the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.settings import Settings
from turkctl.store import participants
from turkctl.store.participant_lists import BY_LEDGER, BY_PSITURK, COLUMNS, TIMES, ParticipantFilter
from turkctl.units import parse_time, parse_zone
from turkctl.words import known_name

LEDGER = "turkctl_payment"
"""The table of payments, whose module would cost a list's start-up."""
_NUMBERS = ("condition", "counterbalance")
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Query:
    """The filters as given. Each is repeatable: its values are alternatives."""

    modes: Sequence[str] = ()
    conditions: Sequence[int] = ()
    code_versions: Sequence[str] = ()
    current: bool = False
    """Whether to include only participants of the configured code version."""
    statuses: Sequence[str] = ()
    complete: bool | None = None
    workers: Sequence[str] = ()
    hits: Sequence[str] = ()
    campaigns: Sequence[int] = ()
    owed: bool = False
    """Whether to include only participants with approved work whose bonus was not paid."""
    since: str | None = None
    until: str | None = None
    where: Sequence[str] = ()
    """Conditions ``COLUMN=VALUE``; an empty value matches missing ones."""


def needed_columns(query: Query) -> list[str]:
    """Return the columns that the filters use, by our names."""
    uses = {
        "mode": query.modes,
        "condition": query.conditions,
        "codeversion": query.code_versions or query.current,
        "status": query.statuses or query.complete is not None,
        "worker_id": query.workers,
        "hit_id": query.hits or query.campaigns,
        "begin_hit": query.since or query.until,
    }
    owed = ("bonus", "status", "assignment_id", "worker_id", "mode") if query.owed else ()
    return [*owed, *(name for name, used in uses.items() if used), *(_parse_where(each)[0] for each in query.where)]


def build_filter(session: Session, settings: Settings, query: Query) -> ParticipantFilter:
    """Return the filters as the store takes them.

    Raises:
        UsageError: an unknown status or column, or an invalid time or value.
        NotFoundError: the campaign is unknown, or the current code version is asked for and nothing is configured.
    """
    zone = zone_of(settings)
    _check_campaigns(session, query.campaigns)
    versions = list(query.code_versions) or None
    if query.current:
        current = _current_versions(session, settings)
        versions = current if versions is None else [each for each in versions if each in current]
    names = participants.STATUS_NAMES
    return ParticipantFilter(
        modes=query.modes,
        conditions=[_whole(each) for each in query.conditions],
        code_versions=versions,
        statuses=[names.index(known_name(each, names, "status")) for each in query.statuses],
        complete=query.complete,
        workers=query.workers,
        hits=query.hits,
        campaigns=query.campaigns,
        owed=_owed_by(session) if query.owed else None,
        since=_naive(query.since, zone),
        until=_naive(query.until, zone),
        where=[_where(each, zone) for each in query.where],
    )


def _owed_by(session: Session) -> str:
    """Return where it is looked up whether a bonus is owed: in turkctl's ledger, if the database has one."""
    return BY_LEDGER if participants.exists(session, LEDGER) else BY_PSITURK


def _check_campaigns(session: Session, numbers: Sequence[int]) -> None:
    """Raise NotFoundError if a campaign is unknown.

    Raises:
        NotFoundError: the campaign is unknown.
    """
    if not numbers:
        return
    from turkctl.store import campaigns  # costs start-up, and few lists need it

    for number in numbers:
        if campaigns.get(session, number) is None:
            raise NotFoundError(f"there is no campaign {number}", hint="see: turkctl campaigns list")


def _current_versions(session: Session, settings: Settings) -> list[str]:
    """Return the code versions of all stored experiments, else of those in the project's files.

    Raises:
        NotFoundError: no experiment is configured.
    """
    # These cost a third of a list's start-up, and few lists need them.
    from turkctl.operations.project.files import find as find_experiments
    from turkctl.store import experiments

    versions: list[str] = []
    if participants.exists(session, experiments.EXPERIMENTS.name):
        versions = [each.code_version for each in experiments.list_all(session, inactive=False)]
    if not versions:
        versions = [each.settings.code_version for each in find_experiments(settings.project_file, settings.folder)]
    if not versions:
        raise NotFoundError(
            "no experiment is configured, so there is no current code version", hint="name it with --codeversion"
        )
    return versions


def _parse_where(text: str) -> tuple[str, str]:
    """Return the column (by our name) and the value.

    Raises:
        UsageError: it is not of the form COL=VALUE, or the column is unknown.
    """
    column, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is not a condition", hint="write COLUMN=VALUE, as in --where condition=2")
    column = column.strip()
    theirs = {column: name for name, column in COLUMNS.items()}
    return known_name(theirs.get(column, column), COLUMNS, "column"), value.strip()


def _where(text: str, zone: ZoneInfo) -> tuple[str, Any]:
    column, value = _parse_where(text)
    return COLUMNS[column], _value(column, value, zone) if value else None


def _value(column: str, text: str, zone: ZoneInfo) -> Any:
    if column in TIMES:
        return _naive(text, zone)
    if column == "status" and not text.removeprefix("-").isdigit():
        return participants.STATUS_NAMES.index(known_name(text, participants.STATUS_NAMES, "status"))
    try:
        if column in (*_NUMBERS, "status"):
            return _whole(int(text))
        return _amount(text) if column == "bonus" else text
    except ValueError:
        raise UsageError(f"{column} is a number, not '{text}'", hint=f"write --where {column}=2") from None


def _amount(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _whole(number: int) -> int:
    """Return the number, or raise if it is too large.

    Raises:
        UsageError: no column can hold it.
    """
    if abs(number) > _MOST:
        raise UsageError(f"{number} is too large for any column", hint=f"give at most {_MOST}")
    return number


def zone_of(settings: Settings) -> ZoneInfo:
    """Return the zone of the table's times.

    Raises:
        UsageError: the settings name an unknown zone.
    """
    return parse_zone(settings["participants_timezone"])


def _naive(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Return a time of the command line in the form of the table's times."""
    if text is None:
        return None
    try:
        return parse_time(text).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise UsageError(f"'{text}' is out of the range of times", hint="give a year between 2 and 9998") from None
