"""Count people, open work and decisions of every experiment at once, by what the market last reported.

A number of statements that does not grow with what is counted: for pages that show where a whole study stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS, SUBMITTED
from turkctl.store.base import Place
from turkctl.store.hits import ASSIGNABLE, HITS, expired, in_place
from turkctl.store.people import closed, unread_of_hit


@dataclass(frozen=True)
class OpenWork:
    """The HITs of one code version of an experiment that the market still has."""

    experiment_id: int | None
    code_version: str | None
    hits: int
    """HITs that workers can start on."""
    open: int
    """Assignments that nobody has taken."""
    at_work: int
    unread: int
    """Submissions that the counters imply but that are not stored."""
    deletable: int
    """HITs with nothing open, nobody at work and nothing undecided."""
    opened: datetime | None
    """When the oldest HIT was posted that has open assignments now."""
    looked: datetime | None
    """When the market last told about a HIT that has open assignments now."""


def open_work(session: Session, place: Place, now: datetime) -> list[OpenWork]:
    """Return what is open, by experiment and code version."""
    over = or_(closed(now), expired(now))
    open_ = case((over, 0), else_=HITS.c.available)
    active = and_(HITS.c.status == ASSIGNABLE, ~expired(now))
    takable = and_(active, HITS.c.available > 0)
    undecided = select(ASSIGNMENTS.c.id).where(ASSIGNMENTS.c.hit_row == HITS.c.id, ASSIGNMENTS.c.status == SUBMITTED)
    done = and_(or_(HITS.c.available == 0, over), HITS.c.pending == 0, unread_of_hit() == 0, ~undecided.exists())
    key = (HITS.c.experiment_id, HITS.c.code_version)
    statement = (
        select(
            *key,
            _number(active),
            func.sum(open_),
            func.sum(HITS.c.pending),
            func.sum(unread_of_hit()),
            _number(done),
            func.min(case((takable, HITS.c.created))),
            func.max(case((takable, HITS.c.synced))),
        )
        .where(*in_place(place), HITS.c.disposed_at.is_(None))
        .group_by(*key)
    )
    found = []
    for experiment_id, code_version, *numbers, opened, looked in session.connection().execute(statement):
        hits, free, at_work, unread, deletable = (int(number) for number in numbers)
        found.append(OpenWork(experiment_id, code_version, hits, free, at_work, unread, deletable, opened, looked))
    return found


def takable(session: Session, place: Place, now: datetime, experiment_id: int, code_version: str) -> list[str]:
    """Return the ids of the HITs of a code version that workers can start on and that have open assignments."""
    statement = select(HITS.c.hit_id).where(
        *in_place(place),
        HITS.c.experiment_id == experiment_id,
        HITS.c.code_version == code_version,
        HITS.c.status == ASSIGNABLE,
        HITS.c.available > 0,
        ~expired(now),
    )
    return list(session.connection().execute(statement.order_by(HITS.c.id)).scalars())


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


@dataclass(frozen=True)
class Handed:
    """The work that people handed in for one code version of an experiment."""

    experiment_id: int | None
    code_version: str | None
    people: int
    """Workers with submitted or approved work."""
    submitted: int
    """Assignments that wait for a decision, on HITs that the market still has."""
    oldest: datetime | None
    """When the first of those was submitted."""
    approves: datetime | None
    """When the market approves the first of those automatically."""
    accepted: datetime | None
    """When somebody last took an assignment that they then submitted."""


def handed_in(session: Session, place: Place) -> list[Handed]:
    """Return what was handed in, by experiment and code version."""
    waits = and_(ASSIGNMENTS.c.status == SUBMITTED, HITS.c.disposed_at.is_(None))
    counts = ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED))
    key = (HITS.c.experiment_id, HITS.c.code_version)
    statement = (
        select(
            *key,
            func.count(case((counts, ASSIGNMENTS.c.worker_id)).distinct()),
            _number(waits),
            func.min(case((waits, ASSIGNMENTS.c.submitted))),
            func.min(case((waits, ASSIGNMENTS.c.auto_approval))),
            func.max(ASSIGNMENTS.c.accepted),
        )
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*in_place(place))
        .group_by(*key)
    )
    return [Handed(*row) for row in session.connection().execute(statement)]


def people_by_day(session: Session, place: Place, experiment_id: int, code_version: str) -> Iterator[datetime]:
    """Yield when each person first handed in work that counts, in order: as many times as there are people."""
    first = func.min(ASSIGNMENTS.c.submitted)
    statement = (
        select(first)
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(
            *in_place(place),
            HITS.c.experiment_id == experiment_id,
            HITS.c.code_version == code_version,
            ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED)),
        )
        .group_by(ASSIGNMENTS.c.worker_id)
        .order_by(first)
    )
    for moment in session.connection().execute(statement).yield_per(1000).scalars():
        if moment is not None:
            yield moment
