"""Read the rewards that approved work has earned, and what each costs; the ledger holds all other payments.

A reward is not entered anywhere: the approved assignment is its record. Work on the HIT of a compensation is left out,
because the ledger has it as a compensation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session

from turkctl.store.assignments import APPROVED, ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.hits import HITS
from turkctl.store.payments import COMPENSATION, PAYMENTS, PaymentFilter
from turkctl.store.workers import at_place

PAID_AS_COMPENSATION = (
    select(PAYMENTS.c.id)
    .where(
        PAYMENTS.c.mode == ASSIGNMENTS.c.mode,
        PAYMENTS.c.market == ASSIGNMENTS.c.market,
        PAYMENTS.c.assignment_id == ASSIGNMENTS.c.assignment_id,
        PAYMENTS.c.worker_id == ASSIGNMENTS.c.worker_id,
        PAYMENTS.c.kind == COMPENSATION,
    )
    .correlate(ASSIGNMENTS)
    .exists()
)
"""Whether the ledger has an assignment as a compensation."""


@dataclass(frozen=True)
class Reward:
    """The reward of one approved assignment, with what tells its cost and who approved it."""

    mode: str
    market: str
    assignment_id: str
    worker_id: str
    hit_id: str
    approved: datetime | None
    auto_approval: datetime | None
    our_decision: str | None
    experiment_id: int | None
    """None, like the next five, where the HIT is not ours."""
    campaign: int | None
    reward: Decimal | None
    max_assignments: int | None
    masters: bool | None
    fee: str | None


_REWARDS: Select[*tuple[Any, ...]] = (
    select(
        ASSIGNMENTS.c.mode,
        ASSIGNMENTS.c.market,
        ASSIGNMENTS.c.assignment_id,
        ASSIGNMENTS.c.worker_id,
        ASSIGNMENTS.c.hit_id,
        ASSIGNMENTS.c.approved,
        ASSIGNMENTS.c.auto_approval,
        ASSIGNMENTS.c.our_decision,
        HITS.c.experiment_id,
        HITS.c.campaign_id,
        HITS.c.reward,
        HITS.c.max_assignments,
        HITS.c.masters,
        HITS.c.fee,
    )
    .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
    .where(ASSIGNMENTS.c.status == APPROVED, ~PAID_AS_COMPENSATION)
)


def select_rewards(session: Session, wanted: PaymentFilter) -> list[Reward]:
    """Return the rewards of approved work that match (whatever its kind and assignment ids), as they were stored."""
    conditions = at_place(wanted.place)
    for column, value in (
        (ASSIGNMENTS.c.worker_id, wanted.worker_id),
        (HITS.c.experiment_id, wanted.experiment_id),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.since is not None:
        conditions.append(ASSIGNMENTS.c.approved >= wanted.since)
    statement = _REWARDS.where(*conditions).order_by(ASSIGNMENTS.c.id)
    return [Reward(*row) for row in session.connection().execute(statement)]


@dataclass(frozen=True)
class RewardGroup:
    """A number of rewards that cost the same each, of one experiment and campaign."""

    reward: Decimal
    max_assignments: int
    masters: bool
    fee: str | None
    experiment_id: int | None
    campaign_id: int | None
    number: int


def reward_groups(session: Session, place: Place) -> list[RewardGroup]:
    """Return how many rewards approved work on HITs of ours has earned, by what each costs and whose HIT it is."""
    price = (HITS.c.reward, HITS.c.max_assignments, HITS.c.masters, HITS.c.fee)
    columns = (*price, HITS.c.experiment_id, HITS.c.campaign_id)
    statement = (
        select(*columns, func.count())
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .where(*at_place(place), ASSIGNMENTS.c.status == APPROVED, ~PAID_AS_COMPENSATION)
        .group_by(*columns)
    )
    return [RewardGroup(*row) for row in session.connection().execute(statement)]
