"""``hits why``: the reasons are those of the acts themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from study_support import Study, worker

from turkctl.errors import NotFoundError
from turkctl.operations.hits.why import explain
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync


def said(study: Study, hit: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["act"], row["id"]): row for row in explain(study.world, hit)}


def test_an_open_hit_can_be_extended_and_nothing_else_yet(study: Study) -> None:
    (hit,) = study.post(3)
    rows = said(study, hit)
    assert {act: row["can"] for (act, _id), row in rows.items()} == {
        "delete": False,
        "extend": True,
        "approve": False,
        "bonus": False,
    }
    delete = rows["delete", hit]
    assert "still open until" in delete["why"]
    assert delete["clears"] == study.world.mturk.get_hit(hit).expires
    assert delete["mend"] == f"turkctl hits expire {hit}"
    assert rows["approve", hit]["why"] == "nothing is submitted; 3 slots are open"


def test_somebody_at_work_holds_the_deletion_until_their_time_is_over(study: Study) -> None:
    (hit,) = study.post(2)
    study.accept(hit, worker(1))
    study.world.mturk.expire_hit(hit)
    rows = said(study, hit)
    assert "1 worker is still at work" in rows["delete", hit]["why"]
    left = rows["delete", hit]["clears"] - study.world.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30), "the time that the assignment allows"
    assert "expired" in rows["extend", hit]["why"]


def test_submitted_work_holds_it_until_it_is_decided_on(study: Study) -> None:
    (hit,) = study.post(1)
    (assignment,) = study.submit(hit, worker(1))
    rows = said(study, hit)
    delete = rows["delete", hit]
    assert "1 submitted assignment waits" in delete["why"]
    assert delete["clears"] == study.world.mturk.get_assignment(assignment).auto_approval
    assert delete["mend"] == f"turkctl hits approve {hit}"
    assert rows["approve", assignment]["can"]
    assert rows["bonus --auto", assignment]["why"] == "submitted, not approved"


def test_once_approved_it_can_be_deleted_and_paid_what_its_row_says_once(study: Study) -> None:
    (hit,) = study.post(1)
    (assignment,) = study.submit(hit, worker(1))
    study.world.mturk.approve(assignment)
    rows = said(study, hit)
    assert rows["delete", hit] == {
        "act": "delete",
        "id": hit,
        "can": True,
        "why": None,
        "clears": None,
        "mend": f"turkctl hits delete {hit}",
    }
    assert rows["approve", assignment]["why"] == "already approved"
    assert rows["bonus --auto", assignment]["why"] == "no bonus in the participant's row"
    study.write("UPDATE assignments SET bonus = 0.25")
    assert said(study, hit)["bonus --auto", assignment]["can"]
    wanted = WorkSelection(Selection(ids=(assignment,)))
    assert study.apply(prepare_bonus(study.world, wanted, BonusRequest("well done"))).succeeded == 1
    paid = said(study, hit)["bonus --auto", assignment]
    assert (paid["can"], "$0.25 was already paid for 'auto'" in paid["why"]) == (False, True)


def test_a_rejection_can_be_taken_back_for_thirty_days(study: Study) -> None:
    (hit,) = study.post(1)
    (assignment,) = study.submit(hit, worker(1))
    study.world.mturk.reject(assignment, "empty")
    approve = said(study, hit)["approve", assignment]
    assert (approve["can"], approve["why"]) == (False, "rejected")
    assert approve["mend"].endswith("--override-rejection")
    study.pass_time(days=31)
    assert "30 days after the submission" in said(study, hit)["approve", assignment]["why"]


def test_ten_assignments_are_in_the_way_of_a_ninth_and_one_more(study: Study) -> None:
    (hit,) = study.post(9)
    extend = said(study, hit)["extend", hit]
    assert (extend["can"], "from 9 to 10" in extend["why"]) == (False, True)


def test_a_deleted_hit_and_one_that_nobody_knows(study: Study) -> None:
    (hit,) = study.post(1)
    study.world.mturk.expire_hit(hit)
    study.world.mturk.delete_hit(hit)
    study.pass_time(minutes=11)
    sync(study.world)
    assert {row["why"] for row in explain(study.world, hit)} == {"the HIT is deleted"}
    with pytest.raises(NotFoundError):
        explain(study.world, "3NOBODY")
