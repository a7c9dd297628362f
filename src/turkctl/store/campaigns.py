"""Store and read campaigns: a number of people to recruit for one code version of an experiment, in rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
"""An exhausted campaign waits for money and then continues, so it still counts as running."""
PAST = (MET, CANCELLED, SUPERSEDED, ENDED)

MOST = 1_000_000
"""Maximum for the goal of a campaign and for the assignments of a round: more is surely a typing error."""

_RUNNING = text(f"status IN ('{ACTIVE}', '{EXHAUSTED}')")


@dataclass(frozen=True)
class FinalNumbers:
    """What a campaign had come to when it ended."""

    completed: int
    """Distinct people."""
    outstanding: int
    """Assignments that were still out, those requested without an answer included."""
    spent: Decimal | None
    """Dollars committed, commission included; None where nobody knows."""


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
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id", index=True)
    code_version: str = Field(max_length=128)
    goal: int
    """Number of distinct people."""
    reward: Decimal = Field(sa_type=Money)
    duration: int
    """Time for one assignment, in seconds."""
    every: int
    """Seconds between rounds."""
    per_round: int
    """Maximum number of assignments that a round posts."""
    budget: Decimal | None = Field(default=None, sa_type=Money)
    """Dollars for this campaign's HITs, commission included; None if only the experiment's budget counts."""
    start_at: datetime | None = Field(default=None, sa_type=UtcTime)
    end_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hours: str | None = Field(default=None, max_length=16)
    """As in ``09:00-17:00``."""
    timezone: str | None = Field(default=None, max_length=64)
    allow_repeat_workers: bool = False
    status: str = Field(default=ACTIVE, max_length=16)
    reason: str | None = Field(default=None, sa_type=Text)
    """Why it is in this status, for the user."""
    created: datetime = Field(sa_type=UtcTime)
    ended: datetime | None = Field(default=None, sa_type=UtcTime)
    completed_at_end: int | None = None
    """Like the next two, None while it runs, and of a campaign that ended before these were stored."""
    outstanding_at_end: int | None = None
    spent_at_end: Decimal | None = Field(default=None, sa_type=Money)

    @property
    def final(self) -> FinalNumbers | None:
        """Return the numbers of its end; None if they are not stored."""
        if self.completed_at_end is None:
            return None
        return FinalNumbers(self.completed_at_end, self.outstanding_at_end or 0, self.spent_at_end)

    @property
    def number(self) -> int:
        """Return the id of a stored campaign."""
        assert self.id is not None
        return self.id

    @property
    def place(self) -> Place:
        """Return the mode and market it recruits on."""
        return Place(self.mode, self.market)

    @property
    def running(self) -> bool:
        """Return whether it is running: active, or waiting for money."""
        return self.status in RUNNING


CAMPAIGNS = Campaign.__table__


def describe_for_postgresql() -> None:
    """Give the index on running campaigns its condition on PostgreSQL, before tables are made or compared.

    As an argument of the index it would import that dialect, at each start and on SQLite, too.
    """
    (index,) = (each for each in CAMPAIGNS.indexes if each.name == "uq_turkctl_campaign_running")
    index.dialect_options["postgresql"]["where"] = _RUNNING


def insert(session: Session, campaign: Campaign) -> Campaign:
    """Validate and store a new campaign; set its ``id``.

    Raises:
        sqlalchemy.exc.IntegrityError: the experiment has a running campaign in this mode.
    """
    add(session, campaign)
    return campaign


def get(session: Session, campaign_id: int) -> Campaign | None:
    """Return the campaign, read anew."""
    statement = select(Campaign).where(CAMPAIGNS.c.id == campaign_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def running_of(session: Session, experiment_id: int, mode: str) -> Campaign | None:
    """Return the one running campaign of this experiment and mode, on any market."""
    statement = select(Campaign).where(
        CAMPAIGNS.c.experiment_id == experiment_id, CAMPAIGNS.c.mode == mode, CAMPAIGNS.c.status.in_(RUNNING)
    )
    return session.scalars(statement).one_or_none()


def list_all(session: Session, place: Place, statuses: Sequence[str] | None = None) -> list[Campaign]:
    """Return the campaigns of a place, oldest first."""
    statement = select(Campaign).where(CAMPAIGNS.c.mode == place.mode).order_by(CAMPAIGNS.c.id)
    if place.market != ANY_MARKET:
        statement = statement.where(CAMPAIGNS.c.market == place.market)
    if statuses is not None:
        statement = statement.where(CAMPAIGNS.c.status.in_(statuses))
    return list(session.scalars(statement))


def running_anywhere(session: Session, experiment_id: int) -> list[Campaign]:
    """Return the running campaigns of this experiment, in every mode."""
    statement = select(Campaign).where(CAMPAIGNS.c.experiment_id == experiment_id, CAMPAIGNS.c.status.in_(RUNNING))
    return list(session.scalars(statement.order_by(CAMPAIGNS.c.id)))


def set_status(
    session: Session,
    campaign_id: int,
    *,
    expected: Sequence[str],
    new: str,
    reason: str | None,
    now: datetime,
    final: FinalNumbers | None = None,
) -> bool:
    """Set the campaign's status; return False if it was not as ``expected``.

    A final status comes with the time ``now`` and the numbers of the end; any other clears both.
    """
    values: dict[str, Any] = {
        "status": new,
        "reason": reason,
        "ended": now if new in PAST else None,
        "completed_at_end": None if final is None else final.completed,
        "outstanding_at_end": None if final is None else final.outstanding,
        "spent_at_end": None if final is None else final.spent,
    }
    statement = update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id, CAMPAIGNS.c.status.in_(expected))
    return changed_one(session, statement.values(**values))


def change(session: Session, campaign_id: int, *, expected: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Set columns of a campaign in one of the ``expected`` statuses; return False if it is in another."""
    statement = update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id, CAMPAIGNS.c.status.in_(expected))
    return changed_one(session, statement.values(**values))


def digest(campaign_id: int) -> str:
    """Return the digest by which the intents of a campaign are found again."""
    return f"campaign {campaign_id}"
