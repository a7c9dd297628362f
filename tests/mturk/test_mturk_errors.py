"""Each refusal of the market is one of turkctl's errors, with the market's own code and words."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore import exceptions as their

from turkctl.errors import CredentialsError, ExitCode, MarketUnreachableError, TurkctlError
from turkctl.mturk import errors
from turkctl.mturk.client import MTurk
from turkctl.mturk.connect import PRODUCTION_ENDPOINT
from turkctl.mturk.errors import translate

AMT = "AWS.MechanicalTurk."
FUNDS = (
    "This Requester has insufficient funds in their account to complete this transaction. Please visit "
    "https://requester.mturk.com/prepayments/new to purchase Prepaid HITs."
)
LINKED = "To use the MTurk API, you will need an Amazon Web Services (AWS) Account."
STATE = "This operation can be called with a status of: "
NAME = "You have already created a QualificationType with this name."

REFUSALS = [
    # type, TurkErrorCode, message, class
    ("RequestError", AMT + "HITDoesNotExist", "Hit 3PR does not exist.", errors.DoesNotExistError),
    ("RequestError", AMT + "AssignmentDoesNotExist", "Assignment 3A does not exist.", errors.DoesNotExistError),
    ("RequestError", AMT + "QualificationTypeDoesNotExist", "QualificationType 3Q …", errors.DoesNotExistError),
    ("RequestError", AMT + "QualificationDoesNotExist", "…", errors.DoesNotExistError),
    ("RequestError", AMT + "QualificationRequestDoesNotExist", "…", errors.DoesNotExistError),
    ("RequestError", AMT + "HITLayoutDoesNotExist", "…", errors.DoesNotExistError),
    ("RequestError", None, "Hit 3PR does not exist.", errors.DoesNotExistError),
    ("RequestError", AMT + "InvalidAssignmentState", STATE + "Submitted", errors.InvalidStateError),
    ("RequestError", AMT + "InvalidHITState", "This HIT is currently in the state 'X'.", errors.InvalidStateError),
    ("RequestError", AMT + "InvalidQualificationState", STATE + "Granted", errors.InvalidStateError),
    ("RequestError", AMT + "InvalidQualificationTypeState", STATE + "Active,Inactive", errors.InvalidStateError),
    ("RequestError", AMT + "InvalidQualificationRequestState", "…", errors.InvalidStateError),
    ("RequestError", AMT + "HITAlreadyPassedReview", "…", errors.InvalidStateError),
    ("RequestError", None, STATE + "Reviewable,Approved,Rejected", errors.InvalidStateError),
    ("RequestError", AMT + "HITAlreadyExists", 'The HIT with ID "3H" already exists.', errors.AlreadyExistsError),
    ("RequestError", AMT + "HitAlreadyExists", 'The HIT with ID "3H" already exists.', errors.AlreadyExistsError),
    ("RequestError", None, 'The HIT with ID "3H" already exists.', errors.AlreadyExistsError),
    ("RequestError", AMT + "Whatever", "Repeated idempotency token of request 7.", errors.AlreadyExistsError),
    ("ParameterValidationError", None, "The idempotency token was used.", errors.AlreadyExistsError),
    ("RequestError", AMT + "QualificationTypeAlreadyExists", NAME, errors.NameTakenError),
    ("RequestError", None, NAME, errors.NameTakenError),
    ("RequestError", AMT + "InsufficientFunds", FUNDS, errors.InsufficientFundsError),
    ("RequestError", None, FUNDS, errors.InsufficientFundsError),
    ("RequestError", AMT + "InvalidParameterValue", "…", errors.ParameterError),
    ("RequestError", "AWS.ParameterOutOfRange", "…", errors.ParameterError),
    ("RequestError", "AWS.MissingParameters", "…", errors.ParameterError),
    ("RequestError", "AWS.InvalidEnumeratedParameter", "…", errors.ParameterError),
    ("RequestError", AMT + "XMLParseError", "There was an error parsing …", errors.ParameterError),
    ("RequestError", AMT + "XHTMLParseError", "There was an error parsing …", errors.ParameterError),
    ("RequestError", AMT + "InvalidTransportEndpoint", "…", errors.ParameterError),
    ("ParameterValidationError", None, 'The value "A" is not valid for the parameter WorkerId.', errors.ParameterError),
    ("ValidationException", None, "1 validation error detected: …", errors.ParameterError),
    ("SerializationException", None, "…", errors.ParameterError),
    ("RequestError", None, "There was an error parsing the XML …", errors.ParameterError),
    ("RequestError", AMT + "InvalidMaximumAssignmentsIncrease", "…", errors.MarketRefusedError),
    ("RequestError", AMT + "HITTooOldForExtension", "…", errors.MarketRefusedError),
    ("RequestError", AMT + "PermissionDenied", "…", errors.MarketRefusedError),
    ("RequestError", AMT + "NeverSeenBefore", "…", errors.MarketRefusedError),
    ("ThrottlingException", None, "Rate exceeded", errors.ThrottledError),
    ("TooManyRequestsException", None, "", errors.ThrottledError),
    ("RequestError", None, "Rate exceeded", errors.ThrottledError),
    ("ServiceFault", AMT + "Strange", "…", errors.MarketFaultError),
    ("RequestError", "AWS.ServiceUnavailable", "…", errors.MarketFaultError),
    ("InternalFailure", None, "…", errors.MarketFaultError),
]
CREDENTIALS = [
    ("UnrecognizedClientException", None, "The security token included in the request is invalid."),
    ("InvalidSignatureException", None, "Signature expired"),
    ("AccessDeniedException", None, "no"),
    ("ExpiredTokenException", None, "no"),
    ("IncompleteSignatureException", None, "no"),
    ("MissingAuthenticationTokenException", None, "no"),
    ("RequestError", "AWS.AccountNotLinked", LINKED),
    ("RequestError", "AWS.NotAuthorized", "no"),
    ("RequestError", "AWS.BadCredentialSupplied", "no"),
    ("RequestError", "AWS.BadClaimsSupplied", "no"),
    ("RequestError", None, "This user is not authorized to perform the requested operation."),
]


@pytest.mark.parametrize("suffix", ["", " (1624047673969)", " (1596835865828 s)"], ids=["plain", "ms", "ms s"])
@pytest.mark.parametrize(("kind", "turk_code", "message", "expected"), REFUSALS)
def test_a_refusal_has_its_class_the_markets_code_and_its_words(
    market: MTurk, line, kind: str, turk_code: str | None, message: str, expected: type[TurkctlError], suffix: str
) -> None:
    line.refuse(kind, message + suffix, turk_code)
    with pytest.raises(errors.MarketRefusedError) as caught:
        market.get_hit("3PR")
    error = caught.value
    assert type(error) is expected
    botocore_keeps_the_code = kind in ("RequestError", "ServiceFault")
    assert error.code == ((turk_code if botocore_keeps_the_code else None) or kind)
    assert error.operation == "GetHIT"
    assert error.message == (message or f"GetHIT failed with {kind}")
    assert error.raw == (message + suffix or error.message)
    assert error.exit_code == ExitCode.FAILED


@pytest.mark.parametrize(("kind", "turk_code", "message"), CREDENTIALS)
def test_a_refusal_for_the_credentials_is_a_credentials_error(
    market: MTurk, line, kind: str, turk_code: str | None, message: str
) -> None:
    line.refuse(kind, message, turk_code)
    with pytest.raises(CredentialsError) as caught:
        market.balance()
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert message in caught.value.message
    assert caught.value.hint is not None
    assert "--profile" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "retryable", "throttled"),
    [
        (errors.MarketRefusedError, False, False),
        (errors.ThrottledError, True, True),
        (errors.MarketFaultError, True, False),
        (errors.AnswerLostError, True, False),
        (errors.AlreadyExistsError, False, False),
        (errors.NameTakenError, False, False),
        (errors.DoesNotExistError, False, False),
        (errors.InvalidStateError, False, False),
        (errors.InsufficientFundsError, False, False),
        (errors.ParameterError, False, False),
    ],
)
def test_only_what_may_pass_is_tried_again(kind: type[TurkctlError], retryable: bool, throttled: bool) -> None:
    assert (kind("…").retryable, kind("…").throttled) == (retryable, throttled)  # type: ignore[attr-defined]  # all have


@pytest.mark.parametrize("status", [500, 502, 503, 504, 505])
def test_a_failing_market_is_tried_again_whatever_it_sends(market: MTurk, line, status: int) -> None:
    line.answers = [(status, {"Content-Type": "text/html"}, b"<h1>no</h1>")]
    with pytest.raises(errors.MarketFaultError, match=f"HTTP {status}") as caught:
        market.balance()
    assert "<h1>" not in caught.value.message


def test_an_internal_fault_of_the_market_is_one_whatever_its_code(market: MTurk, line) -> None:
    line.refuse("Unheard", "…", status=500)
    with pytest.raises(errors.MarketFaultError):
        market.balance()


def test_http_429_without_a_code_is_throttling(market: MTurk, line) -> None:
    line.answers = [(429, {"Content-Type": "text/plain"}, b"slow down")]
    with pytest.raises(errors.ThrottledError):
        market.balance()


def test_a_repeated_token_tells_which_hit_it_made(market: MTurk, line) -> None:
    line.refuse("RequestError", 'The HIT with ID "3XYZ" already exists. (1624047673969)', AMT + "HitAlreadyExists")
    with pytest.raises(errors.AlreadyExistsError) as caught:
        market.get_hit("3PR")
    assert caught.value.hit_id == "3XYZ"
    assert errors.AlreadyExistsError("the idempotency token was used").hit_id is None


def test_a_wrong_state_tells_which_it_is() -> None:
    text = "This HIT is currently in the state 'Disposed'.  This operation can be called with a status of: Reviewable"
    assert errors.InvalidStateError(text).state == "Disposed"
    assert errors.InvalidStateError(STATE + "Submitted").state is None


def test_what_botocore_refuses_to_send_is_a_parameter_error(market: MTurk, line) -> None:
    line.say({})
    with pytest.raises(errors.ParameterError, match="HITId"):
        market.get_hit("")
    assert line.asked == []


@pytest.mark.parametrize(
    "error",
    [
        their.NoCredentialsError(),
        their.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        their.ProfileNotFound(profile="nope"),
        their.CredentialRetrievalError(provider="sso", error_msg="expired"),
        their.ConfigParseError(path="config"),
        their.UnauthorizedSSOTokenError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_credentials_that_cannot_be_had_are_a_credentials_error(error: Exception) -> None:
    found = translate(error, operation="GetHIT", endpoint="http://market.test")
    assert isinstance(found, CredentialsError)
    assert found.hint is not None


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (their.EndpointConnectionError(endpoint_url="x", error="[Errno 111] Connection refused"), False),
        (their.EndpointConnectionError(endpoint_url="x", error="Failed to resolve 'x'"), False),
        (their.ConnectTimeoutError(endpoint_url="x", error="late"), False),
        (their.SSLError(endpoint_url="x", error="self-signed"), False),
        (their.ProxyConnectionError(proxy_url="x", error="no"), False),
        (their.ReadTimeoutError(endpoint_url="x", error="late"), True),
        (their.ConnectionClosedError(endpoint_url="x"), True),
        (their.HTTPClientError(error="odd"), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_silence_is_unreachable_and_after_a_request_went_out_a_lost_answer(error: Exception, lost: bool) -> None:
    found = translate(error, operation="SendBonus", endpoint="http://market.test:8800")
    assert isinstance(found, MarketUnreachableError)
    assert isinstance(found, errors.AnswerLostError) is lost
    assert "http://market.test:8800" in found.message
    assert "Amazon" not in f"{found.message}{found.hint}"
    assert found.exit_code == ExitCode.UNREACHABLE


def test_silence_of_amazons_hosts_says_that_the_service_is_closed_and_what_works() -> None:
    silence = their.EndpointConnectionError(endpoint_url="x", error="Failed to resolve")
    found = translate(silence, operation="GetHIT", endpoint=PRODUCTION_ENDPOINT)
    assert PRODUCTION_ENDPOINT in found.message
    assert "2026-09-30" in found.message
    assert found.hint is not None
    assert "--mode local" in found.hint
    assert "turkctl market serve" in found.hint


def test_a_password_in_the_endpoint_is_not_shown() -> None:
    silence = their.EndpointConnectionError(endpoint_url="x", error="refused")
    found = translate(silence, operation="GetHIT", endpoint="https://user:secret@market.test/x")
    assert "secret" not in found.message
    assert "https://market.test/x" in found.message


def test_boto3_is_imported_by_the_client_package_alone() -> None:
    import turkctl

    found = [
        path.parent.name
        for path in Path(turkctl.__file__).parent.rglob("*.py")
        if "import boto3" in path.read_text(encoding="utf-8")
    ]
    assert {*found} == {"mturk"}
