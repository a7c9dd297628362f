"""Compute the commission of a market, by its rule. Pure; the client and the market share it.

:data:`MTURK` is the rule that Amazon published on Mechanical Turk's pricing page: 20 % of rewards and bonuses, another
20 % of the reward for HITs of ten or more assignments, another 5 % of the reward where Masters are asked for, at least
one cent each time, rounded half up to the cent. The parts are added before rounding (the page does not say which way;
$0.07 with ten assignments is the smallest amount where it matters). :data:`NONE` is the rule of a market that takes
nothing; turkctl's own market can have either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from turkctl.errors import UsageError
from turkctl.own_market import MTURK_FEE, NO_FEE
from turkctl.units import CENT, ZERO, money_text

BASE_RATE = Decimal("0.20")
LARGE_HIT_RATE = Decimal("0.20")
MASTERS_RATE = Decimal("0.05")
MINIMUM_FEE = CENT
LARGE_HIT = 10
"""Number of assignments from which a HIT pays Amazon's higher commission."""
MAX_LOW_COMMISSION = LARGE_HIT - 1
"""Maximum number of assignments of a HIT at Amazon's low commission."""


@dataclass(frozen=True)
class FeeRule:
    """The rule by which a market computes its commission. A HIT keeps the rule that it was posted under."""

    name: str
    """As ``market.fee`` and the market's rules name it."""
    charges: bool
    """Whether there is a commission at all."""

    @property
    def largest(self) -> int | None:
        """Return the number of assignments that a HIT can have at the lowest commission; None for any number."""
        return MAX_LOW_COMMISSION if self.charges else None

    def reward_fee(self, reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
        """Return the commission in dollars on one approved assignment of a HIT with ``max_assignments``."""
        if not self.charges:
            return ZERO
        rate = BASE_RATE
        if max_assignments >= LARGE_HIT:
            rate += LARGE_HIT_RATE
        if masters:
            rate += MASTERS_RATE
        return _round(reward * rate)

    def assignment_cost(self, reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
        """Return the dollars that one approved assignment costs, commission included."""
        return reward + self.reward_fee(reward, max_assignments, masters=masters)

    def hit_cost(self, reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
        """Return the cost of a HIT in dollars if all of its assignments are approved, commission included."""
        return self.assignment_cost(reward, max_assignments, masters=masters) * max_assignments

    def bonus_fee(self, bonus: Decimal) -> Decimal:
        """Return the commission in dollars on one bonus; the size of the HIT does not matter."""
        return _round(bonus * BASE_RATE) if self.charges else ZERO

    def split(self, assignments: int) -> list[int]:
        """Return the sizes of HITs at the lowest commission that together have ``assignments``, largest first."""
        if not assignments:
            return []
        full, rest = divmod(assignments, self.largest or assignments)
        return [self.largest or assignments] * full + ([rest] if rest else [])

    def check_reward(self, reward: Decimal) -> None:
        """Raise unless the market takes HITs with this reward.

        Raises:
            UsageError: it is nothing, but the market takes a commission of at least a cent.
        """
        if reward < CENT and (self.charges or reward != ZERO):
            raise UsageError(
                f"a reward of {money_text(reward)} is too low",
                hint="give 0.01 or more; only a market without a commission takes 0.00",
            )

    def rises(self, before: int, after: int) -> bool:
        """Return whether a HIT that grows from ``before`` to ``after`` assignments would pay a higher commission."""
        return self.charges and before < LARGE_HIT <= after


MTURK = FeeRule(MTURK_FEE, charges=True)
NONE = FeeRule(NO_FEE, charges=False)
RULES: Mapping[str, FeeRule] = {rule.name: rule for rule in (MTURK, NONE)}


def rule_of(name: str | None) -> FeeRule:
    """Return the rule with this name; None, where nobody wrote it down, is Amazon's.

    Raises:
        KeyError: there is no such rule.
    """
    return MTURK if name is None else RULES[name]


class Priced(Protocol):
    """Whatever tells what an assignment of a HIT costs: a row of a HIT, or of several that cost the same."""

    @property
    def reward(self) -> Decimal:
        """Return the dollars for one approved assignment."""

    @property
    def max_assignments(self) -> int:
        """Return the number of assignments that the HIT was posted with, or extended to."""

    @property
    def masters(self) -> bool:
        """Return whether it requires Masters."""

    @property
    def fee(self) -> str | None:
        """Return the name of the rule that it was posted under; None is Amazon's."""


def cost_of_each(hit: Priced) -> Decimal:
    """Return the dollars that one approved assignment of a HIT costs, by the rule that it was posted under."""
    return rule_of(hit.fee).assignment_cost(hit.reward, hit.max_assignments, masters=hit.masters)


def _round(amount: Decimal) -> Decimal:
    return max(MINIMUM_FEE, amount.quantize(CENT, rounding=ROUND_HALF_UP))
