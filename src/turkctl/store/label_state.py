"""Which experiments have labels that no run has seen, and which run is under way.

Dirty is what was marked so, and what an abandoned run had taken: the mark is cleared when a run begins, so that answers
which arrive meanwhile set it again, and a run that was killed has left its hold behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlmodel import Session

from turkctl.store.base import changed_one, insert_ignoring
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.labels import STATES
from turkctl.store.leases import machine_clock

LASTS = timedelta(minutes=5)
"""How long a hold lasts without being renewed: longer than any one step of a run."""

IsGone = Callable[[str], bool]
"""Whether the process that a holder's text names certainly does not live any more."""


@dataclass(frozen=True)
class State:
    """Where an experiment's labels stand in one mode."""

    experiment_id: int
    mode: str
    dirty: datetime | None
    read_until: int
    read_field: str | None
    holder: str | None
    held_until: datetime | None
    run_id: int | None

    def is_dirty(self, now: datetime, is_gone: IsGone) -> bool:
        """Whether there is something that no finished run has seen. ``now`` is real time."""
        return self.dirty is not None or self.is_abandoned(now, is_gone)

    def is_abandoned(self, now: datetime, is_gone: IsGone) -> bool:
        """Whether a run began and will not end."""
        if self.holder is None or self.held_until is None:
            return False
        return self.held_until <= now or is_gone(self.holder)


_STATE = tuple(STATES.c[name] for name in State.__dataclass_fields__)


def get(session: Session, experiment_id: int, mode: str) -> State | None:
    """The state; None where there were never labels."""
    row = session.connection().execute(select(*_STATE).where(*_of(experiment_id, mode))).one_or_none()
    return None if row is None else State(*row)


def all_of(session: Session, mode: str) -> dict[int, State]:
    """The states of a mode, by experiment."""
    rows = session.connection().execute(select(*_STATE).where(STATES.c.mode == mode))
    return {row.experiment_id: State(*row) for row in rows}


def ensure(session: Session, experiment_id: int, mode: str, now: datetime) -> State:
    """The state, made (and dirty) where it was not there."""
    fresh = {"experiment_id": experiment_id, "mode": mode, "dirty": now, "read_until": 0}
    insert_ignoring(session, STATES, ["experiment_id", "mode"], [fresh])
    found = get(session, experiment_id, mode)
    assert found is not None
    return found


def mark_dirty(session: Session, experiment_id: int, mode: str, now: datetime) -> None:
    """Says that there is something new, where the experiment has labels; what is dirty keeps its time."""
    statement = update(STATES).where(*_of(experiment_id, mode), STATES.c.dirty.is_(None))
    session.connection().execute(statement.values(dirty=now))


def mark_dirty_by_slug(session: Session, slugs: Collection[str], mode: str, now: datetime) -> None:
    """The same for experiments by name."""
    ids = select(EXPERIMENTS.c.id).where(EXPERIMENTS.c.slug.in_(slugs))
    statement = update(STATES).where(STATES.c.mode == mode, STATES.c.dirty.is_(None), STATES.c.experiment_id.in_(ids))
    if slugs:
        session.connection().execute(statement.values(dirty=now))


def mark_all_dirty(session: Session, experiment_id: int, now: datetime) -> None:
    """The same for one experiment in all modes."""
    statement = update(STATES).where(STATES.c.experiment_id == experiment_id, STATES.c.dirty.is_(None))
    session.connection().execute(statement.values(dirty=now))


def claim(session: Session, state: State, holder: str, is_gone: IsGone) -> bool:
    """Take the hold and clear the mark, unless another run has it; False where one has."""
    now = machine_clock(session)
    if state.holder is not None and not state.is_abandoned(now, is_gone):
        return False
    before = STATES.c.holder.is_(None) if state.holder is None else STATES.c.holder == state.holder
    statement = update(STATES).where(*_of(state.experiment_id, state.mode), before)
    return changed_one(session, statement.values(holder=holder, held_until=now + LASTS, dirty=None))


def renew(session: Session, experiment_id: int, mode: str, holder: str) -> bool:
    """Prolong the hold; False where it is another's by now."""
    mine = update(STATES).where(*_of(experiment_id, mode), STATES.c.holder == holder)
    return changed_one(session, mine.values(held_until=machine_clock(session) + LASTS))


def finish(session: Session, experiment_id: int, mode: str, holder: str, run_id: int) -> bool:
    """Give the hold back with the results of this run in place; False where the hold is another's by now."""
    mine = update(STATES).where(*_of(experiment_id, mode), STATES.c.holder == holder)
    return changed_one(session, mine.values(holder=None, held_until=None, run_id=run_id))


def give_up(session: Session, experiment_id: int, mode: str, holder: str, now: datetime) -> None:
    """Give the hold back; what it was about is dirty again."""
    mine = update(STATES).where(*_of(experiment_id, mode), STATES.c.holder == holder)
    session.connection().execute(mine.values(holder=None, held_until=None))
    mark_dirty(session, experiment_id, mode, now)


def note_read(session: Session, experiment_id: int, mode: str, values: Mapping[str, Any]) -> None:
    """Remember how far answers are read (``read_until``) and by which field (``read_field``)."""
    session.connection().execute(update(STATES).where(*_of(experiment_id, mode)).values(**values))


def _of(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return STATES.c.experiment_id == experiment_id, STATES.c.mode == mode
