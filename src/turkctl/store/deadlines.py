"""Find what the market does automatically at a known time, for lists of deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS, REJECTED, SUBMITTED
from turkctl.store.base import chunks
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS, HitFilter, HitRow, conditions_of, select_where
from turkctl.store.people import unread_of_hit


@dataclass(frozen=True)
class WorkDue:
    """Work on a HIT of ours, and its deadline or submission time."""

    moment: datetime
    """When it is approved automatically, or was submitted."""
    assignment_id: str
    worker_id: str
    hit_id: str
    experiment: str | None
    """Slug."""
    campaign: int | None
    reward: Decimal
    max_assignments: int
    masters: bool
    fee: str | None


@dataclass(frozen=True)
class Idle:
    """A HIT with nothing open, and when it last changed as far as is known."""

    hit: HitRow
    changed: datetime


def approvals(session: Session, wanted: HitFilter, until: datetime) -> list[WorkDue]:
    """Return submitted work that the market approves automatically before ``until``, even if that time has passed."""
    moment = ASSIGNMENTS.c.auto_approval
    return _work(session, wanted, moment, ASSIGNMENTS.c.status == SUBMITTED, moment <= until)


def rejections(session: Session, wanted: HitFilter, since: datetime, until: datetime) -> list[WorkDue]:
    """Return rejected work that was submitted after ``since`` and not later than ``until``."""
    moment = ASSIGNMENTS.c.submitted
    return _work(session, wanted, moment, ASSIGNMENTS.c.status == REJECTED, moment > since, moment <= until)


def expiries(session: Session, wanted: HitFilter, now: datetime, until: datetime) -> list[HitRow]:
    """Return HITs with open slots that expire after ``now`` and not later than ``until``."""
    due = (HITS.c.available > 0, HITS.c.expires > now, HITS.c.expires <= until)
    return [row for part in _parts(session, wanted) for row in select_where(session, *part, *due)]


def idle(session: Session, wanted: HitFilter, until: datetime) -> list[Idle]:
    """Return HITs that expired before ``until``, with nobody at work, nothing undecided, and no change since then."""
    waiting = select(ASSIGNMENTS.c.hit_row).where(ASSIGNMENTS.c.hit_row == HITS.c.id, ASSIGNMENTS.c.status == SUBMITTED)
    undecided = or_(HITS.c.pending > 0, unread_of_hit() > 0, waiting.exists())  # counters lag behind our own decisions
    quiet = (~undecided, HITS.c.expires <= until, HITS.c.created <= until)
    found = [row for part in _parts(session, wanted) for row in select_where(session, *part, *quiet)]
    last = _last_changes(session, [row.row for row in found])
    changed = [Idle(row, max(row.expires, row.created, *last.get(row.row, ()))) for row in found]
    return [each for each in changed if each.changed <= until]


@dataclass(frozen=True)
class DueSoon:
    """How much is due of one kind, and when the first of it is."""

    number: int
    """HITs, or assignments."""
    first: datetime
    open: int = 0
    """Assignments that nobody has taken, of HITs that expire."""


def approvals_due(session: Session, wanted: HitFilter, until: datetime) -> DueSoon | None:
    """Return :func:`approvals` as a number; None if there are none. Like the next, for a filter without ids."""
    moment = ASSIGNMENTS.c.auto_approval
    return _number_of_work(session, wanted, moment, ASSIGNMENTS.c.status == SUBMITTED, moment <= until)


def rejections_due(session: Session, wanted: HitFilter, since: datetime, until: datetime) -> DueSoon | None:
    """Return :func:`rejections` as a number, with the submission of the first; None if there are none."""
    moment = ASSIGNMENTS.c.submitted
    return _number_of_work(session, wanted, moment, ASSIGNMENTS.c.status == REJECTED, moment > since, moment <= until)


def expiries_due(session: Session, wanted: HitFilter, now: datetime, until: datetime) -> DueSoon | None:
    """Return :func:`expiries` as a number, with their open assignments; None if there are none."""
    (conditions,) = _parts(session, wanted)
    due = (HITS.c.available > 0, HITS.c.expires > now, HITS.c.expires <= until)
    statement = (
        select(func.count(HITS.c.id), func.min(HITS.c.expires), func.sum(HITS.c.available))
        .join_from(HITS, EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
        .where(*conditions, *due)
    )
    row = session.connection().execute(statement).one()
    return DueSoon(row[0], row[1], int(row[2])) if row[0] else None


def _number_of_work(
    session: Session, wanted: HitFilter, moment: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> DueSoon | None:
    (part,) = _parts(session, wanted)
    statement = (
        select(func.count(ASSIGNMENTS.c.id), func.min(moment))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
        .where(*part, *conditions)
    )
    row = session.connection().execute(statement).one()
    return DueSoon(row[0], row[1]) if row[0] else None


def _work(
    session: Session, wanted: HitFilter, moment: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> list[WorkDue]:
    columns = (
        moment,
        ASSIGNMENTS.c.assignment_id,
        ASSIGNMENTS.c.worker_id,
        ASSIGNMENTS.c.hit_id,
        EXPERIMENTS.c.slug,
        HITS.c.campaign_id,
        HITS.c.reward,
        HITS.c.max_assignments,
        HITS.c.masters,
        HITS.c.fee,
    )
    statement: Select[Any] = (
        select(*columns)
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
        .where(*conditions)
    )
    parts = [statement.where(*part) for part in _parts(session, wanted)]
    return [WorkDue(*row) for part in parts for row in session.connection().execute(part)]


def _parts(session: Session, wanted: HitFilter) -> list[list[ColumnElement[bool]]]:
    """Yield the filter as conditions on HITs that still exist, one for each chunk of ids."""
    conditions = [*conditions_of(session, wanted), HITS.c.disposed_at.is_(None)]
    if wanted.ids is None:
        return [conditions]
    return [[*conditions, HITS.c.hit_id.in_(part)] for part in chunks(wanted.ids)]


def _last_changes(session: Session, hits: Sequence[int]) -> dict[int, list[datetime]]:
    """Return ``{row of the HIT: times}`` of its last submission and decisions."""
    found: dict[int, list[datetime]] = {}
    times = [func.max(column) for column in (ASSIGNMENTS.c.submitted, ASSIGNMENTS.c.approved, ASSIGNMENTS.c.rejected)]
    for part in chunks(hits):
        statement = select(ASSIGNMENTS.c.hit_row, *times).where(ASSIGNMENTS.c.hit_row.in_(part))
        for row in session.connection().execute(statement.group_by(ASSIGNMENTS.c.hit_row)):
            found[row[0]] = [moment for moment in row[1:] if moment is not None]
    return found
