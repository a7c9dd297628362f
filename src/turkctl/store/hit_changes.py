"""Update a HIT's row: counters as the market last reported them, its expiry, its end.

Of two answers the later one wins, whichever is stored first, and a disposed HIT does not come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select, update
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS, SUBMITTED
from turkctl.store.base import Place, changed_one, chunks
from turkctl.store.hits import ASSIGNABLE, DISPOSED, HITS, REVIEWABLE, UNASSIGNABLE, in_place


@dataclass(frozen=True)
class Snapshot:
    """What the market said about a HIT at one moment."""

    hit_id: str
    status: str
    max_assignments: int
    available: int
    pending: int
    completed: int
    expires: datetime
    read_at: datetime
    """When the market was asked, before its answer."""


def update_counters(session: Session, place: Place, seen: Snapshot) -> bool:
    """Store what the market said, unless the stored row was read later or the HIT is disposed."""
    statement = (
        update(HITS)
        .where(
            *in_place(place),
            HITS.c.hit_id == seen.hit_id,
            HITS.c.disposed_at.is_(None),
            or_(HITS.c.synced.is_(None), HITS.c.synced <= seen.read_at),
        )
        .values(
            status=seen.status,
            max_assignments=seen.max_assignments,
            available=seen.available,
            pending=seen.pending,
            completed=seen.completed,
            expires=seen.expires,
            synced=seen.read_at,
        )
    )
    return changed_one(session, statement)


def note_unchanged(session: Session, place: Place, hit_ids: Sequence[str], read_at: datetime) -> None:
    """Record that the market, asked at that time, confirmed what is stored of these HITs."""
    older = or_(HITS.c.synced.is_(None), HITS.c.synced <= read_at)
    statement = update(HITS).where(*in_place(place), HITS.c.disposed_at.is_(None), older).values(synced=read_at)
    for part in chunks(hit_ids):
        session.connection().execute(statement.where(HITS.c.hit_id.in_(part)))


def mark_expired(session: Session, place: Place, hit_id: str, at: datetime) -> bool:
    """Move the expiry forward to ``at``; return False if the HIT already expired, is disposed or unknown.

    Its counters may predate the expiry, and somebody may have taken a slot since: they count as not read, so that its
    slots stay in play until the next look. The status becomes what the market makes it: Reviewable, unless somebody is
    at work.
    """
    statement = update(HITS).where(
        *in_place(place), HITS.c.hit_id == hit_id, HITS.c.expires > at, HITS.c.disposed_at.is_(None)
    )
    status = case((HITS.c.status != ASSIGNABLE, HITS.c.status), (HITS.c.pending > 0, UNASSIGNABLE), else_=REVIEWABLE)
    return changed_one(session, statement.values(expires=at, synced=None, status=status))


def note_decisions(session: Session, place: Place, hit_ids: Iterable[str]) -> None:
    """Raise the counters of these HITs to the number of stored decisions, if that is higher.

    So lists are right directly after a decision of ours. Counters of slots and of people at work stay unchanged.
    """
    decided = (
        select(func.count())
        .select_from(ASSIGNMENTS)
        .where(ASSIGNMENTS.c.hit_row == HITS.c.id, ASSIGNMENTS.c.status != SUBMITTED)
        .correlate(HITS)
        .scalar_subquery()
    )
    submissions = HITS.c.max_assignments - HITS.c.available - HITS.c.pending
    completed = case((decided > submissions, submissions), else_=decided)
    statement = update(HITS).where(*in_place(place), HITS.c.disposed_at.is_(None), HITS.c.completed < completed)
    for part in chunks(list(dict.fromkeys(hit_ids))):
        session.connection().execute(statement.where(HITS.c.hit_id.in_(part)).values(completed=completed))


def mark_disposed(session: Session, place: Place, hit_id: str, at: datetime) -> bool:
    """Mark a HIT that the market no longer has; return False if it is already marked or unknown."""
    statement = update(HITS).where(*in_place(place), HITS.c.hit_id == hit_id, HITS.c.disposed_at.is_(None))
    return changed_one(session, statement.values(status=DISPOSED, disposed_at=at))
