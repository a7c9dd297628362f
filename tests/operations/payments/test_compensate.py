from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import FundsError, RefusedError, UsageError
from turkctl.market.errors import RequestError, WorkError
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.experiments.people import completed, outstanding
from turkctl.operations.intents.runs import RunAtWorkError, StaleRunError
from turkctl.operations.limits.budgets import committed
from turkctl.operations.limits.paid import cost_of, read_paid
from turkctl.operations.payments.compensate import CompensateRequest, compensate, prepare_compensate
from turkctl.operations.payments.ledger import LedgerQuery, list_payments
from turkctl.operations.payments.totals import totals
from turkctl.operations.project.files import find
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.status.read import read_status
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.store.base import Scope

HARNESS = Path(__file__).parents[2] / "support" / "compensate_harness.py"
ONE = worker(1)


def wanted(worker_id: str = ONE, amount: str = "2.50", reason: str = "The server broke", **more: Any) -> Any:
    return CompensateRequest(worker_id, Decimal(amount), reason, **more)


def pay(study: Study, **arguments: Any) -> BatchResult:
    return compensate(study.world, prepare_compensate(study.world, wanted(**arguments)))


def known(study: Study, *workers: str) -> None:
    """Workers whose work was decided on, so that they can be written to."""
    (hit,) = study.post(9)
    for made in study.submit(hit, *workers):
        study.world.mturk.approve(made)
    study.requests()


def ledger(study: Study) -> list[tuple[Any, ...]]:
    columns = "kind, worker_id, amount, fee, experiment_id, reason"
    return study.sql(f"SELECT {columns} FROM turkctl_payment")


def test_a_compensation_is_one_hit_for_one_worker_who_is_told_paid_and_in_the_ledger(study: Study) -> None:
    known(study, ONE, worker(2))
    result = pay(study)
    (item,) = result.results
    assert (item.id, item.status, result.cost) == (ONE, "compensated", Decimal("3.00"))
    (row,) = study.sql(
        "SELECT hit_id, code_version, experiment_id, max_assignments FROM turkctl_hit WHERE reward = 2500000"
    )
    assert row[1:] == (None, None, 1)
    assert f"HIT {row[0]}; the worker got a message" == item.detail
    (message,) = study.world.market.messages("production", ONE)
    assert "The server broke" in message["MessageText"]
    assert "$2.50" in message["MessageText"]
    with pytest.raises(WorkError):
        study.accept(row[0], worker(2))
    study.submit(row[0], ONE)
    sync(study.world)
    assert ledger(study) == []
    study.apply(prepare_approve(study.world, WorkSelection(everything())))
    assert ledger(study) == [("compensation", ONE, 2_500_000, 500_000, None, "The server broke")]


def test_a_compensation_that_approved_itself_is_entered_by_sync_once(study: Study) -> None:
    known(study, ONE)
    result = pay(study)
    hit = str(result.results[0].detail).split(";")[0].removeprefix("HIT ")
    study.submit(hit, ONE)
    study.pass_time(days=2)
    sync(study.world)
    sync(study.world, full=True)
    assert [row[:2] for row in ledger(study)] == [("compensation", ONE)]


def test_a_compensation_is_listed_once_among_the_payments_and_not_as_a_reward_too(study: Study) -> None:
    known(study, ONE)
    hit = str(pay(study).results[0].detail).split(";")[0].removeprefix("HIT ")
    study.submit(hit, ONE)
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(everything())))
    rows = list_payments(study.world, LedgerQuery())
    assert sorted(row["kind"] for row in rows) == ["compensation", "reward"]
    assert totals(rows)["total"] == Decimal("3.60"), "2.50 and its fee, and the reward before with its own"
    with study.world.database.read() as session:
        assert cost_of(read_paid(session, study.world.place).groups) == Decimal("0.60")


def test_status_tells_each_kind_of_money_as_the_ledger_does(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0"}) as study:
        known(study, ONE)
        for whose in ("stroop", None):
            hit = str(pay(study, experiment=whose, new=True).results[0].detail).split(";")[0].removeprefix("HIT ")
            study.submit(hit, ONE)
            sync(study.world)
        study.apply(prepare_approve(study.world, WorkSelection(everything())))
        found = totals(list_payments(study.world, LedgerQuery()))
        money = read_status(study.world, study.world.now()).money
    assert (money.rewards, money.bonuses, money.compensation, money.fees) == (
        found["rewards"],
        found["bonuses"],
        found["compensation"],
        found["fees"],
    )
    assert (money.compensation, money.paid) == (Decimal("5.00"), found["total"])


def counts(study: Study) -> tuple[int, int, int, int]:
    """HITs of compensations, qualification types, messages, unfinished intents."""
    hits = sum((hit.title or "").startswith("Compensation") for hit in study.world.mturk.list_hits())
    types = len(list(study.world.mturk.list_qualification_types()))
    (left,) = study.sql("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')")
    return hits, types, len(study.world.market.messages("production", ONE)), left[0]


def test_a_worker_whom_the_market_refuses_leaves_nothing_behind(study: Study) -> None:
    result = pay(study, worker_id="ANOBODY")
    assert (result.exit_code, result.failed) == (1, 1)
    assert result.results[0].error is not None
    assert counts(study) == (0, 0, 0, 0)


def test_a_worker_who_never_had_work_decided_is_paid_and_the_result_says_not_told(study: Study) -> None:
    study.world.market.register_worker("production", ONE)
    result = pay(study)
    assert result.exit_code == 0
    assert "did not reach the worker" in str(result.results[0].detail)
    assert counts(study) == (1, 1, 0, 0)


def test_a_finished_one_never_blocks_a_new_one(study: Study) -> None:
    known(study, ONE)
    for number in (1, 2):
        plan = prepare_compensate(study.world, wanted())
        assert plan.notes == ()
        compensate(study.world, plan)
        assert counts(study) == (number, number, number, 0)


def test_a_plan_changes_nothing_and_says_the_cost_with_commission(study: Study) -> None:
    known(study, ONE)
    plan = prepare_compensate(study.world, wanted())
    assert (plan.cost, plan.preview().as_dict()["results"][0]["status"]) == (Decimal("3.00"), "planned")
    assert counts(study) == (0, 0, 0, 0)


def test_no_message_goes_out_twice_when_its_answer_is_lost(study: Study) -> None:
    known(study, ONE)

    def lose(operation: str) -> None:
        if operation == "NotifyWorkers":
            raise CutAnswerError(operation)

    study.world.endpoint.after = lose
    result = pay(study)
    assert (result.exit_code, "may have been sent" in str(result.results[0].detail)) == (0, True)
    study.world.endpoint.after = None
    assert counts(study) == (1, 1, 1, 0)


def test_what_the_market_refused_is_gone_on_with_or_made_anew_with_new(study: Study) -> None:
    known(study, ONE)

    def refuse(operation: str) -> None:
        if operation == "CreateHIT":
            raise RequestError("AWS.MechanicalTurk.InsufficientFunds", "Insufficient funds.")

    study.world.endpoint.before = refuse
    assert pay(study).exit_code == 1
    study.world.endpoint.before = None
    study.pass_time(days=2)
    with pytest.raises(StaleRunError, match="did 0 of 1"):
        prepare_compensate(study.world, wanted())
    plan = prepare_compensate(study.world, wanted(resume=True))
    assert "continues the run begun" in plan.notes[-1]
    assert prepare_compensate(study.world, wanted(new=True)).notes == ()
    assert compensate(study.world, plan).exit_code == 0
    assert counts(study) == (1, 1, 1, 0)


def test_it_counts_for_the_experiments_budget_and_never_as_a_participant(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0"}) as study:
        known(study, ONE)
        (experiment,) = study.sql("SELECT id FROM turkctl_experiment")
        with study.world.database.read() as session:
            before = committed(Scope(session, study.world.place, study.world.now()), experiment_id=experiment[0])
        hit = str(pay(study, experiment="stroop").results[0].detail).split(";")[0].removeprefix("HIT ")
        study.submit(hit, ONE)
        sync(study.world)
        study.apply(prepare_approve(study.world, WorkSelection(everything())))
        now = study.world.now()
        with study.world.database.read() as session:
            place = study.world.place
            after = committed(Scope(session, place, now), experiment_id=experiment[0])
            people = (
                completed(session, place, experiment[0], "1.0"),
                outstanding(session, place, experiment[0], "1.0", now),
            )
        assert after - before == Decimal("3.00")
        assert people == (1, 8), "the one who did the study, and the places that are left"
        assert study.sql("SELECT count(*) FROM assignments WHERE hitid = :hit", hit=hit) == [(0,)]


def test_the_balance_must_cover_it(study: Study) -> None:
    with pytest.raises(FundsError):
        prepare_compensate(study.world, wanted(amount="9000.00"))


@pytest.mark.parametrize(
    "bad",
    [
        {"amount": "0.00"},
        {"reason": " "},
        {"reason": "x" * 1001},
        {"reason": "bell \x07"},
        {"worker_id": " "},
        {"lifetime": timedelta(seconds=1)},
        {"experiment": "nope"},
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_done(study: Study, bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        prepare_compensate(study.world, wanted(**bad))
    assert study.requests() == {}


@pytest.mark.timeout(120)
def test_ended_at_any_request_and_run_again_it_is_done_once(tmp_path: Path) -> None:
    command = [sys.executable, str(HARNESS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["wrong"] == []
    assert report["cases"] == 3 * report["requests"] >= 12


def test_one_is_not_more_than_one_bonus_may_be_and_says_so_in_the_same_words(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        limit(study, 'max_bonus = "2.00"')
        known(study, ONE)
        with pytest.raises(UsageError, match=r"\$2.50 is over limits.max_bonus = \$2.00"):
            pay(study, experiment="stroop")
        assert counts(study) == (0, 0, 0, 0)
        assert pay(study, amount="2.00", experiment="stroop").exit_code == 0
        assert pay(study).exit_code == 0  # no experiment, so none of its limits


def test_its_hit_counts_against_no_limit_on_numbers_of_hits(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        limit(study, "max_active_hits = 2\nmax_total_hits = 2")
        known(study, ONE)
        for _ in range(3):
            assert pay(study, experiment="stroop").exit_code == 0
        assert len(study.post(1)) == 1
        with pytest.raises(RefusedError, match="max_active_hits"):
            study.post(1)


def test_two_that_were_planned_together_do_not_pass_the_budget_together(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        limit(study, 'budget = "5.00"')
        study.world.market.register_worker("production", ONE)
        one, other = (prepare_compensate(study.world, wanted(experiment="stroop", new=True)) for _ in range(2))
        assert compensate(study.world, one).exit_code == 0
        with pytest.raises(FundsError, match="budget"):
            compensate(study.world, other)
        assert counts(study)[0] == 1


def limit(study: Study, limits: str) -> None:
    path = study.folder / "turkctl.toml"
    path.write_text(f"{path.read_text()}\n[experiments.stroop.limits]\n{limits}\n")
    with study.world.database.read() as session:
        changes = plan_configure(session, find(path, study.folder), whole=True)
    apply_configure(study.world.database, changes, study.world.now())


@pytest.mark.parametrize("new", [False, True])
def test_of_two_that_start_at_once_one_works_unless_another_is_asked_for(study: Study, new: bool) -> None:
    known(study, ONE)
    first, second = (prepare_compensate(study.world, wanted(new=each)) for each in (False, new))

    def meanwhile(operation: str) -> None:
        if operation == "CreateHIT":
            study.world.endpoint.before = None
            if new:
                assert compensate(study.world, second).exit_code == 0
                return
            with pytest.raises(RunAtWorkError, match=f"process {os.getpid()} on "):
                compensate(study.world, second)

    study.world.endpoint.before = meanwhile
    assert compensate(study.world, first).exit_code == 0
    made = 2 if new else 1
    assert study.sql("SELECT count(*) FROM turkctl_hit WHERE reward = 2500000") == [(made,)]
    assert len(study.world.market.messages("production", ONE)) == made
