"""Read what is stored about one worker besides their work and its pay: messages, exclusions, whether they are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, exists, or_, select, type_coerce
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import ANY_MARKET, Place
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.intents import INTENTS, MESSAGE, Intent
from turkctl.store.participants import participants_table
from turkctl.store.qualifications import DELETED, GRANTS, TYPES


def is_known(session: Session, place: Place, worker_id: str, participants_name: str | None) -> bool:
    """Return whether the worker has stored work in this place, or a participant's row in its mode."""
    looks = [exists().where(*_at(ASSIGNMENTS, place), ASSIGNMENTS.c.worker_id == worker_id)]
    if participants_name is not None:
        table = participants_table(participants_name)
        looks.append(exists().where(table.c.mode == place.mode, table.c.workerid == worker_id))
    return bool(session.connection().execute(select(or_(*looks))).scalar())


def messages_to(session: Session, place: Place, worker_id: str) -> list[Intent]:
    """Return the messages to a worker that were begun, those about a compensation included, oldest first."""
    words = type_coerce(INTENTS.c.request, Text).contains(f'"{worker_id}"', autoescape=True)
    about = or_(INTENTS.c.subject == worker_id, words)
    statement = select(Intent).where(*_at(INTENTS, place), INTENTS.c.kind == MESSAGE, about)
    found = session.scalars(statement.order_by(INTENTS.c.created, INTENTS.c.token))
    return [each for each in found if worker_id in each.request.get("workers", (each.subject,))]


@dataclass(frozen=True)
class ExclusionRow:
    """A qualification that keeps a worker out of later HITs of an experiment."""

    experiment: str
    """Slug."""
    purpose: str
    granted: datetime
    error: str | None
    """The market's code where it refused to grant it."""


def exclusions_of(session: Session, place: Place, worker_id: str) -> list[ExclusionRow]:
    """Return from which experiments' later HITs turkctl keeps the worker out, oldest first."""
    statement = (
        select(EXPERIMENTS.c.slug, TYPES.c.purpose, GRANTS.c.granted, GRANTS.c.error)
        .join_from(GRANTS, TYPES, GRANTS.c.type_row == TYPES.c.id)
        .join(EXPERIMENTS, TYPES.c.experiment_id == EXPERIMENTS.c.id)
        .where(*_at(TYPES, place), GRANTS.c.worker_id == worker_id, ~TYPES.c.purpose.startswith(DELETED))
        .order_by(GRANTS.c.id)
    )
    return [ExclusionRow(*row) for row in session.connection().execute(statement)]


def _at(table: Table, place: Place) -> list[ColumnElement[Any]]:
    mode = table.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, table.c.market == place.market]


# SQLite would look up the mode in an index and sort what it finds, for each page anew: here it reads along the key.


def workers_by_work(session: Session, after: int, limit: int) -> list[tuple[int, str, str]]:
    """Return (row, mode, worker) of the stored assignments after a row, on any market and in any mode."""
    columns = (ASSIGNMENTS.c.id, ASSIGNMENTS.c.mode, ASSIGNMENTS.c.worker_id)
    statement = select(*columns).where(ASSIGNMENTS.c.id > after).order_by(ASSIGNMENTS.c.id).limit(limit)
    return [(row, mode, worker) for row, mode, worker in session.connection().execute(statement)]


def workers_by_row(session: Session, participants_name: str, after: str, limit: int) -> list[tuple[str, str, str]]:
    """Return (uniqueid, mode, worker) of the participants after a key, in any mode."""
    table = participants_table(participants_name)
    columns = (table.c.uniqueid, table.c.mode, table.c.workerid)
    statement = select(*columns).where(table.c.uniqueid > after).order_by(table.c.uniqueid).limit(limit)
    return [(key, mode, worker) for key, mode, worker in session.connection().execute(statement)]


def workers_by_message(session: Session, mode: str, after: str, limit: int) -> list[tuple[str, list[str]]]:
    """Return (token, workers) of messages that were begun in a mode, in tokens after this one."""
    statement = select(INTENTS.c.token, INTENTS.c.subject, INTENTS.c.request).where(
        INTENTS.c.token > after, INTENTS.c.mode == mode, INTENTS.c.kind == MESSAGE
    )
    found = session.connection().execute(statement.order_by(INTENTS.c.token).limit(limit))
    return [(token, request.get("workers", [subject])) for token, subject, request in found]
