from __future__ import annotations

from typing import Any

import pytest
from request_support import members
from wire_support import MINIMAL_HIT, NOW_MS, RecordingMarket, call

from turkctl.market.parameter_limits import LIMITS
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.validate import operations


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
            "FindWorkers",
            {"OwnIds": [f"{n}" for n in range(101)]},
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
TEXTS = [name for name, limit in LIMITS.items() if limit.unit in {"characters", "bytes"} and "." not in name]
CREATE_TYPE = {"Name": "n", "Description": "d", "QualificationTypeStatus": "Active"}
SENDS = {
    "NumberOfAdditionalAssignments": ("CreateAdditionalAssignmentsForHIT", {"HITId": "3A"}),
    "TestDurationInSeconds": ("CreateQualificationType", CREATE_TYPE),
    "RetryDelayInSeconds": ("CreateQualificationType", CREATE_TYPE),
    "Test": ("CreateQualificationType", CREATE_TYPE),
    "AnswerKey": ("CreateQualificationType", CREATE_TYPE),
    "Name": ("CreateQualificationType", CREATE_TYPE),
    "BonusAmount": ("SendBonus", {"WorkerId": "A1", "AssignmentId": "3A", "Reason": "r", "UniqueRequestToken": "t"}),
    "Reason": ("CreateWorkerBlock", {"WorkerId": "A1"}),
    "Query": ("ListQualificationTypes", {"MustBeRequestable": True}),
    "QualificationRequestId": ("AcceptQualificationRequest", {}),
    "QuestionIdentifier": ("GetFileUploadURL", {"AssignmentId": "3A"}),
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


@pytest.mark.parametrize("name", [name for name in TEXTS if not name.endswith("Policy")])
def test_documented_lengths_are_kept_to_the_character(endpoint: Endpoint, name: str):
    limit = LIMITS[name]
    assert send(endpoint, name, "1" * limit.high)[0] == 200
    status, error = send(endpoint, name, "1" * (limit.high + 1))
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


@pytest.mark.parametrize("member", ["AssignmentReviewPolicy", "HITReviewPolicy"])
def test_a_review_policy_is_limited_as_a_whole_and_in_its_parts(endpoint: Endpoint, member: str):
    def policy(entries: int, values: int, length: int) -> dict[str, Any]:
        entry = {"Key": "q", "Values": ["v" * length] * values}
        return {"PolicyName": "p", "Parameters": [{"Key": "AnswerKey", "MapEntries": [entry] * entries}]}

    assert send(endpoint, member, policy(100, 2, 256))[0] == 200
    assert "It has 136573 bytes; 0 to 65535 are allowed." in send(endpoint, member, policy(250, 2, 256))[1]["Message"]
    assert "at 'hITReviewPolicy" in send(endpoint, "HITReviewPolicy", policy(501, 0, 0))[1]["message"]
    assert "parameter member" in send(endpoint, member, policy(1, 1, 257))[1]["Message"]


def test_of_a_list_that_is_too_long_no_member_is_looked_at(endpoint: Endpoint):
    request = {"Subject": "s", "MessageText": "t", "WorkerIds": [""] * 250_000}
    error = refusal(endpoint, "NotifyWorkers", request)
    assert error["message"].count("failed to satisfy constraint") == 1
    assert "at 'workerIds' failed to satisfy constraint: Member must have length less than or" in error["message"]


def test_the_first_twenty_violations_are_told(endpoint: Endpoint):
    request = {"Subject": "s", "MessageText": "t", "WorkerIds": [""] * 100}
    message = refusal(endpoint, "NotifyWorkers", request)["message"]
    assert message.startswith("20 validation errors detected: ")
    assert message.count("failed to satisfy constraint") == 20


def test_the_model_and_the_table_limit_every_member_of_every_operation():
    found = {path: shape for operation in operations() for path, shape in members(operation)}
    unlimited = [path for path, shape in found.items() if path not in LIMITS and not limited(shape)]
    assert unlimited == []
    assert set(LIMITS) <= set(found)


def limited(shape: dict[str, Any]) -> bool:
    """Whether a member has an end by the model alone; an integer has 32 bits, and times are dates."""
    if shape["type"] in {"string", "long"}:
        return "max" in shape or "enum" in shape
    return shape["type"] != "list"
