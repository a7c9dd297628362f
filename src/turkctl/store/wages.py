"""Read how long work took and what was paid for it besides the reward, for hourly wages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS
from turkctl.store.base import ANY_MARKET, Place, chunks
from turkctl.store.participants import Claim, participants_table
from turkctl.store.payments import BONUS, PAYMENTS
from turkctl.store.rewards import PAID_AS_COMPENSATION
from turkctl.store.workers import WORK, WorkFilter, WorkRow, at_place, narrowed_parts


@dataclass(frozen=True)
class TimedWork(WorkRow):
    """An assignment with the times between which it was done."""

    accepted: datetime | None
    submitted: datetime | None
    paid: Decimal
    """Dollars of bonuses in the ledger."""

    @property
    def time(self) -> timedelta | None:
        """Return the time from accepting to submitting; None unless the market reported both."""
        if self.accepted is None or self.submitted is None or self.submitted <= self.accepted:
            return None
        return self.submitted - self.accepted


_OF_ASSIGNMENT = (
    PAYMENTS.c.mode == ASSIGNMENTS.c.mode,
    PAYMENTS.c.market == ASSIGNMENTS.c.market,
    PAYMENTS.c.assignment_id == ASSIGNMENTS.c.assignment_id,
    PAYMENTS.c.worker_id == ASSIGNMENTS.c.worker_id,
)
BONUSES = (
    select(func.sum(PAYMENTS.c.amount))
    .where(*_OF_ASSIGNMENT, PAYMENTS.c.kind == BONUS)
    .correlate(ASSIGNMENTS)
    .scalar_subquery()
)
"""The ledger's bonuses of an assignment; NULL if there are none."""
_TIMED = WORK.add_columns(ASSIGNMENTS.c.accepted, ASSIGNMENTS.c.submitted, BONUSES).where(~PAID_AS_COMPENSATION)
"""Compensations are left out: they pay for work that was done elsewhere, in a time that nobody knows."""


def approved_work(session: Session, wanted: WorkFilter) -> list[TimedWork]:
    """Return the approved assignments that match, in the order in which they were stored."""
    statement = _TIMED.where(*at_place(wanted.place), ASSIGNMENTS.c.status == APPROVED).order_by(ASSIGNMENTS.c.id)
    rows = (_timed(row) for part in narrowed_parts(statement, wanted) for row in session.connection().execute(part))
    return list({row.assignment_id: row for row in rows if wanted.matches(row)}.values())


def timed_work(session: Session, mode: str, assignment_ids: Sequence[str]) -> dict[str, TimedWork]:
    """Return those of the assignments that a mode has stored, whatever their status, each with its true worker."""
    statement = _TIMED.where(*at_place(Place(mode, ANY_MARKET)))
    parts = (statement.where(ASSIGNMENTS.c.assignment_id.in_(part)) for part in chunks(assignment_ids))
    return {row.assignment_id: _timed(row) for part in parts for row in session.connection().execute(part)}


def conditions(session: Session, name: str, mode: str, assignment_ids: Sequence[str]) -> dict[Claim, int | None]:
    """Return the conditions that the participants table has for these assignments, by assignment and worker."""
    table = participants_table(name)
    statement = select(table.c.assignmentid, table.c.workerid, table.c.cond).where(table.c.mode == mode)
    parts = (statement.where(table.c.assignmentid.in_(part)) for part in chunks(assignment_ids))
    return {(row[0], row[1]): row[2] for part in parts for row in session.connection().execute(part)}


def _timed(row: Row[Any]) -> TimedWork:
    values: list[Any] = list(row)
    if values[-1] is None:
        values[-1] = Decimal("0.00")  # the sum of no bonuses
    return TimedWork(*values)
