"""Count a campaign's people and outstanding slots, and what budget, balance and limits still allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlmodel import Session

from turkctl.fees import FeeRule
from turkctl.operations.experiments import people as counting
from turkctl.operations.experiments.terms import terms_of
from turkctl.operations.limits import budgets as funds
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.commitments import Commitments, read_commitments
from turkctl.operations.limits.room import hit_bounds
from turkctl.store import campaigns, experiments, intents, market_rules
from turkctl.store.base import Scope
from turkctl.store.campaigns import Campaign, FinalNumbers
from turkctl.store.experiments import Version
from turkctl.store.hits import Hit
from turkctl.units import ZERO, money_text
from turkctl.words import counted, plural

if TYPE_CHECKING:
    from turkctl.mturk.types import Balance


@dataclass(frozen=True)
class Standing:
    """The progress of a campaign, by what the database knows."""

    goal: int
    completed: int
    """Number of distinct people who completed it."""
    outstanding: int
    """Number of slots that are open, at work, or submitted but not yet read."""
    unsettled: int
    """Number of slots of requests that may or may not have reached the market."""

    @property
    def missing(self) -> int:
        """Return the number of assignments that may be posted without exceeding the goal."""
        return max(0, self.goal - self.completed - self.outstanding - self.unsettled)


@dataclass(frozen=True)
class Allowance:
    """The number of assignments that may still be posted."""

    assignments: int
    """The smallest of the bounds."""
    reason: str
    """A description of that bound."""
    money: bool
    """Whether the bound limits money, rather than the number of HITs."""


def each_cost(campaign: Campaign, version: Version, fee: FeeRule) -> Decimal:
    """Return the dollars for one assignment at the lowest commission."""
    return fee.assignment_cost(campaign.reward, 1, masters=terms_of(version).masters)


@dataclass(frozen=True)
class Facts:
    """All facts that a decision on a campaign needs, read once, in one snapshot of the database."""

    campaign: Campaign
    version: Version
    """The experiment's current settings."""
    standing: Standing
    commitments: Commitments
    bonuses: Decimal
    """Dollars of bonuses paid for the experiment, commission included; zero if it has no budget."""
    counts: Sequence[Bound[int]]
    """The experiment's limits on the number of HITs."""
    fee: FeeRule
    """The market's rule of commission."""

    @property
    def spent(self) -> Decimal:
        """Return the dollars committed for the campaign's HITs: paid or promised, commission included."""
        return ZERO if self.campaign.id is None else self.commitments.of_campaign(self.campaign.number)

    @property
    def numbers(self) -> FinalNumbers:
        """Return what lists show of the campaign: as it ended, or as it stands."""
        now = self.standing
        stands = FinalNumbers(now.completed, now.outstanding + now.unsettled, self.spent)
        return self.campaign.final or stands


def read_facts(
    session: Session,
    campaign: Campaign,
    participants_table: str,
    now: datetime,
    commitments: Commitments | None = None,
) -> Facts:
    """Return the facts for a decision; ``commitments`` of the campaign's place, if they were just read, are reused."""
    place = campaign.place
    scope = Scope(session, place, now)
    version = experiments.current(session, campaign.experiment_id)
    commitments = commitments or read_commitments(scope)
    triple = (place, campaign.experiment_id, campaign.code_version)
    bonuses = ZERO
    if terms_of(version).budget is not None:
        from turkctl.store import payments

        paid = payments.PaymentFilter(place, kind=payments.BONUS, experiment_id=campaign.experiment_id)
        bonuses = payments.total(session, paid)
    standing = Standing(
        goal=campaign.goal,
        completed=counting.completed(session, *triple, participants_table=participants_table),
        outstanding=counting.outstanding(session, *triple, now),
        unsettled=_unsettled(session, campaign, commitments),
    )
    counts = hit_bounds(scope, version, commitments.waiting)
    fee = market_rules.fee_at(session, place)
    return Facts(campaign, version, standing, commitments, bonuses, counts, fee)


def _unsettled(session: Session, campaign: Campaign, commitments: Commitments) -> int:
    """Count the slots of all unfinished requests for HITs of the campaign's experiment and code version."""
    created = {
        intent.token: int(intent.request["settings_id"])
        for intent in commitments.waiting
        if intent.kind == intents.CREATE_HIT
    }
    versions = experiments.by_settings(session, set(created.values()))
    total = 0
    for intent in commitments.waiting:
        about: Version | Hit | None = commitments.growing.get(intent.subject)
        if intent.kind == intents.CREATE_HIT:
            about = versions.get(created[intent.token])
        elif intent.kind != intents.EXTEND_HIT:
            about = None
        if about is not None and about.experiment_id == campaign.experiment_id:
            total += int(intent.request["assignments"]) * (about.code_version == campaign.code_version)
    return total


def allowance(facts: Facts, balance: Balance | None) -> Allowance:
    """Return how many assignments budgets, balance (unless None) and limits still allow; never below zero."""
    bounds = [*_money(facts, balance), *_numbers(facts)]
    least = min(bounds, key=lambda bound: bound.assignments, default=None)
    return least or Allowance(campaigns.MOST, "", money=False)


def _money(facts: Facts, balance: Balance | None) -> list[Allowance]:
    campaign, limits, bounds = facts.campaign, terms_of(facts.version), []
    each = each_cost(campaign, facts.version, facts.fee)
    one = f"one assignment costs {money_text(each)}"
    if campaign.budget is not None:
        budget = Bound("the campaign's budget", campaign.budget, facts.spent)
        bounds.append(_pays(budget.left, each, f"{_committed(budget)}, and {one}"))
    if limits.budget is not None:
        used = facts.commitments.of_experiment(campaign.experiment_id) + facts.bonuses
        budget = Bound("the experiment's budget", limits.budget, used)
        bounds.append(_pays(budget.left, each, f"{_committed(budget)}, and {one}"))
    if balance is not None:
        left = funds.headroom(balance, facts.commitments.exposure(), limits.min_balance)
        bounds.append(_pays(left, each, f"the balance leaves {money_text(max(ZERO, left))}, and {one}"))
    return bounds


def _committed(budget: Bound[Decimal]) -> str:
    return f"{money_text(budget.used)} of {budget.name} of {money_text(budget.allowed)} is committed"


def _pays(left: Decimal, each: Decimal, reason: str) -> Allowance:
    affordable = int(left // each) if each else campaigns.MOST
    return Allowance(max(0, affordable), reason, money=True)


def _numbers(facts: Facts) -> list[Allowance]:
    return [
        Allowance(
            max(0, bound.left) * (facts.fee.largest or campaigns.MOST),
            f"{counted(bound.used, 'HIT')} {plural(bound.used, 'counts', 'count')} against {bound.name} = "
            f"{bound.allowed}",
            money=False,
        )
        for bound in facts.counts
    ]
