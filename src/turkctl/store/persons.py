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
from turkctl.store.qualifications import GRANTS, TYPES


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
        .where(*_at(TYPES, place), GRANTS.c.worker_id == worker_id)
        .order_by(GRANTS.c.id)
    )
    return [ExclusionRow(*row) for row in session.connection().execute(statement)]


def _at(table: Table, place: Place) -> list[ColumnElement[Any]]:
    mode = table.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, table.c.market == place.market]
