"""Store notices: events that people are told of once, each kept until it is delivered.

A notice is written in the transaction of the change that it tells of, and sent outside of any. Whoever sends one
claims it first: :func:`claim` counts the attempt by compare-and-swap and moves ``due`` past the longest that an attempt
takes, so that no two processes send it at once, and a process that dies while it sends leaves it to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, and_, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, changed, changed_one, chunks, insert_ignoring
from turkctl.store.leases import machine_clock
from turkctl.store.types import Json, UtcTime

WAITING = "waiting"
SENT = "sent"
GIVEN_UP = "given_up"
"""Never delivered, and too old to be news."""


class Notice(TurkctlTable, table=True):
    """One event. ``happened`` is a time of the study's world; the other times are the machine's."""

    __tablename__ = "turkctl_notice"
    __table_args__ = (Index(None, "state", "due"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=255, unique=True)
    """What makes the event one of a kind: it is never written twice."""
    event: str = Field(max_length=32)
    mode: str = Field(max_length=16)
    experiment: str | None = Field(default=None, max_length=128)
    """Slug."""
    campaign: int | None = None
    task: str | None = Field(default=None, max_length=128)
    message: str = Field(sa_type=Text)
    """A sentence, for people."""
    happened: datetime = Field(sa_type=UtcTime)
    written: datetime = Field(sa_type=UtcTime)
    said: datetime | None = Field(default=None, sa_type=UtcTime)
    """When the scheduler said it on standard error."""
    state: str = Field(default=WAITING, max_length=16)
    attempts: int = 0
    due: datetime = Field(sa_type=UtcTime)
    """When it may be sent next."""
    reached: list[str] = Field(default_factory=list, sa_type=Json)
    """Names of the channels that have it already."""

    @property
    def number(self) -> int:
        """Return the id of a stored notice."""
        assert self.id is not None
        return self.id


NOTICES = Notice.__table__


def add(
    session: Session,
    key: str,
    event: str,
    message: str,
    *,
    mode: str,
    happened: datetime,
    experiment: str | None = None,
    campaign: int | None = None,
    task: str | None = None,
    said: bool = False,
) -> None:
    """Store a notice unless one of this key is there.

    Args:
        session: the transaction of the change that it tells of.
        key: what makes the event one of a kind.
        event: its name, for programs.
        message: a sentence, for people.
        mode: of the rows that it is about.
        happened: when, in the world of the mode.
        experiment: the slug of the experiment that it is about.
        campaign: the number of the campaign that it is about.
        task: the name of the task that it is about.
        said: whether it is said on standard error in another way.
    """
    now = machine_clock(session)
    notice = Notice(
        key=key,
        event=event,
        mode=mode,
        experiment=experiment,
        campaign=campaign,
        task=task,
        message=" ".join(message.split()),
        happened=happened,
        written=now,
        said=now if said else None,
        due=now,
    )
    insert_ignoring(session, NOTICES, ["key"], [notice.checked(without="id")])


def known(session: Session, keys: Collection[str]) -> set[str]:
    """Return those of the keys that have a notice."""
    found: set[str] = set()
    for part in chunks(list(keys)):
        found.update(session.connection().execute(select(NOTICES.c.key).where(NOTICES.c.key.in_(part))).scalars())
    return found


def unsaid(session: Session) -> list[Notice]:
    """Return the notices that the scheduler has not said yet, oldest first."""
    return list(session.scalars(select(Notice).where(NOTICES.c.said.is_(None)).order_by(NOTICES.c.id)))


def mark_said(session: Session, notices: Sequence[Notice], now: datetime) -> None:
    """Remember that these were said."""
    for part in chunks([notice.number for notice in notices]):
        changed(session, update(NOTICES).where(NOTICES.c.id.in_(part)).values(said=now))


def due(session: Session, now: datetime, limit: int) -> list[Notice]:
    """Return notices that may be sent now, oldest first, ``limit`` at most."""
    statement = select(Notice).where(NOTICES.c.state == WAITING, NOTICES.c.due <= now)
    return list(session.scalars(statement.order_by(NOTICES.c.id).limit(limit)))


def claim(session: Session, notice: Notice, until: datetime) -> bool:
    """Take the next attempt at a notice as it was read; nobody else has one before ``until``.

    Returns:
        False if it was delivered or another process claimed it since it was read.
    """
    mine = update(NOTICES).where(_as_read(notice, notice.attempts))
    return changed_one(session, mine.values(attempts=notice.attempts + 1, due=until))


def attempted(session: Session, notice: Notice, reached: Sequence[str], again: datetime | None) -> bool:
    """Store what became of a claimed attempt.

    Args:
        session: a transaction of its own.
        notice: as it was read before :func:`claim`.
        reached: the channels that have the notice by now.
        again: when it may be sent again; None if it is delivered.

    Returns:
        False if another process has claimed the notice since.
    """
    values: dict[str, Any] = {"reached": list(reached)}
    values |= {"state": SENT} if again is None else {"due": again}
    return changed_one(session, update(NOTICES).where(_as_read(notice, notice.attempts + 1)).values(**values))


def outdated(session: Session, written_before: datetime) -> list[Notice]:
    """Return the notices that were written before a time and are still waiting, oldest first."""
    old = (NOTICES.c.state == WAITING, NOTICES.c.written < written_before)
    return list(session.scalars(select(Notice).where(*old).order_by(NOTICES.c.id)))


def give_up(session: Session, notice: Notice) -> bool:
    """Give up a notice as it was read; return False if it was delivered or another process claimed it since."""
    return changed_one(session, update(NOTICES).where(_as_read(notice, notice.attempts)).values(state=GIVEN_UP))


def _as_read(notice: Notice, attempts: int) -> Any:
    return and_(NOTICES.c.id == notice.id, NOTICES.c.state == WAITING, NOTICES.c.attempts == attempts)
