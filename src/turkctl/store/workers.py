"""Select the work of workers for batches: stored assignments, and psiTurk's rows without a stored assignment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, case, func, or_, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS, REJECTED, SUBMITTED
from turkctl.store.base import ANY_MARKET, CHUNK, Place, chunks
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS
from turkctl.store.participants import participants_table
from turkctl.store.payments import BONUS, PAYMENTS


@dataclass(frozen=True)
class WorkRow:
    """One assignment with what is known of its HIT."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    """``Submitted``, ``Approved`` or ``Rejected``."""
    experiment: str | None
    """Slug."""
    code_version: str | None
    campaign: int | None
    reward: Decimal | None
    max_assignments: int | None
    masters: bool | None
    fee: str | None


@dataclass(frozen=True)
class WorkFilter:
    """Which work of one place; conditions are combined by "and"."""

    place: Place
    ids: Sequence[str] | None = None
    """Of assignments or workers."""
    hit_ids: Sequence[str] | None = None
    slug: str | None = None
    pattern: re.Pattern[str] | None = None
    """Searched for in the experiment's slug."""
    campaign: int | None = None
    code_version: str | None = None

    def matches(self, work: WorkRow) -> bool:
        """Return whether the work matches."""
        return (
            (self.ids is None or work.assignment_id in self.ids or work.worker_id in self.ids)
            and (self.hit_ids is None or work.hit_id in self.hit_ids)
            and (self.slug is None or work.experiment == self.slug)
            and (self.pattern is None or bool(work.experiment and self.pattern.search(work.experiment)))
            and (self.campaign is None or work.campaign == self.campaign)
            and (self.code_version is None or work.code_version == self.code_version)
        )


_OF_HIT = (
    EXPERIMENTS.c.slug,
    HITS.c.code_version,
    HITS.c.campaign_id,
    HITS.c.reward,
    HITS.c.max_assignments,
    HITS.c.masters,
    HITS.c.fee,
)
WORK: Select[*tuple[Any, ...]] = (
    select(ASSIGNMENTS.c.assignment_id, ASSIGNMENTS.c.worker_id, ASSIGNMENTS.c.hit_id, ASSIGNMENTS.c.status, *_OF_HIT)
    .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
    .join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
)
"""The columns of a :class:`WorkRow`, for other queries to add to."""


def select_work(session: Session, wanted: WorkFilter) -> list[WorkRow]:
    """Return the stored assignments that match, in the order in which they were stored."""
    statement = WORK.where(*at_place(wanted.place)).order_by(ASSIGNMENTS.c.id)
    rows = (WorkRow(*row) for part in narrowed_parts(statement, wanted) for row in session.connection().execute(part))
    return list({row.assignment_id: row for row in rows if wanted.matches(row)}.values())


def narrowed_parts(statement: Select[Any], wanted: WorkFilter) -> list[Select[Any]]:
    """Yield a statement over stored assignments narrowed by ids or HITs, one for each chunk of them."""
    if wanted.ids is not None:
        return [statement.where(_named(part)) for part in chunks(wanted.ids)]
    if wanted.hit_ids is not None:
        return [statement.where(ASSIGNMENTS.c.hit_id.in_(part)) for part in chunks(wanted.hit_ids)]
    return [statement]


def _named(ids: Sequence[str]) -> ColumnElement[bool]:
    return or_(ASSIGNMENTS.c.assignment_id.in_(ids), ASSIGNMENTS.c.worker_id.in_(ids))


def select_psiturk_work(
    session: Session,
    wanted: WorkFilter,
    name: str,
    statuses: Collection[int],
    *,
    says: str,
    by_version: Mapping[str, str],
) -> list[WorkRow]:
    """Return participants of this mode at one of these statuses of psiTurk's whose assignment we have no row of.

    Args:
        session: on turkctl's database.
        wanted: what matches; ids, HITs and filters.
        name: of the participants table.
        statuses: psiTurk's numbers.
        says: the market's word for them, put into the rows.
        by_version: slug by code version: whose they are where we do not know the HIT.
    """
    table = participants_table(name)
    ours = and_(HITS.c.hit_id == table.c.hitid, HITS.c.mode == table.c.mode)
    known = select(ASSIGNMENTS.c.assignment_id).where(ASSIGNMENTS.c.mode == wanted.place.mode)
    statement: Select[Any] = (
        select(table.c.assignmentid, table.c.workerid, table.c.hitid, *_OF_HIT, table.c.codeversion, HITS.c.market)
        .join_from(table, HITS, ours, isouter=True)
        .join(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)
        .where(table.c.mode == wanted.place.mode, table.c.status.in_(statuses), table.c.assignmentid.not_in(known))
        .order_by(table.c.uniqueid)
    )
    statement = statement.where(*_named_in(table, wanted))
    rows = session.connection().execute(statement).all()
    anywhere = wanted.place.market == ANY_MARKET
    here = [row for row in rows if anywhere or row.market in (None, wanted.place.market)]
    return [work for work in (_of_participant(row, says, by_version) for row in here) if wanted.matches(work)]


def _named_in(table: Table, wanted: WorkFilter) -> list[ColumnElement[bool]]:
    """Return the filter's ids and HITs as conditions, where they are few: the rest of the filter is applied later."""
    found: list[ColumnElement[bool]] = []
    if wanted.ids is not None and len(wanted.ids) <= CHUNK:
        found.append(or_(table.c.assignmentid.in_(wanted.ids), table.c.workerid.in_(wanted.ids)))
    if wanted.hit_ids is not None and len(wanted.hit_ids) <= CHUNK:
        found.append(table.c.hitid.in_(wanted.hit_ids))
    return found


def _of_participant(row: Row[Any], says: str, by_version: Mapping[str, str]) -> WorkRow:
    known = row.market is not None
    return WorkRow(
        row.assignmentid,
        row.workerid,
        row.hitid,
        says,
        row.slug if known else by_version.get(row.codeversion),
        row.code_version if known else row.codeversion,
        row.campaign_id,
        row.reward,
        row.max_assignments,
        row.masters,
        row.fee,
    )


def own_names(session: Session, place: Place, ids: Sequence[str]) -> set[str]:
    """Return those of the ids that are a worker's or an assignment's of this place."""
    columns = (ASSIGNMENTS.c.assignment_id, ASSIGNMENTS.c.worker_id)
    statement = select(*columns).where(*at_place(place))
    rows = (row for part in chunks(ids) for row in session.connection().execute(statement.where(_named(part))))
    return {name for row in rows for name in row} & set(ids)


def known_names(session: Session, place: Place, ids: Sequence[str], name: str | None, own: set[str]) -> set[str]:
    """Return ``own`` names with those of the other ids that are of a participant of this mode."""
    others = [each for each in ids if each not in own]
    if name is None or not others:
        return own
    table = participants_table(name)
    names = (table.c.assignmentid, table.c.workerid)
    statement = select(*names).where(table.c.mode == place.mode)
    found = set(own)
    for part in chunks(others):
        for row in session.connection().execute(statement.where(or_(*(column.in_(part) for column in names)))):
            found.update(row)
    return found & set(ids)


def where_is(session: Session, assignment_id: str) -> list[Place]:
    """Return the places that know an assignment of this id: for saying that it belongs to another mode or market."""
    statement = select(ASSIGNMENTS.c.mode, ASSIGNMENTS.c.market).where(ASSIGNMENTS.c.assignment_id == assignment_id)
    return [Place(*row) for row in session.connection().execute(statement.order_by(ASSIGNMENTS.c.id))]


def other_markets(session: Session, place: Place) -> list[str]:
    """Return the markets, other than this one, on which the mode has work."""
    there = (ASSIGNMENTS.c.mode == place.mode, ASSIGNMENTS.c.market != place.market)
    statement = select(ASSIGNMENTS.c.market).where(*there).distinct().order_by(ASSIGNMENTS.c.market)
    return list(session.connection().execute(statement).scalars())


def experiments_of(session: Session, mode: str, ids: Sequence[str]) -> set[str]:
    """Return the slugs of the experiments that HITs or assignments of these ids belong to."""
    of_hits = select(EXPERIMENTS.c.slug).join(HITS, HITS.c.experiment_id == EXPERIMENTS.c.id).where(HITS.c.mode == mode)
    of_work = of_hits.join(ASSIGNMENTS, ASSIGNMENTS.c.hit_row == HITS.c.id)
    found: set[str] = set()
    for part in chunks(ids):
        for statement in (of_hits.where(HITS.c.hit_id.in_(part)), of_work.where(ASSIGNMENTS.c.assignment_id.in_(part))):
            found.update(session.connection().execute(statement.distinct()).scalars())
    return found


@dataclass(frozen=True)
class WorkerRow:
    """Totals of the stored work of one worker."""

    worker_id: str
    submitted: int
    approved: int
    rejected: int
    earned: Decimal
    """Dollars: the rewards of approved work on HITs of ours."""
    last_seen: datetime | None
    """When something was last submitted."""


TOTALS = ("worker_id", "submitted", "approved", "rejected", "earned", "last_seen")
"""What the rows of workers can be sorted by in the database."""


def totals(
    session: Session,
    wanted: WorkFilter,
    *,
    by: str = "worker_id",
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[WorkerRow]:
    """Return a row per worker of the stored work that matches, sorted by one of :data:`TOTALS`, then by worker id.

    Those without a value come last.
    """
    status = ASSIGNMENTS.c.status
    counts = [func.sum(case((status == each, 1), else_=0)) for each in (SUBMITTED, APPROVED, REJECTED)]
    earned = func.sum(case((status == APPROVED, HITS.c.reward), else_=None))
    worker = ASSIGNMENTS.c.worker_id
    statement = (
        select(worker, *counts, earned, func.max(ASSIGNMENTS.c.submitted))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*at_place(wanted.place), *narrowing(session, wanted, ASSIGNMENTS))
        .group_by(worker)
    )
    keys = dict(zip(TOTALS, statement.selected_columns, strict=True))
    key = func.coalesce(keys[by], 0) if by == "earned" else keys[by]  # nothing approved is nothing earned
    first = [key.is_(None)] if by == "last_seen" else []
    statement = statement.order_by(*first, key.desc() if descending else key.asc(), worker)
    if limit is not None:
        statement = statement.limit(limit).offset(offset)
    return [
        WorkerRow(row[0], int(row[1]), int(row[2]), int(row[3]), row[4] or Decimal("0.00"), row[5])
        for row in session.connection().execute(statement)
    ]


def count_workers(session: Session, wanted: WorkFilter) -> int:
    """Return the number of workers whose stored work matches."""
    statement = (
        select(func.count(ASSIGNMENTS.c.worker_id.distinct()))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*at_place(wanted.place), *narrowing(session, wanted, ASSIGNMENTS))
    )
    return int(session.connection().execute(statement).scalar_one())


def bonuses(session: Session, wanted: WorkFilter) -> dict[str, Decimal]:
    """Return the dollars of the ledger's bonuses on the work that matches by worker, without commission."""
    place, worker = wanted.place, PAYMENTS.c.worker_id
    of_hit = and_(
        HITS.c.hit_id == PAYMENTS.c.hit_id, HITS.c.mode == PAYMENTS.c.mode, HITS.c.market == PAYMENTS.c.market
    )
    found = narrowing(session, wanted, PAYMENTS)
    statement = (
        select(worker, func.sum(PAYMENTS.c.amount))
        .join_from(PAYMENTS, HITS, of_hit, isouter=True)
        .where(PAYMENTS.c.mode == place.mode, PAYMENTS.c.kind == BONUS, *found)
        .group_by(worker)
    )
    if place.market != ANY_MARKET:
        statement = statement.where(PAYMENTS.c.market == place.market)
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def narrowing(session: Session, wanted: WorkFilter, table: Table) -> list[ColumnElement[bool]]:
    """Return the filter as conditions over HITs and a table that names assignments, workers and HITs."""
    found: list[ColumnElement[bool]] = []
    if wanted.ids is not None:
        found.append(or_(table.c.assignment_id.in_(wanted.ids), table.c.worker_id.in_(wanted.ids)))
    if wanted.hit_ids is not None:
        found.append(table.c.hit_id.in_(wanted.hit_ids))
    if wanted.slug is not None or wanted.pattern is not None:
        rows = session.connection().execute(select(EXPERIMENTS.c.id, EXPERIMENTS.c.slug)).all()
        slugs = [row for row in rows if wanted.slug in (None, row.slug)]
        pattern = wanted.pattern
        matching = [row.id for row in slugs if pattern is None or pattern.search(row.slug)]
        found.append(HITS.c.experiment_id.in_(matching))
    if wanted.campaign is not None:
        found.append(HITS.c.campaign_id == wanted.campaign)
    if wanted.code_version is not None:
        found.append(HITS.c.code_version == wanted.code_version)
    return found


def at_place(place: Place) -> list[ColumnElement[bool]]:
    """Return the stored assignments of a place, as conditions."""
    mode = ASSIGNMENTS.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, ASSIGNMENTS.c.market == place.market]
