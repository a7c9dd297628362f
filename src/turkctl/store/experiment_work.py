"""Read all that is known of the work on an experiment's HITs, for its closing report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.hits import HITS, expired
from turkctl.store.hits import SUBMITTED as WAITING
from turkctl.store.qualifications import DELETED, GRANTS, TOOK_PART, TYPES
from turkctl.store.rewards import PAID_AS_COMPENSATION
from turkctl.store.workers import at_place


@dataclass(frozen=True)
class ExperimentWork:
    """One assignment on a HIT of the experiment."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    accepted: datetime | None
    submitted: datetime | None
    approved: datetime | None
    auto_approval: datetime | None
    rejected: datetime | None
    feedback: str | None
    our_decision: str | None


def experiment_work(session: Session, place: Place, experiment_id: int) -> list[ExperimentWork]:
    """Return the assignments on an experiment's HITs, as they were stored; those of compensations are left out."""
    statement = (
        select(
            ASSIGNMENTS.c.assignment_id,
            ASSIGNMENTS.c.worker_id,
            ASSIGNMENTS.c.hit_id,
            ASSIGNMENTS.c.status,
            ASSIGNMENTS.c.accepted,
            ASSIGNMENTS.c.submitted,
            ASSIGNMENTS.c.approved,
            ASSIGNMENTS.c.auto_approval,
            ASSIGNMENTS.c.rejected,
            ASSIGNMENTS.c.feedback,
            ASSIGNMENTS.c.our_decision,
        )
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*at_place(place), HITS.c.experiment_id == experiment_id, ~PAID_AS_COMPENSATION)
        .order_by(ASSIGNMENTS.c.id)
    )
    return [ExperimentWork(*row) for row in session.connection().execute(statement)]


def count_kept_out(session: Session, place: Place, experiment_id: int) -> int:
    """Return how many workers hold, or held until its deletion, what keeps them out of the experiment's later HITs."""
    statement = (
        select(func.count(GRANTS.c.worker_id.distinct()))
        .join_from(GRANTS, TYPES, GRANTS.c.type_row == TYPES.c.id)
        .where(
            TYPES.c.mode == place.mode,
            TYPES.c.experiment_id == experiment_id,
            or_(TYPES.c.purpose == TOOK_PART, TYPES.c.purpose.startswith(f"{DELETED}{TOOK_PART} ")),
            GRANTS.c.error.is_(None),
        )
    )
    return int(session.connection().execute(statement).scalar_one())


@dataclass(frozen=True)
class OpenElsewhere:
    """HITs of an experiment in another mode, or on another market of the mode, that somebody can or did work on."""

    mode: str
    market: str
    hits: int


def open_elsewhere(session: Session, place: Place, experiment_id: int, now: datetime) -> list[OpenElsewhere]:
    """Return where else the experiment has HITs that are open, worked on, or have undecided work, with their number."""
    busy = or_(~expired(now), HITS.c.pending > 0, WAITING > 0)
    statement = (
        select(HITS.c.mode, HITS.c.market, func.count())
        .where(HITS.c.experiment_id == experiment_id, HITS.c.disposed_at.is_(None), busy)
        .where(~and_(HITS.c.mode == place.mode, HITS.c.market == place.market))
        .group_by(HITS.c.mode, HITS.c.market)
        .order_by(HITS.c.mode, HITS.c.market)
    )
    return [OpenElsewhere(*row) for row in session.connection().execute(statement)]
