"""Content: the items of an experiment that workers are shown, and the HITs that each is shown in.

How many outputs an item has, and how many are under way, is never stored: :mod:`turkctl.store.contents_counts` works
it out from HITs and assignments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, Text, UniqueConstraint, func, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, chunks, insert_rows
from turkctl.store.types import Json, UtcTime

KEY_LENGTH = 255


class Content(TurkctlTable, table=True):
    """One item of an experiment, whatever the mode."""

    __tablename__ = "turkctl_content"
    __table_args__ = (UniqueConstraint("experiment_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    """In the order in which items were added: the lower, the older."""
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    key: str = Field(max_length=KEY_LENGTH)
    data: dict[str, Any] = Field(sa_type=Json)
    """What a question's placeholders stand for, by column. The known answer is not among it."""
    priority: float = Field(default=0.0, sa_type=Double)
    outputs_max: int = 1
    """Outputs wanted: how many workers are to answer it."""
    gold: str | None = Field(default=None, sa_type=Text)
    """The known answer of an item that checks workers; such an item is never pending."""
    added: datetime = Field(sa_type=UtcTime)
    updated: datetime = Field(sa_type=UtcTime)
    removed: datetime | None = Field(default=None, sa_type=UtcTime)
    """Since when it is no longer dispatched."""


class ContentHit(TurkctlTable, table=True):
    """That an item is shown in a HIT, from the moment in which the HIT's intent is committed."""

    __tablename__ = "turkctl_content_hit"

    token: str = Field(primary_key=True, max_length=64, foreign_key="turkctl_intent.token")
    """Of the intent that the HIT is posted by."""
    position: int = Field(primary_key=True)
    """Of the item in the HIT, from 1."""
    content_id: int = Field(foreign_key="turkctl_content.id", index=True)
    hit_row: int | None = Field(default=None, foreign_key="turkctl_hit.id", index=True)
    """Our row of the HIT, once it is known to be posted."""
    assignments: int
    """Assignments that the HIT was asked for with."""
    outputs: int
    """Outputs of one assignment, by the settings that the HIT was made with."""


CONTENTS = Content.__table__
LINKS = ContentHit.__table__

Index("ix_turkctl_content_queue", CONTENTS.c.experiment_id, CONTENTS.c.priority.desc(), CONTENTS.c.id)


def open_links(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Stores which items the HITs of intents show; in the transaction that opens the intents."""
    insert_rows(session, LINKS, rows)


def attach(session: Session, token: str, hit_row: int) -> None:
    """Says which HIT the intent has made; what is said already stays."""
    statement = update(LINKS).where(LINKS.c.token == token, LINKS.c.hit_row.is_(None))
    session.connection().execute(statement.values(hit_row=hit_row))


def data_of(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """``{id: data}`` of items, removed ones included."""
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        rows = session.connection().execute(select(CONTENTS.c.id, CONTENTS.c.data).where(CONTENTS.c.id.in_(part)))
        found.update((row.id, row.data) for row in rows)
    return found


def gold_ids(session: Session, experiment_id: int) -> list[int]:
    """The items of an experiment that have a known answer and are not removed, oldest first."""
    statement = select(CONTENTS.c.id).where(
        CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.gold.is_not(None), CONTENTS.c.removed.is_(None)
    )
    return list(session.connection().execute(statement.order_by(CONTENTS.c.id)).scalars())


def gold_answers(session: Session, experiment_id: int) -> dict[str, str]:
    """``{key: known answer}`` of the items of an experiment that have one, removed ones included."""
    statement = select(CONTENTS.c.key, CONTENTS.c.gold).where(
        CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.gold.is_not(None)
    )
    return {row.key: row.gold for row in session.connection().execute(statement)}


def first(session: Session, experiment_id: int) -> dict[str, Any] | None:
    """The data of the oldest item that is not removed: for trying a question out."""
    here = (CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.removed.is_(None))
    statement = select(CONTENTS.c.data).where(*here).order_by(CONTENTS.c.id).limit(1)
    found: dict[str, Any] | None = session.connection().execute(statement).scalar()
    return found


def keys_of(session: Session, experiment_id: int) -> list[tuple[int, str]]:
    """(id, key) of the items of an experiment that are not removed, oldest first."""
    here = (CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.removed.is_(None))
    statement = select(CONTENTS.c.id, CONTENTS.c.key).where(*here).order_by(CONTENTS.c.id)
    return [(row.id, row.key) for row in session.connection().execute(statement)]


def keys_by_id(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """``{id: key}`` of these items."""
    found: dict[int, str] = {}
    for part in chunks(ids):
        rows = session.connection().execute(select(CONTENTS.c.id, CONTENTS.c.key).where(CONTENTS.c.id.in_(part)))
        found.update((row.id, row.key) for row in rows)
    return found


def find(session: Session, experiment_id: int, keys: Sequence[str]) -> dict[str, tuple[int, datetime | None]]:
    """``{key: (id, since when it is removed)}`` of those of the keys that are there."""
    found: dict[str, tuple[int, datetime | None]] = {}
    columns = (CONTENTS.c.key, CONTENTS.c.id, CONTENTS.c.removed)
    for part in chunks(list(dict.fromkeys(keys))):
        statement = select(*columns).where(CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.key.in_(part))
        found.update((row.key, (row.id, row.removed)) for row in session.connection().execute(statement))
    return found


def numbers(session: Session) -> dict[int, int]:
    """``{experiment_id: items}`` that are not removed, those with a known answer included."""
    statement = select(CONTENTS.c.experiment_id, func.count()).where(CONTENTS.c.removed.is_(None))
    return {row[0]: row[1] for row in session.connection().execute(statement.group_by(CONTENTS.c.experiment_id))}


def remove(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Takes items out of dispatch; one that is out already keeps its time."""
    for part in chunks(ids):
        there = CONTENTS.c.id.in_(part) & CONTENTS.c.removed.is_(None)
        session.connection().execute(update(CONTENTS).where(there).values(removed=now))
