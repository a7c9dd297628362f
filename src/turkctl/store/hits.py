"""Store and read HITs: one row each, with the counters that the market last reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
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
    inspect,
    select,
)
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, Place, Scope, TurkctlTable, add, chunks
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.intents import COMPENSATE, INTENTS
from turkctl.store.types import Money, UtcTime

OURS = "turkctl"
PSITURK = "psiturk"
ASSIGNABLE = "Assignable"
UNASSIGNABLE = "Unassignable"
REVIEWABLE = "Reviewable"
ENDED = ("Reviewable", "Reviewing")
"""The market's status for a HIT that nobody can start or is working on."""
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
    """Whether it requires Masters, which raises the commission."""
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
    """Whether somebody assigned this HIT of psiTurk to an experiment, so that it is no longer inferred."""
    first_version: str | None = Field(default=None, max_length=128)
    """Code version of the first participant of a HIT of psiTurk; empty if none had taken part at the last look."""
    fee: str | None = Field(default=None, max_length=16)
    """Name of the rule of commission that it was posted under; None is Amazon's (:mod:`turkctl.fees`)."""


HITS = Hit.__table__
SUBMITTED = HITS.c.max_assignments - HITS.c.available - HITS.c.pending - HITS.c.completed
"""Number of submissions waiting for a decision: the one counter that the market does not report."""


@dataclass(frozen=True)
class HitRow:
    """The columns of a HIT that lists and plans need."""

    row: int
    """Key of the row: pass the last one as ``after`` to read on."""
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
    fee: str | None
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
        """Return whether it expired, so that no new worker can start, whatever ``available`` says (:func:`expired`)."""
        open_ = self.status == ASSIGNABLE and self.synced is not None and self.synced > self.expires
        return self.expires <= now and not open_


_OTHERS: dict[str, ColumnElement[Any]] = {
    "row": HITS.c.id,
    "experiment": EXPERIMENTS.c.slug,
    "campaign": HITS.c.campaign_id,
    "submitted": SUBMITTED,
}
"""Where the fields of a :class:`HitRow` come from that are not columns of that name."""
_ROW: Select[*tuple[Any, ...]] = select(
    *(_OTHERS[each.name] if each.name in _OTHERS else HITS.c[each.name] for each in fields(HitRow))
).join_from(HITS, EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id, isouter=True)


SORTABLE: Mapping[str, ColumnElement[Any]] = {
    "hit_id": HITS.c.hit_id,
    "experiment": EXPERIMENTS.c.slug,
    "title": HITS.c.title,
    "status": HITS.c.status,
    "reward": HITS.c.reward,
    "max_assignments": HITS.c.max_assignments,
    "available": case((HITS.c.status == DISPOSED, 0), else_=HITS.c.available),
    "pending": case((HITS.c.status == DISPOSED, 0), else_=HITS.c.pending),
    "submitted": SUBMITTED,
    "completed": HITS.c.completed,
    "created": HITS.c.created,
    "expires": HITS.c.expires,
    "campaign": HITS.c.campaign_id,
    "codeversion": HITS.c.code_version,
    "synced": HITS.c.synced,
}
"""What a page of HITs can be sorted by; nothing of a deleted one is open or at work."""


def expired(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a HIT has expired.

    It goes by this machine's clock, unless the market was asked after the expiry and said that the HIT can still be
    taken: then the market's clock is behind, and the market's clock decides.
    """
    asked = and_(HITS.c.synced.is_not(None), HITS.c.synced > HITS.c.expires)
    return and_(HITS.c.expires <= now, ~and_(asked, HITS.c.status == ASSIGNABLE))


@dataclass(frozen=True)
class HitFilter:
    """Which HITs of one place. Conditions are combined by "and"; without any, all HITs match."""

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
    """Whether it has expired. Needs ``now``."""
    disposed: bool | None = None
    ended: bool | None = None
    """False leaves out those of experiments that have ended."""
    now: datetime | None = None


def insert(session: Session, hit: Hit) -> Hit:
    """Validate and store a new HIT; set its ``id``.

    Raises:
        sqlalchemy.exc.IntegrityError: the HIT is already stored.
    """
    add(session, hit)
    return hit


def get(session: Session, place: Place, hit_id: str) -> Hit | None:
    """Return the HIT in full, read anew; None if it is unknown in this place."""
    statement = select(Hit).where(and_(*in_place(place)), HITS.c.hit_id == hit_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def by_ids(session: Session, place: Place, ids: Sequence[str]) -> dict[str, Hit]:
    """Return the known HITs of this place among these, in full, by id; read anew."""
    statement = select(Hit).where(and_(*in_place(place)))
    parts = [statement.where(HITS.c.hit_id.in_(part)) for part in chunks(ids)]
    found = [session.scalars(part, execution_options={"populate_existing": True}) for part in parts]
    return {hit.hit_id: hit for hits in found for hit in hits}


def where_is(session: Session, hit_id: str) -> list[Place]:
    """Return the places that know a HIT of this id, to report that it belongs to another mode or market."""
    statement = select(HITS.c.mode, HITS.c.market).where(HITS.c.hit_id == hit_id).order_by(HITS.c.id)
    return [Place(*row) for row in session.connection().execute(statement)]


def select_hits(session: Session, wanted: HitFilter, *, after: int = 0, limit: int | None = None) -> list[HitRow]:
    """Return the HITs that match, in the order in which they were stored.

    To read many HITs, ask for ``limit`` at a time and continue ``after`` the last ``row``.
    """
    statement = _ROW.where(HITS.c.id > after, *conditions_of(session, wanted)).order_by(HITS.c.id).limit(limit)
    found = [row for part in _by_ids(statement, wanted.ids) for row in _rows(session, part)]
    if wanted.ids is not None:
        found = sorted(found, key=lambda hit: hit.row)[:limit]
    return found


def select_part(
    session: Session, wanted: HitFilter, order: str, *, descending: bool, limit: int, offset: int
) -> list[HitRow]:
    """Return some of the HITs that match, in the order of a column of :data:`SORTABLE`, then of storing."""
    column, last = SORTABLE[order], HITS.c.id
    keys = (column.desc(), last.desc()) if descending else (column, last)
    statement = _ROW.where(*_all_conditions(session, wanted)).order_by(*keys).limit(limit).offset(offset)
    return _rows(session, statement)


def count(session: Session, wanted: HitFilter) -> int:
    """Return the number of HITs that match."""
    joined = select(func.count()).select_from(HITS).outerjoin(EXPERIMENTS, HITS.c.experiment_id == EXPERIMENTS.c.id)
    return int(session.connection().execute(joined.where(*_all_conditions(session, wanted))).scalar_one())


def _all_conditions(session: Session, wanted: HitFilter) -> list[ColumnElement[bool]]:
    """Return the filter as conditions, with its ids, of which there are few."""
    ids = [] if wanted.ids is None else [HITS.c.hit_id.in_(wanted.ids)]
    return [*conditions_of(session, wanted), *ids]


def select_where(session: Session, *conditions: ColumnElement[bool]) -> list[HitRow]:
    """Return the HITs that meet conditions over :data:`HITS`, in the order in which they were stored."""
    return _rows(session, _ROW.where(*conditions).order_by(HITS.c.id))


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> list[HitRow]:
    return [HitRow(*row) for row in session.connection().execute(statement)]


def counts_by_experiment(session: Session, mode: str) -> dict[int, dict[str, int]]:
    """Return ``{experiment id: {status: number of HITs}}`` of one mode, on any market."""
    counts: dict[int, dict[str, int]] = {}
    columns = (HITS.c.experiment_id, HITS.c.status)
    statement = select(*columns, func.count()).where(HITS.c.mode == mode).group_by(*columns)
    for experiment_id, status, number in session.connection().execute(statement):
        if experiment_id is not None:
            counts.setdefault(experiment_id, {})[status] = number
    return counts


def count_hits(scope: Scope, experiment_id: int) -> tuple[int, int]:
    """Return the number of the experiment's HITs that are open, and of all ever posted; without compensations."""
    pays_one = select(INTENTS.c.token).where(INTENTS.c.token == HITS.c.annotation, INTENTS.c.kind == COMPENSATE)
    active = and_(HITS.c.status == ASSIGNABLE, ~expired(scope.now))
    statement = select(func.sum(case((active, 1), else_=0)), func.count()).where(
        *in_place(scope.place), HITS.c.experiment_id == experiment_id, ~pays_one.correlate(HITS).exists()
    )
    row = scope.session.connection().execute(statement).one()
    return int(row[0] or 0), int(row[1])


def markets(session: Session, mode: str) -> list[str]:
    """Return the identities of all markets on which the mode has HITs, or ever requested any."""
    posted = select(HITS.c.market).where(HITS.c.mode == mode)
    asked = select(INTENTS.c.market).where(INTENTS.c.mode == mode)
    return sorted(session.connection().execute(posted.union(asked)).scalars())


def knows_built_in_market(session: Session) -> bool:
    """Return whether there are HITs of mode local, or requests for some; False in a database without our tables."""
    inspector = inspect(session.connection())
    return all(inspector.has_table(each.name) for each in (HITS, INTENTS)) and bool(markets(session, "local"))


def unknown_ids(session: Session, place: Place, ids: Sequence[str]) -> list[str]:
    """Return the ids without a HIT in this place, in the order given."""
    statement = select(HITS.c.hit_id).where(*in_place(place))
    known = {row[0] for part in _by_ids(statement, ids) for row in session.connection().execute(part)}
    return [hit_id for hit_id in ids if hit_id not in known]


def in_place(place: Place) -> list[ColumnElement[bool]]:
    """Return the conditions over :data:`HITS` for this place."""
    mode = HITS.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, HITS.c.market == place.market]


def _by_ids(statement: Select[*tuple[Any, ...]], ids: Sequence[str] | None) -> Iterable[Select[*tuple[Any, ...]]]:
    """Yield the statement, one for each chunk of ids."""
    if ids is None:
        return [statement]
    return [statement.where(HITS.c.hit_id.in_(part)) for part in chunks(list(dict.fromkeys(ids)))]


def conditions_of(session: Session, wanted: HitFilter) -> list[ColumnElement[bool]]:
    """Return the filter, without its ids, as conditions over HITs joined with their experiments."""
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
    if wanted.ended is False:
        conditions.append(EXPERIMENTS.c.ended.is_(None))
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
