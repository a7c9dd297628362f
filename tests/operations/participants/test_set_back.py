"""psiTurk sets a participant's row back to submitted after turkctl approved: it is credited again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from study_support import Study, everything, worker

from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve, prepare_approve_hits

ALL = WorkSelection(everything())


@pytest.fixture
def made(study: Study) -> list[str]:
    """Three approved assignments, the second with a bonus paid, whose rows psiTurk set back."""
    (hit,) = study.post(3)
    made = study.submit(hit, *(worker(number) for number in range(3)))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    only = WorkSelection(Selection(ids=(made[1],)))
    study.apply(prepare_bonus(study.world, only, BonusRequest("thanks", Decimal("0.10"))))
    assert statuses(study) == [5, 7, 5]
    study.write("UPDATE assignments SET status = 4")
    study.requests()
    return made


def statuses(study: Study) -> list[int]:
    return [status for (status,) in study.sql("SELECT status FROM assignments ORDER BY workerid")]


def test_a_plain_sync_credits_them_again_without_a_request_for_any(study: Study, made: list[str]) -> None:
    report = sync(study.world)
    assert statuses(study) == [5, 7, 5], "psiTurk would pay the bonus of a row that is only credited"
    assert report.as_dict()["participants_credited_again"] == 3
    assert "GetAssignment" not in study.requests()
    assert sync(study.world).credited_again == 0


@pytest.mark.parametrize("of_hits", [False, True])
def test_approving_all_credits_them_again_and_pays_nobody_twice(study: Study, made: list[str], of_hits: bool) -> None:
    plan, act = prepare_approve_hits(study.world, everything()) if of_hits else prepare_approve(study.world, ALL)
    assert statuses(study) == [4, 4, 4], "a plan changes nothing"
    result = study.apply((plan, act))
    assert {item.id: item.status for item in result.results} == dict.fromkeys(made, "already_done")
    assert str(result.cost) == "0.00"
    assert statuses(study) == [5, 7, 5]
    assert not {"ApproveAssignment", "GetAssignment", "SendBonus"} & set(study.requests())


def test_the_selection_says_whose(study: Study, made: list[str]) -> None:
    study.apply(prepare_approve(study.world, WorkSelection(Selection(ids=(made[0],)))))
    assert statuses(study) == [5, 4, 4]
    assert not prepare_approve(study.world, WorkSelection(Selection(code_version="9.9")))[0].steps


def test_what_psiturk_wrote_meanwhile_stays(study: Study, made: list[str]) -> None:
    plan, act = prepare_approve(study.world, ALL)
    study.write("UPDATE assignments SET status = 6 WHERE workerid = :w", w=worker(0))
    study.apply((plan, act))
    assert statuses(study) == [6, 7, 5]


def test_the_row_of_another_worker_or_mode_and_rejected_work_stay(study: Study, made: list[str]) -> None:
    study.write("UPDATE assignments SET workerid = 'AGHOST' WHERE workerid = :w", w=worker(0))
    study.write("UPDATE assignments SET mode = 'live' WHERE workerid = :w", w=worker(1))
    study.write("UPDATE turkctl_assignment SET status = 'Rejected' WHERE worker_id = :w", w=worker(2))
    study.apply(prepare_approve(study.world, ALL))
    assert sync(study.world).credited_again == 0
    assert statuses(study) == [4, 4, 4]
