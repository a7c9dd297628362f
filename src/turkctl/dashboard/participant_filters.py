"""Read the filter of participants from an address, and write it as options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from turkctl.dashboard.acts.forms import whole
from turkctl.dashboard.addresses import address
from turkctl.dashboard.commands import option, options
from turkctl.dashboard.desk import desk
from turkctl.errors import UsageError
from turkctl.operations.participants.filters import Query, zone_of
from turkctl.operations.participants.lists import STATUSES
from turkctl.units import format_time, parse_time
from turkctl.words import known_name

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

GROUPS = ("condition", "status", "codeversion", "mode", "day", "complete")
"""What participants can be counted by."""
MISSING = ("mode", "condition", "codeversion", "status")
"""Columns whose missing values can be asked for, as in ``missing=condition``."""
_REPEATED = ("mode", "condition", "codeversion", "status", "worker", "hit", "campaign")
_COMPLETE = {"": None, "yes": True, "no": False}


def several(args: MultiDict[str, str], name: str) -> list[str]:
    """Return the values of a repeatable part of an address, each once; empty fields of forms are none."""
    return list(dict.fromkeys(each for each in args.getlist(name) if each))


def read_query(args: MultiDict[str, str]) -> Query:
    """Return the filter that an address names; worker ids may be pseudonyms.

    Raises:
        UsageError: a value is invalid.
        NotFoundError: nobody has such a pseudonym.
    """
    complete = args.get("complete", "")
    if complete not in _COMPLETE:
        raise UsageError(f"complete is '{complete}'", hint="it is yes or no")
    here = desk()
    return Query(
        modes=several(args, "mode"),
        conditions=[whole(each, "the condition") for each in several(args, "condition")],
        code_versions=several(args, "codeversion"),
        current=args.get("current") == "1",
        statuses=several(args, "status"),
        complete=_COMPLETE[complete],
        workers=[here.find_worker(each) for each in several(args, "worker")],
        hits=several(args, "hit"),
        campaigns=[whole(each, "the campaign") for each in several(args, "campaign")],
        since=args.get("since") or None,
        until=args.get("until") or None,
        where=[f"{each}=" for each in _missing(args)],
    )


def _missing(args: MultiDict[str, str]) -> list[str]:
    return [known_name(each, MISSING, "column") for each in several(args, "missing")]


def query_words(args: MultiDict[str, str]) -> list[str]:
    """Return the filter as options of ``participants list``."""
    complete = {"yes": ["--complete"], "no": ["--incomplete"]}.get(args.get("complete", ""), [])
    return [
        *(word for name in _REPEATED for word in options(f"--{name}", several(args, name))),
        *(["--current"] if args.get("current") == "1" else []),
        *complete,
        *option("--since", args.get("since")),
        *option("--until", args.get("until")),
        *options("--where", [f"{each}=" for each in several(args, "missing")]),
    ]


def read_groups(args: MultiDict[str, str]) -> list[str]:
    """Return what to count by.

    Raises:
        UsageError: it is none of :data:`GROUPS`.
    """
    return [known_name(each, GROUPS, "group") for each in several(args, "group_by")]


def psiturk_groups(args: MultiDict[str, str]) -> list[str]:
    """Return the groups of psiTurk's own table: one with a single value is left out."""
    left_out = {"codeversion": args.get("current") == "1", "status": args.get("complete") == "yes"}
    return [name for name in ("codeversion", "mode", "condition", "status") if not left_out.get(name)]


def group_address(row: Mapping[str, Any], args: MultiDict[str, str]) -> str | None:
    """Return the address of the rows of one group; None where no filter finds them."""
    changes: dict[str, Any] = dict.fromkeys(("group_by", "page", "sort", "desc"))
    missing = several(args, "missing")
    for name, value in row.items():
        if name == "count":
            continue
        if name == "complete":
            changes[name] = "yes" if value else "no"
        elif value is None and name in MISSING:
            missing.append(name)
        elif name == "day":
            span = _span(value, args)
            if span is None:
                return None
            changes |= span
        elif value in (None, "") or (name == "status" and value not in STATUSES):
            return None
        else:
            changes[name] = [str(value)]
    return address(**changes, missing=missing or None)


def _span(day: Any, args: MultiDict[str, str]) -> dict[str, str] | None:
    """Return the part of the filter's time that is on one day of the table's own clock."""
    zone = zone_of(desk().world.settings)
    try:
        begins = date.fromisoformat(day)
        spans = [_midnight(begins, zone), _midnight(begins + timedelta(days=1), zone)]
    except (TypeError, ValueError, OverflowError):  # SQLite may hold text that is no time
        return None
    since, until = args.get("since"), args.get("until")
    first = max([spans[0], *([parse_time(since)] if since else [])])
    last = min([spans[1], *([parse_time(until)] if until else [])])
    return {"since": format_time(first), "until": format_time(last)}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
