"""List stored assignments one by one, with what was decided and paid; a part of them at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS
from turkctl.store.rewards import PAID_AS_COMPENSATION
from turkctl.store.wages import BONUSES, TimedWork
from turkctl.store.workers import WORK, WorkFilter, at_place, narrowing


@dataclass(frozen=True)
class ListedWork(TimedWork):
    """An assignment with what was decided on it."""

    auto_approval: datetime | None
    """When the market approves it automatically."""
    approved: datetime | None
    rejected: datetime | None
    feedback: str | None
    compensation: bool
    """Whether it is on the HIT of a compensation: it pays for work that was done elsewhere."""
    mode: str
    market: str


_LISTED = WORK.add_columns(
    ASSIGNMENTS.c.accepted,
    ASSIGNMENTS.c.submitted,
    BONUSES,
    ASSIGNMENTS.c.auto_approval,
    ASSIGNMENTS.c.approved,
    ASSIGNMENTS.c.rejected,
    ASSIGNMENTS.c.feedback,
    PAID_AS_COMPENSATION,
    ASSIGNMENTS.c.mode,
    ASSIGNMENTS.c.market,
)
ORDERS: Mapping[str, ColumnElement[Any]] = {
    "assignment_id": ASSIGNMENTS.c.assignment_id,
    "auto_approval": ASSIGNMENTS.c.auto_approval,
    "experiment": EXPERIMENTS.c.slug,
    "reward": HITS.c.reward,
    "status": ASSIGNMENTS.c.status,
    "submitted": ASSIGNMENTS.c.submitted,
    "worker_id": ASSIGNMENTS.c.worker_id,
}
"""What the database can sort by."""
_PAID = len(TimedWork.__dataclass_fields__) - 1


def select_listed(
    session: Session,
    wanted: WorkFilter,
    statuses: Sequence[str] = (),
    *,
    by: str = "submitted",
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[ListedWork]:
    """Return the stored assignments that match, sorted by one of :data:`ORDERS`; those without a value come last."""
    key = ORDERS[by]
    order = [key.is_(None), key.desc() if descending else key.asc(), ASSIGNMENTS.c.id]
    conditions = _conditions(session, wanted, statuses)
    if limit is not None or offset:
        # Sorting whole rows, and working out what was paid for those that are left out, takes ten times as long.
        ids = select(ASSIGNMENTS.c.id).join(HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True).where(*conditions)
        if by == "experiment":
            ids = ids.join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
        # SQLite has no OFFSET without a LIMIT.
        part = ids.order_by(*order).limit(2**62 if limit is None else limit).offset(offset)
        conditions = [ASSIGNMENTS.c.id.in_(part.scalar_subquery())]
    return [_listed(row) for row in session.connection().execute(_LISTED.where(*conditions).order_by(*order))]


def count_listed(session: Session, wanted: WorkFilter, statuses: Sequence[str] = ()) -> int:
    """Return the number of stored assignments that match."""
    statement = (
        select(func.count())
        .select_from(ASSIGNMENTS)
        .join(HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*_conditions(session, wanted, statuses))
    )
    return int(session.connection().execute(statement).scalar_one())


def _conditions(session: Session, wanted: WorkFilter, statuses: Sequence[str]) -> list[ColumnElement[bool]]:
    among = [ASSIGNMENTS.c.status.in_(statuses)] if statuses else []
    return [*at_place(wanted.place), *narrowing(session, wanted, ASSIGNMENTS), *among]


def _listed(row: Row[Any]) -> ListedWork:
    values: list[Any] = list(row)
    if values[_PAID] is None:
        values[_PAID] = Decimal("0.00")  # the sum of no bonuses
    return ListedWork(*values)
