"""Errors for refusals and missing answers of the market.

boto3 does not distinguish enough: every business rule is a ``RequestError``, parameter errors have no modelled
exception, and the service's own code is in ``TurkErrorCode`` only. :func:`translate` looks at ``Error.Code``, at
``TurkErrorCode`` and, if neither is enough, at the texts that clients of the service have come to rely on.
"""

from __future__ import annotations

import re
from http.client import BadStatusLine, HTTPException, LineTooLong, RemoteDisconnected, UnknownProtocol
from typing import Any, Final
from urllib.parse import urlsplit

from turkctl.addresses import mask_url
from turkctl.errors import CredentialsError, MarketUnreachableError, TurkctlError
from turkctl.mturk.bounds import OutOfBoundsError
from turkctl.mturk.certificates import explain

AMAZONS_END = "Amazon closed Mechanical Turk on 2026-09-30"
WAY_OUT = "work with `--mode local`, or use the --endpoint-url of a market of your own (`turkctl market serve`)"

NONE_OF_THE_API = "it is not an answer of the Mechanical Turk API"

_TIMESTAMP: Final = re.compile(r"\s*\(\d{10,16}(?: s)?\)\s*$")
"""The service ends its texts with the time in milliseconds, followed by `` s`` in the sandbox."""
_EXISTING_HIT: Final = re.compile(r'HIT with ID "?([A-Z0-9]+)"? already exists', re.IGNORECASE)
_STATE: Final = re.compile(r"currently in the state '(\w+)'")


class MarketRefusedError(TurkctlError):
    """The market refused a request.

    Attributes:
        code: the market's own code: ``TurkErrorCode`` if there is one, else ``Error.Code``.
        operation: the API's name of the operation, as in ``CreateHIT``.
        raw: the market's text as received, time stamp included.
        retryable: the same request may succeed a little later.
        throttled: the request came too soon after others.
    """

    code = "refused_by_market"
    retryable = False
    throttled = False
    default_hint: str | None = None

    def __init__(self, message: str, *, code: str = "", operation: str = "", raw: str = "") -> None:
        super().__init__(message, hint=self.default_hint)
        self.code = code or type(self).code
        self.operation = operation
        self.raw = raw or message


class ThrottledError(MarketRefusedError):
    """Too many requests in too short a time."""

    retryable = True
    throttled = True


class MarketFaultError(MarketRefusedError):
    """The market failed (HTTP 5xx, ServiceFault). The effect may or may not have happened."""

    retryable = True


class AlreadyExistsError(MarketRefusedError):
    """A UniqueRequestToken was used before: its effect has already happened.

    Attributes:
        hit_id: the HIT that the token created, if the text names it.
    """

    @property
    def hit_id(self) -> str | None:  # noqa: D102  # described above
        match = _EXISTING_HIT.search(self.raw)
        return match[1] if match else None


class NameTakenError(MarketRefusedError):
    """The account already has a qualification type with this name."""


class DoesNotExistError(MarketRefusedError):
    """The market does not know this HIT, assignment, qualification type or qualification."""


class InvalidStateError(MarketRefusedError):
    """The state of the HIT, assignment or qualification does not allow this.

    Attributes:
        state: the current state, if the text names it (for HITs).
    """

    @property
    def state(self) -> str | None:  # noqa: D102  # described above
        match = _STATE.search(self.raw)
        return match[1] if match else None


class InsufficientFundsError(MarketRefusedError):
    """The balance is too low."""

    default_hint = "`turkctl balance` shows what is available; running the command again does the rest"


class ParameterError(MarketRefusedError):
    """A value that the market does not accept."""


class NotConnectedError(MarketUnreachableError):
    """No connection was made, so nothing can have happened: the market may be restarting."""

    not_sent = True


class AnswerLostError(MarketUnreachableError):
    """The request was sent but no complete answer arrived: the effect may or may not have happened."""

    code = "answer_lost"
    retryable = True
    throttled = False

    def __init__(self, message: str, hint: str | None = None, *, operation: str = "") -> None:
        super().__init__(message, hint)
        self.operation = operation


class StrangeAnswerError(AnswerLostError):
    """What answered is no market: it sent a web page, or speaks something else than the API.

    Attributes:
        few_tries: the request only reads, or no market has ever answered there: it is not repeated for long.
    """

    few_tries = False


_BY_CODE: Final[tuple[tuple[re.Pattern[str], type[MarketRefusedError]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"Throttl|^TooManyRequests|^RequestLimitExceeded|^429$", ThrottledError),
        (r"^ServiceFault$|^InternalFailure|^InternalServer|ServiceUnavailable|^5\d\d$", MarketFaultError),
        (r"\.QualificationTypeAlreadyExists$", NameTakenError),
        (r"HITAlreadyExists$|idempoten|DuplicateRequest", AlreadyExistsError),
        (r"DoesNotExist$", DoesNotExistError),
        (r"\.Invalid\w+State$|\.HITAlreadyPassedReview$", InvalidStateError),
        (r"InsufficientFunds$", InsufficientFundsError),
        (r"^(ParameterValidationError|ValidationException|SerializationException)$|ParseError$", ParameterError),
        (r"\.(InvalidParameterValue|ParameterOutOfRange|MissingParameters)$", ParameterError),
        (r"\.(InvalidEnumeratedParameter|InvalidTransportEndpoint)$", ParameterError),
    )
)
_BY_TEXT: Final[tuple[tuple[str, type[MarketRefusedError]], ...]] = (
    ("idempotency", AlreadyExistsError),
    ("rate exceeded", ThrottledError),
    ("already created a qualificationtype with this name", NameTakenError),
    ("can be called with a status of", InvalidStateError),
    ("currently in the state", InvalidStateError),
    ("insufficient funds", InsufficientFundsError),
    ("is not valid for the parameter", ParameterError),
    ("there was an error parsing", ParameterError),
    ("does not exist", DoesNotExistError),
)
_CREDENTIAL_CODES: Final = re.compile(
    r"^(UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|AccessDenied|NotAuthorized"
    r"|InvalidClientTokenId|InvalidAccessKeyId|MissingAuthenticationToken|ExpiredToken|InvalidToken|OptInRequired"
    r"|AuthFailure|RequestExpired)"
    r"|^AWS\.(AccountNotLinked|NotAuthorized|BadCredentialSupplied|BadClaimsSupplied)"
)
_CREDENTIAL_TEXT: Final = "not authorized to perform the requested operation"


def shown(endpoint: str) -> str:
    """Return an endpoint's address without the user name, the password and other secrets in it."""
    parts = urlsplit(endpoint)
    return mask_url(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def is_amazons(endpoint: str) -> bool:
    """Return whether the address is one of Amazon's own."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".api.aws"))


def unreachable(endpoint: str, reason: str) -> MarketUnreachableError:
    """Return the error for a market that does not answer, or whose answer makes no sense."""
    return MarketUnreachableError(*_silence(endpoint, reason))


def no_answer_of_a_market(endpoint: str, operation: str) -> MarketUnreachableError:
    """Return the error for a refusal that is not in the API's form: whatever sent it did nothing."""
    return unreachable(endpoint, f"what it answered to {operation} is not an answer of the Mechanical Turk API")


def lost(endpoint: str, operation: str, reason: str = NONE_OF_THE_API) -> AnswerLostError:
    """Return the error for an unusable answer, which leaves it unknown what it was about to say."""
    reads = operation.startswith(("Get", "List"))
    effect = "nothing was changed" if reads else "the request may have been carried out"
    return AnswerLostError(
        f"the answer of {shown(endpoint)} to {operation} cannot be used: {reason}",
        f"{effect}; check that a market is at that address, and run the command again",
        operation=operation,
    )


def strange(endpoint: str, operation: str, what: str) -> StrangeAnswerError:
    """Return the error for an answer that is none of the API's, of which nobody knows what it did.

    Args:
        endpoint: the address that was asked.
        operation: the API's name of the operation.
        what: the answer is, as in ``a web page``.
    """
    hint = "check the address and its port, and that no login page of a network stands in between"
    if not reads_only(operation):
        hint = f"{hint}; the request may have been carried out: run the command again"
    message = f"no market at {shown(endpoint)}: its answer to {operation} is {what}, not an answer of the API"
    return StrangeAnswerError(message, hint, operation=operation)


def reads_only(operation: str) -> bool:
    """Return whether an operation, by the API's name, changes nothing."""
    return operation.startswith(("Get", "List"))


def translate(error: Exception, *, operation: str, endpoint: str) -> TurkctlError:
    """Return turkctl's error for one of botocore's (``ClientError``, ``BotoCoreError``, a parser's)."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, TurkctlError):
        return error
    if isinstance(error, ClientError):
        return _refusal(error.response, operation, endpoint)
    if isinstance(error, BotoCoreError):
        return _silence_or_setup(error, operation, endpoint)
    return lost(endpoint, operation)


def _refusal(response: Any, operation: str, endpoint: str) -> TurkctlError:
    details = response.get("Error", {})
    error_code = str(details.get("Code") or "")
    turk_code = str(response.get("TurkErrorCode") or "")
    raw = str(details.get("Message") or response.get("Message") or "")
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    code = turk_code or error_code
    text = _TIMESTAMP.sub("", raw)
    if any(_CREDENTIAL_CODES.search(known) for known in (turk_code, error_code)) or _CREDENTIAL_TEXT in raw.lower():
        return _turned_away(endpoint, f"{shown(endpoint)} refused the credentials: {text or code} ({code})")
    kind = _kind(turk_code, error_code, text, status)
    if kind is MarketRefusedError and (not error_code or error_code.isdigit()):
        # A web server that does not know the API: botocore makes up a code from the HTTP status.
        return no_answer_of_a_market(endpoint, operation)
    if error_code.isdigit():
        text = f"{shown(endpoint)} answered HTTP {error_code}"
    return kind(text or f"{operation} failed with {code}", code=code, operation=operation, raw=raw)


def _kind(turk_code: str, error_code: str, text: str, status: int) -> type[MarketRefusedError]:
    for known in filter(None, (turk_code, error_code)):
        for pattern, kind in _BY_CODE:
            if pattern.search(known):
                return _token_or(kind, text)
    lowered = text.lower()
    for part, kind in _BY_TEXT:
        if part in lowered:
            return kind
    if status >= 500:
        return MarketFaultError
    return AlreadyExistsError if _EXISTING_HIT.search(text) else MarketRefusedError


def _token_or(kind: type[MarketRefusedError], text: str) -> type[MarketRefusedError]:
    """Recognize a repeated token by its text: only CreateHIT has a code for it, the others mention idempotency."""
    return AlreadyExistsError if kind is ParameterError and "idempotency" in text.lower() else kind


def _silence_or_setup(error: Any, operation: str, endpoint: str) -> TurkctlError:
    """Return the error for what botocore raises before, instead of or after an answer."""
    from botocore import exceptions as their

    if isinstance(error, their.ParamValidationError):
        report = " ".join(str(error.kwargs.get("report", error)).split())
        return ParameterError(report, code="ParamValidation", operation=operation)
    if _is_no_http(error):
        return strange(endpoint, operation, "not HTTP")
    if isinstance(error, their.ReadTimeoutError | their.ConnectionClosedError):
        return _silent(error, operation, endpoint)
    if isinstance(error, their.SSLError):
        return MarketUnreachableError(*explain(error, shown(endpoint)))
    if isinstance(error, their.EndpointConnectionError) and "refused" in str(error.kwargs.get("error", "")):
        return NotConnectedError(*_silence(endpoint, _reason(error)))
    if isinstance(error, their.ConnectionError | their.EndpointProviderError | their.UnknownEndpointError):
        return unreachable(endpoint, _reason(error))
    if isinstance(error, their.HTTPClientError):
        cause = error.kwargs.get("error")
        if isinstance(cause, OutOfBoundsError):
            return lost(endpoint, operation, str(cause))
        return _silent(error, operation, endpoint)
    return _turned_away(endpoint, f"AWS credentials or settings cannot be used: {error}")


def _silent(error: Any, operation: str, endpoint: str) -> AnswerLostError:
    message, hint = _silence(endpoint, _reason(error))
    return AnswerLostError(message, hint, operation=operation)


def _reason(error: Exception) -> str:
    from botocore import exceptions as their

    if (why := _protocol_fault(error)) is not None:
        return f"what came back is not HTTP: {why}"
    known: tuple[tuple[type[Exception], str], ...] = (
        (their.ReadTimeoutError, "no answer came in time"),
        (their.ConnectionClosedError, "the connection was closed before an answer came"),
        (their.ConnectTimeoutError, "no connection was made in time"),
        (their.ProxyConnectionError, "the proxy could not be reached"),
    )
    for kind, reason in known:
        if isinstance(error, kind):
            return reason
    text = str(getattr(error, "kwargs", {}).get("error") or error)
    if "refused" in text:
        return "the connection was refused"
    if "Failed to resolve" in text:
        return "its name cannot be resolved"
    return text


def _protocol_fault(error: Exception) -> str | None:
    """Return what is wrong with bytes that came and are not HTTP; None where the connection only ended."""
    cause = _http_cause(error)
    if isinstance(cause, LineTooLong | UnknownProtocol) or type(cause) is HTTPException:
        return str(cause)  # of no known kind: too many headers
    return None


def _http_cause(error: Exception) -> object:
    """Return the error of Python's HTTP client that urllib3 and botocore have wrapped."""
    wrapped = getattr(error, "kwargs", {}).get("error")
    return next((each for each in getattr(wrapped, "args", ()) if isinstance(each, HTTPException)), None)


def _is_no_http(error: Exception) -> bool:
    """Return whether another protocol answered: what came first is not, and does not begin, a line of HTTP."""
    cause = _http_cause(error)
    if isinstance(cause, RemoteDisconnected) or not isinstance(cause, BadStatusLine):
        return False
    line = str(cause)
    return not (line.startswith("HTTP/") or "HTTP/".startswith(line))


def _silence(endpoint: str, reason: str) -> tuple[str, str]:
    message = f"no market at {shown(endpoint)}: {reason}"
    if is_amazons(endpoint):
        return f"{message} ({AMAZONS_END})", WAY_OUT
    return message, "check the address, and that a market is running there"


def _turned_away(endpoint: str, message: str) -> CredentialsError:
    hint = (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile; `--mode local` needs none"
    )
    if is_amazons(endpoint):
        hint = f"{hint} ({AMAZONS_END}: no new account can be made)"
    return CredentialsError(message, hint=hint)
