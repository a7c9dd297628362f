"""Count people, HITs and assignments, for whoever runs the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Table, func, select

from turkctl.market import rules, tables
from turkctl.market.tx import Tx, to_ms, when

_TAKEN = tables.assignment.c
_MINUTE = 60_000


@dataclass(frozen=True)
class DayFigures:
    """What was submitted on one day of UTC, and how long people took for it."""

    day: date
    submissions: int
    people: int
    median_minutes: float


@dataclass(frozen=True)
class Figures:
    """The market in numbers.

    Attributes:
        people: persons who were added, invited, or sent by a panel.
        workers: worker ids, those of simulated workers too.
        hits: number of HITs by status; those that were deleted are not counted.
        assignments: number of assignments by status.
        waiting: submitted assignments that wait for a decision.
        oldest_waiting: when the first of them was submitted.
        median_minutes: from acceptance to submission, for the days that are listed.
        days: those on which something was submitted, latest first.
    """

    people: int
    workers: int
    hits: dict[str, int]
    assignments: dict[str, int]
    waiting: int
    oldest_waiting: datetime | None
    median_minutes: float | None
    days: list[DayFigures]


def figures(tx: Tx, days: timedelta) -> Figures:
    """Return the market in numbers, by day for the last ``days``, today among them."""
    assignments = _by_status(tx, tables.assignment)
    oldest = select(func.min(_TAKEN.submitted_at)).where(
        _TAKEN.environment == tx.environment, _TAKEN.status == rules.SUBMITTED
    )
    first = tx.connection.execute(oldest).scalar_one()
    since = when(tx.now).replace(hour=0, minute=0, second=0, microsecond=0) - days + timedelta(days=1)
    minutes, listed = _days(tx, to_ms(since))
    return Figures(
        _count(tx, tables.person),
        _count(tx, tables.worker),
        _by_status(tx, tables.hit),
        assignments,
        assignments.get(rules.SUBMITTED, 0),
        None if first is None else when(first),
        round(median(minutes), 1) if minutes else None,
        listed,
    )


def _count(tx: Tx, table: Table) -> int:
    counted = select(func.count()).select_from(table).where(table.c.environment == tx.environment)
    return int(tx.connection.execute(counted).scalar_one())


def _by_status(tx: Tx, table: Table) -> dict[str, int]:
    mine = [table.c.environment == tx.environment, *([table.c.listed == 1] if table is tables.hit else [])]
    counted = select(table.c.status, func.count()).where(*mine).group_by(table.c.status).order_by(table.c.status)
    found: Sequence[Any] = tx.all(counted)
    return {status: int(number) for status, number in found}


def _days(tx: Tx, since: int) -> tuple[list[float], list[DayFigures]]:
    """Return the minutes of all submissions since then, and the figures of their days."""
    submitted = (_TAKEN.environment == tx.environment, _TAKEN.submitted_at >= since)
    found: dict[date, list[tuple[float, str]]] = {}
    rows = tx.connection.execute(select(_TAKEN.submitted_at, _TAKEN.accepted_at, _TAKEN.worker_id).where(*submitted))
    for at, accepted, worker_id in rows:
        found.setdefault(when(at).date(), []).append(((at - accepted) / _MINUTE, worker_id))
    listed = [
        DayFigures(
            day, len(done), len({worker for _, worker in done}), round(median(minutes for minutes, _ in done), 1)
        )
        for day, done in sorted(found.items(), reverse=True)
    ]
    return [minutes for done in found.values() for minutes, _ in done], listed
