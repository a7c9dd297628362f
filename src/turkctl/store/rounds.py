"""Store rounds of campaigns: each is begun by one process before it acts, and keeps the numbers it decided from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Text, UniqueConstraint, func, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, add, changed_one
from turkctl.store.types import Money, UtcTime

RUNNING = "running"
ABANDONED = "abandoned"
"""Its process ended before it did; what it had begun, the next round goes on with."""
FAILED = "failed"


class Round(TurkctlTable, table=True):
    """One round: the numbers it decided from, what it posted and why."""

    __tablename__ = "turkctl_round"
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="turkctl_campaign.id")
    number: int
    """From 1, in each campaign."""
    started: datetime = Field(sa_type=UtcTime)
    finished: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str = Field(default=RUNNING, max_length=16)
    """``running``, ``abandoned``, ``failed``, or what was decided: ``posted``, ``waiting``, ``closed``, ``exhausted``,
    ``met``, ``ended``, ``superseded``, ``cancelled``."""
    reason: str | None = Field(default=None, sa_type=Text)
    goal: int | None = None
    completed: int | None = None
    """Distinct people."""
    outstanding: int | None = None
    """Slots open, at work, or submitted and not read yet."""
    unsettled: int | None = None
    """Slots of requests that may or may not have reached the market."""
    wanted: int | None = None
    """Assignments that were missing, at most those of one round."""
    posted: int = 0
    """Assignments."""
    hits: int = 0
    cost: Decimal = Field(default=Decimal("0.00"), sa_type=Money)
    """Dollars, commission included."""


ROUNDS = Round.__table__


def last(session: Session, campaign_id: int) -> Round | None:
    """Return the campaign's latest round, read anew."""
    statement = select(Round).where(ROUNDS.c.campaign_id == campaign_id).order_by(ROUNDS.c.number.desc()).limit(1)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def begin(session: Session, campaign_id: int, now: datetime) -> Round:
    """Begin the next round, for who holds the lease; one that was still running counts as abandoned from now on.

    Raises:
        sqlalchemy.exc.IntegrityError: another process began the same round (the number is unique).
    """
    before = last(session, campaign_id)
    if before is not None and before.outcome == RUNNING:
        left = update(ROUNDS).where(ROUNDS.c.id == before.id, ROUNDS.c.outcome == RUNNING)
        session.connection().execute(left.values(outcome=ABANDONED, finished=now, reason="its process ended"))
    number = 1 if before is None else before.number + 1
    claimed = Round(campaign_id=campaign_id, number=number, started=now)
    add(session, claimed)
    return claimed


def write(session: Session, round_id: int, values: Mapping[str, Any]) -> bool:
    """Set columns of a round that has not ended (or was considered abandoned by mistake)."""
    statement = update(ROUNDS).where(ROUNDS.c.id == round_id, ROUNDS.c.outcome.in_((RUNNING, ABANDONED)))
    return changed_one(session, statement.values(**values))


def record_posted(session: Session, campaign_id: int, number: int, *, posted: int, hits: int, cost: Decimal) -> None:
    """Store the result of a round's requests, even if it ended before all were answered."""
    statement = update(ROUNDS).where(ROUNDS.c.campaign_id == campaign_id, ROUNDS.c.number == number)
    session.connection().execute(statement.values(posted=posted, hits=hits, cost=cost))


def posted(session: Session, campaign_id: int, number: int) -> int:
    """Return the number of assignments that the round has posted."""
    statement = select(ROUNDS.c.posted).where(ROUNDS.c.campaign_id == campaign_id, ROUNDS.c.number == number)
    return int(session.connection().execute(statement).scalar_one())


def total_posted(session: Session, campaign_id: int) -> int:
    """Return the number of assignments that all rounds of a campaign have posted."""
    statement = select(func.coalesce(func.sum(ROUNDS.c.posted), 0)).where(ROUNDS.c.campaign_id == campaign_id)
    return int(session.connection().execute(statement).scalar_one())


def of_campaign(session: Session, campaign_id: int) -> list[Round]:
    """Return all rounds of a campaign, oldest first."""
    statement = select(Round).where(ROUNDS.c.campaign_id == campaign_id).order_by(ROUNDS.c.number)
    return list(session.scalars(statement))


def counts(session: Session) -> dict[int, int]:
    """Return ``{campaign: rounds}`` for all campaigns that have any."""
    statement = select(ROUNDS.c.campaign_id, func.count()).group_by(ROUNDS.c.campaign_id)
    return {row[0]: row[1] for row in session.connection().execute(statement)}
