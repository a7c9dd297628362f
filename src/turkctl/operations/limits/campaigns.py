"""Count what campaigns have committed, and refuse what would exceed their budgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import FundsError
from turkctl.fees import assignment_cost
from turkctl.operations.limits.bounds import Bound
from turkctl.store import campaigns, hits, intents, slots
from turkctl.store.base import Place
from turkctl.store.campaigns import Campaign, digest
from turkctl.store.intents import Intent
from turkctl.units import format_money

ZERO = Decimal("0.00")


def spent(session: Session, campaign: Campaign, now: datetime) -> Decimal:
    """Dollars committed on the campaign's HITs: paid or promised, commission included."""
    total = ZERO
    for group in slots.slots(session, campaign.place, now, campaign_id=campaign.number):
        each = assignment_cost(group.reward, group.max_assignments, masters=group.masters)
        total += each * group.committed
    growing = intents.unfinished(session, campaign.place, intents.EXTEND_HIT)
    extended = sum((each.cost for each in growing if _campaign_of(session, each) == campaign.number), ZERO)
    return total + extended + intents.outstanding_cost(session, campaign.place, digest=digest(campaign.number))


def _campaign_of(session: Session, extension: Intent) -> int | None:
    hit = hits.get(session, Place(extension.mode, extension.market), extension.subject)
    return None if hit is None else hit.campaign_id


def check_extensions(session: Session, wanted: Sequence[Intent], now: datetime) -> None:
    """See that the budgets of the campaigns whose HITs would grow allow it.

    Raises:
        FundsError: committed and cost together pass a campaign's budget.
    """
    costs: dict[int, Decimal] = {}
    for intent in wanted:
        number = _campaign_of(session, intent)
        if number is not None:
            costs[number] = costs.get(number, ZERO) + intent.cost
    for number, cost in costs.items():
        campaign = campaigns.get(session, number)
        if campaign is None or campaign.budget is None:
            continue
        budget = Bound("budget", campaign.budget, spent(session, campaign, now))
        if not budget.admits(cost):
            raise FundsError(
                f"this costs ${format_money(cost)}, and ${format_money(budget.used)} of campaign {number}'s budget of "
                f"${format_money(budget.allowed)} is committed already",
                hint=f"raise it: turkctl campaign update {number} --budget B",
            )
