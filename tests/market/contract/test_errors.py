"""The refusals of the fact sheet's table 1.2, one by one: type, TurkErrorCode, and the text where one is quoted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from contract_support import HIT, NOON, Door, refused

UNKNOWN = "3UNKNOWN"
WITH_TYPE = {name: HIT[name] for name in ("LifetimeInSeconds", "Question")}
STAMP = f"({int(NOON * 1000)})"


def new_hit(client: Any, **changes: Any) -> str:
    return str(client.create_hit(**{**HIT, **changes})["HIT"]["HITId"])


def accepted(door: Door, hit_id: str, environment: Any = "production") -> tuple[str, str]:
    worker = door.market.register_worker(environment)
    return worker, door.market.accept(environment, worker, hit_id)["AssignmentId"]


def submitted(door: Door, hit_id: str, environment: Any = "production") -> tuple[str, str]:
    worker, assignment_id = accepted(door, hit_id, environment)
    door.market.submit(environment, worker, assignment_id, {"colour": "blue"})
    return worker, assignment_id


def new_type(client: Any, name: str = "Readers", **more: Any) -> str:
    made = client.create_qualification_type(Name=name, Description="d", QualificationTypeStatus="Active", **more)
    return str(made["QualificationType"]["QualificationTypeId"])


# --- HITs


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("get_hit", {}),
        ("delete_hit", {}),
        ("list_assignments_for_hit", {}),
        ("list_review_policy_results_for_hit", {}),
        ("list_bonus_payments", {}),
        ("update_expiration_for_hit", {"ExpireAt": datetime(2027, 1, 1, tzinfo=UTC)}),
        ("update_hit_review_status", {}),
        ("create_additional_assignments_for_hit", {"NumberOfAdditionalAssignments": 1}),
    ],
)
def test_an_unknown_hit(client: Any, method: str, more: dict[str, Any]):
    with refused("RequestError", "HITDoesNotExist") as text:
        getattr(client, method)(HITId=UNKNOWN, **more)
    assert text() == f"Hit {UNKNOWN} does not exist. {STAMP}"


def test_a_text_ends_in_the_time_and_in_the_sandbox_in_an_s(door: Door):
    door.clock.advance(seconds=1.5)
    with refused("RequestError", "HITDoesNotExist") as text:
        door.client("sandbox").get_hit(HITId=UNKNOWN)
    assert text() == f"Hit {UNKNOWN} does not exist. ({int(NOON * 1000) + 1500} s)"


def test_a_hit_in_the_wrong_state_for_deletion(client: Any):
    hit_id = new_hit(client)
    with refused("RequestError", "InvalidHITState") as text:
        client.delete_hit(HITId=hit_id)
    assert text() == (
        "This HIT is currently in the state 'Assignable'.  "
        f"This operation can be called with a status of: Reviewing, Reviewable {STAMP}"
    )


def test_a_deleted_hit_is_disposed_and_cannot_be_deleted_again(client: Any):
    hit_id = new_hit(client)
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    client.delete_hit(HITId=hit_id)
    with refused("RequestError", "InvalidHITState") as text:
        client.delete_hit(HITId=hit_id)
    assert "currently in the state 'Disposed'" in text()


def test_a_hit_with_unreviewed_work_cannot_be_deleted(door: Door, client: Any):
    hit_id = new_hit(client, MaxAssignments=1)
    submitted(door, hit_id)
    with refused("RequestError", "InvalidHITState"):
        client.delete_hit(HITId=hit_id)


def test_a_hit_of_less_than_ten_assignments_cannot_get_ten(client: Any):
    hit_id = new_hit(client, MaxAssignments=9)
    with refused("RequestError", "InvalidMaximumAssignmentsIncrease"):
        client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)


def test_a_hit_from_before_july_2015_cannot_be_extended(door: Door, client: Any):
    door.clock.seconds = datetime(2015, 7, 21, tzinfo=UTC).timestamp()
    hit_id = new_hit(client)
    with refused("RequestError", "HITTooOldForExtension"):
        client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)


def test_a_repeated_token_names_the_hit_that_it_made(client: Any):
    hit_id = new_hit(client, UniqueRequestToken="round 1")
    with refused("RequestError", "HITAlreadyExists") as text:
        new_hit(client, UniqueRequestToken="round 1", Title="Another")
    assert text() == f'The HIT with ID "{hit_id}" already exists. {STAMP}'


def test_a_repeated_token_of_a_hit_with_a_hit_type(client: Any):
    type_id = client.get_hit(HITId=new_hit(client))["HIT"]["HITTypeId"]
    request = {**WITH_TYPE, "HITTypeId": type_id, "UniqueRequestToken": "round 1"}
    hit_id = client.create_hit_with_hit_type(**request)["HIT"]["HITId"]
    with refused("RequestError", "HITAlreadyExists") as text:
        client.create_hit_with_hit_type(**request)
    assert text() == f'The HIT with ID "{hit_id}" already exists. {STAMP}'


def test_an_unknown_hit_type(client: Any):
    with refused("RequestError", "InvalidParameterValue"):
        client.create_hit_with_hit_type(**WITH_TYPE, HITTypeId=UNKNOWN)


def test_a_hit_without_a_question(client: Any):
    without = {name: value for name, value in HIT.items() if name != "Question"}
    with refused("RequestError", "InvalidParameterValue"):
        client.create_hit(**without)


def test_a_hit_with_a_question_and_a_layout(client: Any):
    with refused("RequestError", "InvalidParameterValue"):
        client.create_hit(**HIT, HITLayoutId="3LAYOUT")


def test_an_unknown_layout(client: Any):
    without = {name: value for name, value in HIT.items() if name != "Question"}
    with refused("RequestError", "HITLayoutDoesNotExist"):
        client.create_hit(**without, HITLayoutId=UNKNOWN)


def test_a_question_that_is_no_xml(client: Any):
    with refused("ParameterValidationError") as text:
        new_hit(client, Question="<ExternalQuestion>")
    assert text().startswith(
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        "well-formed and validates against the appropriate schema. Details: "
    )


def test_a_question_with_entities_is_refused(client: Any):
    bomb = f'<!DOCTYPE q [<!ENTITY a "aaaa">]>{HIT["Question"].replace("/task", "/&a;")}'
    with refused("ParameterValidationError") as text:
        new_hit(client, Question=bomb)
    assert "error parsing the XML question" in text()


def test_a_hit_already_in_review(door: Door, client: Any):
    hit_id = new_hit(client, MaxAssignments=1)
    submitted(door, hit_id)
    client.update_hit_review_status(HITId=hit_id)
    with pytest.raises(client.exceptions.RequestError) as caught:
        client.update_hit_review_status(HITId=hit_id)
    assert caught.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.HITAlreadyPassedReview"


# --- assignments and money


@pytest.mark.parametrize(
    ("method", "more"),
    [("get_assignment", {}), ("approve_assignment", {}), ("reject_assignment", {"RequesterFeedback": "no"})],
)
def test_an_unknown_assignment(client: Any, method: str, more: dict[str, Any]):
    with refused("RequestError", "AssignmentDoesNotExist") as text:
        getattr(client, method)(AssignmentId=UNKNOWN, **more)
    assert text() == f"Assignment {UNKNOWN} does not exist. {STAMP}"


def test_a_bonus_for_an_unknown_assignment(door: Door, client: Any):
    worker = door.market.register_worker("production")
    with refused("RequestError", "AssignmentDoesNotExist") as text:
        client.send_bonus(WorkerId=worker, AssignmentId=UNKNOWN, BonusAmount="1", Reason="r")
    assert "does not exist" in text()


@pytest.mark.parametrize("method", ["approve_assignment", "reject_assignment"])
def test_a_review_of_reviewed_work(door: Door, client: Any, method: str):
    _, assignment_id = submitted(door, new_hit(client))
    client.approve_assignment(AssignmentId=assignment_id)
    with refused("RequestError", "InvalidAssignmentState") as text:
        getattr(client, method)(AssignmentId=assignment_id, RequesterFeedback="f")
    assert text() == f"This operation can be called with a status of: Submitted {STAMP}"


@pytest.mark.parametrize("method", ["get_assignment", "send_bonus"])
def test_reading_or_rewarding_unsubmitted_work(door: Door, client: Any, method: str):
    worker, assignment_id = accepted(door, new_hit(client))
    more = {"WorkerId": worker, "BonusAmount": "1", "Reason": "r"} if method == "send_bonus" else {}
    with refused("RequestError", "InvalidAssignmentState") as text:
        getattr(client, method)(AssignmentId=assignment_id, **more)
    assert text() == f"This operation can be called with a status of: Reviewable,Approved,Rejected {STAMP}"


def test_feedback_with_control_characters(door: Door, client: Any):
    _, assignment_id = submitted(door, new_hit(client))
    with refused("RequestError", "InvalidParameterValue"):
        client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="a\x07b")


FUNDS = (
    "This Requester has insufficient funds in their account to complete this transaction. "
    f"Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs. {STAMP}"
)


def test_a_hit_that_the_balance_does_not_cover(client: Any):
    with refused("RequestError", "InsufficientFunds") as text:
        new_hit(client, Reward="9000.00", MaxAssignments=1)
    assert text() == FUNDS
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"


def test_more_assignments_than_the_balance_covers(client: Any):
    hit_id = new_hit(client, Reward="4000.00", MaxAssignments=1)
    with refused("RequestError", "InsufficientFunds") as text:
        client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=2)
    assert text() == FUNDS


def test_a_bonus_that_the_balance_does_not_cover(door: Door, client: Any):
    worker, assignment_id = submitted(door, new_hit(client))
    with refused("RequestError", "InsufficientFunds") as text:
        client.send_bonus(WorkerId=worker, AssignmentId=assignment_id, BonusAmount="9999.00", Reason="r")
    assert text() == FUNDS


def test_a_repeated_bonus_token_is_refused_with_the_word_idempotency(door: Door, client: Any):
    worker, assignment_id = submitted(door, new_hit(client))
    bonus = {"WorkerId": worker, "AssignmentId": assignment_id, "BonusAmount": "1.00", "Reason": "r"}
    client.send_bonus(**bonus, UniqueRequestToken="bonus 1")
    with pytest.raises(client.exceptions.RequestError) as caught:
        client.send_bonus(**bonus, UniqueRequestToken="bonus 1")
    assert "idempotency" in caught.value.response["Message"]
    assert len(client.list_bonus_payments(AssignmentId=assignment_id)["BonusPayments"]) == 1


def test_a_repeated_extension_token_is_refused(client: Any):
    hit_id = new_hit(client)
    more = {"HITId": hit_id, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "more 1"}
    client.create_additional_assignments_for_hit(**more)
    with pytest.raises(client.exceptions.RequestError):
        client.create_additional_assignments_for_hit(**more)
    assert client.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 4


# --- workers


def not_a_worker(worker: str) -> str:
    return f'The value "{worker}" is not valid for the parameter WorkerId. {STAMP}'


def test_a_block_of_an_unknown_worker(client: Any):
    with refused("ParameterValidationError") as text:
        client.create_worker_block(WorkerId="ANOBODY", Reason="r")
    assert text() == not_a_worker("ANOBODY")


def test_a_worker_of_production_is_unknown_in_the_sandbox(door: Door):
    worker = door.market.register_worker("production")
    with refused("ParameterValidationError") as text:
        door.client("sandbox").create_worker_block(WorkerId=worker, Reason="r")
    assert text() == not_a_worker(worker).replace(")", " s)")


def test_a_qualification_for_an_unknown_worker(client: Any):
    with refused("ParameterValidationError") as text:
        client.associate_qualification_with_worker(QualificationTypeId=new_type(client), WorkerId="ANOBODY")
    assert text() == not_a_worker("ANOBODY")


def test_a_bonus_for_an_unknown_worker(door: Door, client: Any):
    _, assignment_id = submitted(door, new_hit(client))
    with refused("ParameterValidationError") as text:
        client.send_bonus(WorkerId="ANOBODY", AssignmentId=assignment_id, BonusAmount="1", Reason="r")
    assert text() == not_a_worker("ANOBODY")


def test_lifting_the_block_of_an_unknown_worker(client: Any):
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.delete_worker_block(WorkerId="ANOBODY")
    assert "WorkerId is invalid." in caught.value.response["Error"]["Message"]


def test_a_message_to_a_worker_who_did_nothing_fails_inside_a_good_answer(door: Door, client: Any):
    worker = door.market.register_worker("production")
    [failure] = client.notify_workers(Subject="s", MessageText="t", WorkerIds=[worker])["NotifyWorkersFailureStatuses"]
    assert failure["WorkerId"] == worker
    assert failure["NotifyWorkersFailureCode"] == "HardFailure"
    assert (
        "Cannot send a notification to a worker who has not done any work for you"
        in (failure["NotifyWorkersFailureMessage"])
    )


# --- qualifications


def test_a_second_type_of_the_same_name(client: Any):
    new_type(client)
    with refused("RequestError", "QualificationTypeAlreadyExists") as text:
        new_type(client)
    assert text() == (
        "You have already created a QualificationType with this name. A QualificationType's name must be unique among "
        f"all of the QualificationTypes created by the same user. {STAMP}"
    )


@pytest.mark.parametrize(
    "method",
    [
        "get_qualification_type",
        "update_qualification_type",
        "delete_qualification_type",
        "list_workers_with_qualification_type",
        "list_hits_for_qualification_type",
    ],
)
def test_an_unknown_type(client: Any, method: str):
    with refused("RequestError", "QualificationTypeDoesNotExist") as text:
        getattr(client, method)(QualificationTypeId=UNKNOWN)
    assert text() == f"QualificationType {UNKNOWN} does not exist. {STAMP}"


def test_the_score_of_who_never_held_it(door: Door, client: Any):
    worker = door.market.register_worker("production")
    with refused("RequestError", "QualificationDoesNotExist") as text:
        client.get_qualification_score(QualificationTypeId=new_type(client), WorkerId=worker)
    assert "does not exist" in text()


def test_the_score_of_who_holds_it_no_more(door: Door, client: Any):
    worker, type_id = door.market.register_worker("production"), new_type(client)
    client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=worker)
    client.disassociate_qualification_from_worker(QualificationTypeId=type_id, WorkerId=worker)
    with refused("RequestError", "InvalidQualificationState") as text:
        client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker)
    assert "This operation can be called with a status of: Granted" in text()


@pytest.mark.parametrize("method", ["accept_qualification_request", "reject_qualification_request"])
def test_an_unknown_request(client: Any, method: str):
    with refused("RequestError", "QualificationRequestDoesNotExist"):
        getattr(client, method)(QualificationRequestId=UNKNOWN)


def test_a_request_that_was_answered_already(door: Door, client: Any):
    worker, type_id = door.market.register_worker("production"), new_type(client)
    door.market.request_qualification("production", worker, type_id)
    [request] = client.list_qualification_requests(QualificationTypeId=type_id)["QualificationRequests"]
    client.reject_qualification_request(QualificationRequestId=request["QualificationRequestId"])
    with refused("RequestError", "InvalidQualificationRequestState"):
        client.accept_qualification_request(QualificationRequestId=request["QualificationRequestId"])


def test_somebody_elses_type(door: Door, client: Any):
    worker, type_id = door.market.register_worker("production"), new_type(client)
    with refused("RequestError", "PermissionDenied"):
        door.client(key="AKIDANOTHER").associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=worker)


def test_a_locale_for_a_type_that_has_integers(client: Any):
    requirement = {
        "QualificationTypeId": new_type(client),
        "Comparator": "EqualTo",
        "LocaleValues": [{"Country": "IT"}],
    }
    with refused("ParameterValidationError") as text:
        new_hit(client, QualificationRequirements=[requirement])
    assert text() == (
        'The value "IT" is not valid for the parameter LocaleValue. '
        f"LocaleValue must be null when used with the EqualTo comparator.. {STAMP}"
    )


def test_a_test_that_is_no_question_form(client: Any):
    with refused("ParameterValidationError") as text:
        new_type(client, Test=HIT["Question"], TestDurationInSeconds=600)
    assert "error parsing the XML question or answer data" in text()


# --- notifications


def test_a_destination_that_is_none(client: Any):
    notification = {"Destination": "nowhere", "Transport": "SQS", "Version": "2014-08-15", "EventTypes": ["Ping"]}
    with refused("RequestError", "InvalidTransportEndpoint"):
        client.send_test_event_notification(Notification=notification, TestEventType="Ping")


# --- before the market is asked


def test_constraints_of_the_model(client: Any):
    with refused("ValidationException") as text:
        client.send_bonus(WorkerId="A1", AssignmentId="3A", BonusAmount="0.9752", Reason="r")
    assert text() == (
        "1 validation error detected: Value '0.9752' at 'bonusAmount' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$"
    )


def test_a_page_of_more_than_a_hundred(client: Any):
    with refused("ValidationException"):
        client.list_hits(MaxResults=101)


def test_a_lifetime_out_of_range(client: Any):
    with refused("ParameterValidationError") as text:
        new_hit(client, LifetimeInSeconds=29)
    assert text().startswith('The value "29" is not valid for the parameter LifetimeInSeconds.')
