"""The market's own rules of money: its fee and its unit stand in its database, for every process that uses it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from market_support import REQUESTER, SANDBOX, Bench, hit_request, refused

from turkctl.errors import UsageError
from turkctl.market.requester import Environment
from turkctl.market.service import Market

D = Decimal


def rules(market: Market) -> Any:
    told = market.get_market_rules(REQUESTER, {})
    return told["Fee"], told["Unit"]


def test_a_market_takes_amazons_fee_in_dollars_unless_told_otherwise() -> None:
    assert rules(Market("sqlite://")) == ("mturk", "USD")


def test_a_process_that_names_no_rules_follows_the_markets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    Market(url, fee="none", unit="credits").close()
    assert rules(Market(url)) == ("none", "credits")


def test_a_process_that_is_open_follows_the_rules_that_another_one_sets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    served = Market(url)
    Market(url, fee="none").close()
    assert rules(served) == ("none", "USD")


def test_a_reset_market_has_the_rules_of_the_process_that_reset_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    Market(url, fee="none", unit="credits").close()
    market = Market(url, unit="points")
    market.reset()
    assert rules(market) == ("mturk", "points")


def test_without_a_fee_a_hit_holds_its_rewards_alone_and_a_bonus_costs_its_amount() -> None:
    bench = Bench(fee="none")
    hit = bench.hit(Reward="1.00", MaxAssignments=60)
    assert bench.balance() == (D("9940.00"), D("60.00"))
    worker, assignment = bench.submitted(hit)
    bench.approve(assignment)
    bonus = {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "0.50", "Reason": "good"}
    bench.market.send_bonus(REQUESTER, bonus)
    assert bench.balance() == (D("9939.50"), D("59.00"))
    account, sums = bench.market.account("production", REQUESTER.account)
    assert (account.charged, sums["fees"]) == (D("1.50"), D("0.00"))


def test_a_hit_may_pay_nothing_and_a_bonus_may_not() -> None:
    bench = Bench(fee="none")
    worker, assignment = bench.submitted(bench.hit(Reward="0.00"))
    bench.approve(assignment)
    assert bench.balance() == (D("10000.00"), D("0.00"))
    bonus = {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "0.00", "Reason": "good"}
    with refused(None, "BonusAmount", "ParameterValidationError"):
        bench.market.send_bonus(REQUESTER, bonus)


@pytest.mark.parametrize("reward", ["0.00", "1.00"])
def test_without_a_fee_a_hit_may_grow_past_nine(reward: str) -> None:
    bench = Bench(fee="none")
    hit = bench.hit(Reward=reward, MaxAssignments=9)
    bench.add(hit, 51)
    assert bench.get(hit)["MaxAssignments"] == 60
    assert bench.balance()[1] == 60 * D(reward)


def test_a_hit_keeps_the_rule_that_it_was_posted_under(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    bench = Bench(url)
    older = bench.hit(Reward="1.00", MaxAssignments=9)
    Market(url, fee="none").close()
    newer = bench.hit(Reward="1.00", MaxAssignments=9)
    assert bench.balance()[1] == 9 * D("1.20") + 9 * D("1.00")
    Market(url, fee="mturk").close()
    bench.add(newer, 1)
    assert bench.balance()[1] == 9 * D("1.20") + 10 * D("1.00")
    Market(url, fee="none").close()
    with refused("InvalidMaximumAssignmentsIncrease", "cannot be increased from 9 to 10"):
        bench.add(older, 1)


def test_another_hit_type_keeps_the_rule_of_the_hit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    bench = Bench(url, fee="none")
    hit = bench.hit(Reward="1.00")
    Market(url, fee="mturk").close()
    other = bench.get(bench.hit(Reward="2.00"))["HITTypeId"]
    bench.market.update_hit_type_of_hit(REQUESTER, {"HITId": hit, "HITTypeId": other})
    assert bench.balance()[1] == D("2.00") + D("2.40")


def test_accounts_are_listed_by_environment_and_take_deposits() -> None:
    bench = Bench(opening_balance=D("5.00"))
    bench.hit(Reward="1.00")
    bench.market.create_hit(SANDBOX, hit_request())
    [account] = bench.market.accounts("production")
    assert (account.account, account.balance, account.held, account.deposits) == (
        REQUESTER.account,
        D("3.80"),
        D("1.20"),
        D("5.00"),
    )
    assert bench.market.pay_in("production", account.account, D("2.50")).balance == D("6.30")
    assert bench.balance() == (D("6.30"), D("1.20"))
    assert [each.balance for each in bench.market.accounts("sandbox")] == [D("10000.00")]


@pytest.mark.parametrize(
    ("environment", "name", "amount"),
    [
        ("production", "000000000000", "1.00"),
        ("production", REQUESTER.account, "0.00"),
        ("production", REQUESTER.account, "1000000.01"),
        ("sandbox", REQUESTER.account, "1.00"),
    ],
)
def test_deposits_that_make_no_sense_are_refused(environment: Environment, name: str, amount: str) -> None:
    bench = Bench()
    bench.hit()
    bench.market.create_hit(SANDBOX, hit_request())
    with pytest.raises(UsageError):
        bench.market.pay_in(environment, name, D(amount))
    assert bench.balance()[0] + bench.balance()[1] == D("10000.00")
