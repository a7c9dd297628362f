"""HITs: one row each, with the counters that the market last told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Select,
    Text,
    UniqueConstraint,
    and_,
    case,
    false,
    func,
    select,
)
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, add, chunks
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.intents import COMPENSATE, INTENTS
from turkctl.store.types import Money, UtcTime

OURS = "turkctl"
PSITURK = "psiturk"
ASSIGNABLE = "Assignable"
UNASSIGNABLE = "Unassignable"
REVIEWABLE = "Reviewable"
ENDED = ("Reviewable", "Reviewing")
"""What the market calls a HIT that nobody can start on and nobody works on any more."""
DISPOSED = "Disposed"
"""Our own status for a HIT that the market has deleted; the market itself never says it."""


class Hit(TurkctlTable, table=True):
    """A HIT of ours, or one of the account's that a sync has found."""

    __tablename__ = "turkctl_hit"
    __table_args__ = (
        UniqueConstraint("market", "hit_id"),
        Index(None, "mode", "market", "status"),
    )

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    hit_id: str = Field(max_length=64)
    hit_type_id: str = Field(max_length=64)
    hit_group_id: str | None = Field(default=None, max_length=64)
    experiment_id: int | None = Field(default=None, foreign_key="turkctl_experiment.id", index=True)
    settings_id: int | None = Field(default=None, foreign_key="turkctl_experiment_settings.id")
    code_version: str | None = Field(default=None, max_length=128)
    campaign_id: int | None = Field(default=None, index=True)
    title: str = Field(sa_type=Text)
    status: str = Field(max_length=16)
    """``Assignable``, ``Unassignable``, ``Reviewable``, ``Reviewing`` as the market says, or ``Disposed``."""
    reward: Decimal = Field(sa_type=Money)
    masters: bool = False
    """Whether it asks for Masters, which raises the commission."""
    max_assignments: int
    available: int
    pending: int
    completed: int
    assignment_duration: int
    """Seconds."""
    auto_approval_delay: int
    """Seconds."""
    created: datetime = Field(sa_type=UtcTime)
    expires: datetime = Field(sa_type=UtcTime)
    disposed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    synced: datetime | None = Field(default=None, sa_type=UtcTime)
    """When the market was asked for what is stored here."""
    annotation: str | None = Field(default=None, max_length=255)
    origin: str = Field(default=OURS, max_length=16, sa_column_kwargs={"server_default": OURS})
    """Who posted it: ``turkctl``, or ``psiturk`` on the same database."""
    adopted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody said whose a HIT of psiTurk's is, so that it is not worked out any more."""
    first_version: str | None = Field(default=None, max_length=128)
    """Of the first participant of a HIT of psiTurk's; empty where there was none yet when one was looked for."""


HITS = Hit.__table__
SUBMITTED = HITS.c.max_assignments - HITS.c.available - HITS.c.pending - HITS.c.completed
"""Submissions waiting for a decision: the one counter the market leaves to be worked out."""


@dataclass(frozen=True)
class HitRow:
    """What lists and plans need of a HIT."""

    row: int
    """Key of the row: give the last one as ``after`` to read on."""
    mode: str
    market: str
    hit_id: str
    hit_type_id: str
    experiment: str | None
    """Slug."""
    code_version: str | None
    campaign: int | None
    title: str
    status: str
    reward: Decimal
    masters: bool
    max_assignments: int
    available: int
    pending: int
    completed: int
    submitted: int
    auto_approval_delay: int
    created: datetime
    expires: datetime
    synced: datetime | None
    origin: str = OURS
    """``turkctl`` or ``psiturk``."""

    def expired(self, now: datetime) -> bool:
        """Whether its time is over, so that no new worker can start, whatever ``available`` says (:func:`expired`)."""
        open_ = self.status == ASSIGNABLE and self.synced is not None and self.synced > self.expires
        return self.expires <= now and not open_


_ROW: Select[*tuple[Any, ...]] = select(
    HITS.c.id,
    HITS.c.mode,
    HITS.c.market,
    HITS.c.hit_id,
    HITS.c.hit_type_id,
    EXPERIMENTS.c.slug,
    HITS.c.code_version,
    HITS.c.campaign_id,
    HITS.c.title,
    HITS.c.status,
    HITS.c.reward,
    HITS.c.masters,
    HITS.c.max_assignments,
    HITS.c.available,
    HITS.c.pending,
    HITS.c.completed,
    SUBMITTED,
    HITS.c.auto_approval_delay,
    HITS.c.created,
    HITS.c.expires,
    HITS.c.synced,
    HITS.c.origin,
).join_from(HITS, EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)


def expired(now: datetime) -> ColumnElement[bool]:
    """Whether the time of the HIT at hand is over.

    That is so by this machine's clock, unless the market was asked since and said that the HIT can still be taken:
    its clock is behind, and it is its own that counts.
    """
    asked = and_(HITS.c.synced.is_not(None), HITS.c.synced > HITS.c.expires)
    return and_(HITS.c.expires <= now, ~and_(asked, HITS.c.status == ASSIGNABLE))


@dataclass(frozen=True)
class HitFilter:
    """Which HITs of one place; what is given is combined by "and". With nothing given: all of them."""

    place: Place
    ids: Sequence[str] | None = None
    slugs: Sequence[str] | None = None
    pattern: re.Pattern[str] | None = None
    """Searched for in the experiment's slug."""
    campaign: int | None = None
    code_version: str | None = None
    statuses: Sequence[str] | None = None
    active: bool | None = None
    """Whether workers can still start on it: assignable and not expired. Needs ``now``."""
    expired: bool | None = None
    """Whether its time is over. Needs ``now``."""
    disposed: bool | None = None
    now: datetime | None = None


def insert(session: Session, hit: Hit) -> Hit:
    """Stores a new HIT, validated, and gives it its ``id``.

    Raises:
        sqlalchemy.exc.IntegrityError: the market's HIT is already there.
    """
    add(session, hit)
    return hit


def get(session: Session, place: Place, hit_id: str) -> Hit | None:
    """The HIT in full, read afresh; None when this place does not know it."""
    statement = select(Hit).where(and_(*in_place(place)), HITS.c.hit_id == hit_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def by_ids(session: Session, place: Place, ids: Sequence[str]) -> dict[str, Hit]:
    """Return those of the HITs that this place knows, in full, by id; read afresh."""
    statement = select(Hit).where(and_(*in_place(place)))
    parts = [statement.where(HITS.c.hit_id.in_(part)) for part in chunks(ids)]
    found = [session.scalars(part, execution_options={"populate_existing": True}) for part in parts]
    return {hit.hit_id: hit for hits in found for hit in hits}


def where_is(session: Session, hit_id: str) -> list[Place]:
    """The places that know a HIT of this id: for saying that it belongs to another mode or market."""
    statement = select(HITS.c.mode, HITS.c.market).where(HITS.c.hit_id == hit_id).order_by(HITS.c.id)
    return [Place(*row) for row in session.connection().execute(statement)]


def select_hits(session: Session, wanted: HitFilter, *, after: int = 0, limit: int | None = None) -> list[HitRow]:
    """The HITs that match, in the order in which they were stored.

    For more than fits comfortably, ask for ``limit`` at a time and go on ``after`` the last ``row``.
    """
    statement = _ROW.where(HITS.c.id > after, *conditions_of(session, wanted)).order_by(HITS.c.id).limit(limit)
    found = [HitRow(*row) for part in _by_ids(statement, wanted.ids) for row in session.connection().execute(part)]
    if wanted.ids is not None:
        found = sorted(found, key=lambda hit: hit.row)[:limit]
    return found


def select_where(session: Session, *conditions: ColumnElement[bool]) -> list[HitRow]:
    """The HITs that meet conditions over :data:`HITS`, in the order in which they were stored: for other queries."""
    rows = session.connection().execute(_ROW.where(*conditions).order_by(HITS.c.id))
    return [HitRow(*row) for row in rows]


def counts_by_experiment(session: Session, mode: str) -> dict[int, dict[str, int]]:
    """``{experiment id: {status: HITs}}`` of one mode, whatever the market."""
    counts: dict[int, dict[str, int]] = {}
    columns = (HITS.c.experiment_id, HITS.c.status)
    statement = select(*columns, func.count()).where(HITS.c.mode == mode).group_by(*columns)
    for experiment_id, status, number in session.connection().execute(statement):
        if experiment_id is not None:
            counts.setdefault(experiment_id, {})[status] = number
    return counts


def count_hits(session: Session, place: Place, now: datetime, experiment_id: int) -> tuple[int, int]:
    """HITs of the experiment that workers can still start on, and all that were ever posted; no compensations."""
    pays_one = select(INTENTS.c.token).where(INTENTS.c.token == HITS.c.annotation, INTENTS.c.kind == COMPENSATE)
    active = and_(HITS.c.status == ASSIGNABLE, ~expired(now))
    statement = select(func.sum(case((active, 1), else_=0)), func.count()).where(
        *in_place(place), HITS.c.experiment_id == experiment_id, ~pays_one.correlate(HITS).exists()
    )
    row = session.connection().execute(statement).one()
    return int(row[0] or 0), int(row[1])


def markets(session: Session, mode: str) -> list[str]:
    """Return the identities of all markets that the mode has HITs on, or ever asked for some."""
    posted = select(HITS.c.market).where(HITS.c.mode == mode)
    asked = select(INTENTS.c.market).where(INTENTS.c.mode == mode)
    return sorted(session.connection().execute(posted.union(asked)).scalars())


def unknown_ids(session: Session, place: Place, ids: Sequence[str]) -> list[str]:
    """Those of the ids that this place has no HIT for, in the order given."""
    statement = select(HITS.c.hit_id).where(*in_place(place))
    known = {row[0] for part in _by_ids(statement, ids) for row in session.connection().execute(part)}
    return [hit_id for hit_id in ids if hit_id not in known]


def in_place(place: Place) -> list[ColumnElement[bool]]:
    """Of this place, as conditions over :data:`HITS`."""
    mode = HITS.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, HITS.c.market == place.market]


def _by_ids(statement: Select[*tuple[Any, ...]], ids: Sequence[str] | None) -> Iterable[Select[*tuple[Any, ...]]]:
    """The statement, once for every handful of ids."""
    if ids is None:
        return [statement]
    return [statement.where(HITS.c.hit_id.in_(part)) for part in chunks(list(dict.fromkeys(ids)))]


def conditions_of(session: Session, wanted: HitFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions over HITs joined with their experiments, ids aside: for other queries."""
    conditions = in_place(wanted.place)
    if wanted.slugs is not None:
        conditions.append(EXPERIMENTS.c.slug.in_(wanted.slugs))
    if wanted.pattern is not None:
        conditions.append(HITS.c.experiment_id.in_(_matching(session, wanted.pattern)))
    if wanted.campaign is not None:
        conditions.append(HITS.c.campaign_id == wanted.campaign)
    if wanted.code_version is not None:
        conditions.append(HITS.c.code_version == wanted.code_version)
    if wanted.statuses is not None:
        conditions.append(HITS.c.status.in_(wanted.statuses))
    if wanted.disposed is not None:
        conditions.append(HITS.c.disposed_at.is_not(None) if wanted.disposed else HITS.c.disposed_at.is_(None))
    return conditions + _at_time(wanted)


def _at_time(wanted: HitFilter) -> list[ColumnElement[bool]]:
    if wanted.active is None and wanted.expired is None:
        return []
    if wanted.now is None:
        raise ValueError("a filter by time needs now")
    conditions: list[ColumnElement[bool]] = []
    over = expired(wanted.now)
    if wanted.active is not None:
        active = and_(HITS.c.status == ASSIGNABLE, ~over)
        conditions.append(active if wanted.active else ~active)
    if wanted.expired is not None:
        conditions.append(over if wanted.expired else ~over)
    return conditions


def _matching(session: Session, pattern: re.Pattern[str]) -> list[int]:
    rows = session.connection().execute(select(EXPERIMENTS.c.id, EXPERIMENTS.c.slug))
    return [row.id for row in rows if pattern.search(row.slug)]
