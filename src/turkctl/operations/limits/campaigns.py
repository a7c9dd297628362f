"""Refuse extensions that would exceed the budgets of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from turkctl.errors import FundsError
from turkctl.operations.limits.bounds import Bound
from turkctl.operations.limits.commitments import read_commitments
from turkctl.store import campaigns, hits
from turkctl.store.base import Scope
from turkctl.store.intents import Intent
from turkctl.units import ZERO, money_text


def check_extensions(scope: Scope, wanted: Sequence[Intent]) -> None:
    """Raise unless the campaigns' budgets allow to extend these HITs.

    Raises:
        FundsError: committed dollars and cost together exceed a campaign's budget.
    """
    known = hits.by_ids(scope.session, scope.place, [intent.subject for intent in wanted])
    costs: dict[int, Decimal] = {}
    for intent in wanted:
        number = known[intent.subject].campaign_id if intent.subject in known else None
        if number is not None:
            costs[number] = costs.get(number, ZERO) + intent.cost
    commitments = read_commitments(scope) if costs else None
    for number, cost in costs.items():
        campaign = campaigns.get(scope.session, number)
        if commitments is None or campaign is None or campaign.budget is None:
            continue
        budget = Bound("budget", campaign.budget, commitments.of_campaign(number))
        if not budget.admits(cost):
            raise FundsError(
                f"this costs {money_text(cost)}, and {money_text(budget.used)} of campaign {number}'s budget of "
                f"{money_text(budget.allowed)} is already committed",
                hint=f"raise the budget: turkctl campaigns update {number} --budget B",
            )
