"""Compute the commission of a market, by the rule that Amazon published. Pure; the client and the market share it.

Source: Mechanical Turk's pricing page: 20 % of rewards and bonuses, another 20 % of the reward for HITs of ten
or more assignments, another 5 % of the reward where Masters are asked for, at least one cent each time, rounded
half up to the cent. The parts are added before rounding (the page does not say which way; $0.07 with ten
assignments is the smallest amount where it matters).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from turkctl.units import CENT

BASE_RATE = Decimal("0.20")
LARGE_HIT_RATE = Decimal("0.20")
MASTERS_RATE = Decimal("0.05")
MINIMUM_FEE = CENT
LARGE_HIT = 10
"""Number of assignments from which a HIT pays the higher commission."""
MAX_LOW_COMMISSION = LARGE_HIT - 1
"""Maximum number of assignments of a HIT at the low commission."""


def _round(amount: Decimal) -> Decimal:
    return max(MINIMUM_FEE, amount.quantize(CENT, rounding=ROUND_HALF_UP))


def reward_fee(reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
    """Return the commission in dollars on one approved assignment of a HIT with ``max_assignments``."""
    rate = BASE_RATE
    if max_assignments >= LARGE_HIT:
        rate += LARGE_HIT_RATE
    if masters:
        rate += MASTERS_RATE
    return _round(reward * rate)


def assignment_cost(reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
    """Return the dollars that one approved assignment costs, commission included."""
    return reward + reward_fee(reward, max_assignments, masters=masters)


def bonus_fee(bonus: Decimal) -> Decimal:
    """Return the commission in dollars on one bonus; the size of the HIT does not matter."""
    return _round(bonus * BASE_RATE)


def hit_cost(reward: Decimal, max_assignments: int, *, masters: bool = False) -> Decimal:
    """Return the cost of a HIT in dollars if all of its assignments are approved, commission included."""
    return assignment_cost(reward, max_assignments, masters=masters) * max_assignments


def split_assignments(assignments: int) -> list[int]:
    """Return the sizes of HITs of at most nine that together have ``assignments``, largest first."""
    full, rest = divmod(assignments, MAX_LOW_COMMISSION)
    return [MAX_LOW_COMMISSION] * full + ([rest] if rest else [])
