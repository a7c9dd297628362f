"""Count people over HITs, assignments and participants, for campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, Table, and_, case, func, or_, select, union
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS, REJECTED, SUBMITTED
from turkctl.store.base import ANY_MARKET, Place
from turkctl.store.hits import ASSIGNABLE, ENDED, HITS, PSITURK, HitRow, select_where
from turkctl.store.participants import COMPLETE, participants_table


def hits_at(place: Place) -> list[ColumnElement[bool]]:
    """Return the HITs of a place, as conditions."""
    mode = HITS.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, HITS.c.market == place.market]


def hits_of(experiment_id: int, code_version: str) -> ColumnElement[bool]:
    """Return the HITs that count for the code version of an experiment, as a condition.

    Those are its own, and psiTurk's whose experiment is unknown: these count for every experiment, unless
    their participants have another code version.
    """
    own = and_(HITS.c.experiment_id == experiment_id, HITS.c.code_version == code_version)
    version = or_(HITS.c.code_version.is_(None), HITS.c.code_version == code_version)
    return or_(own, and_(of_nobody(), version))


def of_nobody() -> ColumnElement[bool]:
    """Return the condition for psiTurk's HITs whose experiment is unknown."""
    return and_(HITS.c.origin == PSITURK, HITS.c.experiment_id.is_(None))


def _told_by_rows() -> ColumnElement[bool]:
    """Return the condition for psiTurk's HITs whose participants' rows count besides their stored work."""
    return and_(HITS.c.origin == PSITURK, or_(HITS.c.experiment_id.is_(None), HITS.c.disposed_at.is_not(None)))


def stored_of_hit() -> ScalarSelect[int]:
    """Return the number of stored assignments of a HIT."""
    statement = select(func.count()).select_from(ASSIGNMENTS).where(ASSIGNMENTS.c.hit_row == HITS.c.id)
    return statement.correlate(HITS).scalar_subquery()


def unread_of_hit() -> ColumnElement[int]:
    """Return the number of submissions that a HIT's counters imply but that are not stored."""
    unread = HITS.c.max_assignments - HITS.c.available - HITS.c.pending - stored_of_hit()
    return case((unread > 0, unread), else_=0)


def closed(now: datetime) -> ColumnElement[bool]:
    """Return whether the HIT's open slots can no longer be taken, as the market said at the last read.

    This machine's clock does not decide: where the market's is behind, a HIT can be taken after its time by ours. A
    HIT that is Unassignable before its time has no open slots; those that it seems to have all the same are counted.
    """
    over = or_(HITS.c.status.in_(ENDED), and_(HITS.c.status != ASSIGNABLE, HITS.c.expires <= now))
    return and_(HITS.c.synced.is_not(None), over)


def may_change(now: datetime) -> ColumnElement[bool]:
    """Return whether the HIT at hand may still change how many people are complete."""
    open_ = and_(HITS.c.available > 0, ~closed(now))
    unread = HITS.c.max_assignments - HITS.c.available - HITS.c.pending > stored_of_hit()
    return and_(HITS.c.disposed_at.is_(None), or_(HITS.c.synced.is_(None), open_, HITS.c.pending > 0, unread))


def unfinished(
    session: Session, place: Place, now: datetime, *, experiment_id: int | None = None, campaign_id: int | None = None
) -> list[HitRow]:
    """Return the HITs that may still change how many people are complete, of all or of one experiment or campaign."""
    conditions = [*hits_at(place), may_change(now)]
    if experiment_id is not None:
        conditions.append(or_(HITS.c.experiment_id == experiment_id, of_nobody()))
    if campaign_id is not None:
        conditions.append(HITS.c.campaign_id == campaign_id)
    return select_where(session, *conditions)


def unreviewed(session: Session, place: Place) -> list[HitRow]:
    """Return the HITs, not gone, with stored submissions that were waiting for a decision."""
    waiting = select(ASSIGNMENTS.c.hit_row).where(ASSIGNMENTS.c.status == SUBMITTED)
    return select_where(session, *hits_at(place), HITS.c.disposed_at.is_(None), HITS.c.id.in_(waiting))


def unread(session: Session, place: Place) -> set[str]:
    """Return the ids of HITs, not gone, whose counters imply submissions that are not stored."""
    statement = select(HITS.c.hit_id).where(*hits_at(place), HITS.c.disposed_at.is_(None), unread_of_hit() > 0)
    return set(session.connection().execute(statement).scalars())


def count_completed(
    session: Session, place: Place, experiment_id: int, code_version: str, *, participants_table: str | None
) -> int:
    """Return the number of workers with Submitted or Approved work on our HITs of that experiment and version.

    With a participants table: also those of its complete rows of that code version whose HIT we do not know.
    """
    ours = (
        select(ASSIGNMENTS.c.worker_id)
        .join(HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(
            *hits_at(place),
            hits_of(experiment_id, code_version),
            ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED)),
        )
    )
    if participants_table is None:
        workers = ours.distinct().subquery()
    else:
        workers = union(ours, _of_unknown_hits(place, participants_table, code_version)).subquery()
    return int(session.connection().execute(select(func.count()).select_from(workers)).scalar_one())


def workers_of_unknown_hits(session: Session, place: Place, participants_table: str, code_version: str) -> list[str]:
    """Return workers of complete participants of this mode and code version whose HIT we do not know, by id."""
    workers = _of_unknown_hits(place, participants_table, code_version).subquery()
    statement = select(workers.c.workerid).distinct().order_by(workers.c.workerid)
    return list(session.connection().execute(statement).scalars())


def _of_unknown_hits(place: Place, name: str, code_version: str) -> Select[Any]:
    table = participants_table(name)
    return select(table.c.workerid).where(*_unknown_complete(place, table), table.c.codeversion == code_version)


def _unknown_complete(place: Place, table: Table) -> list[ColumnElement[bool]]:
    """Select complete rows of this mode whose HIT is unknown, and whose work was not rejected or another worker's.

    That is a HIT we have no row of; or one of psiTurk's that is gone, whose last work may never have been read, or of
    which nothing says whose it is.
    """
    known = select(HITS.c.hit_id).where(HITS.c.mode == place.mode, ~_told_by_rows())
    another = (
        select(ASSIGNMENTS.c.id)
        .where(
            ASSIGNMENTS.c.mode == place.mode,
            ASSIGNMENTS.c.assignment_id == table.c.assignmentid,
            or_(ASSIGNMENTS.c.status == REJECTED, ASSIGNMENTS.c.worker_id != table.c.workerid),
        )
        .correlate(table)
    )
    return [
        table.c.mode == place.mode,
        table.c.status.in_(COMPLETE),
        table.c.hitid.not_in(known),
        ~another.exists(),
    ]


def complete_of_unknown_hits(session: Session, place: Place, participants_name: str) -> dict[str | None, int]:
    """Return ``{code version: workers}`` of complete participants of this mode whose HIT we do not know."""
    table = participants_table(participants_name)
    statement = select(table.c.codeversion, func.count(table.c.workerid.distinct())).where(
        *_unknown_complete(place, table)
    )
    rows = session.connection().execute(statement.group_by(table.c.codeversion))
    return {version: int(number) for version, number in rows}


def count_outstanding(session: Session, place: Place, experiment_id: int, code_version: str, now: datetime) -> int:
    """Return the open slots, workers at work and unread submissions of the HITs of that experiment and code version."""
    open_ = case((closed(now), 0), else_=HITS.c.available)
    statement = select(func.sum(open_ + HITS.c.pending + unread_of_hit())).where(
        *hits_at(place),
        hits_of(experiment_id, code_version),
        HITS.c.disposed_at.is_(None),
    )
    return int(session.connection().execute(statement).scalar() or 0)


@dataclass(frozen=True)
class RepeatGroup:
    """Assignments of one price that went to people who did another HIT before."""

    reward: Decimal
    masters: bool
    fee: str | None
    max_assignments: int
    """Of their HITs: the commission depends on it."""
    assignments: int


def repeats(
    session: Session, place: Place, experiment_id: int, code_version: str, campaign_id: int | None
) -> list[RepeatGroup]:
    """Return the campaign's submitted or approved assignments of workers who had one of that version before."""
    order = func.row_number().over(
        partition_by=ASSIGNMENTS.c.worker_id, order_by=(ASSIGNMENTS.c.submitted, ASSIGNMENTS.c.id)
    )
    counted = (
        select(
            HITS.c.campaign_id,
            HITS.c.reward,
            HITS.c.masters,
            HITS.c.fee,
            HITS.c.max_assignments,
            order.label("place"),
        )
        .join(HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(
            *hits_at(place),
            HITS.c.experiment_id == experiment_id,
            HITS.c.code_version == code_version,
            ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED)),
        )
        .subquery()
    )
    price = (counted.c.reward, counted.c.masters, counted.c.fee, counted.c.max_assignments)
    statement = (
        select(*price, func.count())
        .where(counted.c.campaign_id == campaign_id, counted.c.place > 1)
        .group_by(*price)
        .order_by(*price)
    )
    return [RepeatGroup(*row) for row in session.connection().execute(statement)]


def in_play(session: Session, place: Place, experiment_id: int, code_version: str, now: datetime) -> dict[str, int]:
    """Return :func:`count_outstanding` in parts: ``open`` slots, workers ``at_work``, ``unread`` submissions."""
    open_ = case((closed(now), 0), else_=HITS.c.available)
    parts = {"open": open_, "at_work": HITS.c.pending, "unread": unread_of_hit()}
    statement = select(*(func.sum(part) for part in parts.values())).where(
        *hits_at(place),
        hits_of(experiment_id, code_version),
        HITS.c.disposed_at.is_(None),
    )
    row = session.connection().execute(statement).one()
    return {name: int(number or 0) for name, number in zip(parts, row, strict=True)}
