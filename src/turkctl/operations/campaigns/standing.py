"""What a campaign counts: people, slots in play, and what budget, balance and limits leave room for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.fees import MAX_LOW_COMMISSION, assignment_cost
from turkctl.mturk.types import Balance
from turkctl.operations.experiments import people as counting
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.limits import budgets as funds
from turkctl.operations.limits.campaigns import ZERO, spent
from turkctl.operations.limits.room import hit_bounds
from turkctl.store import campaigns, experiments, hits, intents
from turkctl.store.campaigns import Campaign
from turkctl.store.experiments import Version
from turkctl.store.intents import Intent
from turkctl.units import format_money


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands, by what the database knows."""

    goal: int
    completed: int
    """Distinct people."""
    outstanding: int
    """Slots open, at work, or submitted and not read yet."""
    unsettled: int
    """Slots of requests of which nobody knows yet whether they reached the market."""

    @property
    def missing(self) -> int:
        """Assignments that may be posted without ever passing the goal."""
        return max(0, self.goal - self.completed - self.outstanding - self.unsettled)


@dataclass(frozen=True)
class Allowance:
    """What may still be posted."""

    assignments: int
    """As many as anything allows; the smallest bound."""
    reason: str
    """Which bound that is, in words."""
    money: bool
    """Whether it is one of money, and not one of numbers of HITs."""


def each_cost(campaign: Campaign, version: Version) -> Decimal:
    """Dollars for one assignment at the low commission."""
    masters = bool(settings_of(version).qualifications.get("masters"))
    return assignment_cost(campaign.reward, MAX_LOW_COMMISSION, masters=masters)


def standing(session: Session, campaign: Campaign, now: datetime, participants_table: str) -> Standing:
    """Count, in one snapshot of the database."""
    triple = (campaign.place, campaign.experiment_id, campaign.code_version)
    return Standing(
        goal=campaign.goal,
        completed=counting.completed(session, *triple, participants_table=participants_table),
        outstanding=counting.outstanding(session, *triple, now),
        unsettled=_unsettled(session, campaign),
    )


def _unsettled(session: Session, campaign: Campaign) -> int:
    """Slots of unfinished requests for HITs of the campaign's experiment and code version, whoever made them."""
    waiting = intents.unfinished(session, campaign.place)
    return sum(int(intent.request["assignments"]) for intent in waiting if _concerns(session, intent, campaign))


def _concerns(session: Session, intent: Intent, campaign: Campaign) -> bool:
    about: experiments.Version | hits.Hit | None = None
    if intent.kind == intents.CREATE_HIT:
        about = experiments.settings_of(session, int(intent.request["settings_id"]))
    elif intent.kind == intents.EXTEND_HIT:
        about = hits.get(session, campaign.place, intent.subject)
    if about is None:
        return False
    return about.experiment_id == campaign.experiment_id and about.code_version == campaign.code_version


def room(session: Session, campaign: Campaign, version: Version, balance: Balance | None, now: datetime) -> Allowance:
    """What budgets, balance (where it was asked for) and limits leave room for; never below zero."""
    each = each_cost(campaign, version)
    bounds = [*_money(session, campaign, version, balance, now, each), *_numbers(session, campaign, version, now)]
    least = min(bounds, key=lambda bound: bound.assignments, default=None)
    return least or Allowance(campaigns.MOST, "", money=False)


def _money(
    session: Session, campaign: Campaign, version: Version, balance: Balance | None, now: datetime, each: Decimal
) -> list[Allowance]:
    place, limits, bounds = campaign.place, settings_of(version).limits, []
    one = f"one assignment costs ${format_money(each)}"
    if campaign.budget is not None:
        committed = ZERO if campaign.id is None else spent(session, campaign, now)
        words = f"${format_money(committed)} of the campaign's budget of ${format_money(campaign.budget)} is committed"
        bounds.append(_pays(campaign.budget - committed, each, f"{words}, and {one}"))
    if limits.budget is not None:
        committed = funds.committed(session, place, now, experiment_id=version.experiment_id)
        words = f"${format_money(committed)} of the experiment's budget of ${format_money(limits.budget)} is committed"
        bounds.append(_pays(limits.budget - committed, each, f"{words}, and {one}"))
    if balance is not None:
        left = funds.headroom(balance, funds.exposure(session, place, now), limits.min_balance)
        bounds.append(_pays(left, each, f"the balance leaves ${format_money(max(ZERO, left))}, and {one}"))
    return bounds


def _pays(left: Decimal, each: Decimal, reason: str) -> Allowance:
    return Allowance(max(0, int(left // each)), reason, money=True)


def _numbers(session: Session, campaign: Campaign, version: Version, now: datetime) -> list[Allowance]:
    waiting = intents.unfinished(session, campaign.place, intents.CREATE_HIT)
    return [
        Allowance(
            max(0, bound.left) * MAX_LOW_COMMISSION,
            f"{bound.used} HITs count against {bound.name} = {bound.allowed}",
            money=False,
        )
        for bound in hit_bounds(session, campaign.place, now, version, waiting)
    ]
