"""What was paid for work already: the rewards of what is approved, commission included.

It is the part of what is committed (:mod:`turkctl.operations.limits.budgets`) that cannot be released any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from turkctl.fees import cost_of_each
from turkctl.store.base import Place
from turkctl.store.rewards import RewardGroup, reward_groups
from turkctl.units import ZERO


@dataclass(frozen=True)
class PaidRewards:
    """The rewards that were paid in a place, read once."""

    groups: Sequence[RewardGroup]

    def of_campaign(self, number: int) -> Decimal:
        """Return the dollars paid for work on a campaign's HITs, commission included, bonuses left out.

        A campaign's budget, and what is committed of it, leave bonuses out too.
        """
        return cost_of(group for group in self.groups if group.campaign_id == number)


def cost_of(groups: Iterable[RewardGroup]) -> Decimal:
    """Return the dollars of these rewards, commission included."""
    return sum((cost_of_each(group) * group.number for group in groups), ZERO)


def read_paid(session: Session, place: Place) -> PaidRewards:
    """Read the rewards that were paid in a place."""
    return PaidRewards(reward_groups(session, place))
