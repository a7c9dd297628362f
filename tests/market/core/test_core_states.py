"""The life of HITs and assignments: states, counters, expiry, extension, deletion, retention, tokens, the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from market_support import EXTERNAL, REQUESTER, START, Bench, hit_request, not_allowed, pages, refused

DAY = timedelta(days=1)


def test_the_documentations_worked_example_of_counters(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=5)
    assert bench.state(hit) == ("Assignable", 5, 0, 0)
    work = [bench.accepted(hit) for _ in range(3)]
    assert bench.state(hit) == ("Assignable", 2, 3, 0)
    work += [bench.accepted(hit) for _ in range(2)]
    for worker, assignment in work[:2]:
        bench.market.submit("production", worker, assignment, {"a": "1"})
    assert bench.state(hit) == ("Unassignable", 0, 3, 0)
    bench.market.return_assignment("production", *work[2])
    assert bench.state(hit) == ("Assignable", 1, 2, 0)
    for worker, assignment in work[3:]:
        bench.market.submit("production", worker, assignment, {"a": "1"})
    bench.submitted(hit)
    assert bench.state(hit) == ("Reviewable", 0, 0, 0)


def test_completed_counts_reviewed_work_and_review_does_not_change_the_status(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=2)
    _, first = bench.submitted(hit)
    _, second = bench.submitted(hit)
    assert bench.state(hit) == ("Reviewable", 0, 0, 0)
    bench.approve(first)
    bench.reject(second)
    assert bench.state(hit) == ("Reviewable", 0, 0, 2)


def test_a_new_hit_is_answered_with_all_its_members_and_none_without_a_value(bench: Bench) -> None:
    hit = bench.market.create_hit(REQUESTER, hit_request(Keywords="a, b", RequesterAnnotation="mine"))["HIT"]
    made = datetime.fromtimestamp(START, UTC)
    expected = {
        "HITId": hit["HITId"],
        "HITTypeId": hit["HITTypeId"],
        "HITGroupId": hit["HITGroupId"],
        "CreationTime": made,
        "Title": "Name the colour",
        "Description": "A short task.",
        "Question": EXTERNAL,
        "Keywords": "a, b",
        "HITStatus": "Assignable",
        "MaxAssignments": 1,
        "Reward": "0.50",
        "AutoApprovalDelayInSeconds": 2_592_000,
        "Expiration": made + timedelta(hours=1),
        "AssignmentDurationInSeconds": 600,
        "RequesterAnnotation": "mine",
        "QualificationRequirements": [],
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": 0,
        "NumberOfAssignmentsAvailable": 1,
        "NumberOfAssignmentsCompleted": 0,
    }
    assert hit == expected == bench.get(hit["HITId"])
    assert len({hit["HITId"], hit["HITTypeId"], hit["HITGroupId"]}) == 3
    assert "Keywords" not in bench.get(bench.hit())


def test_ids_look_like_the_services(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=2)
    worker, assignment = bench.accepted(hit)
    for made in (hit, assignment, bench.get(hit)["HITTypeId"]):
        assert len(made) == 30
        assert made.startswith("3")
        assert made.isalnum()
        assert made.upper() == made
    assert worker.startswith("A")
    assert len(worker) == 14


def test_the_same_values_are_the_same_hit_type(bench: Bench) -> None:
    first, second = bench.hit(), bench.hit(Reward="0.5")
    assert bench.get(first)["HITTypeId"] == bench.get(second)["HITTypeId"]
    other = bench.hit(Description="A short task, really.")
    assert bench.get(other)["HITTypeId"] != bench.get(first)["HITTypeId"]
    kind = bench.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    assert kind == bench.get(first)["HITTypeId"]
    assert bench.get(first)["HITGroupId"] == bench.get(second)["HITGroupId"]


def test_an_expired_hit_keeps_its_open_slots_in_the_counter_and_is_reviewable(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=3)
    bench.submitted(hit)
    bench.clock.seconds += 3600
    assert bench.state(hit) == ("Reviewable", 2, 0, 0)
    with not_allowed("NoHITsAvailable"):
        bench.accepted(hit)


def test_expire_now_lets_those_who_work_finish(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=3)
    worker, assignment = bench.accepted(hit)
    bench.expire(hit)
    assert bench.state(hit) == ("Unassignable", 2, 1, 0)
    assert bench.get(hit)["Expiration"] == bench.market.now()
    bench.market.submit("production", worker, assignment, {"a": "1"})
    assert bench.state(hit) == ("Reviewable", 2, 0, 0)


def test_an_expired_hit_becomes_reviewable_when_the_last_deadline_passes(bench: Bench) -> None:
    hit = bench.hit()
    bench.accepted(hit)
    bench.expire(hit)
    assert bench.state(hit)[0] == "Unassignable"
    bench.clock.seconds += 600
    assert bench.state(hit) == ("Reviewable", 1, 0, 0)


def test_a_later_expiry_makes_an_expired_hit_assignable_again(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=2)
    bench.expire(hit)
    assert bench.balance() == (Decimal("10000.00"), Decimal("0.00"))
    bench.extend_time(hit, DAY)
    assert bench.state(hit) == ("Assignable", 2, 0, 0)
    assert bench.balance() == (Decimal("9998.80"), Decimal("1.20"))
    assert bench.get(hit)["Expiration"] == bench.market.now() + DAY


def test_a_live_hit_may_be_made_shorter(bench: Bench) -> None:
    hit = bench.hit()
    bench.extend_time(hit, timedelta(minutes=1))
    bench.clock.seconds += 61
    assert bench.state(hit)[0] == "Reviewable"


def test_a_full_reviewable_hit_becomes_assignable_by_more_assignments(bench: Bench) -> None:
    hit = bench.hit()
    bench.submitted(hit)
    assert bench.state(hit)[0] == "Reviewable"
    bench.add(hit, 2)
    assert bench.state(hit) == ("Assignable", 2, 0, 0)


def test_more_assignments_for_an_expired_hit_wait_for_more_time(bench: Bench) -> None:
    hit = bench.hit()
    bench.expire(hit)
    bench.add(hit, 1)
    assert bench.state(hit) == ("Reviewable", 2, 0, 0)
    assert bench.balance()[1] == 0
    bench.extend_time(hit, DAY)
    assert bench.state(hit) == ("Assignable", 2, 0, 0)
    assert bench.balance()[1] == Decimal("1.20")


def test_expiring_a_hit_leaves_the_earlier_of_its_expiry_and_now(bench: Bench) -> None:
    hit = bench.hit()
    now = bench.market.now()
    bench.expire(hit)
    assert bench.get(hit)["Expiration"] == now
    bench.clock.seconds += 3600
    bench.expire(hit)
    assert bench.get(hit)["Expiration"] == now


def test_a_client_that_adds_to_the_expiry_it_read_reopens_an_expired_hit(bench: Bench) -> None:
    hit = bench.hit()
    bench.expire(hit)
    moment = bench.get(hit)["Expiration"] + timedelta(hours=2)
    bench.clock.seconds += 3600
    bench.market.update_expiration_for_hit(REQUESTER, {"HITId": hit, "ExpireAt": moment})
    assert (bench.state(hit)[0], bench.get(hit)["Expiration"]) == ("Assignable", moment)


def test_expiring_a_disposed_hit_succeeds_and_changes_nothing(bench: Bench) -> None:
    hit = bench.hit()
    bench.approve(bench.submitted(hit)[1])
    bench.market.delete_hit(REQUESTER, {"HITId": hit})
    before, held = bench.get(hit), bench.balance()
    bench.clock.seconds += 60
    bench.expire(hit)
    assert (bench.get(hit), bench.balance()) == (before, held)


def test_a_disposed_hit_cannot_be_extended(bench: Bench) -> None:
    hit = bench.hit()
    bench.expire(hit)
    bench.market.delete_hit(REQUESTER, {"HITId": hit})
    with refused("InvalidHITState", "'Disposed'"):
        bench.add(hit, 1)
    with refused("InvalidHITState", "'Disposed'"):
        bench.extend_time(hit, DAY)


def test_the_review_marker_goes_one_way_and_with_revert_the_other(bench: Bench) -> None:
    hit = bench.hit()
    update = bench.market.update_hit_review_status
    with refused("InvalidHITState", "'Assignable'"):
        update(REQUESTER, {"HITId": hit})
    bench.expire(hit)
    with refused("InvalidHITState", "'Reviewable'"):
        update(REQUESTER, {"HITId": hit, "Revert": True})
    update(REQUESTER, {"HITId": hit})
    assert bench.state(hit)[0] == "Reviewing"
    twice = "in the state 'Reviewing'.  This operation can be called with a status of: Reviewable"
    with refused("HITAlreadyPassedReview", twice):
        update(REQUESTER, {"HITId": hit})
    assert [len(page) for page in pages(bench.market.list_reviewable_hits, "HITs")] == [0]
    assert [len(page) for page in pages(bench.market.list_reviewable_hits, "HITs", Status="Reviewing")] == [1, 0]
    update(REQUESTER, {"HITId": hit, "Revert": True})
    assert bench.state(hit)[0] == "Reviewable"


def test_reviewing_survives_a_decision_about_its_work(bench: Bench) -> None:
    hit = bench.hit()
    _, assignment = bench.submitted(hit)
    bench.market.update_hit_review_status(REQUESTER, {"HITId": hit})
    bench.approve(assignment)
    assert bench.state(hit) == ("Reviewing", 0, 0, 1)


def test_the_type_of_an_untouched_hit_can_change_and_its_reservation_with_it(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=2)
    dear = bench.market.create_hit_type(REQUESTER, hit_request(Reward="1.00"))["HITTypeId"]
    bench.market.update_hit_type_of_hit(REQUESTER, {"HITId": hit, "HITTypeId": dear})
    assert (bench.get(hit)["Reward"], bench.get(hit)["HITTypeId"]) == ("1.00", dear)
    assert bench.balance()[1] == Decimal("2.40")
    bench.accepted(hit)
    with refused("InvalidHITState", "'Assignable'"):
        bench.market.update_hit_type_of_hit(REQUESTER, {"HITId": hit, "HITTypeId": dear})


def test_a_worker_has_one_assignment_of_a_hit_ever_but_may_take_a_returned_one_again(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=5)
    worker, assignment = bench.accepted(hit)
    with not_allowed("AssignmentAlreadyExists"):
        bench.accepted(hit, worker)
    bench.market.return_assignment("production", worker, assignment)
    _, again = bench.submitted(hit, worker)
    assert again != assignment
    bench.reject(again)
    with not_allowed("AssignmentAlreadyExists"):
        bench.accepted(hit, worker)


def test_work_is_handed_in_once_in_time_and_by_its_worker(bench: Bench) -> None:
    hit = bench.hit(MaxAssignments=5)
    worker, assignment = bench.submitted(hit)
    for act in (lambda: bench.market.submit("production", worker, assignment, {}),
                lambda: bench.market.return_assignment("production", worker, assignment)):  # fmt: skip
        with not_allowed("AlreadySubmitted"):
            act()
    with not_allowed("NotFound"):
        bench.market.submit("production", bench.worker(), assignment, {})
    late, abandoned = bench.accepted(hit)
    bench.clock.seconds += 600
    with not_allowed("DeadlinePassed"):
        bench.market.submit("production", late, abandoned, {})
    assert bench.state(hit) == ("Assignable", 4, 0, 0)
    quitter, returned = bench.accepted(hit)
    bench.market.return_assignment("production", quitter, returned)
    with not_allowed("Returned"):
        bench.market.submit("production", quitter, returned, {})
    assert bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["NumResults"] == 1


def test_an_assignments_times_appear_once_they_apply(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit(AutoApprovalDelayInSeconds=86400))
    now = bench.market.now()
    found = bench.assignment(assignment)
    assert found["AutoApprovalTime"] == now + DAY
    assert found["Deadline"] == now + timedelta(minutes=10)
    assert not {"ApprovalTime", "RejectionTime", "RequesterFeedback"} & set(found)
    bench.reject(assignment)
    bench.clock.seconds += 60
    bench.approve(assignment, OverrideRejection=True)
    found = bench.assignment(assignment)
    assert (found["RejectionTime"], found["ApprovalTime"]) == (now, now + timedelta(minutes=1))


def test_auto_approval_happens_at_its_own_time_in_the_order_of_time(bench: Bench) -> None:
    slow = bench.hit(AutoApprovalDelayInSeconds=7200, Title="slow")
    fast = bench.hit(AutoApprovalDelayInSeconds=3600, Title="fast")
    submitted = bench.market.now()
    _, second = bench.submitted(slow)
    _, first = bench.submitted(fast)
    bench.market.advance(10 * DAY)
    approved = [bench.assignment(assignment)["ApprovalTime"] for assignment in (first, second)]
    assert approved == [submitted + timedelta(hours=1), submitted + timedelta(hours=2)]
    assert bench.state(slow) == ("Reviewable", 0, 0, 1)


def test_a_delay_of_zero_approves_at_once(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit(AutoApprovalDelayInSeconds=0))
    found = bench.assignment(assignment)
    assert (found["AssignmentStatus"], found["ApprovalTime"]) == ("Approved", found["SubmitTime"])


def test_rejected_work_is_never_approved_by_itself(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit())
    bench.reject(assignment)
    bench.market.advance(60 * DAY)
    assert bench.assignment(assignment)["AssignmentStatus"] == "Rejected"


def test_a_rejection_can_be_overturned_for_thirty_days_until_its_hit_is_deleted(bench: Bench) -> None:
    hits = [bench.hit(Title=name) for name in "ab"]
    work = [bench.submitted(hit)[1] for hit in hits]
    for assignment in work:
        bench.reject(assignment)
    with refused("InvalidAssignmentState", "Submitted"):
        bench.approve(work[0])
    bench.market.advance(30 * DAY)
    bench.approve(work[0], OverrideRejection=True)
    bench.market.advance(timedelta(seconds=1))
    with refused("InvalidAssignmentState", "Submitted"):
        bench.approve(work[1], OverrideRejection=True)
    deleted = bench.hit()
    _, lost = bench.submitted(deleted)
    bench.reject(lost)
    bench.market.delete_hit(REQUESTER, {"HITId": deleted})
    with refused("InvalidHITState", "'Disposed'"):
        bench.approve(lost, OverrideRejection=True)


def test_deleted_hits_leave_the_listings_and_stay_readable_for_a_while(bench: Bench) -> None:
    hit = bench.hit()
    _, assignment = bench.submitted(hit)
    bench.approve(assignment)
    bench.market.delete_hit(REQUESTER, {"HITId": hit})
    assert pages(bench.market.list_hits, "HITs") == [[]]
    assert pages(bench.market.list_reviewable_hits, "HITs") == [[]]
    assert bench.get(hit)["HITStatus"] == "Disposed"
    bench.market.advance(120 * DAY)
    with refused("HITDoesNotExist", hit):
        bench.get(hit)
    with refused("HITDoesNotExist", hit):
        bench.assignment(assignment)


def test_hits_are_disposed_of_120_days_after_their_end(bench: Bench) -> None:
    hit = bench.hit()
    bench.market.advance(timedelta(hours=1) + 120 * DAY - timedelta(seconds=1))
    assert bench.get(hit)["HITStatus"] == "Reviewable"
    bench.market.advance(timedelta(seconds=1))
    assert bench.get(hit)["HITStatus"] == "Disposed"
    bench.market.advance(120 * DAY)
    with refused("HITDoesNotExist", hit):
        bench.get(hit)


def test_a_hit_whose_work_waits_for_review_is_not_disposed_of(bench: Bench) -> None:
    hit = bench.hit()
    _, assignment = bench.submitted(hit)
    bench.market.advance(29 * DAY)
    assert bench.assignment(assignment)["AssignmentStatus"] == "Submitted"
    bench.market.advance(120 * DAY)  # approved by itself on day 30
    assert bench.get(hit)["HITStatus"] == "Reviewable"
    bench.market.advance(DAY)
    assert bench.get(hit)["HITStatus"] == "Disposed"


def test_unused_hit_types_and_qualification_types_vanish_after_120_days(bench: Bench) -> None:
    kind = bench.qualification()
    asked = [{"QualificationTypeId": kind, "Comparator": "Exists"}]
    unused = bench.market.create_hit_type(REQUESTER, hit_request(Title="unused"))["HITTypeId"]
    used = bench.market.create_hit_type(REQUESTER, hit_request(QualificationRequirements=asked))["HITTypeId"]
    bench.market.advance(100 * DAY)
    bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=used))
    bench.market.advance(20 * DAY)
    with refused("InvalidParameterValue", unused):
        bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=unused))
    bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=used))
    assert bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    bench.market.advance(120 * DAY)
    with refused("QualificationTypeDoesNotExist", kind):
        bench.market.get_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    bench.qualification()  # the name is free again


def test_tokens_are_remembered_for_24_hours_of_market_time_per_operation_and_account(bench: Bench) -> None:
    first = bench.hit(UniqueRequestToken="t")
    bench.market.advance(timedelta(hours=24) - timedelta(seconds=1))
    with refused("HITAlreadyExists", first):
        bench.hit(UniqueRequestToken="t")
    kind = bench.get(first)["HITTypeId"]
    other = bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=kind, UniqueRequestToken="t"))
    assert other["HIT"]["HITId"] != first
    bench.market.advance(timedelta(seconds=1))
    assert bench.hit(UniqueRequestToken="t") != first


def test_the_clock_moves_forward_only_and_for_good(bench: Bench) -> None:
    before = bench.market.now()
    assert bench.market.advance(DAY) == before + DAY
    bench.clock.seconds += 5
    assert bench.market.now() == before + DAY + timedelta(seconds=5)
    with pytest.raises(ValueError, match="cannot go back"):
        bench.market.advance(-DAY)


def test_a_reset_market_is_another_market(bench: Bench) -> None:
    identity, hit = bench.market.identity(), bench.hit()
    bench.market.advance(DAY)
    bench.market.reset()
    assert bench.market.identity() != identity
    assert bench.market.now().timestamp() == START
    assert bench.balance() == (Decimal("10000.00"), Decimal("0.00"))
    with refused("HITDoesNotExist", hit):
        bench.get(hit)
    assert bench.get(bench.hit())["HITStatus"] == "Assignable"
