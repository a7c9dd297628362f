from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import FundsError, UsageError
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.payments.reconcile import reconcile
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve

ALL = WorkSelection(everything())
AUTO = BonusRequest("well done")


def dollars(amount: str, reason: str = "well done", **more: Any) -> BonusRequest:
    return BonusRequest(reason, Decimal(amount), **more)


def approved(study: Study, number: int, bonus: float | None = 0.25) -> list[str]:
    """So many approved submissions, each with this bonus in the participant's row."""
    posted = study.post(9, hits=-(-number // 9))
    made = [study.submit(posted[each // 9], worker(each))[0] for each in range(number)]
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = :bonus", bonus=bonus)
    study.requests()
    return made


def ids(*names: str) -> WorkSelection:
    return WorkSelection(Selection(ids=names))


def pay(study: Study, request: BonusRequest, wanted: WorkSelection = ALL, **options: Any) -> BatchResult:
    return study.apply(prepare_bonus(study.world, wanted, request), **options)


def ledger(study: Study) -> list[tuple[Any, ...]]:
    statement = "SELECT assignment_id, amount, reason FROM turkctl_payment WHERE source <> 'psiturk' ORDER BY 1, 2, 3"
    return study.sql(statement)


def on_market(study: Study) -> list[tuple[Any, ...]]:
    hits = [hit for (hit,) in study.sql("SELECT hit_id FROM turkctl_hit")]
    paid = [each for hit in hits for each in study.world.mturk.list_bonuses(hit_id=hit)]
    return sorted((each.assignment_id, int(each.amount * 1_000_000), each.reason) for each in paid)


def reasons(result: BatchResult) -> list[str | None]:
    return [item.error.message if item.error else item.detail for item in result.results]


def test_each_row_is_paid_its_own_bonus_once_and_the_participant_is_bonused(study: Study) -> None:
    made = approved(study, 3)
    study.write("UPDATE assignments SET bonus = 0.1 + 0.2 WHERE assignmentid = :id", id=made[0])
    study.write("UPDATE assignments SET bonus = 0 WHERE assignmentid = :id", id=made[1])
    result = pay(study, AUTO)
    assert {item.id: item.status for item in result.results} == {
        made[0]: "bonused",
        made[1]: "skipped",
        made[2]: "bonused",
    }
    assert result.cost == Decimal("0.66")
    assert study.requests() == {"ListBonusPayments": 1, "GetAccountBalance": 1, "SendBonus": 2}
    assert ledger(study) == on_market(study)
    assert study.sql("SELECT count(*) FROM assignments WHERE status = 7") == [(2,)]
    _ = study.requests()
    again = pay(study, AUTO)
    assert (again.succeeded, again.skipped, study.requests()) == (0, 3, {})


def test_the_same_purpose_never_pays_again_and_another_one_does(study: Study) -> None:
    made = approved(study, 2)
    assert pay(study, dollars("0.50")).succeeded == 2
    assert pay(study, dollars("0.50")).skipped == 2
    assert pay(study, dollars("0.50", purpose="follow-up")).succeeded == 2
    assert pay(study, AUTO).succeeded == 2
    assert len(on_market(study)) == 6
    assert ledger(study) == on_market(study)
    assert {row[0] for row in ledger(study)} == set(made)


@pytest.mark.parametrize(("now", "word"), [(0.75, "$0.50 is still owed"), (0.10, "$0.15 too much")])
def test_an_amount_changed_after_the_payment_pays_nothing_and_says_what_is_owed(
    study: Study, now: float, word: str
) -> None:
    approved(study, 1)
    pay(study, AUTO)
    study.write("UPDATE assignments SET bonus = :now", now=now)
    result = pay(study, AUTO)
    (text,) = reasons(result)
    assert result.skipped == 1
    assert text is not None
    assert word in text
    assert len(on_market(study)) == 1


def test_what_was_paid_elsewhere_is_entered_and_not_paid_again(study: Study) -> None:
    made = approved(study, 3)
    study.world.mturk.send_bonus(worker(0), made[0], Decimal("0.25"), "by psiTurk", "other")
    study.write("UPDATE assignments SET status = 7 WHERE assignmentid = :id", id=made[1])
    result = pay(study, AUTO)
    assert {item.id: item.status for item in result.results} == {
        made[0]: "skipped",
        made[1]: "skipped",
        made[2]: "bonused",
    }
    assert ledger(study) == on_market(study)
    assert pay(study, dollars("1.00", "extra"), ids(made[1])).succeeded == 1
    assert pay(study, AUTO).succeeded == 0
    assert len(on_market(study)) == 3


def test_only_approved_work_gets_the_bonus_of_its_row(study: Study) -> None:
    posted = study.post(9)
    study.submit(posted[0], worker(1), worker(2))
    sync(study.world)
    study.write("UPDATE assignments SET bonus = 0.25")
    assert pay(study, AUTO).skipped == 2
    assert pay(study, dollars("0.25")).succeeded == 2


def test_a_bonus_that_is_no_amount_of_cents_fails_alone(study: Study) -> None:
    made = approved(study, 3)
    study.write("UPDATE assignments SET bonus = 0.255 WHERE assignmentid = :id", id=made[0])
    study.write("UPDATE assignments SET bonus = -1 WHERE assignmentid = :id", id=made[1])
    result = pay(study, AUTO)
    assert (result.succeeded, result.failed, result.exit_code) == (1, 2, 1)


def test_a_worker_with_several_assignments_is_refused_unless_each_is_meant(study: Study) -> None:
    made = [study.submit(hit, worker(1))[0] for hit in study.post(9, hits=2)]
    sync(study.world)
    with pytest.raises(UsageError, match=f"{made[0]}.*{made[1]}|{made[1]}.*{made[0]}"):
        pay(study, dollars("0.10"), ids(worker(1)))
    assert pay(study, dollars("0.10", each=True), ids(worker(1))).succeeded == 2


@pytest.mark.parametrize("request_", [dollars("0.00"), dollars("-1"), dollars("0.105"), dollars("1", " ")])
def test_a_bad_amount_or_no_reason_is_a_usage_error(study: Study, request_: BonusRequest) -> None:
    with pytest.raises(UsageError):
        pay(study, request_)


def test_an_id_that_nobody_knows_fails_and_the_others_are_paid(study: Study) -> None:
    (one,) = approved(study, 1)
    result = pay(study, dollars("0.10"), ids("NOBODY", one, "3.1E+29"))
    assert {item.id: item.status for item in result.results} == {
        one: "bonused",
        "NOBODY": "failed",
        "3.1E+29": "failed",
    }
    assert result.exit_code == 1


def test_caps_bound_one_bonus_a_worker_a_day_and_the_budget(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        approved(study, 3, bonus=0.75)
        limits = '[experiments.stroop.limits]\nmax_bonus = "1.00"\nmax_bonus_per_worker = "1.20"\n'
        configure(study, limits + 'max_bonus_per_day = "2.00"\n')
        with pytest.raises(UsageError, match="max_bonus"):
            pay(study, dollars("1.01"))
        assert (pay(study, AUTO).succeeded, pay(study, AUTO).failed) == (2, 1)
        assert pay(study, dollars("0.50")).failed == 2
        assert pay(study, dollars("0.10", "again")).failed == 3
        study.pass_time(hours=25)
        result = pay(study, dollars("0.50", "again"))
        assert (result.succeeded, result.failed) == (1, 2)
        configure(study, '[experiments.stroop.limits]\nbudget = "6.00"\n')
        with pytest.raises(FundsError, match="budget"):
            pay(study, dollars("0.40", "more"))


def configure(study: Study, more: str) -> None:
    from turkctl.operations.configure import apply_configure, plan_configure
    from turkctl.operations.project.files import find

    path = study.folder / "turkctl.toml"
    path.write_text(path.read_text().partition("[experiments.stroop.limits]")[0] + more)
    with study.world.database.read() as session:
        changes = plan_configure(session, find(path, study.folder), whole=True)
    apply_configure(study.world.database, changes, study.world.now())


def test_a_balance_that_does_not_cover_the_plan_pays_nobody(study: Study) -> None:
    approved(study, 2)
    with pytest.raises(FundsError):
        pay(study, dollars("5000.00"))
    assert on_market(study) == []


def test_sixty_bonuses_under_faults_are_each_paid_exactly_once(study: Study) -> None:
    made = approved(study, 60)
    study.switch(fault_before=0.05, fault_after=0.05, answer_lost=0.05, seed=3)
    for _ in range(5):
        if pay(study, AUTO).exit_code == 0:
            break
    study.switch()
    assert sorted(row[0] for row in on_market(study)) == sorted(made)
    assert ledger(study) == on_market(study)


def test_a_request_without_an_answer_is_looked_for_before_an_old_token_is_trusted(study: Study) -> None:
    made = approved(study, 2)
    bonus_plan, bonus = prepare_bonus(study.world, ALL, AUTO)
    bonus.prepare(bonus_plan.steps)
    bonus.perform(bonus_plan.steps[0])
    study.pass_time(hours=30)
    result = pay(study, AUTO)
    assert {item.id: item.status for item in result.results} == {made[0]: "skipped", made[1]: "bonused"}
    assert ledger(study) == on_market(study)
    assert len(on_market(study)) == 2


def begun(study: Study, request: BonusRequest, name: str, *, answered: bool) -> None:
    """A run that was killed before its request, or before its answer was written down."""
    plan, act = prepare_bonus(study.world, ids(name), request)
    act.prepare(plan.steps)
    if answered:
        act.perform(plan.steps[0])


@pytest.mark.parametrize("refused", [False, True])
def test_purposes_that_the_list_cannot_tell_apart_are_each_paid_once(study: Study, refused: bool) -> None:
    (one,) = approved(study, 1)
    first, second = dollars("1.00", purpose="first"), dollars("1.00", purpose="second")
    begun(study, first, one, answered=False)
    if refused:
        study.write("UPDATE turkctl_intent SET state = 'failed'")
    begun(study, second, one, answered=True)
    for request in (first, second, first, second):
        assert pay(study, request, ids(one)).failed == 0
    assert len(on_market(study)) == 2
    assert ledger(study) == on_market(study)


def test_a_token_that_was_used_proves_nothing_where_the_ledger_explains_the_payment_otherwise(study: Study) -> None:
    (one,) = approved(study, 1)
    first, second = dollars("1.00", purpose="first"), dollars("1.00", purpose="second")
    begun(study, first, one, answered=False)
    begun(study, second, one, answered=True)
    reconcile(study.world, adopt=True)  # takes the older one
    assert pay(study, second, ids(one)).failed == 1
    assert ledger(study) == on_market(study)
    study.pass_time(hours=25)
    assert pay(study, second, ids(one)).succeeded == 1
    assert len(on_market(study)) == 2
    assert ledger(study) == on_market(study)


def test_a_bonus_that_was_begun_with_another_amount_says_so(study: Study) -> None:
    (one,) = approved(study, 1)
    begun(study, dollars("1.00", purpose="extra"), one, answered=False)
    plan, act = prepare_bonus(study.world, ids(one), dollars("2.00", purpose="extra"))
    assert any("another amount" in note for note in plan.notes)
    result = study.apply((plan, act))
    assert (result.succeeded, result.cost) == (1, Decimal("1.20"))
    assert "this command asks for $2.00" in (reasons(result)[0] or "")
    assert "$1.00 is still owed" in (reasons(pay(study, dollars("2.00", purpose="extra"), ids(one)))[0] or "")


@pytest.mark.parametrize(("one", "other"), [("thanks", " thanks "), ("für dich", "fu\N{COMBINING DIAERESIS}r dich")])
def test_purposes_and_reasons_that_look_the_same_are_the_same(study: Study, one: str, other: str) -> None:
    approved(study, 1)
    assert pay(study, dollars("1.00", one)).succeeded == 1
    assert pay(study, dollars("1.00", other)).skipped == 1
    assert pay(study, dollars("1.00", purpose=other)).skipped == 1


def test_all_studies_reaches_work_that_only_the_account_has(study: Study, tmp_path: Path) -> None:
    (hit,) = study.post(9)
    (made,) = study.submit(hit, worker(1))
    (tmp_path / "other").mkdir()
    market = f'market_url = "{study.world.settings.market_url}"\n'
    with new_study(tmp_path / "other", settings=market) as other:
        beyond = WorkSelection(Selection(all_studies=True))
        assert [item.id for item in pay(other, dollars("0.50"), beyond).results] == [made]
        assert pay(other, dollars("0.50"), beyond).skipped == 1
    assert len(on_market(study)) == 1


@pytest.mark.parametrize("hit", ["debugHIT", "H" * 100, "", "h\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_an_id_that_no_hit_can_have_stops_nobody_elses_bonus(study: Study, hit: str) -> None:
    (one,) = approved(study, 1)
    for name, status in (("A1", 5), ("A2", 7)):
        study.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, status, bonus, mode, codeversion)"
            " VALUES (:key, :name, 'AW1', :hit, :status, 0.25, 'local', '1.0')",
            key=f"AW1:{name}",
            name=name,
            hit=hit,
            status=status,
        )
    for request in (AUTO, dollars("0.25", "extra")):
        result = pay(study, request)
        assert {item.id: item.status for item in result.results}[one] == "bonused"
        assert {item.status for item in result.results if item.id == "A1"} == {"skipped"}
        assert result.exit_code == 0
    assert reconcile(study.world).differences == []
    assert ledger(study) == on_market(study)


def test_a_request_that_was_under_way_with_another_amount_is_not_paid_again_when_its_token_is_forgotten(
    study: Study,
) -> None:
    (one,) = approved(study, 1)
    small, large = dollars("1.00", purpose="extra"), dollars("2.00", purpose="extra")
    plan, act = prepare_bonus(study.world, ids(one), small)
    act.prepare(plan.steps)
    study.write("UPDATE turkctl_intent SET state = 'failed'")  # the same bonus, refused to another process
    begun(study, large, one, answered=False)
    act.perform(plan.steps[0])  # killed before its answer was written down
    for hours in (0, 25):
        study.pass_time(hours=hours)
        assert "$1.00 is still owed" in (reasons(pay(study, large, ids(one)))[0] or "")
    assert len(on_market(study)) == 1
    assert ledger(study) == on_market(study)


@pytest.mark.parametrize("sign", ["\u202e", "\u200f", "\x1b", "\x7f", "\n"])
def test_a_purpose_that_hides_a_character_is_refused(sign: str) -> None:
    with pytest.raises(UsageError):
        dollars("0.25", purpose=f"more{sign}work").check()
