from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.fees import MTURK, NONE, RULES, FeeRule, rule_of


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
    assert MTURK.reward_fee(Decimal(reward), 9) == Decimal(small)
    assert MTURK.reward_fee(Decimal(reward), 10) == Decimal(large)


def test_fees_are_rounded_half_up_to_the_cent() -> None:
    assert MTURK.bonus_fee(Decimal("0.52")) == Decimal("0.10")  # 0.104
    assert MTURK.reward_fee(Decimal("0.42"), 1, masters=True) == Decimal("0.11")  # 0.105


def test_masters_cost_five_percent_of_the_reward_more() -> None:
    assert MTURK.reward_fee(Decimal("1.00"), 1, masters=True) == Decimal("0.25")


def test_a_large_hit_does_not_raise_the_fee_on_bonuses() -> None:
    assert MTURK.bonus_fee(Decimal("1.00")) == Decimal("0.20")


def test_a_hit_costs_reward_and_fee_for_each_assignment() -> None:
    assert MTURK.hit_cost(Decimal("1.20"), 9) == Decimal("12.96")
    assert MTURK.hit_cost(Decimal("1.20"), 10) == Decimal("16.80")


@given(st.integers(0, 500))
def test_assignments_are_split_into_hits_of_at_most_nine(assignments: int) -> None:
    sizes = MTURK.split(assignments)
    assert sum(sizes) == assignments
    assert all(1 <= size <= 9 for size in sizes)
    assert len(sizes) == -(-assignments // 9)


def test_an_assignment_costs_its_reward_and_the_commission() -> None:
    assert MTURK.assignment_cost(Decimal("1.20"), 9) == Decimal("1.44")
    assert MTURK.assignment_cost(Decimal("1.20"), 10) == Decimal("1.68")
    assert MTURK.assignment_cost(Decimal("1.20"), 10, masters=True) == Decimal("1.74")


REWARDS = st.decimals("0.00", "100.00", places=2)


@given(reward=REWARDS, assignments=st.integers(1, 500), masters=st.booleans())
def test_without_a_fee_work_costs_its_reward_however_it_is_split(
    reward: Decimal, assignments: int, masters: bool
) -> None:
    assert NONE.hit_cost(reward, assignments, masters=masters) == reward * assignments
    assert NONE.bonus_fee(reward) == 0
    assert NONE.split(assignments) == [assignments]
    assert not NONE.rises(1, assignments)


@given(rule=st.sampled_from([MTURK, NONE]), reward=REWARDS, assignments=st.integers(1, 500), masters=st.booleans())
def test_splitting_never_costs_more(rule: FeeRule, reward: Decimal, assignments: int, masters: bool) -> None:
    sizes = rule.split(assignments)
    split = sum(rule.hit_cost(reward, size, masters=masters) for size in sizes)
    assert sum(sizes) == assignments
    assert split <= rule.hit_cost(reward, assignments, masters=masters)


def test_nothing_is_split_into_no_hits() -> None:
    assert MTURK.split(0) == NONE.split(0) == []


def test_a_rule_is_found_by_its_name_and_amazons_where_none_was_written_down() -> None:
    assert {name: rule_of(name) for name in RULES} == RULES
    assert rule_of(None) == MTURK


def test_only_a_market_without_a_fee_takes_unpaid_work() -> None:
    NONE.check_reward(Decimal("0.00"))
    for rule, reward in ((MTURK, "0.00"), (MTURK, "0.001"), (NONE, "0.001")):
        with pytest.raises(UsageError):
            rule.check_reward(Decimal(reward))
