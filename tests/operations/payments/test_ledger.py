from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from study_support import Study, everything, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.ledger import KEYS, LedgerQuery, list_payments
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.payments.reconcile import AMOUNT, NOT_IN_LEDGER, NOT_ON_MARKET, REASON, reconcile
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.store import payments
from turkctl.store.payments import PaymentFilter

ALL = WorkSelection(everything())


def paid(study: Study, number: int = 3) -> list[str]:
    """So many approved assignments with a bonus of 0.25 each."""
    (posted,) = study.post(9)
    made = study.submit(posted, *(worker(each) for each in range(number)))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.apply(prepare_bonus(study.world, ALL, BonusRequest("well done", Decimal("0.25"))))
    return made


def test_each_bonus_paid_is_listed_with_its_experiment_amount_and_fee(study: Study) -> None:
    made = paid(study)
    rows = list_payments(study.world, LedgerQuery(kind="bonus"))
    assert sorted(row["assignment_id"] for row in rows) == sorted(made)
    assert {(row["kind"], row["experiment"], row["amount"], row["fee"], row["source"]) for row in rows} == {
        ("bonus", "stroop", Decimal("0.25"), Decimal("0.05"), "ours")
    }
    assert tuple(rows[0]) == KEYS


def test_filters_of_the_ledger_are_combined(study: Study) -> None:
    paid(study)
    now = study.world.now()
    day = timedelta(days=1)
    assert len(list_payments(study.world, LedgerQuery(worker_id=worker(1), kind="bonus", experiment="stroop"))) == 1
    assert len(list_payments(study.world, LedgerQuery(kind="bonus", since=now - day, until=now + day))) == 3
    assert list_payments(study.world, LedgerQuery(until=now - day)) == []
    assert list_payments(study.world, LedgerQuery(since=now + day)) == []
    assert list_payments(study.world, LedgerQuery(kind="compensation")) == []
    with pytest.raises(UsageError, match="not a kind of payment"):
        list_payments(study.world, LedgerQuery(kind="gift"))
    with pytest.raises(NotFoundError):
        list_payments(study.world, replace(LedgerQuery(), campaign=7))


def test_a_ledger_that_is_the_markets_own_list_has_no_differences(study: Study) -> None:
    paid(study)
    found = reconcile(study.world)
    assert (found.compared, found.differences, found.gone) == (3, [], 0)


def test_a_bonus_paid_past_turkctl_is_missing_in_the_ledger_until_it_is_adopted(study: Study) -> None:
    made = paid(study, 1)
    study.world.mturk.send_bonus(worker(0), made[0], Decimal("1.50"), "by hand", "token-by-hand")
    (one,) = reconcile(study.world).differences
    assert (one.kind, one.as_dict()["market"], one.as_dict()["ledger"]) == (NOT_IN_LEDGER, Decimal("1.50"), None)
    assert one.as_dict()["command"].endswith("reconcile --adopt")
    done = reconcile(study.world, adopt=True)
    assert (done.adopted, done.differences) == (1, [])
    assert reconcile(study.world).compared == 2


def test_an_amount_that_differs_becomes_the_markets_and_nothing_is_entered_twice(study: Study) -> None:
    made = paid(study, 2)
    study.write("UPDATE turkctl_payment SET amount = 990000 WHERE assignment_id = :id", id=made[0])
    (one,) = reconcile(study.world).differences
    assert (one.kind, one.as_dict()["ledger"], one.as_dict()["market"]) == (AMOUNT, Decimal("0.99"), Decimal("0.25"))
    assert reconcile(study.world, adopt=True).adopted == 1
    assert [row["amount"] for row in list_payments(study.world, LedgerQuery(kind="bonus"))] == [Decimal("0.25")] * 2


def test_what_the_market_never_paid_is_told_with_the_command_that_pays_it_and_adopting_leaves_it(study: Study) -> None:
    made = paid(study, 1)
    study.write("UPDATE turkctl_payment SET reason = 'another', amount = 300000")
    kinds = {each.kind for each in reconcile(study.world).differences}
    assert kinds == {NOT_ON_MARKET, NOT_IN_LEDGER}
    (left,) = reconcile(study.world, adopt=True).differences
    assert left.as_dict()["command"] == (
        f"turkctl workers bonus {made[0]} --amount 0.30 --reason another --purpose 'well done (paid again)'"
    )


def test_where_only_the_reason_differs_nobody_is_told_to_pay_again_and_adopting_takes_the_markets(study: Study) -> None:
    paid(study, 2)
    study.write("UPDATE turkctl_payment SET reason = 'another' WHERE worker_id = :w", w=worker(1))
    (one,) = reconcile(study.world).differences
    told = one.as_dict()
    assert (one.kind, told["worker_id"], told["reason"]) == (REASON, worker(1), "well done")
    assert told["command"].endswith("reconcile --adopt")
    assert (reconcile(study.world, adopt=True).adopted, reconcile(study.world).compared) == (1, 2)
    assert [row["reason"] for row in list_payments(study.world, LedgerQuery(kind="bonus"))] == ["well done"] * 2


def test_a_hit_that_only_psiturks_payment_names_is_asked_about(study: Study) -> None:
    (made,) = paid(study, 1)
    (hit,) = study.sql("SELECT hit_id FROM turkctl_hit")[0]
    study.write("UPDATE turkctl_payment SET source = 'psiturk', purpose = 'auto'")
    study.write("UPDATE turkctl_assignment SET hit_row = NULL")
    study.write("DELETE FROM turkctl_hit WHERE hit_id = :hit", hit=hit)
    (one,) = reconcile(study.world).differences
    assert (one.kind, one.hit_id, one.as_dict()["assignment_id"]) == (NOT_IN_LEDGER, hit, made)


def test_equal_bonuses_are_paired_one_to_one(study: Study) -> None:
    (made,) = paid(study, 1)
    for token in ("one", "two"):
        study.world.mturk.send_bonus(worker(0), made, Decimal("0.25"), "well done", token)
    found = reconcile(study.world)
    assert (found.compared, [each.kind for each in found.differences]) == (1, [NOT_IN_LEDGER] * 2)
    assert (reconcile(study.world, adopt=True).adopted, reconcile(study.world).compared) == (2, 3)


def test_what_psiturk_alone_says_it_paid_has_no_amount_and_is_not_compared(study: Study) -> None:
    (posted,) = study.post(9)
    made = study.submit(posted, worker(0), worker(1))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET status = 7, bonus = 0.25 WHERE workerid = :w", w=worker(0))
    result = study.apply(prepare_bonus(study.world, ALL, BonusRequest("well done", Decimal("0.50"))))
    assert result.succeeded == 2  # what psiTurk paid blocks no other purpose
    rows = list_payments(study.world, LedgerQuery(kind="bonus", worker_id=worker(0)))
    told = {row["source"]: (row["purpose"], row["amount"], row["fee"], row["reason"]) for row in rows}
    assert told == {
        "psiturk": ("auto", None, None, None),
        "ours": ("well done", Decimal("0.50"), Decimal("0.10"), "well done"),
    }
    assert (reconcile(study.world).compared, reconcile(study.world).differences) == (2, [])
    study.world.mturk.send_bonus(worker(0), made[0], Decimal("0.25"), "well done", "psiturks")
    (one,) = reconcile(study.world).differences  # the market tells of it in the end
    assert (one.kind, one.as_dict()["market"]) == (NOT_IN_LEDGER, Decimal("0.25"))
    assert reconcile(study.world, adopt=True).differences == []
    study.write("UPDATE assignments SET bonus = 0.25")
    auto = study.apply(prepare_bonus(study.world, ALL, BonusRequest("thanks")))
    assert {item.id: item.status for item in auto.results} == {made[0]: "skipped", made[1]: "bonused"}


def test_a_payment_on_a_hit_that_the_market_does_not_have_is_counted_and_never_told_to_be_paid_again(
    study: Study,
) -> None:
    paid(study, 1)
    study.write("UPDATE turkctl_payment SET hit_id = :hit", hit="3" + "X" * 29)
    found = reconcile(study.world)
    assert ([each.kind for each in found.differences], found.gone) == ([NOT_IN_LEDGER], 1)


def test_the_total_of_the_ledger_is_in_dollars_with_and_without_commission(study: Study) -> None:
    paid(study)
    wanted = PaymentFilter(study.world.place)
    with study.world.database.read() as session:
        assert payments.total(session, wanted) == Decimal("0.90")
        assert payments.total(session, wanted, fees=False) == Decimal("0.75")
        assert payments.by_worker(session, wanted) == {worker(each): Decimal("0.25") for each in range(3)}


def test_where_nothing_is_found_the_market_that_has_the_work_is_named(study: Study) -> None:
    paid(study, 1)
    (market,) = study.sql("SELECT DISTINCT market FROM turkctl_assignment")[0]
    study.write("UPDATE turkctl_assignment SET market = 'far away'")
    study.write("UPDATE turkctl_hit SET market = 'far away'")
    study.write("UPDATE turkctl_payment SET market = 'far away'")
    wanted = ALL
    said = (
        prepare_bonus(study.world, wanted, BonusRequest("more", Decimal("0.25")))[0].notes,
        prepare_approve(study.world, wanted)[0].notes,
        reconcile(study.world).notes,
    )
    assert all(any(f"on far away, but this is {market}" in note for note in notes) for notes in said)


def test_reconciling_says_what_has_no_answer_yet(study: Study) -> None:
    paid(study, 1)
    plan, act = prepare_bonus(study.world, ALL, BonusRequest("more", Decimal("0.25")))
    act.prepare(plan.steps)
    assert any("may not have reached the market" in note for note in reconcile(study.world).notes)
