"""Slots of HITs, by what each costs: what budgets and balances are reckoned from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import case, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS, REJECTED
from turkctl.store.base import Place
from turkctl.store.hits import HITS, SUBMITTED, expired
from turkctl.store.people import closed


@dataclass(frozen=True)
class Slots:
    """Assignments of HITs that cost the same each."""

    reward: Decimal
    max_assignments: int
    masters: bool
    committed: int
    """Open, at work, unreviewed or approved: all but what was rejected, and what nobody took before its HIT expired.

    That nobody did is known once the counters were read after the expiry; until then the slots are committed.
    """
    undecided: int
    """Those of them that are not decided yet."""


def slots(
    session: Session,
    place: Place,
    now: datetime,
    *,
    experiment_id: int | None = None,
    campaign_id: int | None = None,
) -> list[Slots]:
    """The assignments of this place's HITs, or of one experiment's or campaign's, by what each costs."""
    over = or_(expired(now), HITS.c.disposed_at.is_not(None))
    open_ = case((over, 0), else_=HITS.c.available)
    promised = case((or_(closed(now), HITS.c.disposed_at.is_not(None)), 0), else_=HITS.c.available)
    waiting = case((HITS.c.disposed_at.is_not(None), 0), else_=HITS.c.pending + SUBMITTED)
    rejected = (
        select(func.count())
        .select_from(ASSIGNMENTS)
        .where(ASSIGNMENTS.c.hit_row == HITS.c.id, ASSIGNMENTS.c.status == REJECTED)
        .scalar_subquery()
    )
    columns = (HITS.c.reward, HITS.c.max_assignments, HITS.c.masters)
    statement = select(
        *columns, func.sum(promised + waiting + HITS.c.completed - rejected), func.sum(open_ + waiting)
    ).where(HITS.c.mode == place.mode, HITS.c.market == place.market)
    if experiment_id is not None:
        statement = statement.where(HITS.c.experiment_id == experiment_id)
    if campaign_id is not None:
        statement = statement.where(HITS.c.campaign_id == campaign_id)
    rows = session.connection().execute(statement.group_by(*columns))
    return [Slots(reward, size, masters, int(used), int(left)) for reward, size, masters, used, left in rows]
