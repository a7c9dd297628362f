"""Store and read content: the items of an experiment that workers are shown, and the HITs that show them.

The numbers of outputs that an item has, and that are under way, are not stored:
:mod:`turkctl.store.contents_counts` computes them from HITs and assignments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, Text, UniqueConstraint, func, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, chunks, insert_rows
from turkctl.store.types import Json, UtcTime

KEY_LENGTH = 255
PAGE = 10_000
"""Number of rows fetched at a time."""


class Content(TurkctlTable, table=True):
    """One item of an experiment, whatever the mode."""

    __tablename__ = "turkctl_content"
    __table_args__ = (UniqueConstraint("experiment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    """In the order of adding: the lower, the older."""
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    key: str = Field(max_length=KEY_LENGTH)
    data: dict[str, Any] = Field(sa_type=Json)
    """The values of a question's placeholders, by column, without the known answer."""
    priority: float = Field(default=0.0, sa_type=Double)
    outputs_max: int = 1
    """Number of outputs wanted: how many workers are to answer it."""
    gold: str | None = Field(default=None, sa_type=Text)
    """The known answer of an item that checks workers; such an item is never pending."""
    added: datetime = Field(sa_type=UtcTime)
    updated: datetime = Field(sa_type=UtcTime)
    removed: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it was removed from dispatch."""


class ContentHit(TurkctlTable, table=True):
    """The showing of an item in a HIT, from the moment in which the HIT's intent is committed."""

    __tablename__ = "turkctl_content_hit"

    token: str = Field(primary_key=True, max_length=64, foreign_key="turkctl_intent.token")
    """The token of the intent that posts the HIT."""
    position: int = Field(primary_key=True)
    """Position of the item in the HIT, from 1."""
    content_id: int = Field(foreign_key="turkctl_content.id", index=True)
    hit_row: int | None = Field(default=None, foreign_key="turkctl_hit.id", index=True)
    """Our row of the HIT, once its posting is confirmed."""
    assignments: int
    """Number of assignments in the request for the HIT."""
    outputs: int
    """Number of outputs of one assignment, by the HIT's settings."""


CONTENTS = Content.__table__
LINKS = ContentHit.__table__

Index("ix_turkctl_content_queue", CONTENTS.c.experiment_id, CONTENTS.c.priority.desc(), CONTENTS.c.id)


def open_links(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store which items the HITs of intents show, in the transaction that opens the intents."""
    insert_rows(session, LINKS, rows)


def attach(session: Session, token: str, hit_row: int) -> None:
    """Store which HIT the intent has created, unless it is already stored."""
    statement = update(LINKS).where(LINKS.c.token == token, LINKS.c.hit_row.is_(None))
    session.connection().execute(statement.values(hit_row=hit_row))


def data_of(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return ``{id: data}`` of items, removed ones included."""
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        rows = session.connection().execute(select(CONTENTS.c.id, CONTENTS.c.data).where(CONTENTS.c.id.in_(part)))
        found.update((row.id, row.data) for row in rows)
    return found


def data_by_key(session: Session, experiment_id: int, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``{key: data}`` of the known keys, removed ones included."""
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(list(dict.fromkeys(keys))):
        wanted = (CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.key.in_(part))
        rows = session.connection().execute(select(CONTENTS.c.key, CONTENTS.c.data).where(*wanted))
        found.update((row.key, row.data) for row in rows)
    return found


def all_data(session: Session, experiment_id: int) -> Iterator[dict[str, Any]]:
    """Yield the data of all items of an experiment, removed ones included."""
    statement = select(CONTENTS.c.data).where(CONTENTS.c.experiment_id == experiment_id)
    for part in session.connection().execute(statement.execution_options(stream_results=True)).partitions(PAGE):
        yield from (row.data for row in part)


def gold_ids(session: Session, experiment_id: int) -> list[int]:
    """Return the ids of the items that have a known answer and are not removed, oldest first."""
    statement = select(CONTENTS.c.id).where(
        CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.gold.is_not(None), CONTENTS.c.removed.is_(None)
    )
    return list(session.connection().execute(statement.order_by(CONTENTS.c.id)).scalars())


def gold_answers(session: Session, experiment_id: int) -> dict[str, str]:
    """Return ``{key: known answer}`` of the items of an experiment that have one, removed ones included."""
    statement = select(CONTENTS.c.key, CONTENTS.c.gold).where(
        CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.gold.is_not(None)
    )
    return {row.key: row.gold for row in session.connection().execute(statement)}


def first(session: Session, experiment_id: int) -> dict[str, Any] | None:
    """Return the data of the oldest item that is not removed, to try a question out with."""
    here = (CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.removed.is_(None))
    statement = select(CONTENTS.c.data).where(*here).order_by(CONTENTS.c.id).limit(1)
    found: dict[str, Any] | None = session.connection().execute(statement).scalar()
    return found


def keys_of(session: Session, experiment_id: int) -> list[tuple[int, str]]:
    """Return (id, key) of the items of an experiment that are not removed, oldest first."""
    here = (CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.removed.is_(None))
    statement = select(CONTENTS.c.id, CONTENTS.c.key).where(*here).order_by(CONTENTS.c.id)
    return [(row.id, row.key) for row in session.connection().execute(statement)]


def keys_by_id(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return ``{id: key}`` of these items."""
    found: dict[int, str] = {}
    for part in chunks(ids):
        rows = session.connection().execute(select(CONTENTS.c.id, CONTENTS.c.key).where(CONTENTS.c.id.in_(part)))
        found.update((row.id, row.key) for row in rows)
    return found


def find(session: Session, experiment_id: int, keys: Sequence[str]) -> dict[str, tuple[int, datetime | None]]:
    """Return ``{key: (id, time of removal)}`` of the known keys."""
    found: dict[str, tuple[int, datetime | None]] = {}
    columns = (CONTENTS.c.key, CONTENTS.c.id, CONTENTS.c.removed)
    for part in chunks(list(dict.fromkeys(keys))):
        statement = select(*columns).where(CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.key.in_(part))
        found.update((row.key, (row.id, row.removed)) for row in session.connection().execute(statement))
    return found


def numbers(session: Session) -> dict[int, int]:
    """Return ``{experiment_id: number of items}``, without removed ones, including those with a known answer."""
    statement = select(CONTENTS.c.experiment_id, func.count()).where(CONTENTS.c.removed.is_(None))
    return {row[0]: row[1] for row in session.connection().execute(statement.group_by(CONTENTS.c.experiment_id))}


def remove(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Remove items from dispatch; one that is already removed keeps its time."""
    for part in chunks(ids):
        there = CONTENTS.c.id.in_(part) & CONTENTS.c.removed.is_(None)
        session.connection().execute(update(CONTENTS).where(there).values(removed=now))
