"""Campaigns, and what else costs money, on a market that takes no commission, and on one that changes its rule."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from study_support import Study, new_study, people

from turkctl.context import Context
from turkctl.errors import UsageError
from turkctl.market.service import Market
from turkctl.operations.campaigns.lists import show_campaign
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.limits.budgets import committed
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.own_market import DOLLARS
from turkctl.settings import load
from turkctl.store.base import Scope
from turkctl.units import count_in, money_text

D = Decimal


@pytest.fixture
def free(tmp_path: Path) -> Iterator[Study]:
    """A study whose market takes no commission."""
    with new_study(tmp_path, settings='[market]\nfee = "none"\nunit = "credits"\n', turned=True) as made:
        yield made


def of_all(study: Study) -> Decimal:
    """Dollars that are committed in the study."""
    with study.world.database.read() as session:
        return committed(Scope(session, study.world.place, study.world.now()))


def set_fee(study: Study, fee: str) -> None:
    """Have the market change its rule, as a process with other settings does; later runs ask for it."""
    Market(study.world.settings.market_url, fee=fee).close()
    study.world.look_again()


def test_a_whole_campaign_of_sixty_is_one_hit_and_its_budget_counts_rewards_alone(free: Study) -> None:
    plan = plan_campaign(free.world, CampaignRequest(60, budget=D("30.00")))
    assert (plan.forecast.hits, plan.forecast.cost, plan.notes) == (1, D("30.00"), ())
    assert plan.forecast.cost_in_large_hits == D("30.00")
    made = free.create(60, budget=D("30.00"))
    round_ = free.round(made)
    assert (round_.posted, len(round_.hits)) == (60, 1)
    assert of_all(free) == D("30.00")
    assert free.work(people()) == 60
    assert free.round(made).outcome == "met"
    shown = show_campaign(free.world, made.number)
    assert (shown["completed"], shown["spent"]) == (60, D("30.00"))


def test_a_budget_admits_as_many_as_its_rewards(free: Study) -> None:
    free.create(60, per_round=60, budget=D("10.25"))
    assert free.round().posted == 20


def test_unpaid_work_is_posted_where_the_market_takes_it_whatever_the_budget(free: Study) -> None:
    made = free.create(60, per_round=60, reward=D("0.00"), budget=D("1.00"))
    assert free.round(made).posted == 60
    assert of_all(free) == 0


def test_unpaid_work_is_refused_on_other_markets(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        for act in (
            lambda: study.create(6, reward=D("0.00")),
            lambda: prepare_create(study.world, CreateRequest("stroop", 6, reward=D("0.00"))),
        ):
            with pytest.raises(UsageError, match="too low"):
                act()


def test_hits_are_not_split_and_grow_past_nine(free: Study) -> None:
    plan, act = prepare_create(free.world, CreateRequest("stroop", 9))
    (hit,) = [item.id for item in free.apply((plan, act)).results]
    plan, _ = prepare_create(free.world, CreateRequest("stroop", 60))
    assert [step.cost for step in plan.steps] == [D("30.00")]
    assert plan.notes == ()
    extension = prepare_extend(free.world, ExtendRequest((hit,), assignments=11))
    assert extension[0].cost == D("5.50")
    assert free.apply(extension).failed == 0
    assert of_all(free) == D("10.00")


def test_a_bonus_costs_its_amount(free: Study) -> None:
    (hit,) = free.post(1)
    (assignment,) = free.submit(hit, "AW1")
    selection = WorkSelection(Selection(ids=(assignment,)))
    prepared = prepare_bonus(free.world, selection, BonusRequest("quick", D("1.00")))
    assert prepared[0].cost == D("1.00")
    assert free.apply(prepared).failed == 0
    assert free.sql("SELECT amount, fee FROM turkctl_payment") == [(1_000_000, 0)]
    assert of_all(free) == D("1.50")


def test_what_was_posted_keeps_its_price_when_the_market_changes_its_rule(free: Study) -> None:
    (hit,) = free.post(9)
    set_fee(free, "mturk")
    free.post(9)
    assert of_all(free) == 9 * D("0.50") + 9 * D("0.60")
    extension = prepare_extend(free.world, ExtendRequest((hit,), assignments=51))
    assert extension[0].cost == 51 * D("0.50")
    assert free.apply(extension).failed == 0
    set_fee(free, "none")
    assert of_all(free) == 60 * D("0.50") + 9 * D("0.60")
    held = free.world.mturk.balance().on_hold
    assert held == of_all(free)


def test_an_older_hit_with_a_fee_does_not_grow_past_nine_when_there_is_none_any_more(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        (hit,) = study.post(9)
        set_fee(study, "none")
        with pytest.raises(UsageError, match="ten or more"):
            prepare_extend(study.world, ExtendRequest((hit,), assignments=1))


@pytest.mark.parametrize("switches", [{"throttle": 0.5}, {"fault_before": 0.5, "seed": 3}, {"answer_lost": 0.5}])
def test_rules_that_cannot_be_read_are_asked_for_again(free: Study, switches: dict[str, float]) -> None:
    free.switch(**switches)
    if "throttle" in switches:
        free.world.mturk.balance()  # takes the only request that may be made at once
    learn_rules(free.world)
    free.switch()
    assert free.sql("SELECT fee, unit FROM turkctl_market_rules") == [("none", "credits")]


def test_amounts_are_in_the_market_s_unit_from_the_first_run_on(free: Study) -> None:
    context = Context(free.world.settings)  # its database is not open yet
    try:
        learn_rules(context)
        assert money_text(D("0.50")) == "0.50 credits"
    finally:
        context.close()
        count_in(DOLLARS)


def test_a_run_asks_once(free: Study) -> None:
    free.requests()
    free.create(9)
    free.round()
    free.post(1)
    assert free.requests()["GetMarketRules"] == 1


def test_hits_cost_follows_what_the_market_last_said(free: Study, tmp_path: Path) -> None:
    free.create(9)
    (tmp_path / "turkctl.toml").write_text("")
    context = Context(load({}, {}, tmp_path))
    assert context.known_fee().name == "none"
    elsewhere = Context(load({"mode": "live"}, {}, tmp_path))
    assert elsewhere.known_fee().name == "mturk"
