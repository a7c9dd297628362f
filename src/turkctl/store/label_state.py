"""Track which experiments have labels that no run has seen, and which run's results are current.

The mark is cleared when a run begins, so that answers which arrive meanwhile set it again. A run that was killed leaves
it cleared: callers that ask what is dirty look for such runs too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlmodel import Session

from turkctl.store.base import insert_ignoring
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.labels import STATES


@dataclass(frozen=True)
class State:
    """The state of an experiment's labels in one mode."""

    experiment_id: int
    mode: str
    dirty: datetime | None
    read_until: int
    read_field: str | None
    run_id: int | None


_STATE = tuple(STATES.c[name] for name in State.__dataclass_fields__)


def get(session: Session, experiment_id: int, mode: str) -> State | None:
    """Return the state; None if there have never been labels."""
    row = session.connection().execute(select(*_STATE).where(*_of(experiment_id, mode))).one_or_none()
    return None if row is None else State(*row)


def all_of(session: Session, mode: str) -> dict[int, State]:
    """Return the states of a mode, by experiment."""
    rows = session.connection().execute(select(*_STATE).where(STATES.c.mode == mode))
    return {row.experiment_id: State(*row) for row in rows}


def ensure(session: Session, experiment_id: int, mode: str, now: datetime) -> State:
    """Return the state; create it, dirty, if it is missing."""
    fresh = {"experiment_id": experiment_id, "mode": mode, "dirty": now, "read_until": 0}
    insert_ignoring(session, STATES, ["experiment_id", "mode"], [fresh])
    found = get(session, experiment_id, mode)
    assert found is not None
    return found


def mark_dirty(session: Session, experiment_id: int, mode: str, now: datetime) -> None:
    """Mark experiments that have labels as dirty; those already dirty keep their time."""
    statement = update(STATES).where(*_of(experiment_id, mode), STATES.c.dirty.is_(None))
    session.connection().execute(statement.values(dirty=now))


def mark_dirty_by_slug(session: Session, slugs: Collection[str], mode: str, now: datetime) -> None:
    """Mark experiments as dirty, by name."""
    ids = select(EXPERIMENTS.c.id).where(EXPERIMENTS.c.slug.in_(slugs))
    statement = update(STATES).where(STATES.c.mode == mode, STATES.c.dirty.is_(None), STATES.c.experiment_id.in_(ids))
    if slugs:
        session.connection().execute(statement.values(dirty=now))


def mark_all_dirty(session: Session, experiment_id: int, now: datetime) -> None:
    """Mark one experiment as dirty in all modes."""
    statement = update(STATES).where(STATES.c.experiment_id == experiment_id, STATES.c.dirty.is_(None))
    session.connection().execute(statement.values(dirty=now))


def clear(session: Session, experiment_id: int, mode: str) -> None:
    """Clear the mark, because a run that begins sees all labels."""
    session.connection().execute(update(STATES).where(*_of(experiment_id, mode)).values(dirty=None))


def stand(session: Session, experiment_id: int, mode: str, run_id: int) -> None:
    """Make the results of this run current."""
    session.connection().execute(update(STATES).where(*_of(experiment_id, mode)).values(run_id=run_id))


def note_read(session: Session, experiment_id: int, mode: str, values: Mapping[str, Any]) -> None:
    """Store how far answers are read (``read_until``) and by which field (``read_field``)."""
    session.connection().execute(update(STATES).where(*_of(experiment_id, mode)).values(**values))


def _of(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return STATES.c.experiment_id == experiment_id, STATES.c.mode == mode
