"""Compute what assignments would cost. Imports nothing heavy: ``hits cost`` needs neither database nor market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.fees import RULES, FeeRule

MAX_ASSIGNMENTS = 1_000_000
"""The highest number of assignments that is accepted: more is probably a typing mistake."""


def find_rule(name: str) -> FeeRule:
    """Return the rule of commission with this name.

    Raises:
        UsageError: there is none.
    """
    if name not in RULES:
        raise UsageError(f"'{name}' is no rule of commission", hint=f"--fee must be {' or '.join(RULES)}")
    return RULES[name]


def cost(assignments: int, reward: Decimal, fee: FeeRule, *, masters: bool) -> dict[str, Any]:
    """Return what a number of assignments would cost, at the lowest commission and in one HIT; post nothing.

    Raises:
        UsageError: the number of assignments is invalid, or the reward is too low.
    """
    if assignments < 1:
        raise UsageError(f"--assignments must be at least 1, not {assignments}", hint="give 1 or more")
    if assignments > MAX_ASSIGNMENTS:
        raise UsageError(
            f"--assignments must be at most {MAX_ASSIGNMENTS:,}, not {assignments:,}", hint="give a lower number"
        )
    fee.check_reward(reward)
    sizes = fee.split(assignments)
    split = sum((fee.hit_cost(reward, size, masters=masters) for size in sizes), Decimal(0))
    single = fee.hit_cost(reward, assignments, masters=masters)
    return {
        "assignments": assignments,
        "reward": reward,
        "rewards": reward * assignments,
        "hits": len(sizes),
        "fee_per_assignment": fee.reward_fee(reward, sizes[0], masters=masters),
        "cost": split,
        "cost_in_one_hit": single,
        "saved_by_splitting": single - split if fee.rises(1, assignments) else Decimal("0.00"),
    }
