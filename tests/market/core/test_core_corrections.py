"""Submissions that can be corrected for a while: the requester is told at the end of it, of the last answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from market_support import REQUESTER, Bench

from turkctl.market.answers import read
from turkctl.market.errors import RequestError, WorkError

TEN_MINUTES = timedelta(minutes=10)


def submitted(bench: Bench, hit: str, **fields: str) -> tuple[str, str]:
    """Accept and submit a HIT that can be corrected; return worker and assignment."""
    worker, assignment = bench.accepted(hit)
    bench.market.submit("production", worker, assignment, fields or {"colour": "red"}, TEN_MINUTES)
    return worker, assignment


def requesters(bench: Bench, hit: str) -> list[dict[str, Any]]:
    return list(bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["Assignments"])


def counters(bench: Bench, hit: str) -> tuple[str, int, int, int]:
    told = bench.market.get_hit(REQUESTER, {"HITId": hit})["HIT"]
    names = ("Available", "Pending", "Completed")
    available, pending, completed = (told[f"NumberOfAssignments{name}"] for name in names)
    return told["HITStatus"], available, pending, completed


def test_the_requester_is_told_at_the_end_with_the_time_of_the_submission(bench: Bench) -> None:
    hit = bench.hit()
    worker, assignment = submitted(bench, hit)
    pressed = bench.market.now()
    seen = bench.market.assignment("production", assignment)
    assert (seen["AssignmentStatus"], seen["CorrectUntil"]) == ("Submitted", pressed + TEN_MINUTES)
    assert requesters(bench, hit) == []
    assert counters(bench, hit) == ("Unassignable", 0, 1, 0)
    for act in (bench.market.approve_assignment, bench.market.get_assignment):
        with pytest.raises(RequestError, match="status of"):
            act(REQUESTER, {"AssignmentId": assignment})
    with pytest.raises(WorkError, match="already submitted"):
        bench.market.submit("production", worker, assignment, {"colour": "blue"}, TEN_MINUTES)
    with pytest.raises(WorkError, match="already"):
        bench.market.return_assignment("production", worker, assignment)
    bench.clock.seconds += 601
    (told,) = requesters(bench, hit)
    assert (told["SubmitTime"], read(told["Answer"])) == (pressed, {"colour": ["red"]})
    assert counters(bench, hit) == ("Reviewable", 0, 0, 0)
    with pytest.raises(WorkError, match="cannot be corrected"):
        bench.market.reopen("production", worker, assignment)


def test_answers_that_are_corrected_are_the_ones_that_count(bench: Bench) -> None:
    hit = bench.hit()
    worker, assignment = submitted(bench, hit)
    end = bench.market.now() + TEN_MINUTES
    bench.clock.seconds += 300
    bench.market.reopen("production", worker, assignment)
    seen = bench.market.assignment("production", assignment)
    assert (seen["AssignmentStatus"], seen["Deadline"]) == ("Accepted", end)
    bench.market.submit("production", worker, assignment, {"colour": "blue"}, TEN_MINUTES)
    assert bench.market.assignment("production", assignment)["CorrectUntil"] == end, "the time does not begin anew"
    bench.clock.seconds += 301
    (told,) = requesters(bench, hit)
    assert read(told["Answer"]) == {"colour": ["blue"]}


def test_work_that_is_opened_again_and_left_is_not_lost(bench: Bench) -> None:
    hit = bench.hit(AssignmentDurationInSeconds=60)
    worker, assignment = submitted(bench, hit)
    bench.market.reopen("production", worker, assignment)
    with pytest.raises(WorkError, match="not returned"):
        bench.market.return_assignment("production", worker, assignment)
    bench.clock.seconds += 3600
    (told,) = requesters(bench, hit)
    assert (told["AssignmentStatus"], read(told["Answer"])) == ("Submitted", {"colour": ["red"]})


def test_automatic_approval_counts_from_the_submission_and_comes_after_the_correction(bench: Bench) -> None:
    at_once = bench.hit(AutoApprovalDelayInSeconds=0)
    _, assignment = submitted(bench, at_once)
    bench.clock.seconds += 599
    assert bench.market.assignment("production", assignment)["AssignmentStatus"] == "Submitted"
    assert requesters(bench, at_once) == []
    bench.clock.seconds += 2
    (told,) = requesters(bench, at_once)
    assert told["AssignmentStatus"] == "Approved"
    later = bench.hit(AutoApprovalDelayInSeconds=3600)
    submitted(bench, later)
    pressed = bench.market.now()
    bench.clock.seconds += 601
    (told,) = requesters(bench, later)
    assert told["AutoApprovalTime"] == pressed + timedelta(hours=1)


def test_nothing_is_announced_or_judged_before_the_end(bench: Bench) -> None:
    policy = {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [
            {"Key": "AnswerKey", "MapEntries": [{"Key": "colour", "Values": ["red"]}]},
            {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["1"]},
        ],
    }
    hit = bench.hit(AssignmentReviewPolicy=policy)
    worker, assignment = submitted(bench, hit, colour="blue")
    bench.market.reopen("production", worker, assignment)
    bench.market.submit("production", worker, assignment, {"colour": "red"})
    report = bench.market.list_review_policy_results_for_hit(REQUESTER, {"HITId": hit})["AssignmentReviewReport"]
    assert report["ReviewResults"] == []
    bench.clock.seconds += 601
    (told,) = requesters(bench, hit)
    assert told["AssignmentStatus"] == "Approved"


def test_nobody_opens_the_work_of_others_or_work_in_progress(bench: Bench) -> None:
    hit = bench.hit()
    _, assignment = submitted(bench, hit)
    stranger = bench.market.register_worker("production", "ASTRANGER")
    with pytest.raises(WorkError) as refused:
        bench.market.reopen("production", stranger, assignment)
    assert refused.value.code == "NotFound"
    worker, open_one = bench.accepted(bench.hit())
    with pytest.raises(WorkError) as refused:
        bench.market.reopen("production", worker, open_one)
    assert refused.value.code == "TooLate"


def test_who_waits_for_the_end_gets_the_next_hit_of_the_group(bench: Bench) -> None:
    first, second = bench.hit(), bench.hit()
    worker, assignment = submitted(bench, first)
    taken = bench.market.accept_like("production", worker, first)
    assert taken["HITId"] == second
    bench.market.reopen("production", worker, assignment)
    bench.market.submit("production", worker, assignment, {"colour": "blue"}, TEN_MINUTES)
    going_on = bench.market.next_like("production", worker, first)
    assert going_on["AssignmentId"] == taken["AssignmentId"], "what is open comes before what is new"
