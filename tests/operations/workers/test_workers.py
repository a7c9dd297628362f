from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from study_support import Study, everything, new_study, worker

from turkctl.errors import NotFoundError, UsageError
from turkctl.market.errors import ThrottlingException, WorkError
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.block import prepare_block
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.message import MOST_TRIES, MessageRequest, prepare_message
from turkctl.operations.workers.reject import prepare_reject

ALL = WorkSelection(everything())
ANY = WorkSelection(Selection())


def inbox(study: Study, worker_id: str) -> list[str]:
    return [each["Subject"] for each in study.world.market.messages("production", worker_id)]


def message(*workers: str, **more: Any) -> MessageRequest:
    return MessageRequest(workers, "Thank you", "Come again", **more)


def readers(study: Study, number: int) -> list[str]:
    """So many workers who did work for the account."""
    posted = study.post(9, hits=-(-number // 9))
    for each in range(number):
        (made,) = study.submit(posted[each // 9], worker(each))
        study.world.mturk.approve(made)
    study.requests()
    return [worker(each) for each in range(number)]


def test_a_hundred_workers_hear_with_each_request_and_those_not_reached_are_failed_items(study: Study) -> None:
    known = readers(study, 120)
    result = study.apply(prepare_message(study.world, message(*known, "ASTRANGER", known[0])))
    assert (result.succeeded, result.failed) == (120, 1)
    (failure,) = [item for item in result.results if item.status == "failed"]
    assert (failure.id, failure.error is not None) == ("ASTRANGER", True)
    assert study.requests() == {"NotifyWorkers": 2}
    assert all(inbox(study, each) == ["Thank you"] for each in known)


def test_a_message_whose_answer_stays_away_is_sent_at_most_three_times(study: Study) -> None:
    known = readers(study, 20)
    study.switch(answer_lost=1.0)
    result = study.apply(prepare_message(study.world, message(*known)), sleep=lambda _seconds: None)
    assert (result.failed, study.requests()) == (20, {"NotifyWorkers": MOST_TRIES})
    assert {item.error.code for item in result.results if item.error} == {"answer_lost"}


def test_a_throttled_message_goes_out_in_the_end(study: Study) -> None:
    known = readers(study, 9)
    refusals = iter(range(2 * MOST_TRIES))

    def throttle(operation: str) -> None:
        if next(refusals, None) is not None:
            raise ThrottlingException

    study.world.endpoint.before = throttle
    result = study.apply(prepare_message(study.world, message(*known)), sleep=lambda _seconds: None)
    assert result.succeeded == 9
    assert inbox(study, known[0]) == ["Thank you"]


@pytest.mark.parametrize(("subject", "text"), [("", "x"), ("x", " "), ("x" * 201, "x"), ("x", "x" * 4097)])
def test_a_message_that_the_market_would_not_take_is_not_sent(study: Study, subject: str, text: str) -> None:
    with pytest.raises(UsageError):
        prepare_message(study.world, MessageRequest((worker(1),), subject, text))


def test_blocking_and_unblocking_twice_changes_nothing(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    for _ in range(2):
        result = study.apply(prepare_block(study.world, [worker(1), worker(1)], "made up answers"))
        assert [(item.id, item.status) for item in result.results] == [(worker(1), "blocked")]
    assert [each.reason for each in study.world.mturk.list_blocks()] == ["made up answers"]
    for _ in range(2):
        assert study.apply(prepare_block(study.world, [worker(1)], None, unblock=True)).succeeded == 1
    assert list(study.world.mturk.list_blocks()) == []
    assert study.apply(prepare_block(study.world, [worker(1)], None)).succeeded == 1


def test_excluding_grants_the_experiments_qualification_once_and_tells_nobody(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1), worker(2))
    sync(study.world)
    chosen = WorkSelection(Selection(ids=(worker(1),)))
    plan, act = prepare_exclude(study.world, chosen)
    assert list(study.world.mturk.list_qualification_types()) == [], "a plan changes nothing"
    assert [(item.id, item.status) for item in study.apply((plan, act)).results] == [(worker(1), "excluded")]
    made, _gate = sorted(study.world.mturk.list_qualification_types(), key=lambda each: "one HIT each" in each.name)
    (identity,) = study.sql("SELECT value FROM turkctl_meta WHERE key = 'database_id'")
    assert identity[0][:12] in (made.name or "")
    assert [each.worker_id for each in study.world.mturk.holders(made.type_id)] == [worker(1)]
    assert inbox(study, worker(1)) == []
    study.requests()
    assert study.apply(prepare_exclude(study.world, ALL)).succeeded == 2
    assert study.requests() == {"AssociateQualificationWithWorker": 2}
    assert len(study.sql("SELECT * FROM turkctl_qualification_grant")) == 2


def test_a_worker_of_two_experiments_is_excluded_from_each(tmp_path: Path) -> None:
    with new_study(tmp_path, experiments={"stroop": "1.0", "flanker": "2.0"}) as study:
        for slug in ("stroop", "flanker"):
            (hit,) = study.post(3, experiment=slug)
            study.submit(hit, worker(1))
        sync(study.world)
        assert study.apply(prepare_exclude(study.world, ALL)).succeeded == 2
        names = sorted((each.name or "") for each in study.world.mturk.list_qualification_types())
        assert ["flanker" in names[0], "stroop" in names[1]] == [True, True]


def test_a_row_per_worker_says_what_is_known(study: Study) -> None:
    first, second = study.post(9, hits=2)
    one, two = study.submit(first, worker(1), worker(2))
    study.submit(second, worker(1))
    sync(study.world)
    study.apply(prepare_approve(study.world, WorkSelection(Selection(), (first,))))
    study.apply(prepare_reject(study.world, [*study.submit(second, worker(2))], "empty"))
    sync(study.world, full=True)
    study.requests()
    rows = list_workers(study.world, ANY)
    assert study.requests() == {}
    seen = [row.pop("last_seen") for row in rows]
    assert all(moment is not None for moment in seen)
    base = {"assignments": 2, "approved": 1, "earned": Decimal("0.50"), "bonus": Decimal("0.00"), "blocked": None}
    assert rows == [
        {**base, "worker_id": worker(1), "submitted": 1, "rejected": 0},
        {**base, "worker_id": worker(2), "submitted": 0, "rejected": 1},
    ], (one, two)
    assert [row["assignments"] for row in list_workers(study.world, WorkSelection(Selection(), (first,)))] == [1, 1]
    assert list_workers(study.world, WorkSelection(Selection(code_version="9"))) == []
    assert [row["worker_id"] for row in list_workers(study.world, WorkSelection(Selection(ids=(one,))))] == [worker(1)]
    with pytest.raises(NotFoundError):
        list_workers(study.world, WorkSelection(Selection(ids=("ANOBODY",))))


def test_the_market_is_asked_who_is_blocked_on_demand(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1), worker(2))
    sync(study.world)
    study.apply(prepare_block(study.world, [worker(2)], "no"))
    rows = list_workers(study.world, ANY, refresh=True)
    assert [(row["worker_id"], row["blocked"]) for row in rows] == [(worker(1), False), (worker(2), True)]


def test_workers_of_psiturks_rows_are_listed(tmp_path: Path) -> None:
    with new_study(tmp_path, settings='participants_source = "psiturk"\n') as study:
        (hit,) = study.post(3)
        columns = "INSERT INTO assignments (uniqueid, workerid, assignmentid, hitid, status, mode, codeversion)"
        for number, (status, on) in enumerate(((4, "THEIRS"), (5, hit), (7, "THEIRS"), (2, "THEIRS"))):
            statement = f"{columns} VALUES (:u, 'AX', :u, :h, :s, 'local', '1.0')"
            study.write(statement, u=f"U{number}", h=on, s=status)
        (row,) = list_workers(study.world, ANY)
        assert (row["submitted"], row["approved"], row["earned"]) == (1, 2, Decimal("0.50"))


def test_a_blocked_worker_gets_no_work(study: Study) -> None:
    (hit,) = study.post(3)
    study.submit(hit, worker(1))
    study.apply(prepare_block(study.world, [worker(1)], "no"))
    (other,) = study.post(3)
    with pytest.raises(WorkError):
        study.accept(other, worker(1))
