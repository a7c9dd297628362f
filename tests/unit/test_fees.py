from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.fees import assignment_cost, bonus_fee, hit_cost, reward_fee, split_assignments


@pytest.mark.parametrize(
    ("reward", "small", "large"),
    [
        ("0.01", "0.01", "0.01"),
        ("0.05", "0.01", "0.02"),
        ("0.10", "0.02", "0.04"),
        ("0.13", "0.03", "0.05"),
        ("1.00", "0.20", "0.40"),
    ],
)
def test_the_commission_is_the_published_table(reward: str, small: str, large: str) -> None:
    assert reward_fee(Decimal(reward), 9) == Decimal(small)
    assert reward_fee(Decimal(reward), 10) == Decimal(large)


def test_fees_are_rounded_half_up_to_the_cent() -> None:
    assert bonus_fee(Decimal("0.52")) == Decimal("0.10")  # 0.104
    assert reward_fee(Decimal("0.42"), 1, masters=True) == Decimal("0.11")  # 0.105


def test_masters_cost_five_percent_of_the_reward_more() -> None:
    assert reward_fee(Decimal("1.00"), 1, masters=True) == Decimal("0.25")


def test_a_large_hit_does_not_raise_the_fee_on_bonuses() -> None:
    assert bonus_fee(Decimal("1.00")) == Decimal("0.20")


def test_a_hit_costs_reward_and_fee_for_each_assignment() -> None:
    assert hit_cost(Decimal("1.20"), 9) == Decimal("12.96")
    assert hit_cost(Decimal("1.20"), 10) == Decimal("16.80")


@given(st.integers(0, 500))
def test_assignments_are_split_into_hits_of_at_most_nine(assignments: int) -> None:
    sizes = split_assignments(assignments)
    assert sum(sizes) == assignments
    assert all(1 <= size <= 9 for size in sizes)
    assert len(sizes) == -(-assignments // 9)


def test_an_assignment_costs_its_reward_and_the_commission() -> None:
    assert assignment_cost(Decimal("1.20"), 9) == Decimal("1.44")
    assert assignment_cost(Decimal("1.20"), 10) == Decimal("1.68")
    assert assignment_cost(Decimal("1.20"), 10, masters=True) == Decimal("1.74")
