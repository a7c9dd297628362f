"""Rows of two workers that name one assignment: who returned it left one, and the market gave it to the next."""

from __future__ import annotations

from decimal import Decimal

import pytest
from study_support import Study, everything, worker

from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.experiments import people as counting
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.lists import list_workers

ALL = WorkSelection(everything())
AUTO = BonusRequest("well done")
GHOST = "AAGHOST"
"""Comes before every other worker in the order of the keys."""
LATER = "ZGHOST"


def row(study: Study, who: str, assignment: str, hit: str, status: int, bonus: float = 0.0) -> None:
    """A row of psiTurk's."""
    study.write(
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, codeversion, status, bonus, mode, cond)"
        " VALUES (:u, :a, :w, :h, '1.0', :s, :b, 'local', 1)",
        u=f"{who}:{assignment}",
        a=assignment,
        w=who,
        h=hit,
        s=status,
        b=bonus,
    )


def statuses(study: Study) -> dict[str, int]:
    return dict(study.sql("SELECT workerid, status FROM assignments"))


def pay(study: Study, request: BonusRequest = AUTO) -> BatchResult:
    return study.apply(prepare_bonus(study.world, ALL, request))


@pytest.mark.parametrize("ghost", [GHOST, LATER])
def test_nobody_is_paid_or_credited_by_the_row_of_one_who_left(study: Study, ghost: str) -> None:
    (hit,) = study.post(1)
    (made,) = study.submit(hit, worker(1))
    row(study, ghost, made, hit, 2, 0.75)
    sync(study.world)
    assert study.apply(prepare_approve(study.world, ALL)).succeeded == 1
    assert statuses(study) == {worker(1): 5, ghost: 2}
    (item,) = pay(study).results
    assert (item.status, item.detail) == ("skipped", "no bonus in the participant's row")
    study.write("UPDATE assignments SET bonus = 0.25 WHERE workerid = :w", w=worker(1))
    assert pay(study).succeeded == 1
    assert [each.amount for each in study.world.mturk.list_bonuses(hit_id=hit)] == [Decimal("0.25")]
    assert statuses(study) == {worker(1): 7, ghost: 2}


@pytest.mark.parametrize("ghost", [GHOST, LATER])
def test_the_row_of_one_who_left_hides_no_payment_of_psiturks(study: Study, ghost: str) -> None:
    """Status 7 of somebody else's row does not say that the worker was paid."""
    (hit,) = study.post(1)
    (made,) = study.submit(hit, worker(1))
    row(study, ghost, made, hit, 7, 0.75)
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    study.write("UPDATE assignments SET bonus = 0.25 WHERE workerid = :w", w=worker(1))
    assert [item.status for item in pay(study).results] == ["bonused"]


def test_a_row_that_names_another_worker_than_the_market_is_left_alone_and_said(study: Study) -> None:
    (hit,) = study.post(1)
    (made,) = study.submit(hit, worker(1))
    sync(study.world)
    study.write("DELETE FROM assignments")
    row(study, GHOST, made, hit, 4, 0.75)
    plan, act = prepare_approve(study.world, ALL)
    assert [note for note in plan.notes if made in note and worker(1) in note and GHOST in note]
    study.apply((plan, act))
    assert statuses(study) == {GHOST: 4}
    (item,) = pay(study).results
    assert item.status == "skipped"
    assert item.detail == f"the participants' rows name another worker for it than {worker(1)}: {GHOST}"
    plan, _act = prepare_bonus(study.world, ALL, BonusRequest("thanks", Decimal("0.10")))
    assert [step.payload.request["worker"] for step in plan.steps] == [worker(1)]
    assert [note for note in plan.notes if GHOST in note]


def test_what_two_claim_to_have_handed_in_is_paid_to_neither_until_the_market_has_told(study: Study) -> None:
    row(study, GHOST, "3GONE", "3HITGONE", 4, 0.75)
    row(study, worker(1), "3GONE", "3HITGONE", 5, 0.25)
    for plan in (prepare_approve(study.world, ALL)[0], prepare_bonus(study.world, ALL, AUTO)[0]):
        assert plan.steps == ()
        (item,) = plan.skipped
        assert item.id == "3GONE"
        assert GHOST in (item.detail or "")
        assert worker(1) in (item.detail or "")
    assert list_workers(study.world, ALL) == []


def test_a_row_of_unknown_work_alone_is_approved_and_paid_as_before(study: Study) -> None:
    row(study, GHOST, "3GONE", "3HITGONE", 2, 0.75)
    row(study, worker(1), "3GONE", "3HITGONE", 4, 0.25)
    (step,) = prepare_approve(study.world, ALL)[0].steps
    assert (step.id, step.payload.worker_id) == ("3GONE", worker(1))


def test_a_complete_row_of_work_that_another_did_counts_nobody(study: Study) -> None:
    """The assignment was read on a HIT that is known; psiTurk's row names it with a HIT that is not."""
    (hit,) = study.post(2)
    (made,) = study.submit(hit, worker(1))
    sync(study.world)
    row(study, GHOST, made, "3ELSEWHERE", 5)
    with study.world.database.read() as session:
        assert counting.completed(session, study.world.place, 1, "1.0") == 1
