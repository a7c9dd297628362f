"""One id that stands for nothing never stops a batch: it is an item that failed, and the rest is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from study_support import Study, everything, worker

from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.qualifications.by_name import create_type, spec_of
from turkctl.operations.qualifications.grants import prepare_grant, prepare_revoke, read_workers
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve, prepare_approve_hits
from turkctl.operations.workers.block import prepare_block
from turkctl.operations.workers.exclude import prepare_exclude
from turkctl.operations.workers.message import MessageRequest, prepare_message
from turkctl.operations.workers.reject import prepare_reject

MALFORMED = "3.1E+29"
UNKNOWN = "A3NOBODY"
LONG = "3" * 65
BAD = (MALFORMED, UNKNOWN, LONG, "")
HEX = "5f3a9c0b1d2e4f6071829304"
"""An id as Prolific's are."""
THANKS = BonusRequest("thanks", Decimal("0.10"))
Prepared = tuple[Any, Any]


def of_hits(*ids: str) -> Selection:
    return Selection(ids=ids)


def of_work(*ids: str) -> WorkSelection:
    return WorkSelection(Selection(ids=ids))


ON_HITS: dict[str, Callable[[Study, tuple[str, ...]], Prepared]] = {
    "expired": lambda study, ids: prepare_expire(study.world, of_hits(*ids)),
    "extended": lambda study, ids: prepare_extend(study.world, ExtendRequest(tuple(ids), 1)),
    "deleted": lambda study, ids: prepare_delete(study.world, of_hits(*ids), force=True),
}
ON_WORK: dict[str, Callable[[Study, tuple[str, ...]], Prepared]] = {
    "approved": lambda study, ids: prepare_approve(study.world, of_work(*ids)),
    "rejected": lambda study, ids: prepare_reject(study.world, ids, "empty"),
    "excluded": lambda study, ids: prepare_exclude(study.world, of_work(*ids)),
    "bonused": lambda study, ids: prepare_bonus(study.world, of_work(*ids), THANKS),
}
ALL: dict[str, Callable[[Study], Prepared]] = {
    "approved": lambda study: prepare_approve(study.world, WorkSelection(everything())),
    "excluded": lambda study: prepare_exclude(study.world, WorkSelection(everything())),
    "bonused": lambda study: prepare_bonus(study.world, WorkSelection(everything()), THANKS),
}
ON_WORKERS: dict[str, Callable[[Study, tuple[str, ...]], Prepared]] = {
    "messaged": lambda study, ids: prepare_message(study.world, MessageRequest(tuple(ids), "Hello", "Thank you.")),
    "blocked": lambda study, ids: prepare_block(study.world, ids, "bot"),
    "unblocked": lambda study, ids: prepare_block(study.world, ids, None, unblock=True),
    "granted": lambda study, ids: prepare_grant(study.world, "Fluent", read_workers(ids, None, sys.stdin)),
    "revoked": lambda study, ids: prepare_revoke(study.world, "Fluent", read_workers(ids, None, sys.stdin)),
}


def statuses(result: BatchResult) -> dict[str, str]:
    return {item.id: item.status for item in result.results}


def failed(*ids: str) -> dict[str, str]:
    return dict.fromkeys(ids, "failed")


@pytest.mark.parametrize("done", ON_HITS)
def test_a_bad_id_of_a_hit_fails_and_the_hits_beside_it_are_done(study: Study, done: str) -> None:
    one, two = study.post(3, hits=2)
    result = study.apply(ON_HITS[done](study, (one, *BAD, two)))
    assert statuses(result) == {one: done, two: done} | failed(*BAD)
    assert result.exit_code == 1


def test_a_bad_id_of_a_hit_fails_and_the_work_on_the_others_is_approved(study: Study) -> None:
    one, two = study.post(1, hits=2)
    made = study.submit(one, worker(1)) + study.submit(two, worker(2))
    result = study.apply(prepare_approve_hits(study.world, of_hits(one, *BAD, two)))
    assert statuses(result) == dict.fromkeys(made, "approved") | failed(*BAD)


@pytest.mark.parametrize("done", ON_WORK)
def test_a_bad_id_among_work_fails_and_the_rest_is_done(study: Study, done: str) -> None:
    one, two = (study.submit(hit, worker(number))[0] for number, hit in enumerate(study.post(1, hits=2)))
    sync(study.world)
    result = study.apply(ON_WORK[done](study, (one, *BAD, two)))
    names = (worker(0), worker(1)) if done == "excluded" else (one, two)
    assert statuses(result) == dict.fromkeys(names, done) | failed(*BAD)
    assert result.exit_code == 1


@pytest.mark.parametrize("done", ON_WORKERS)
def test_a_bad_id_of_a_worker_fails_and_the_other_workers_are_done(study: Study, done: str) -> None:
    made = [study.submit(hit, worker(number))[0] for number, hit in enumerate(study.post(1, hits=2))]
    for each in made:
        study.world.mturk.approve(each)
    create_type(study.world, "Fluent", spec_of("Fluent", "Speaks it.", (), None, active=True))
    if done == "revoked":
        study.apply(prepare_grant(study.world, "Fluent", read_workers([worker(0), worker(1)], None, sys.stdin)))
    bad = (MALFORMED, HEX, LONG, "")
    result = study.apply(ON_WORKERS[done](study, (worker(0), *bad, worker(1))))
    assert statuses(result) == {worker(0): done, worker(1): done} | failed(*bad)
    assert result.exit_code == 1


def test_a_failure_names_the_row_of_the_file_that_it_came_from(study: Study) -> None:
    create_type(study.world, "Fluent", spec_of("Fluent", "Speaks it.", (), None, active=True))
    study.submit(*study.post(1), worker(1))
    file = study.folder / "workers.txt"
    file.write_text(f"worker_id\n{worker(1)}\n{HEX}\nA3NOBODY\n")
    result = study.apply(prepare_grant(study.world, "Fluent", read_workers((), file, sys.stdin)))
    said = {item.id: item.error.message.partition(":")[0] for item in result.results if item.error}
    assert said == {HEX: "row 3", "A3NOBODY": "row 4"}


@pytest.mark.parametrize("ids", [("5f3a", HEX), ("3PSITURK", HEX), ("5f3a", worker(9))])
def test_people_whom_no_market_can_know_are_skipped_with_the_reason(study: Study, ids: tuple[str, str]) -> None:
    assignment, person = ids
    (one,) = study.submit(*study.post(1), worker(1))
    sync(study.world)
    for status, acts in ((4, ("approved", "excluded")), (5, ("bonused",))):
        study.write("DELETE FROM assignments WHERE hitid = '3PSITURKHIT'")
        study.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, status, bonus, mode, codeversion)"
            " VALUES ('x', :assignment, :person, '3PSITURKHIT', :status, 0.25, 'local', '1.0')",
            assignment=assignment,
            person=person,
            status=status,
        )
        for done in acts:
            study.requests()
            result = study.apply(ALL[done](study))
            assert statuses(result) == {one if done != "excluded" else worker(1): done, assignment: "skipped"}
            left = next(item for item in result.results if item.status == "skipped")
            assert "no market can have" in (left.detail or "")
            named = study.apply(ON_WORK[done](study, (assignment,)))
            assert statuses(named) == {assignment: "skipped"}
            by_worker = study.apply(ON_WORK[done](study, (person,)))
            assert statuses(by_worker) == {assignment: "skipped"}
