"""Read when a campaign's money was promised, and when some of it was released again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, literal, select
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS, REJECTED
from turkctl.store.base import Place
from turkctl.store.hits import HITS, in_place
from turkctl.store.people import closed


@dataclass(frozen=True)
class PromiseChange:
    """Assignments that were posted, or that nobody will be paid for, at one moment; all cost the same."""

    at: datetime
    reward: Decimal
    max_assignments: int
    masters: bool
    fee: str | None
    assignments: int
    """Below zero for those that were released."""


def promises(session: Session, place: Place, campaign_id: int, now: datetime) -> list[PromiseChange]:
    """Return the assignments that a campaign has promised and released, in no order.

    They add up to what :func:`turkctl.store.slots.slots` calls committed: posted, less what nobody took before its HIT
    expired or was deleted, less what was rejected.
    """
    gone = HITS.c.disposed_at.is_not(None)
    released = case((gone, HITS.c.max_assignments - HITS.c.completed), (closed(now), HITS.c.available), else_=0)
    released_at = case((HITS.c.disposed_at < HITS.c.expires, HITS.c.disposed_at), else_=HITS.c.expires)
    rejected_at = func.coalesce(ASSIGNMENTS.c.rejected, ASSIGNMENTS.c.synced, type_=ASSIGNMENTS.c.synced.type)
    here = (*in_place(place), HITS.c.campaign_id == campaign_id)
    of_hits = (HITS.c.reward, HITS.c.max_assignments, HITS.c.masters, HITS.c.fee)
    statements: list[Select[Any]] = [
        select(HITS.c.created, *of_hits, HITS.c.max_assignments).where(*here),
        select(released_at, *of_hits, -released).where(*here, released > 0),
        select(rejected_at, *of_hits, literal(-1))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*here, ASSIGNMENTS.c.status == REJECTED),
    ]
    return [PromiseChange(*row) for each in statements for row in session.connection().execute(each)]
