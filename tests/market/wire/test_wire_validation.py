from __future__ import annotations

from typing import Any

import pytest
from wire_support import MINIMAL_HIT, NOW_MS, RecordingMarket, call

from turkctl.market.parameter_limits import LIMITS, LIST_SIZES
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.model import service_model


def refusal(endpoint: Endpoint, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    status, error = call(endpoint, operation, request)
    assert status == 400
    assert endpoint.market.asked == []  # type: ignore[attr-defined]  # the market was not asked
    return error


def test_a_broken_pattern_reads_as_amazon_words_it(endpoint: Endpoint):
    request = {"WorkerId": "A1", "AssignmentId": "3A", "Reason": "thanks", "BonusAmount": "0.9752"}
    assert refusal(endpoint, "SendBonus", request) == {
        "__type": "ValidationException",
        "message": "1 validation error detected: Value '0.9752' at 'bonusAmount' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$",
    }


def test_a_missing_member_reads_as_amazon_words_it(endpoint: Endpoint):
    error = refusal(endpoint, "CreateWorkerBlock", {"WorkerId": "A1"})
    assert error["message"] == (
        "1 validation error detected: Value null at 'reason' failed to satisfy constraint: Member must not be null"
    )


def test_several_broken_constraints_are_counted_and_listed(endpoint: Endpoint):
    error = refusal(endpoint, "SendBonus", {"WorkerId": "B1", "AssignmentId": "x" * 65, "BonusAmount": "1"})
    assert error["message"].startswith("4 validation errors detected: Value 'B1' at 'workerId'")
    assert error["message"].count("; Value ") == 3
    assert "Member must have length less than or equal to 64" in error["message"]
    assert "Value null at 'reason'" in error["message"]


@pytest.mark.parametrize("amount", [".05", "1.234", "-1", "1,5", "$1", "", "5\n", "٣", "1e2"])
def test_what_is_no_amount_of_money_is_refused(endpoint: Endpoint, amount: str):
    error = refusal(endpoint, "CreateHIT", {**MINIMAL_HIT, "Reward": amount})
    assert error["__type"] == "ValidationException"
    assert "at 'reward'" in error["message"]


@pytest.mark.parametrize("amount", ["0.05", "5", "5.", "0.5"])
def test_amounts_as_amazon_takes_them(endpoint: Endpoint, amount: str):
    assert call(endpoint, "CreateHIT", {**MINIMAL_HIT, "Reward": amount})[0] == 200


@pytest.mark.parametrize(
    ("operation", "request_", "constraint"),
    [
        ("ListHITs", {"MaxResults": 101}, "Member must have value less than or equal to 100"),
        ("ListHITs", {"MaxResults": 0}, "Member must have value greater than or equal to 1"),
        ("ListHITs", {"NextToken": "x" * 256}, "Member must have length less than or equal to 255"),
        ("GetHIT", {"HITId": "a-b"}, "Member must satisfy regular expression pattern: ^[A-Z0-9]+$"),
        ("ListReviewableHITs", {"Status": "Open"}, "Member must satisfy enum value set: [Reviewable, Reviewing]"),
        (
            "ListAssignmentsForHIT",
            {"HITId": "3A", "AssignmentStatuses": ["Submitted", "Lost"]},
            "at 'assignmentStatuses.2.member' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        (
            "NotifyWorkers",
            {"Subject": "s", "MessageText": "t", "WorkerIds": [f"A{n}" for n in range(101)]},
            "Member must have length less than or equal to 100",
        ),
        (
            "CreateHITType",
            {
                "AssignmentDurationInSeconds": 60,
                "Reward": "1",
                "Title": "t",
                "Description": "d",
                "QualificationRequirements": [{"QualificationTypeId": "3Q"}],
            },
            "Value null at 'qualificationRequirements.1.member.comparator'",
        ),
        (
            "CreateHIT",
            {
                **MINIMAL_HIT,
                "QualificationRequirements": [{"QualificationTypeId": "3Q", "Comparator": "Exists"}] * 11,
            },
            "at 'qualificationRequirements' failed to satisfy constraint: Member must have length less than or equal",
        ),
        (
            "CreateHIT",
            {
                **MINIMAL_HIT,
                "QualificationRequirements": [
                    {"QualificationTypeId": "3Q", "Comparator": "In", "IntegerValues": [1] * 16}
                ],
            },
            "Member must have length less than or equal to 15",
        ),
        (
            "CreateHIT",
            {
                **MINIMAL_HIT,
                "QualificationRequirements": [
                    {"QualificationTypeId": "3Q", "Comparator": "In", "LocaleValues": [{"Country": "US"}] * 31}
                ],
            },
            "Member must have length less than or equal to 30",
        ),
        (
            "CreateHIT",
            {
                **MINIMAL_HIT,
                "QualificationRequirements": [
                    {"QualificationTypeId": "3Q", "Comparator": "In", "LocaleValues": [{"Country": "USA"}]}
                ],
            },
            "at 'qualificationRequirements.1.member.localeValues.1.member.country'",
        ),
    ],
)
def test_constraints_that_botocore_leaves_to_the_service(
    endpoint: Endpoint, operation: str, request_: dict[str, Any], constraint: str
):
    error = refusal(endpoint, operation, request_)
    assert error["__type"] == "ValidationException"
    assert constraint in error["message"]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("GetHIT", {"HITId": 5}),
        ("CreateHIT", {**MINIMAL_HIT, "Reward": 0.5}),
        ("CreateHIT", {**MINIMAL_HIT, "MaxAssignments": "3"}),
        ("CreateHIT", {**MINIMAL_HIT, "MaxAssignments": 2.5}),
        ("CreateHIT", {**MINIMAL_HIT, "MaxAssignments": 2**31}),
        ("CreateHIT", {**MINIMAL_HIT, "LifetimeInSeconds": 2**63}),
        ("CreateHIT", {**MINIMAL_HIT, "MaxAssignments": True}),
        ("CreateHIT", {**MINIMAL_HIT, "QualificationRequirements": {}}),
        ("CreateHIT", {**MINIMAL_HIT, "QualificationRequirements": [None]}),
        ("ListQualificationTypes", {"MustBeRequestable": "yes"}),
    ],
)
def test_a_value_of_the_wrong_json_type(endpoint: Endpoint, operation: str, request_: dict[str, Any]):
    assert refusal(endpoint, operation, request_)["__type"] == "SerializationException"


def test_unknown_members_and_nulls_are_left_out(endpoint: Endpoint, market: RecordingMarket):
    call(endpoint, "GetHIT", {"HITId": "3A", "Colour": "red"})
    call(endpoint, "ListHITs", {"NextToken": None})
    assert [request for _, _, request in market.asked] == [{"HITId": "3A"}, {}]


NUMBERS = [(name, limit) for name, limit in LIMITS.items() if limit.unit == "value"]
CREATE_TYPE = {"Name": "n", "Description": "d", "QualificationTypeStatus": "Active"}
SENDS = {
    "NumberOfAdditionalAssignments": ("CreateAdditionalAssignmentsForHIT", {"HITId": "3A"}),
    "TestDurationInSeconds": ("CreateQualificationType", CREATE_TYPE),
    "RetryDelayInSeconds": ("CreateQualificationType", CREATE_TYPE),
    "Test": ("CreateQualificationType", CREATE_TYPE),
    "AnswerKey": ("CreateQualificationType", CREATE_TYPE),
    "Name": ("CreateQualificationType", CREATE_TYPE),
    "RequesterFeedback": ("RejectAssignment", {"AssignmentId": "3A"}),
    "Subject": ("NotifyWorkers", {"MessageText": "t", "WorkerIds": ["A1"]}),
    "MessageText": ("NotifyWorkers", {"Subject": "s", "WorkerIds": ["A1"]}),
}


def send(endpoint: Endpoint, name: str, value: object) -> tuple[int, dict[str, Any]]:
    operation, request = SENDS.get(name, ("CreateHIT", MINIMAL_HIT))
    return call(endpoint, operation, {**request, name: value})


@pytest.mark.parametrize(("name", "low", "high"), [(name, limit.low, limit.high) for name, limit in NUMBERS])
def test_documented_numbers_are_kept_to_the_unit(endpoint: Endpoint, name: str, low: int, high: int):
    assert [send(endpoint, name, value)[0] for value in (low, high)] == [200, 200]
    for value in (low - 1, high + 1):
        status, error = send(endpoint, name, value)
        assert (status, error["__type"]) == (400, "ParameterValidationError")
        assert error["Message"].startswith(f'The value "{value}" is not valid for the parameter {name}. ')
        assert error["TurkErrorCode"] == "AWS.ParameterOutOfRange"


@pytest.mark.parametrize("name", [name for name, limit in LIMITS.items() if limit.unit != "value"])
def test_documented_lengths_are_kept_to_the_character(endpoint: Endpoint, name: str):
    limit = LIMITS[name]
    assert send(endpoint, name, "x" * limit.high)[0] == 200
    status, error = send(endpoint, name, "x" * (limit.high + 1))
    assert (status, error["__type"]) == (400, "ParameterValidationError")
    assert f"is not valid for the parameter {name}." in error["Message"]
    assert error["Message"].endswith(f"({NOW_MS})")
    assert len(error["Message"]) < 400


def test_a_question_is_measured_in_bytes(endpoint: Endpoint):
    assert send(endpoint, "Question", "é" * 32_767)[0] == 200
    assert send(endpoint, "Question", "é" * 32_768)[0] == 400


@pytest.mark.parametrize("feedback", ["\x00", "a\x08b", "\x0b", "\x1f"])
def test_control_characters_in_feedback_are_an_invalid_parameter_value(endpoint: Endpoint, feedback: str):
    error = refusal(endpoint, "RejectAssignment", {"AssignmentId": "3A", "RequesterFeedback": feedback})
    assert (error["__type"], error["TurkErrorCode"]) == (
        "RequestError",
        "AWS.MechanicalTurk.InvalidParameterValue",
    )


def test_tabs_and_line_ends_in_feedback_are_fine(endpoint: Endpoint):
    assert call(endpoint, "RejectAssignment", {"AssignmentId": "3A", "RequesterFeedback": "a\tb\r\nc"})[0] == 200


def test_control_characters_are_refused_at_any_depth(endpoint: Endpoint):
    notification = {"Destination": "a\x00b", "Transport": "SQS", "Version": "2014-08-15", "EventTypes": ["Ping"]}
    request = {"Notification": notification, "TestEventType": "Ping"}
    assert refusal(endpoint, "SendTestEventNotification", request)["__type"] == "ParameterValidationError"


def test_every_documented_limit_names_a_member_of_the_api():
    members = {
        name
        for shape in service_model()["shapes"].values()
        if shape["type"] == "structure"
        for name in shape["members"]
    }
    assert set(LIMITS) | set(LIST_SIZES) <= members
