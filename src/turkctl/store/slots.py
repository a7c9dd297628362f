"""Count slots of HITs by their cost, for budgets and balances."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, or_, select

from turkctl.store.assignments import ASSIGNMENTS, REJECTED
from turkctl.store.base import Scope
from turkctl.store.hits import HITS, SUBMITTED, expired, in_place
from turkctl.store.people import closed


@dataclass(frozen=True)
class Slots:
    """Assignments of HITs that cost the same each."""

    reward: Decimal
    max_assignments: int
    masters: bool
    fee: str | None
    committed: int
    """Open, at work, unreviewed or approved: all but what was rejected, and what nobody took before its HIT expired.

    That nobody did is known once the counters were read after the expiry; until then the slots are committed.
    """
    undecided: int
    """Those of them that are not decided yet."""
    paid: int = 0
    """Those that are approved."""
    experiment_id: int | None = None
    """Whose HITs they are, like the next, where that was asked for."""
    campaign_id: int | None = None


def slots(scope: Scope, *, experiment_id: int | None = None, apart: bool = False) -> list[Slots]:
    """Return the assignments of this place's HITs, or of one experiment's, by what each costs.

    ``apart`` keeps those of experiments and campaigns apart.
    """
    place, now = scope.place, scope.now
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
    columns = (HITS.c.reward, HITS.c.max_assignments, HITS.c.masters, HITS.c.fee)
    of = (HITS.c.experiment_id, HITS.c.campaign_id) if apart else ()
    statement = select(
        *columns,
        func.sum(promised + waiting + HITS.c.completed - rejected),
        func.sum(open_ + waiting),
        func.sum(HITS.c.completed - rejected),
        *of,
    ).where(*in_place(place))
    if experiment_id is not None:
        statement = statement.where(HITS.c.experiment_id == experiment_id)
    rows = scope.session.connection().execute(statement.group_by(*columns, *of))
    return [
        Slots(reward, size, masters, fee, int(used), int(left), int(paid), *whose)
        for reward, size, masters, fee, used, left, paid, *whose in rows
    ]
