"""The prepaid account: what is held, released and charged, to the cent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from market_support import REQUESTER, SANDBOX, STRANGER, Bench, hit_request, refused

from turkctl.market.errors import MarketError

D = Decimal
MASTERS = {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}


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
def test_a_new_hit_holds_reward_and_fee_of_all_its_slots(bench: Bench, reward: str, small: str, large: str) -> None:
    bench.hit(Reward=reward, MaxAssignments=9)
    assert bench.balance()[1] == 9 * (D(reward) + D(small))
    bench.hit(Reward=reward, MaxAssignments=10)
    assert bench.balance()[1] == 9 * (D(reward) + D(small)) + 10 * (D(reward) + D(large))


def test_masters_cost_five_percent_more(bench: Bench) -> None:
    bench.hit(Reward="1.00", QualificationRequirements=[MASTERS])
    assert bench.balance()[1] == D("1.25")


def test_approval_turns_the_hold_into_a_charge_and_rejection_releases_it(bench: Bench) -> None:
    hit = bench.hit(Reward="1.00", MaxAssignments=2)
    _, first = bench.submitted(hit)
    _, second = bench.submitted(hit)
    assert bench.balance() == (D("9997.60"), D("2.40"))
    bench.approve(first)
    assert bench.balance() == (D("9997.60"), D("1.20"))
    bench.reject(second)
    assert bench.balance() == (D("9998.80"), D("0.00"))
    bench.approve(second, OverrideRejection=True)
    assert bench.balance() == (D("9997.60"), D("0.00"))


def test_expiry_releases_open_slots_and_a_return_after_it_releases_its_own(bench: Bench) -> None:
    hit = bench.hit(Reward="1.00", MaxAssignments=3)
    worker, assignment = bench.accepted(hit)
    bench.expire(hit)
    assert bench.balance() == (D("9998.80"), D("1.20"))
    bench.market.return_assignment("production", worker, assignment)
    assert bench.balance() == (D("10000.00"), D("0.00"))


def test_a_return_before_expiry_keeps_the_slot_reserved(bench: Bench) -> None:
    worker, assignment = bench.accepted(bench.hit(Reward="1.00"))
    bench.market.return_assignment("production", worker, assignment)
    assert bench.balance() == (D("9998.80"), D("1.20"))


def test_extending_an_expired_hit_needs_the_money_again() -> None:
    bench = Bench(opening_balance=D("1.20"))
    first = bench.hit(Reward="1.00")
    bench.expire(first)
    bench.hit(Reward="1.00", Title="other")
    with refused("InsufficientFunds", "insufficient funds"):
        bench.extend_time(first, timedelta(days=1))
    assert bench.state(first)[0] == "Reviewable"
    bench.market.close()


def test_bonuses_are_charged_at_once_with_a_fee_that_ignores_the_size_of_the_hit(bench: Bench) -> None:
    hit = bench.hit(Reward="0.01", MaxAssignments=10)
    worker, assignment = bench.submitted(hit)
    before = bench.balance()[0]
    for amount in ("1.00", "0.01"):
        bench.market.send_bonus(
            REQUESTER, {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": amount, "Reason": "good"}
        )
    assert before - bench.balance()[0] == D("1.20") + D("0.02")
    paid = bench.market.list_bonus_payments(REQUESTER, {"HITId": hit})["BonusPayments"]
    assert [(bonus["BonusAmount"], bonus["WorkerId"], bonus["Reason"]) for bonus in paid] == [
        ("1.00", worker, "good"),
        ("0.01", worker, "good"),
    ]


def test_a_bonus_goes_to_the_worker_of_the_assignment_and_is_more_than_nothing(bench: Bench) -> None:
    worker, assignment = bench.submitted(bench.hit())
    request = {"WorkerId": bench.worker(), "AssignmentId": assignment, "BonusAmount": "1.00", "Reason": "r"}
    with refused(None, "WorkerId", "ParameterValidationError"):
        bench.market.send_bonus(REQUESTER, request)
    with refused(None, "BonusAmount", "ParameterValidationError"):
        bench.market.send_bonus(REQUESTER, request | {"WorkerId": worker, "BonusAmount": "0.00"})


def test_the_sandbox_always_has_ten_thousand_dollars(bench: Bench) -> None:
    bench.market.create_hit(SANDBOX, hit_request(Reward="5000.00", MaxAssignments=1_000_000))
    assert bench.market.get_account_balance(SANDBOX, {}) == {"AvailableBalance": "10000.00"}


def test_accounts_have_separate_money_and_start_with_the_opening_balance() -> None:
    bench = Bench(opening_balance=D("5.00"))
    bench.hit(Reward="1.00")
    assert bench.market.get_account_balance(STRANGER, {}) == {"AvailableBalance": "5.00", "OnHoldBalance": "0.00"}
    assert bench.balance() == (D("3.80"), D("1.20"))
    bench.market.deposit(REQUESTER, D("10.00"))
    assert bench.balance() == (D("13.80"), D("1.20"))
    bench.market.close()


def test_a_reservation_beyond_all_sums_is_insufficient_funds(bench: Bench) -> None:
    with refused("InsufficientFunds", "insufficient funds"):
        bench.hit(Reward="1000000.00", MaxAssignments=1_000_000_000)
    assert bench.balance() == (D("10000.00"), D("0.00"))


@pytest.mark.parametrize("text", ["1\n", " 1", "1_0", "1e1", "-1", "NaN", "0.505", "", "\u0661"])
def test_what_is_no_amount_is_refused_from_callers_without_a_door_too(bench: Bench, text: str) -> None:
    with pytest.raises(MarketError):
        bench.hit(Reward=text)
