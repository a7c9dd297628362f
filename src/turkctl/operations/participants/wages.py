"""Show what participants earned per hour, for each or by group.

:mod:`turkctl.operations.payments.earnings` has the formula.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from turkctl.operations.participants.filters import Query, zone_of
from turkctl.operations.participants.lists import OF_PARTICIPANT, Ordering, Reads, listed
from turkctl.operations.payments.earnings import OF_GROUP, earning, hourly, last_if_missing, summary
from turkctl.store import wages
from turkctl.store.participant_lists import COLUMNS, COUNT, DONE, GROUPS
from turkctl.store.wages import TimedWork
from turkctl.words import known_name

EXPERIMENT = "experiment"
"""A group for wages besides those of counts: the experiment that the HIT belongs to."""
NEEDED = ("assignment_id", "worker_id", "mode", "begin_hit", "end_hit")
"""Columns of a participant that :func:`add_wages` needs."""
Worked = list[tuple[dict[str, Any], TimedWork | None]]


def listed_with_wages(
    reads: Reads, query: Query, ordering: Ordering, columns: Sequence[str] = ()
) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Return the columns and rows of ``participants list`` with ``minutes`` and ``wage``.

    Minutes run from accepting to submitting, or from begin_hit to end_hit if only psiTurk's row has times.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`turkctl.operations.participants.lists.listed`; also if the
            database has no tables of turkctl, which hold the rewards.
    """
    by_wage = ordering.by in OF_PARTICIPANT
    names = [column for column in columns if column not in OF_PARTICIPANT]
    wanted = list(dict.fromkeys([*names, *NEEDED])) if columns else ()
    shown, rows = listed(reads, query, Ordering() if by_wage else ordering, wanted)
    found = add_wages(reads, rows)
    if by_wage:
        found = _in_order(found, ordering)
    if not columns:
        return [*shown, *OF_PARTICIPANT], found
    return columns, [{column: row[column] for column in columns} for row in found]


def add_wages(reads: Reads, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that have the columns :data:`NEEDED` with ``minutes`` and ``wage``.

    Raises:
        SchemaError: the database has no tables of turkctl, which hold the rewards.
    """
    return [row | _wage(row, work) for row, work in _worked(reads, rows)]


def grouped_with_wages(
    reads: Reads, query: Query, ordering: Ordering, by: Sequence[str]
) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Return the columns and rows of ``participants list --wage --group-by``: counts of participants, and wages.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`listed_with_wages`.
    """
    keys = [known_name(each, (*GROUPS, EXPERIMENT), "group") for each in dict.fromkeys(by)]
    if ordering.by is not None:
        known_name(ordering.by, (*keys, COUNT, *OF_GROUP), "column of these groups")
    names = {column: name for name, column in COLUMNS.items()}
    stored = [DONE if key == DONE else names[GROUPS[key]] for key in keys if key in GROUPS]
    _shown, rows = listed(reads, query, Ordering(), list(dict.fromkeys([*NEEDED, *stored])))
    zone = zone_of(reads.settings)
    groups: dict[tuple[Any, ...], Worked] = defaultdict(list)
    for row, work in _worked(reads, rows):
        began = row["begin_hit"]
        row["hit"], row["worker"] = row.get("hit_id"), row.get("worker_id")
        row["day"] = began.astimezone(zone).date().isoformat() if isinstance(began, datetime) else None
        row[EXPERIMENT] = None if work is None else work.experiment
        groups[tuple(row[key] for key in keys)].append((row, work))
    found = []
    for values, members in groups.items():
        earnings = [paid for _row, work in members if work is not None and (paid := earning(work)) is not None]
        found.append(dict(zip(keys, values, strict=True)) | {COUNT: len(members)} | summary(earnings))
    found.sort(key=lambda row: [last_if_missing(row[key]) for key in keys])
    return [*keys, COUNT, *OF_GROUP], _in_order(found, ordering)


def _worked(reads: Reads, rows: Iterable[dict[str, Any]]) -> Worked:
    """Return the rows, each with its assignment if turkctl knows it."""
    rows = list(rows)
    by_mode: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["mode"] is not None:
            by_mode[row["mode"]].append(row["assignment_id"])
    with reads.database.read() as session:
        known = {mode: wages.timed_work(session, mode, names) for mode, names in by_mode.items()}
    work = [known.get(row["mode"], {}).get(row["assignment_id"]) for row in rows]
    return [
        (row, each if each is not None and each.worker_id == row["worker_id"] else None)
        for row, each in zip(rows, work, strict=True)
    ]


def _wage(row: dict[str, Any], work: TimedWork | None) -> dict[str, Any]:
    time = _time(row) if work is None else work.time
    paid = None if work is None else earning(work)
    return {
        "minutes": None if time is None else round(time / timedelta(minutes=1), 2),
        "wage": None if paid is None else hourly(paid.dollars, paid.time),
    }


def _time(row: dict[str, Any]) -> timedelta | None:
    began, ended = row["begin_hit"], row["end_hit"]
    both = isinstance(began, datetime) and isinstance(ended, datetime)  # SQLite may hold text that is not a time
    return ended - began if both and ended > began else None


def _in_order(rows: list[dict[str, Any]], ordering: Ordering) -> list[dict[str, Any]]:
    """Return the wanted part of the rows sorted by a column, missing values last in either direction."""
    by = ordering.by
    if by is not None:
        missing = [row for row in rows if row[by] is None]
        known = [row for row in rows if row[by] is not None]
        rows = sorted(known, key=lambda row: row[by], reverse=ordering.descending) + missing
    elif ordering.descending:
        rows = rows[::-1]
    last = None if ordering.limit is None else ordering.offset + ordering.limit
    return rows[ordering.offset : last]
