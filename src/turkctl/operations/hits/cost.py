"""Compute what assignments would cost. Imports nothing heavy: ``hits cost`` needs neither database nor market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.fees import LARGE_HIT, hit_cost, reward_fee, split_assignments

MAX_ASSIGNMENTS = 1_000_000
"""The highest number of assignments that is accepted: more is probably a typing mistake."""


def cost(assignments: int, reward: Decimal, *, masters: bool) -> dict[str, Any]:
    """Return what a number of assignments would cost, in HITs of at most nine and in one HIT; post nothing.

    Raises:
        UsageError: the number of assignments is invalid, or the reward is too low.
    """
    if assignments < 1:
        raise UsageError(f"--assignments must be at least 1, not {assignments}", hint="give 1 or more")
    if assignments > MAX_ASSIGNMENTS:
        raise UsageError(
            f"--assignments must be at most {MAX_ASSIGNMENTS:,}, not {assignments:,}", hint="give a lower number"
        )
    if reward <= 0:
        raise UsageError("a reward of $0.00 is too low", hint="give $0.01 or more")
    sizes = split_assignments(assignments)
    split = sum((hit_cost(reward, size, masters=masters) for size in sizes), Decimal(0))
    single = hit_cost(reward, assignments, masters=masters)
    return {
        "assignments": assignments,
        "reward": reward,
        "rewards": reward * assignments,
        "hits": len(sizes),
        "fee_per_assignment": reward_fee(reward, sizes[0], masters=masters),
        "cost": split,
        "cost_in_one_hit": single,
        "saved_by_splitting": single - split if assignments >= LARGE_HIT else Decimal("0.00"),
    }
