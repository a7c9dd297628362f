from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError, UsageError, WrongMarketError
from turkctl.mturk.types import Assignment
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import NOTHING_NEW, NOTHING_WAITS, prepare_approve, prepare_approve_hits
from turkctl.operations.workers.reject import prepare_reject

ALL = WorkSelection(everything())


def submitted(study: Study, number: int) -> list[str]:
    """So many submissions on HITs of nine, known to the database."""
    posted = study.post(9, hits=-(-number // 9))
    made = [study.submit(posted[each // 9], worker(each))[0] for each in range(number)]
    sync(study.world)
    study.requests()
    return made


def statuses(study: Study) -> dict[str, str]:
    return dict(study.sql("SELECT assignment_id, status FROM turkctl_assignment"))


def outcomes(result: BatchResult) -> dict[str, str]:
    return {item.id: item.status for item in result.results}


def test_approving_costs_one_request_per_assignment_and_credits_the_participant(study: Study) -> None:
    made = submitted(study, 3)
    result = study.apply(prepare_approve(study.world, ALL))
    assert outcomes(result) == dict.fromkeys(made, "approved")
    assert (result.cost, result.exit_code) == (Decimal("0.00"), 0)
    assert study.requests() == {"ApproveAssignment": 3}
    assert set(statuses(study).values()) == {"Approved"}
    assert set(study.sql("SELECT status FROM assignments")) == {(5,)}
    again = study.apply(prepare_approve(study.world, ALL))
    assert (again.results, study.requests()) == ([], {})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_approvals_under_faults_lose_none_and_report_no_false_failure(tmp_path: Path, number: int) -> None:
    """5 % of the requests fail before their effect, 5 % after it, and 5 % of the answers are lost, in every run."""
    with new_study(tmp_path) as study:
        made = submitted(study, number)
        for seed in range(5):
            study.switch(fault_before=0.05, fault_after=0.05, answer_lost=0.05, seed=7 + seed)
            result = study.apply(prepare_approve(study.world, ALL), sleep=lambda _seconds: None)
            study.switch()
            told = {work.assignment_id: work.status for work in _on_market(study)}
            assert [item.id for item in result.results if item.status == "failed" and told[item.id] == "Approved"] == []
            assert {item.id for item in result.results if item.status == "approved"} <= _approved(told)
            if result.exit_code == 0:
                break
        assert result.exit_code == 0
        assert told == statuses(study) == dict.fromkeys(made, "Approved")
        assert study.sql("SELECT count(*) FROM assignments WHERE status = 5") == [(number,)]
        assert study.world.mturk.balance().available == Decimal("10000.00") - Decimal("0.60") * _slots(study)


def _approved(told: dict[str, str]) -> set[str]:
    return {each for each, status in told.items() if status == "Approved"}


def _on_market(study: Study) -> list[Assignment]:
    hits = [hit for (hit,) in study.sql("SELECT hit_id FROM turkctl_hit")]
    return [work for hit in hits for work in study.world.mturk.list_assignments(hit)]


def _slots(study: Study) -> int:
    return int(study.sql("SELECT sum(max_assignments) FROM turkctl_hit")[0][0])


def test_at_least_twenty_four_approvals_are_under_way_at_once(study: Study) -> None:
    submitted(study, 60)
    study.switch(latency=0.05)
    study.world.endpoint.peak_concurrency = 0
    assert study.apply(prepare_approve(study.world, ALL)).succeeded == 60
    assert study.world.endpoint.peak_concurrency >= 24


def test_a_throttled_batch_ends_without_a_failure(study: Study) -> None:
    submitted(study, 30)
    study.switch(throttle=100)
    result = study.apply(prepare_approve(study.world, ALL))
    assert (result.succeeded, result.failed) == (30, 0)


def test_work_that_is_not_ready_yet_is_asked_for_again_until_it_is(study: Study) -> None:
    made = submitted(study, 2)
    study.switch(lag=3)

    def sleep(seconds: float) -> None:
        study.pass_time(seconds=seconds)

    result = study.apply(prepare_approve(study.world, ALL), sleep=sleep)
    assert outcomes(result) == dict.fromkeys(made, "approved")


def test_work_that_stays_not_ready_fails_with_the_markets_code_and_can_be_approved_later(study: Study) -> None:
    (made,) = submitted(study, 1)
    study.switch(lag=3600)
    result = study.apply(prepare_approve(study.world, ALL), sleep=lambda _seconds: None)
    (item,) = result.results
    assert (item.status, result.exit_code) == ("failed", 1)
    assert item.error is not None
    assert item.error.code == "AWS.MechanicalTurk.InvalidAssignmentState"
    assert statuses(study) == {made: "Submitted"}
    study.switch()
    assert study.apply(prepare_approve(study.world, ALL)).succeeded == 1


def test_approved_elsewhere_counts_as_done_and_is_written_down(study: Study) -> None:
    (made,) = submitted(study, 1)
    study.world.mturk.approve(made, "by hand")
    result = study.apply(prepare_approve(study.world, ALL))
    assert outcomes(result) == {made: "already_done"}
    assert study.sql("SELECT status, feedback FROM turkctl_assignment") == [("Approved", "by hand")]


def test_rejected_by_hand_is_left_alone_and_noted(study: Study) -> None:
    (made,) = submitted(study, 1)
    study.world.mturk.reject(made, "empty")
    result = study.apply(prepare_approve(study.world, ALL))
    assert outcomes(result) == {made: "skipped"}
    assert statuses(study) == {made: "Rejected"}
    assert study.sql("SELECT status FROM assignments") == [(4,)]
    assert study.world.mturk.get_assignment(made).status == "Rejected"


def test_an_override_overturns_rejections_and_says_what_that_costs(study: Study) -> None:
    (made,) = submitted(study, 1)
    study.apply(prepare_reject(study.world, [made], "empty"))
    named = WorkSelection(Selection(ids=(made,)))
    plan, _act = prepare_approve(study.world, named)
    assert [(item.id, item.status) for item in plan.skipped] == [(made, "skipped")]
    result = study.apply(prepare_approve(study.world, named, override_rejection=True))
    assert (outcomes(result), result.cost) == ({made: "approved"}, Decimal("0.60"))
    assert statuses(study) == {made: "Approved"}


def test_missing_funds_fail_the_item_with_the_markets_code(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='[market]\nopening_balance = "10.80"\n') as study:
        first, second = study.post(9, hits=2)
        (rejected,) = study.submit(first, worker(1))
        sync(study.world)
        study.apply(prepare_reject(study.world, [rejected], "empty"))
        sync(study.world)
        study.post(1)
        (item,) = study.apply(prepare_approve(study.world, ALL, override_rejection=True)).results
        assert item.status == "failed", second
        assert item.error is not None
        assert "InsufficientFunds" in item.error.code
        assert statuses(study) == {rejected: "Rejected"}


def test_selectors_narrow_what_is_approved(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0", "flanker": "2.0"}) as study:
        (stroop,), (flanker,) = study.post(3), study.post(3, experiment="flanker")
        one, two = study.submit(stroop, worker(1), worker(2))
        three, again = study.submit(flanker, worker(3), worker(1))
        sync(study.world)

        def selected(hit_ids: tuple[str, ...] = (), **selectors: object) -> set[str]:
            chosen = WorkSelection(Selection(**selectors), hit_ids)  # type: ignore[arg-type]  # any selector
            return {step.id for step in prepare_approve(study.world, chosen)[0].steps}

        assert selected(everything=True) == {one, two, three, again}
        assert selected(experiment="flanker") == {three, again}
        assert selected(regex="^st") == selected(code_version="1.0") == selected((stroop,)) == {one, two}
        assert selected(ids=(worker(1),)) == {one, again}
        assert selected(ids=(worker(1), two), experiment="stroop") == {one, two}
        assert selected((flanker,), ids=(worker(1),)) == {again}
        assert selected(campaign=5) == set()


def test_an_id_that_nobody_knows_fails_and_an_unknown_experiment_stops_everything(study: Study) -> None:
    one, two = submitted(study, 2)
    result = study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(one, "3NOBODY", "3.1E+29", two)))))
    assert outcomes(result) == {one: "approved", two: "approved", "3NOBODY": "failed", "3.1E+29": "failed"}
    result = study.apply(prepare_approve(study.world, WorkSelection(Selection(), ("3NOHIT", "no hit"))))
    assert outcomes(result) == {"3NOHIT": "failed", "no hit": "failed"}
    with pytest.raises(NotFoundError):
        prepare_approve(study.world, WorkSelection(Selection(experiment="nope")))
    with pytest.raises(UsageError, match="position 0"):
        prepare_approve(study.world, WorkSelection(Selection(regex="*")))
    with pytest.raises(UsageError):
        WorkSelection(Selection()).require()


def test_an_assignment_of_another_market_is_refused(study: Study) -> None:
    (made,) = submitted(study, 1)
    study.write("UPDATE turkctl_assignment SET market = 'local:other'")
    with pytest.raises(WrongMarketError):
        prepare_approve(study.world, WorkSelection(Selection(ids=(made,))))


def test_an_assignment_that_only_the_market_knows_is_approved_by_name(study: Study) -> None:
    (hit,) = study.post(2)
    (made,) = study.submit(hit, worker(1))
    taken = study.accept(hit, worker(2))
    result = study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(made, taken)))))
    assert outcomes(result) == {made: "approved", taken: "skipped"}


def test_nothing_marked_submitted_points_at_sync(study: Study) -> None:
    (hit,) = study.post(2)
    study.submit(hit, worker(1))
    plan, _act = prepare_approve(study.world, ALL)
    assert (plan.steps, plan.notes) == ((), (NOTHING_NEW,))


def test_where_the_market_was_asked_nobody_is_sent_to_ask_it_again(study: Study) -> None:
    (hit,) = study.post(2)
    plan, _act = prepare_approve_hits(study.world, everything())
    assert (plan.steps, plan.notes) == ((), (NOTHING_WAITS,))
    (made,) = study.submit(hit, worker(1))
    study.apply(prepare_approve_hits(study.world, everything()))
    plan, _act = prepare_approve(study.world, WorkSelection(Selection(ids=(made,))))
    assert ([item.detail for item in plan.skipped], plan.notes) == (["already approved"], ())


def test_approving_hits_takes_in_what_was_submitted_since_the_last_sync(study: Study) -> None:
    first, second = study.post(3, hits=2)
    made = study.submit(first, worker(1), worker(2))
    study.submit(second, worker(3))
    study.requests()
    result = study.apply(prepare_approve_hits(study.world, Selection(ids=(first,))))
    assert outcomes(result) == dict.fromkeys(made, "approved")
    assert study.requests() == {"GetHIT": 1, "ListAssignmentsForHIT": 1, "ApproveAssignment": 2}
    assert len(study.apply(prepare_approve_hits(study.world, everything())).results) == 1


def test_all_studies_reaches_what_only_the_account_has(study: Study, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (hit,) = study.post(2)
    (made,) = study.submit(hit, worker(1))
    with new_study(tmp_path / "other", settings=f'market_url = "{study.world.settings.market_url}"\n') as other:
        beyond = Selection(all_studies=True)
        for prepared in (
            prepare_approve(other.world, WorkSelection(beyond)),
            prepare_approve_hits(other.world, beyond),
            prepare_approve_hits(other.world, Selection(ids=(hit,))),
            prepare_approve(other.world, WorkSelection(Selection(), (hit,))),
            prepare_approve(other.world, WorkSelection(Selection(ids=(worker(1),), all_studies=True))),
        ):
            assert [step.id for step in prepared[0].steps] == [made]
        assert prepare_approve(other.world, WorkSelection(everything()))[0].steps == ()
        both = Selection(experiment="stroop", all_studies=True)
        assert prepare_approve(other.world, WorkSelection(both))[0].steps == ()
        study_result = other.apply(prepare_approve(other.world, WorkSelection(beyond)))
        assert study_result.succeeded == 1
        assert other.sql("SELECT count(*) FROM turkctl_assignment") == [(0,)]


def test_participants_that_psiturk_marked_submitted_are_approved_once(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='participants_source = "psiturk"\n') as study:
        (hit,) = study.post(4)
        ids = study.submit(hit, *map(worker, range(3)))
        columns = "INSERT INTO assignments (uniqueid, workerid, assignmentid, hitid, status, mode, codeversion)"
        for number, (status, mode) in enumerate(((4, "local"), (3, "local"), (4, "live"))):
            values: dict[str, Any] = {"u": f"{worker(number)}:{ids[number]}", "w": worker(number), "a": ids[number]}
            values |= {"s": status, "m": mode}
            study.write(f"{columns} VALUES (:u, :w, :a, :h, :s, :m, '1.0')", **values, h=hit)
        for chosen in (ALL, WorkSelection(Selection(experiment="stroop")), WorkSelection(Selection(ids=(worker(0),)))):
            assert [step.id for step in prepare_approve(study.world, chosen)[0].steps] == [ids[0]]
        assert study.apply(prepare_approve(study.world, ALL)).succeeded == 1
        assert study.sql("SELECT status FROM assignments ORDER BY uniqueid") == [(5,), (3,), (4,)]
        assert prepare_approve(study.world, ALL)[0].steps == ()


def test_an_interrupted_batch_keeps_what_is_done_and_the_next_does_the_rest(study: Study) -> None:
    made = submitted(study, 40)
    engine = study.world.engine(workers=2, group=4)
    plan, act = prepare_approve(study.world, ALL)
    done: list[str] = []

    def on_item(item: object) -> None:
        done.append(str(item))
        if len(done) == 8:
            engine.stop.set()

    result = engine.apply(plan, act, on_item=on_item)
    assert result.interrupted
    assert 0 < result.succeeded < 40
    rest = study.apply(prepare_approve(study.world, ALL))
    assert result.succeeded + rest.succeeded == 40
    assert statuses(study) == dict.fromkeys(made, "Approved")


def test_a_rejection_needs_words_and_submitted_work(study: Study) -> None:
    one, two = submitted(study, 2)
    for feedback in ("", "  ", "x" * 1025):
        with pytest.raises(UsageError):
            prepare_reject(study.world, [one], feedback)
    wrong = study.apply(prepare_reject(study.world, [worker(0)], "empty"))
    assert [(item.status, item.error and item.error.message) for item in wrong.results] == [
        ("failed", f"{worker(0)} is a worker; give the id of the assignment")
    ]
    assert set(statuses(study).values()) == {"Submitted"}
    study.world.mturk.approve(two)
    result = study.apply(prepare_reject(study.world, [one, two], "empty"))
    assert outcomes(result) == {one: "rejected", two: "skipped"}
    assert statuses(study) == {one: "Rejected", two: "Approved"}
    assert set(study.sql("SELECT status FROM assignments")) == {(4,), (5,)}
    again = study.apply(prepare_reject(study.world, [one], "empty"))
    assert outcomes(again) == {one: "skipped"}


def test_rejections_under_lost_answers_are_not_reported_failed(study: Study) -> None:
    made = submitted(study, 30)
    study.switch(fault_after=0.2, answer_lost=0.2, seed=5)
    result = study.apply(prepare_reject(study.world, made, "empty"))
    assert outcomes(result) == dict.fromkeys(made, "rejected")
    assert set(statuses(study).values()) == {"Rejected"}
