"""Store qualification types that turkctl created, and to whom it granted them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, UniqueConstraint, delete, exists, or_, select, update
from sqlmodel import Field, Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, chunks, insert_ignoring
from turkctl.store.hits import HITS
from turkctl.store.types import Json, UtcTime

TOOK_PART = "took_part"
"""Purpose of the type that says that a worker took part in the experiment: required absent on new HITs."""

GATE = "gate"
"""Purpose of the type that turkctl's own market grants to whoever accepts a HIT of the experiment."""


CONSENT = "consent "
"""Begins the purpose of a type that carries a consent, before the consent's version."""

GONE_CONSENT = "gone "
"""Begins the purpose of such a type that the market dropped."""


DELETED = "deleted "
"""Begins the purpose of a type that was deleted on request and whose grants are still to be known."""


class MadeType(TurkctlTable, table=True):
    """A qualification type that this database had made on a market."""

    __tablename__ = "turkctl_qualification_type"
    __table_args__ = (UniqueConstraint("mode", "market", "experiment_id", "purpose"),)

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    purpose: str = Field(max_length=32)
    type_id: str = Field(max_length=64)
    name: str = Field(sa_type=Text)
    created: datetime = Field(sa_type=UtcTime)


class GrantRow(TurkctlTable, table=True):
    """A grant to a worker, stored so that nobody is granted it twice."""

    __tablename__ = "turkctl_qualification_grant"
    __table_args__ = (UniqueConstraint("type_row", "worker_id"),)

    id: int | None = Field(default=None, primary_key=True)
    type_row: int = Field(foreign_key="turkctl_qualification_type.id")
    worker_id: str = Field(max_length=64)
    granted: datetime = Field(sa_type=UtcTime)
    error: str | None = Field(default=None, sa_type=Text)
    """The market's code where it refused for good, so that it is not asked again."""


class OwnType(TurkctlTable, table=True):
    """A qualification type of the project's own, ``[qualifications.NAME]``, as it was last set up on a market."""

    __tablename__ = "turkctl_qualification"
    __table_args__ = (UniqueConstraint("mode", "market", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    name: str = Field(max_length=200)
    """In the project file, or as it was created by hand."""
    type_id: str = Field(max_length=64)
    settings: dict[str, Any] = Field(sa_type=Json)
    """What the market has: name, description, and so on."""
    created: datetime = Field(sa_type=UtcTime)
    changed: datetime = Field(sa_type=UtcTime)


OWN = OwnType.__table__
TYPES = MadeType.__table__
GRANTS = GrantRow.__table__


def find(session: Session, place: Place, experiment_id: int, purpose: str = TOOK_PART) -> MadeType | None:
    """Return the type of the experiment on this market, if it was made."""
    statement = select(MadeType).where(
        TYPES.c.mode == place.mode,
        TYPES.c.market == place.market,
        TYPES.c.experiment_id == experiment_id,
        TYPES.c.purpose == purpose,
    )
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def remember(session: Session, made: MadeType) -> None:
    """Store the type, unless the experiment has one of this purpose here."""
    key = ["mode", "market", "experiment_id", "purpose"]
    insert_ignoring(session, TYPES, key, [made.checked(without="id")])


def list_own(session: Session, place: Place) -> list[OwnType]:
    """Return the project's own types on this market, or on all of the mode, by name."""
    statement = select(OwnType).where(OWN.c.mode == place.mode).order_by(OWN.c.name, OWN.c.id)
    if place.market != ANY_MARKET:
        statement = statement.where(OWN.c.market == place.market)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def own_types(session: Session, place: Place) -> dict[str, OwnType]:
    """Return the project's own types on this market, by name."""
    return {each.name: each for each in list_own(session, place)}


def made_types(session: Session, place: Place) -> list[MadeType]:
    """Return the types that were made for experiments on this market, or on all of the mode, oldest first."""
    statement = select(MadeType).where(TYPES.c.mode == place.mode, ~_is_gone())
    if place.market != ANY_MARKET:
        statement = statement.where(TYPES.c.market == place.market)
    return list(session.scalars(statement.order_by(TYPES.c.id), execution_options={"populate_existing": True}))


def _is_gone() -> ColumnElement[bool]:
    """Return the condition that the market no longer has a type, whose row is kept for its grants."""
    return or_(TYPES.c.purpose.startswith(GONE_CONSENT), TYPES.c.purpose.startswith(DELETED))


def save_own(session: Session, own: OwnType) -> None:
    """Store what the market has now under the name; keep the time of creation."""
    key = ["mode", "market", "name"]
    insert_ignoring(session, OWN, key, [own.checked(without="id")])
    here = (OWN.c.mode == own.mode, OWN.c.market == own.market, OWN.c.name == own.name)
    values = {"type_id": own.type_id, "settings": own.settings, "changed": own.changed}
    session.connection().execute(update(OWN).where(*here).values(**values))


def forget(session: Session, type_id: str, place: Place) -> None:
    """Delete a type that the market no longer has, with its grants; what is known of a consent stays."""
    _retire(session, type_id, place)
    here = (OWN.c.type_id == type_id, OWN.c.mode == place.mode, OWN.c.market == place.market)
    session.connection().execute(delete(OWN).where(*here))
    rows = select(TYPES.c.id).where(
        TYPES.c.type_id == type_id,
        TYPES.c.mode == place.mode,
        TYPES.c.market == place.market,
        ~_is_gone(),
    )
    session.connection().execute(delete(GRANTS).where(GRANTS.c.type_row.in_(rows.scalar_subquery())))
    session.connection().execute(delete(TYPES).where(TYPES.c.id.in_(rows.scalar_subquery())))


def delete_type(session: Session, type_id: str, place: Place) -> None:
    """Delete a type that was deleted on the market on request.

    Unlike :func:`forget`, it keeps who was granted "took part": people stay kept out if the type is made again.
    """
    here = (TYPES.c.type_id == type_id, TYPES.c.mode == place.mode, TYPES.c.market == place.market)
    took_part = select(TYPES.c.id).where(*here, TYPES.c.purpose == TOOK_PART)
    for number in session.connection().execute(took_part).scalars().all():
        kept = update(TYPES).where(TYPES.c.id == number).values(purpose=f"{DELETED}{TOOK_PART} {number}")
        session.connection().execute(kept)
    forget(session, type_id, place)


def granted_before(session: Session, made: MadeType) -> list[str]:
    """Return the workers whom deleted types of the experiment kept out and who were not granted this one, by id."""
    here = (TYPES.c.mode == made.mode, TYPES.c.market == made.market, TYPES.c.experiment_id == made.experiment_id)
    statement = (
        select(GRANTS.c.worker_id)
        .join_from(GRANTS, TYPES, GRANTS.c.type_row == TYPES.c.id)
        .where(*here, TYPES.c.purpose.startswith(f"{DELETED}{TOOK_PART} "), GRANTS.c.error.is_(None))
        .distinct()
        .order_by(GRANTS.c.worker_id)
    )
    return ungranted(session, made, list(session.connection().execute(statement).scalars()))


def _retire(session: Session, type_id: str, place: Place) -> None:
    """Rename the purpose of a consent, so that its grants stay and another type can take its place."""
    here = (TYPES.c.type_id == type_id, TYPES.c.mode == place.mode, TYPES.c.market == place.market)
    rows = session.connection().execute(select(TYPES.c.id, TYPES.c.purpose).where(*here)).all()
    for row in rows:
        if row.purpose.startswith(CONSENT):
            purpose = f"{GONE_CONSENT}{row.purpose.removeprefix(CONSENT)} {row.id}"
            session.connection().execute(update(TYPES).where(TYPES.c.id == row.id).values(purpose=purpose))


def without_grant(session: Session, made: MadeType) -> list[str]:
    """Return workers with a submission on a HIT of the experiment who were not granted it, by id."""
    granted = exists().where(GRANTS.c.type_row == made.id, GRANTS.c.worker_id == ASSIGNMENTS.c.worker_id)
    statement = (
        select(ASSIGNMENTS.c.worker_id)
        .join(HITS, HITS.c.id == ASSIGNMENTS.c.hit_row)
        .where(
            HITS.c.mode == made.mode,
            HITS.c.market == made.market,
            HITS.c.experiment_id == made.experiment_id,
            ~granted,
        )
        .distinct()
        .order_by(ASSIGNMENTS.c.worker_id)
    )
    return list(session.connection().execute(statement).scalars())


def ungranted(session: Session, made: MadeType, workers: Sequence[str]) -> list[str]:
    """Return the workers without a stored grant of this type."""
    known: set[str] = set()
    for part in chunks(workers):
        statement = select(GRANTS.c.worker_id).where(GRANTS.c.type_row == made.id, GRANTS.c.worker_id.in_(part))
        known.update(session.connection().execute(statement).scalars())
    return [worker for worker in workers if worker not in known]


def record_grants(session: Session, made: MadeType, workers: Sequence[tuple[str, str | None]], now: datetime) -> None:
    """Store to whom it was granted, or why the market refused, as (worker, error or None)."""
    rows = [{"type_row": made.id, "worker_id": worker, "granted": now, "error": error} for worker, error in workers]
    insert_ignoring(session, GRANTS, ["type_row", "worker_id"], rows)
