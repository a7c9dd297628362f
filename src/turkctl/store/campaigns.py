"""Campaigns: a goal of people for one code version of an experiment, recruited in rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Text, select, text, update
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, add, changed_one
from turkctl.store.types import Money, UtcTime

ACTIVE = "active"
EXHAUSTED = "exhausted"
MET = "met"
CANCELLED = "cancelled"
SUPERSEDED = "superseded"
ENDED = "ended"
RUNNING = (ACTIVE, EXHAUSTED)
"""An exhausted campaign waits for money and goes on by itself: it keeps its place."""
PAST = (MET, CANCELLED, SUPERSEDED, ENDED)

MOST = 1_000_000
"""People that a campaign may be for, and assignments of one round: more is a slip of the keyboard."""

_RUNNING = text(f"status IN ('{ACTIVE}', '{EXHAUSTED}')")


class Campaign(TurkctlTable, table=True):
    """One campaign. What it pays is fixed when it is created; the rest of the HIT is the experiment's."""

    __tablename__ = "turkctl_campaign"
    __table_args__ = (
        Index(
            "uq_turkctl_campaign_running",
            "experiment_id",
            "mode",
            unique=True,
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id", index=True)
    code_version: str = Field(max_length=128)
    goal: int
    """Distinct people."""
    reward: Decimal = Field(sa_type=Money)
    duration: int
    """Seconds that a worker has."""
    every: int
    """Seconds between rounds."""
    per_round: int
    """Assignments that a round posts at most."""
    budget: Decimal | None = Field(default=None, sa_type=Money)
    """Dollars for this campaign's HITs, commission included; None: only the experiment's budget counts."""
    start_at: datetime | None = Field(default=None, sa_type=UtcTime)
    end_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hours: str | None = Field(default=None, max_length=16)
    """As in ``09:00-17:00``."""
    timezone: str | None = Field(default=None, max_length=64)
    allow_repeat_workers: bool = False
    status: str = Field(default=ACTIVE, max_length=16)
    reason: str | None = Field(default=None, sa_type=Text)
    """Why it is in this status, for people."""
    created: datetime = Field(sa_type=UtcTime)
    ended: datetime | None = Field(default=None, sa_type=UtcTime)

    @property
    def number(self) -> int:
        """The id of a campaign that is stored."""
        assert self.id is not None
        return self.id

    @property
    def place(self) -> Place:
        """The mode and market it recruits on."""
        return Place(self.mode, self.market)

    @property
    def running(self) -> bool:
        """Whether it goes on: active, or waiting for money."""
        return self.status in RUNNING


CAMPAIGNS = Campaign.__table__


def insert(session: Session, campaign: Campaign) -> Campaign:
    """Stores a new campaign, validated, and gives it its ``id``.

    Raises:
        sqlalchemy.exc.IntegrityError: the experiment has a running campaign in this mode.
    """
    add(session, campaign)
    return campaign


def get(session: Session, campaign_id: int) -> Campaign | None:
    """The campaign, read afresh."""
    statement = select(Campaign).where(CAMPAIGNS.c.id == campaign_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def running_of(session: Session, experiment_id: int, mode: str) -> Campaign | None:
    """The one campaign of this experiment and mode that goes on, on whichever market."""
    statement = select(Campaign).where(
        CAMPAIGNS.c.experiment_id == experiment_id, CAMPAIGNS.c.mode == mode, CAMPAIGNS.c.status.in_(RUNNING)
    )
    return session.scalars(statement).one_or_none()


def list_all(session: Session, place: Place, statuses: Sequence[str] | None = None) -> list[Campaign]:
    """The campaigns of a place, oldest first."""
    statement = select(Campaign).where(CAMPAIGNS.c.mode == place.mode).order_by(CAMPAIGNS.c.id)
    if place.market != ANY_MARKET:
        statement = statement.where(CAMPAIGNS.c.market == place.market)
    if statuses is not None:
        statement = statement.where(CAMPAIGNS.c.status.in_(statuses))
    return list(session.scalars(statement))


def running_anywhere(session: Session, experiment_id: int) -> list[Campaign]:
    """The campaigns of this experiment that go on, in every mode."""
    statement = select(Campaign).where(CAMPAIGNS.c.experiment_id == experiment_id, CAMPAIGNS.c.status.in_(RUNNING))
    return list(session.scalars(statement.order_by(CAMPAIGNS.c.id)))


def set_status(
    session: Session, campaign_id: int, *, expected: Sequence[str], new: str, reason: str | None, now: datetime
) -> bool:
    """Moves the campaign to another status, at ``now`` if it is a last one; False when it was not as ``expected``."""
    values: dict[str, Any] = {"status": new, "reason": reason, "ended": now if new in PAST else None}
    statement = update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id, CAMPAIGNS.c.status.in_(expected))
    return changed_one(session, statement.values(**values))


def change(session: Session, campaign_id: int, *, expected: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Sets columns of a campaign in one of the statuses ``expected``; False when it was in another."""
    statement = update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id, CAMPAIGNS.c.status.in_(expected))
    return changed_one(session, statement.values(**values))


def digest(campaign_id: int) -> str:
    """What the intents of a campaign carry, by which they are found again."""
    return f"campaign {campaign_id}"
