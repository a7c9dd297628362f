"""Every error of the fact sheet that the core answers: its code, and its text where one is quoted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from market_support import REQUESTER, SANDBOX, STRANGER, Bench, Clock, choice, form, hit_request, refused

NOWHERE = "3" + "X" * 29

TOO_LONG = "InvalidParameterValue"


def test_unknown_hits_do_not_exist_with_the_time_in_milliseconds(bench: Bench) -> None:
    with refused("HITDoesNotExist", f"Hit {NOWHERE} does not exist.{bench.stamp()}"):
        bench.get(NOWHERE)


def test_in_the_sandbox_the_time_has_an_s_behind_it(bench: Bench) -> None:
    with refused("HITDoesNotExist", f"Hit {NOWHERE} does not exist.{bench.stamp(SANDBOX)}"):
        bench.get(NOWHERE, SANDBOX)
    assert bench.stamp(SANDBOX).endswith(" s)")


@pytest.mark.parametrize("other", [STRANGER, SANDBOX])
def test_a_hit_of_somebody_else_or_of_the_other_environment_does_not_exist(bench: Bench, other: Any) -> None:
    hit = bench.hit()
    with refused("HITDoesNotExist", f"Hit {hit} does not exist."):
        bench.get(hit, other)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("get_assignment", {}),
        ("approve_assignment", {}),
        ("reject_assignment", {"RequesterFeedback": "no"}),
        ("list_bonus_payments", {}),
        ("get_file_upload_url", {"QuestionIdentifier": "q"}),
    ],
)
def test_an_unknown_assignment_does_not_exist(bench: Bench, operation: str, more: dict[str, Any]) -> None:
    with refused("AssignmentDoesNotExist", f"Assignment {NOWHERE} does not exist.{bench.stamp()}"):
        getattr(bench.market, operation)(REQUESTER, {"AssignmentId": NOWHERE, **more})


def test_a_bonus_on_an_unknown_assignment_does_not_exist(bench: Bench) -> None:
    request = {"WorkerId": bench.worker(), "AssignmentId": NOWHERE, "BonusAmount": "1", "Reason": "r"}
    with refused("AssignmentDoesNotExist", f"Assignment {NOWHERE} does not exist."):
        bench.market.send_bonus(REQUESTER, request)


def test_approving_twice_names_the_status_it_needs(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit())
    bench.approve(assignment)
    text = f"This operation can be called with a status of: Submitted{bench.stamp()}"
    with refused("InvalidAssignmentState", text):
        bench.approve(assignment)
    with refused("InvalidAssignmentState", text):
        bench.reject(assignment)


def test_unsubmitted_work_can_be_neither_read_nor_given_a_bonus(bench: Bench) -> None:
    worker, assignment = bench.accepted(bench.hit())
    text = f"This operation can be called with a status of: Reviewable,Approved,Rejected{bench.stamp()}"
    with refused("InvalidAssignmentState", text):
        bench.assignment(assignment)
    request = {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "1", "Reason": "r"}
    with refused("InvalidAssignmentState", text):
        bench.market.send_bonus(REQUESTER, request)


def test_a_hit_in_the_wrong_state_cannot_be_deleted(bench: Bench) -> None:
    hit = bench.hit()
    bench.accepted(hit)
    text = (
        "This HIT is currently in the state 'Unassignable'.  "
        f"This operation can be called with a status of: Reviewing, Reviewable{bench.stamp()}"
    )
    with refused("InvalidHITState", text):
        bench.market.delete_hit(REQUESTER, {"HITId": hit})


def test_a_second_deletion_says_disposed(bench: Bench) -> None:
    hit = bench.hit()
    bench.expire(hit)
    bench.market.delete_hit(REQUESTER, {"HITId": hit})
    with refused("InvalidHITState", "currently in the state 'Disposed'"):
        bench.market.delete_hit(REQUESTER, {"HITId": hit})


def test_unreviewed_work_keeps_its_hit_from_being_deleted(bench: Bench) -> None:
    hit = bench.hit()
    _, assignment = bench.submitted(hit)
    text = (
        "This HIT is currently in the state 'Reviewable'.  "
        f"This operation can be called with a status of: Reviewing, Reviewable{bench.stamp()}"
    )
    with refused("InvalidHITState", text):
        bench.market.delete_hit(REQUESTER, {"HITId": hit})
    bench.reject(assignment)
    bench.market.delete_hit(REQUESTER, {"HITId": hit})
    assert bench.get(hit)["HITStatus"] == "Disposed"


@pytest.mark.parametrize(("before", "more", "allowed"), [(9, 1, False), (1, 8, True), (10, 5, True), (8, 5, False)])
def test_a_small_hit_cannot_grow_to_ten_assignments(bench: Bench, before: int, more: int, allowed: bool) -> None:
    hit = bench.hit(MaxAssignments=before)
    if allowed:
        bench.add(hit, more)
        assert bench.get(hit)["MaxAssignments"] == before + more
        return
    with refused("InvalidMaximumAssignmentsIncrease", hit):
        bench.add(hit, more)
    assert bench.get(hit)["MaxAssignments"] == before


def test_a_hit_from_before_the_fee_change_cannot_be_extended() -> None:
    clock = Clock()
    clock.seconds = 1_437_000_000  # 2015-07-15
    bench = Bench(clock=clock)
    hit = bench.hit(LifetimeInSeconds=30_000_000)
    clock.seconds += 30 * 86400
    with refused("HITTooOldForExtension", hit):
        bench.add(hit, 1)
    bench.market.close()


@pytest.mark.parametrize("operation", ["create_hit", "create_hit_with_hit_type"])
def test_a_repeated_token_names_the_hit_it_made(bench: Bench, operation: str) -> None:
    request = hit_request(UniqueRequestToken="t")
    if operation == "create_hit_with_hit_type":
        request |= {"HITTypeId": bench.market.create_hit_type(REQUESTER, request)["HITTypeId"]}
    first = getattr(bench.market, operation)(REQUESTER, request)["HIT"]["HITId"]
    with refused("HITAlreadyExists", f'The HIT with ID "{first}" already exists.{bench.stamp()}'):
        getattr(bench.market, operation)(REQUESTER, request | {"MaxAssignments": 3})
    assert len(bench.market.list_hits(REQUESTER, {})["HITs"]) == 1


INSUFFICIENT = (
    "This Requester has insufficient funds in their account to complete this transaction. "
    "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs."
)


def test_every_spending_operation_needs_funds() -> None:
    bench = Bench(opening_balance=Decimal("1.20"))
    hit = bench.hit(MaxAssignments=2)  # 2 x 0.60
    worker, assignment = bench.submitted(hit)
    text = INSUFFICIENT + bench.stamp()
    with refused("InsufficientFunds", text):
        bench.hit(Reward="0.01")
    with refused("InsufficientFunds", text):
        bench.add(hit, 1)
    with refused("InsufficientFunds", text):
        bench.market.send_bonus(
            REQUESTER, {"WorkerId": worker, "AssignmentId": assignment, "BonusAmount": "0.01", "Reason": "r"}
        )
    bench.reject(assignment)
    bench.hit(Reward="0.50")
    with refused("InsufficientFunds", text):
        bench.approve(assignment, OverrideRejection=True)
    assert bench.balance() == (Decimal("0.00"), Decimal("1.20"))
    bench.market.close()


def test_a_new_hit_type_for_a_hit_needs_funds_for_the_difference() -> None:
    bench = Bench(opening_balance=Decimal("1.00"))
    hit = bench.hit(Reward="0.10")
    dear = bench.market.create_hit_type(REQUESTER, hit_request(Reward="1.00"))["HITTypeId"]
    with refused("InsufficientFunds", INSUFFICIENT):
        bench.market.update_hit_type_of_hit(REQUESTER, {"HITId": hit, "HITTypeId": dear})
    bench.market.close()


def test_a_qualification_name_is_used_once(bench: Bench) -> None:
    bench.qualification("careful")
    text = (
        "You have already created a QualificationType with this name. A QualificationType's name must be unique among "
        f"all of the QualificationTypes created by the same user.{bench.stamp()}"
    )
    with refused("QualificationTypeAlreadyExists", text):
        bench.qualification("careful")


@pytest.mark.parametrize("operation", ["get_qualification_type", "delete_qualification_type"])
def test_an_unknown_qualification_type_does_not_exist(bench: Bench, operation: str) -> None:
    with refused("QualificationTypeDoesNotExist", f"QualificationType {NOWHERE} does not exist.{bench.stamp()}"):
        getattr(bench.market, operation)(REQUESTER, {"QualificationTypeId": NOWHERE})


def test_a_requirement_of_an_unknown_type_is_refused(bench: Bench) -> None:
    requirement = {"QualificationTypeId": NOWHERE, "Comparator": "Exists"}
    with refused("QualificationTypeDoesNotExist", NOWHERE):
        bench.hit(QualificationRequirements=[requirement])


def test_a_score_never_held_and_a_revoked_one_are_told_apart(bench: Bench) -> None:
    worker, kind = bench.worker(), bench.qualification()
    request = {"QualificationTypeId": kind, "WorkerId": worker}
    with refused("QualificationDoesNotExist", "does not exist"):
        bench.market.get_qualification_score(REQUESTER, request)
    bench.grant(kind, worker)
    bench.market.disassociate_qualification_from_worker(REQUESTER, request)
    text = f"This operation can be called with a status of: Granted{bench.stamp()}"
    with refused("InvalidQualificationState", text):
        bench.market.get_qualification_score(REQUESTER, request)


def test_requests_for_an_inactive_type_cannot_be_accepted(bench: Bench) -> None:
    kind = bench.qualification()
    asked = bench.market.request_qualification("production", bench.worker(), kind)["QualificationRequestId"]
    bench.market.update_qualification_type(
        REQUESTER, {"QualificationTypeId": kind, "QualificationTypeStatus": "Inactive"}
    )
    with refused("InvalidQualificationTypeState", "This operation can be called with a status of: Active"):
        bench.market.accept_qualification_request(REQUESTER, {"QualificationRequestId": asked})


@pytest.mark.parametrize("operation", ["accept_qualification_request", "reject_qualification_request"])
def test_qualification_requests_are_decided_once(bench: Bench, operation: str) -> None:
    decide = getattr(bench.market, operation)
    with refused("QualificationRequestDoesNotExist", "does not exist"):
        decide(REQUESTER, {"QualificationRequestId": "nothing"})
    asked = bench.market.request_qualification("production", bench.worker(), bench.qualification())
    decide(REQUESTER, {"QualificationRequestId": asked["QualificationRequestId"]})
    with refused("InvalidQualificationRequestState", "can be called with a status of"):
        decide(REQUESTER, {"QualificationRequestId": asked["QualificationRequestId"]})


def test_control_characters_in_feedback_are_refused(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit())
    for character in "\x01\x08\x0b\x0c\x0e\x1f":
        with refused("InvalidParameterValue", "RequesterFeedback"):
            bench.approve(assignment, RequesterFeedback=f"well{character}done")
    bench.approve(assignment, RequesterFeedback="well\tdone\r\nthanks")
    assert bench.assignment(assignment)["RequesterFeedback"] == "well\tdone\r\nthanks"


def test_feedback_of_more_than_1024_characters_is_refused(bench: Bench) -> None:
    _, assignment = bench.submitted(bench.hit())
    with refused(None, "is not valid for the parameter RequesterFeedback.", "ParameterValidationError"):
        bench.approve(assignment, RequesterFeedback="x" * 1025)
    bench.approve(assignment, RequesterFeedback="x" * 1024)


def test_an_unknown_hit_type_is_an_invalid_value(bench: Bench) -> None:
    with refused("InvalidParameterValue", f"HITType {NOWHERE} does not exist."):
        bench.market.create_hit_with_hit_type(REQUESTER, hit_request(HITTypeId=NOWHERE))


def test_a_hit_needs_exactly_one_of_question_and_layout(bench: Bench) -> None:
    with refused("InvalidParameterValue", "Exactly one of Question and HITLayoutId"):
        bench.hit(Question=None)
    with refused("InvalidParameterValue", "Exactly one of Question and HITLayoutId"):
        bench.hit(HITLayoutId=NOWHERE)


def test_bonus_listings_need_a_hit_or_an_assignment(bench: Bench) -> None:
    with refused("InvalidParameterValue", "One of HITId and AssignmentId"):
        bench.market.list_bonus_payments(REQUESTER, {})


def test_somebody_elses_qualification_type_may_not_be_used(bench: Bench) -> None:
    kind = bench.qualification()
    with refused("PermissionDenied", kind):
        bench.market.associate_qualification_with_worker(
            STRANGER, {"QualificationTypeId": kind, "WorkerId": bench.worker()}
        )
    with refused("PermissionDenied", "00000000000000000040"):
        bench.grant("00000000000000000040", bench.worker())


def test_broken_question_xml_is_a_parse_error(bench: Bench) -> None:
    text = (
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        "well-formed and validates against the appropriate schema. Details: "
    )
    for question in ("<ExternalQuestion", "<Question/>", "no xml at all"):
        with refused(None, text, "ParameterValidationError"):
            bench.hit(Question=question)


def test_an_html_question_without_html_is_a_parse_error(bench: Bench) -> None:
    empty = (
        '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
        'HTMLQuestion.xsd"><HTMLContent><![CDATA[just words]]></HTMLContent><FrameHeight>1</FrameHeight></HTMLQuestion>'
    )
    text = "There was an error parsing the HTML5 data in your request"
    with refused(None, text, "ParameterValidationError"):
        bench.hit(Question=empty)


def test_an_unusable_destination_is_refused(bench: Bench) -> None:
    kind = bench.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    notification = {
        "Destination": "not a queue",
        "Transport": "SQS",
        "Version": "2014-08-15",
        "EventTypes": ["HITCreated"],
    }
    with refused("InvalidTransportEndpoint", "not a queue"):
        bench.market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": notification})


def test_an_unknown_layout_does_not_exist_and_missing_parameters_are_named(bench: Bench) -> None:
    with refused("HITLayoutDoesNotExist", NOWHERE):
        bench.hit(Question=None, HITLayoutId=NOWHERE)
    layout = bench.market.register_layout(REQUESTER, "<p>${colour} ${shape}</p>")
    text = "You have not provided all required HITLayout parameters. Missing parameter names: colour, shape"
    with refused("InvalidParameterValue", text):
        bench.hit(Question=None, HITLayoutId=layout)


@pytest.mark.parametrize("operation", ["create_worker_block", "associate_qualification_with_worker", "send_bonus"])
def test_an_unknown_worker_is_no_value_for_workerid(bench: Bench, operation: str) -> None:
    _, assignment = bench.submitted(bench.hit())
    elsewhere = bench.worker("sandbox")
    request = {
        "WorkerId": elsewhere,
        "Reason": "r",
        "QualificationTypeId": bench.qualification(),
        "AssignmentId": assignment,
        "BonusAmount": "0.10",
    }
    text = f'The value "{elsewhere}" is not valid for the parameter WorkerId.{bench.stamp()}'
    with refused(None, text, "ParameterValidationError"):
        getattr(bench.market, operation)(REQUESTER, request)


def test_a_locale_where_an_integer_belongs_is_refused(bench: Bench) -> None:
    requirement = {
        "QualificationTypeId": "00000000000000000040",
        "Comparator": "EqualTo",
        "LocaleValues": [{"Country": "IT"}],
    }
    text = (
        'The value "IT" is not valid for the parameter LocaleValue. LocaleValue must be null when used with the '
        f"EqualTo comparator..{bench.stamp()}"
    )
    with refused(None, text, "ParameterValidationError"):
        bench.hit(QualificationRequirements=[requirement])


def test_a_repeated_bonus_token_pays_nothing_and_speaks_of_idempotency(bench: Bench) -> None:
    worker, assignment = bench.submitted(bench.hit())
    request = {
        "WorkerId": worker,
        "AssignmentId": assignment,
        "BonusAmount": "1.00",
        "Reason": "r",
        "UniqueRequestToken": "once",
    }
    bench.market.send_bonus(REQUESTER, request)
    before = bench.balance()
    with refused("InvalidParameterValue", "idempotency"):
        bench.market.send_bonus(REQUESTER, request)
    assert bench.balance() == before
    assert bench.market.list_bonus_payments(REQUESTER, {"AssignmentId": assignment})["NumResults"] == 1


def test_a_repeated_extension_token_adds_nothing_and_speaks_of_idempotency(bench: Bench) -> None:
    hit = bench.hit()
    bench.add(hit, 1, UniqueRequestToken="once")
    with refused("InvalidParameterValue", "idempotency"):
        bench.add(hit, 1, UniqueRequestToken="once")
    assert bench.get(hit)["MaxAssignments"] == 2


def test_unblocking_a_worker_nobody_knows_is_invalid(bench: Bench) -> None:
    with refused(None, f"WorkerId is invalid.{bench.stamp()}", "ParameterValidationError"):
        bench.market.delete_worker_block(REQUESTER, {"WorkerId": "ANOBODY"})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("LifetimeInSeconds", 29),
        ("LifetimeInSeconds", 31_536_001),
        ("AssignmentDurationInSeconds", 29),
        ("AutoApprovalDelayInSeconds", 2_592_001),
        ("MaxAssignments", 1_000_000_001),
        ("Title", "x" * 129),
        ("Title", "  "),
        ("Title", "a\x00b"),
        ("Description", "x" * 2001),
        ("Keywords", "x" * 1001),
        ("RequesterAnnotation", "x" * 256),
        ("Reward", "1000000.01"),
    ],
)
def test_values_beyond_the_old_references_limits_are_refused(bench: Bench, member: str, value: object) -> None:
    told = "AWS.ParameterOutOfRange" if isinstance(value, int) else TOO_LONG
    unfit = member == "Reward" or value in ("  ", "a\x00b")
    with refused(None if unfit else told, f"is not valid for the parameter {member}.", "ParameterValidationError"):
        bench.hit(**{member: value})
    assert bench.market.list_hits(REQUESTER, {})["HITs"] == []


def test_question_and_test_documents_end_at_65535_bytes(bench: Bench) -> None:
    padded = hit_request()["Question"]
    fits = padded.replace("</ExternalQuestion>", " " * (65_535 - len(padded)) + "</ExternalQuestion>")
    bench.hit(Question=fits)
    with refused(None, "65535", "ParameterValidationError"):
        bench.hit(Question=fits.replace("?a=1", "?a=é"))
    with refused(None, "65535", "ParameterValidationError"):
        bench.qualification(Test=form(choice("q", "a" * 70_000)), TestDurationInSeconds=60)


def test_an_error_that_was_refused_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.balance()
    with refused("AWS.ParameterOutOfRange", "MaxAssignments", "ParameterValidationError"):
        bench.hit(Title="never made", MaxAssignments=0, UniqueRequestToken="t")
    assert bench.balance() == before
    assert bench.hit(Title="never made", UniqueRequestToken="t")
    bench.clock.seconds += timedelta(hours=24).total_seconds()
    assert bench.hit(Title="never made", UniqueRequestToken="t")
