from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from botocore import xform_name
from hypothesis import given
from hypothesis import strategies as st
from wire_support import NOW_MS, RecordingMarket, call

from turkctl.market.errors import ParameterValidationError, ServiceFault, hit_does_not_exist
from turkctl.market.names import method_name
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.sigv4 import ANONYMOUS_ACCOUNT
from turkctl.market.protocol.validate import operations
from turkctl.market.protocol.wire import answer
from turkctl.market.service import Market


def test_every_operation_has_the_method_that_boto3_names():
    assert {operation: method_name(operation) for operation in operations()} == {
        operation: xform_name(operation) for operation in operations()
    }
    assert all(callable(getattr(Market, method_name(operation))) for operation in operations())
    assert len(operations()) == 42


def test_an_answer_has_amazons_content_type_and_a_request_id(endpoint: Endpoint):
    status, headers, body = answer(
        endpoint, "/", {"x-amz-target": "MTurkRequesterServiceV20170117.GetAccountBalance"}, b"{}"
    )
    assert (status, body) == (200, b"{}")
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert len(headers["x-amzn-RequestId"]) == 36


def test_times_are_epoch_seconds_and_money_is_text(endpoint: Endpoint, market: RecordingMarket):
    market.answers["get_hit"] = {
        "HIT": {"CreationTime": datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC), "Reward": Decimal("0.5")}
    }
    assert call(endpoint, "GetHIT", {"HITId": "3A"})[1] == {"HIT": {"CreationTime": 1767323045.25, "Reward": "0.50"}}


@pytest.mark.parametrize(
    "sent", [1767323045, 1767323045.0, "1767323045", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00"]
)
def test_times_arrive_as_numbers_or_iso_text(endpoint: Endpoint, market: RecordingMarket, sent: object):
    call(endpoint, "UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": sent})
    assert market.asked[0][2]["ExpireAt"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("sent", [0, "0", -5])
def test_expiring_at_the_epoch_or_before_is_accepted(endpoint: Endpoint, market: RecordingMarket, sent: object):
    assert call(endpoint, "UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": sent})[0] == 200
    assert market.asked[0][2]["ExpireAt"].year in {1969, 1970}


@pytest.mark.parametrize("sent", ["soon", "1e400", 1e300, True, [1], {}])
def test_what_is_no_time_is_a_serialization_error(endpoint: Endpoint, sent: object):
    status, error = call(endpoint, "UpdateExpirationForHIT", {"HITId": "3A", "ExpireAt": sent})
    assert (status, error["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'"text"', b'{"HITId": NaN}', b"\xff\xfe", b'{"HITId": ' + b"[" * 100_000, b'{"HITId": 5}']
)
def test_a_body_that_cannot_be_read_is_a_serialization_error(endpoint: Endpoint, market: RecordingMarket, body: bytes):
    status, error = call(endpoint, "GetHIT", body)
    assert (status, error["__type"]) == (400, "SerializationException")
    assert "message" in error
    assert market.asked == []


def test_half_a_surrogate_pair_is_refused_before_a_database_sees_it(endpoint: Endpoint, market: RecordingMarket):
    status, error = call(endpoint, "CreateWorkerBlock", b'{"WorkerId": "A1", "Reason": "\\ud800"}')
    assert (status, error["__type"], market.asked) == (400, "SerializationException", [])


@pytest.mark.parametrize("operation", ["NoSuchThing", "", "__init__", "now"])
def test_an_unknown_operation_says_so(endpoint: Endpoint, operation: str):
    status, error = call(endpoint, operation, {})
    assert (status, error["__type"]) == (400, "UnknownOperationException")


def test_a_target_of_another_service_is_unknown(endpoint: Endpoint):
    status, _, body = answer(endpoint, "/", {"X-Amz-Target": "AmazonSQS.GetHIT"}, b"{}")
    assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")


def test_the_path_or_the_host_tells_production_from_sandbox(endpoint: Endpoint, market: RecordingMarket):
    call(endpoint, "ListHITs", {}, path="/")
    call(endpoint, "ListHITs", {}, path="/sandbox")
    call(endpoint, "ListHITs", {}, path="/sandbox/")
    call(endpoint, "ListHITs", {}, headers={"Host": "mturk-requester-sandbox.us-east-1.amazonaws.com"})
    assert [requester.environment for _, requester, _ in market.asked] == ["production", *["sandbox"] * 3]
    assert call(endpoint, "ListHITs", {}, path="/elsewhere")[1]["__type"] == "UnknownOperationException"


def test_the_access_key_decides_the_account(endpoint: Endpoint, market: RecordingMarket):
    signed = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/mturk-requester/aws4_request, SignedHeaders=host, "
    for key in ("AKIDONE", "AKIDTWO", "AKIDONE"):
        call(endpoint, "ListHITs", {}, headers={"Authorization": signed.format(key)})
    call(endpoint, "ListHITs", {})
    first, second, again, unsigned = [requester.account for _, requester, _ in market.asked]
    assert first == again != second
    assert first.isdigit()
    assert len(first) == 12
    assert unsigned == ANONYMOUS_ACCOUNT


def test_the_services_own_errors_have_a_capital_message_that_ends_in_the_time(
    endpoint: Endpoint, market: RecordingMarket
):
    market.answers["get_hit"] = hit_does_not_exist("3A")
    assert call(endpoint, "GetHIT", {"HITId": "3A"}) == (
        400,
        {
            "__type": "RequestError",
            "Message": f"Hit 3A does not exist. ({NOW_MS})",
            "TurkErrorCode": "AWS.MechanicalTurk.HITDoesNotExist",
        },
    )
    market.answers["get_hit"] = hit_does_not_exist("3A")
    assert call(endpoint, "GetHIT", {"HITId": "3A"}, "/sandbox")[1]["Message"] == f"Hit 3A does not exist. ({NOW_MS} s)"


def test_an_error_without_a_code_of_its_own_leaves_the_member_out(endpoint: Endpoint, market: RecordingMarket):
    market.answers["get_hit"] = ParameterValidationError("No.")
    assert call(endpoint, "GetHIT", {"HITId": "3A"})[1] == {
        "__type": "ParameterValidationError",
        "Message": f"No. ({NOW_MS})",
    }


def test_a_fault_of_the_service_is_status_500(endpoint: Endpoint, market: RecordingMarket):
    market.answers["get_hit"] = ServiceFault()
    status, error = call(endpoint, "GetHIT", {"HITId": "3A"})
    assert (status, error["__type"], error["TurkErrorCode"]) == (500, "ServiceFault", "AWS.ServiceUnavailable")


def test_an_internal_failure_tells_nothing_of_its_cause(
    endpoint: Endpoint, market: RecordingMarket, caplog: pytest.LogCaptureFixture
):
    market.answers["get_hit"] = KeyError("secret column")
    status, error = call(endpoint, "GetHIT", {"HITId": "3A"})
    assert (status, error["__type"]) == (500, "ServiceFault")
    assert "secret" not in json.dumps(error)
    assert "secret column" in caplog.text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_MEMBERS = st.sampled_from(
    [
        "HITId",
        "Reward",
        "Title",
        "ExpireAt",
        "WorkerIds",
        "QualificationRequirements",
        "MaxResults",
        "MustBeRequestable",
    ]
)


@given(operation=st.sampled_from(sorted(operations())), document=st.dictionaries(_MEMBERS, _JSON) | _JSON)
def test_no_document_makes_the_front_end_fail(operation: str, document: object):
    endpoint = Endpoint(RecordingMarket())  # type: ignore[arg-type]  # stands in for a market
    status, reply = call(endpoint, operation, document)
    assert status in {200, 400}
    assert status == 200 or reply["__type"] in {
        "SerializationException",
        "ValidationException",
        "ParameterValidationError",
        "RequestError",
    }


@given(body=st.binary(max_size=200))
def test_no_bytes_make_the_front_end_fail(body: bytes):
    endpoint = Endpoint(RecordingMarket())  # type: ignore[arg-type]  # stands in for a market
    assert call(endpoint, "GetHIT", body)[0] in {200, 400}
