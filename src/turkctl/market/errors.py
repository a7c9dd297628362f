"""The market's refusals: error types, codes and texts of the Requester API.

The codes and the quoted texts are those seen in the service's clients and logs. Texts that end in a time get it when
they leave the market (:meth:`MarketError.stamp`), so that nothing below needs the clock.
"""

from __future__ import annotations

from typing import ClassVar

AMT = "AWS.MechanicalTurk."
_LONGEST_MESSAGE = 10_000
"""Maximum characters of a refusal, which may quote what was sent."""


class MarketError(Exception):
    """A request that the market refuses.

    Attributes:
        type: the error's name on the wire (``__type``).
        message: the text, with the time at its end once :meth:`stamp` was called.
        turk_error_code: the service's own code, or None if an error of this type has none.
        status: the HTTP status.
        capital: whether the body says ``Message`` (the service itself) or ``message`` (the framework before it).
    """

    type: ClassVar[str] = "ServiceFault"
    status: ClassVar[int] = 400
    capital: ClassVar[bool] = True

    def __init__(self, message: str, turk_error_code: str | None = None) -> None:
        if len(message) > _LONGEST_MESSAGE:
            message = f"{message[:_LONGEST_MESSAGE]}..."
        super().__init__(message)
        self.message = message
        self.turk_error_code = turk_error_code
        self._stamped = False

    def __str__(self) -> str:
        return self.message

    def stamp(self, now_ms: int, environment: str) -> None:
        """Append the time to the text, once: ``(<epoch ms>)``, in the sandbox ``(<epoch ms> s)``."""
        if self.capital and not self._stamped:
            self.message += f" ({now_ms} s)" if environment == "sandbox" else f" ({now_ms})"
            self._stamped = True


class RequestError(MarketError):
    """A request that breaks a rule of the market."""

    type = "RequestError"

    def __init__(self, turk_error_code: str, message: str) -> None:
        """Refuse with ``AWS.…`` code (``AWS.MechanicalTurk.`` is put before a bare name)."""
        super().__init__(message, turk_error_code if turk_error_code.startswith("AWS.") else AMT + turk_error_code)


class ParameterValidationError(MarketError):
    """A well-formed value that is wrong here, such as an unknown worker or a broken document."""

    type = "ParameterValidationError"


class ValidationException(MarketError):  # noqa: N818  its name on the wire
    """The framework's own check of types, patterns and sizes."""

    type = "ValidationException"
    capital = False


class ThrottlingException(MarketError):  # noqa: N818  its name on the wire
    """Too many requests."""

    type = "ThrottlingException"
    capital = False

    def __init__(self, message: str = "Rate exceeded") -> None:
        super().__init__(message)


class ServiceFault(MarketError):  # noqa: N818  its name on the wire
    """A fault of the market itself: the effect may or may not have happened."""

    type = "ServiceFault"
    status = 500

    def __init__(self, message: str = "The service is unavailable.", code: str = "AWS.ServiceUnavailable") -> None:
        super().__init__(message, code)


class WorkError(Exception):
    """An action that a worker may not do. Not part of the Requester API: the worker site shows it.

    Attributes:
        code: a stable name, as in ``DoesNotMeetRequirements``, ``AssignmentAlreadyExists``, ``AlreadySubmitted``.
        message: one sentence for the worker.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def hit_does_not_exist(hit_id: str) -> RequestError:
    """Return the error for a HIT that is unknown, belongs to another requester, or was deleted long ago."""
    return RequestError("HITDoesNotExist", f"Hit {hit_id} does not exist.")


def assignment_does_not_exist(assignment_id: str) -> RequestError:
    """Return the error for an assignment that is unknown or belongs to another requester."""
    return RequestError("AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist.")


def invalid_assignment_state(*allowed: str) -> RequestError:
    """Return the error for an assignment whose status forbids this; Amazon's inner name for Submitted is Reviewable."""
    return RequestError("InvalidAssignmentState", f"This operation can be called with a status of: {','.join(allowed)}")


def already_reviewed() -> RequestError:
    """Return the error for a HIT that is marked as being reviewed a second time."""
    return RequestError("HITAlreadyPassedReview", _hit_state("Reviewing", "Reviewable"))


def invalid_hit_state(status: str, *allowed: str) -> RequestError:
    """Return the error for a HIT whose status forbids this."""
    return RequestError("InvalidHITState", _hit_state(status, *allowed))


def _hit_state(status: str, *allowed: str) -> str:
    """Return the service's text, which has two spaces between its sentences."""
    return (
        f"This HIT is currently in the state '{status}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}"
    )


def insufficient_funds() -> RequestError:
    """Return the error for an available balance that is too low."""
    return RequestError(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    )


def hit_already_exists(hit_id: str) -> RequestError:
    """Return the error for a UniqueRequestToken that created a HIT in the last 24 hours."""
    return RequestError("HITAlreadyExists", f'The HIT with ID "{hit_id}" already exists.')


def already_processed(token: str, request_id: str) -> RequestError:
    """Return the error for a token of SendBonus or CreateAdditionalAssignmentsForHIT used in the last 24 hours.

    The word ``idempotency`` and the request id are documented; the code is not, so the generic one is used.
    """
    return RequestError(
        "InvalidParameterValue",
        f'The idempotency token "{token}" has already been processed. The request ID was {request_id}.',
    )


def qualification_type_does_not_exist(type_id: str) -> RequestError:
    """Return the error for an unknown or deleted qualification type."""
    return RequestError("QualificationTypeDoesNotExist", f"QualificationType {type_id} does not exist.")


def not_valid(value: object, parameter: str, why: str = "") -> ParameterValidationError:
    """Return the error for a value that is invalid for this parameter, such as an unknown worker id."""
    text = f'The value "{value}" is not valid for the parameter {parameter}.'
    return ParameterValidationError(f"{text} {why}" if why else text)


def invalid_value(message: str) -> RequestError:
    """Return the generic error for a value that breaks a rule."""
    return RequestError("InvalidParameterValue", message)


def permission_denied(what: str) -> RequestError:
    """Return the error for acting on something that belongs to another requester."""
    return RequestError("PermissionDenied", f"You do not have permission to {what}.")


def bad_xml(details: str) -> ParameterValidationError:
    """Return the error for a question, test or answer key that is malformed or invalid."""
    return ParameterValidationError(
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {details}"
    )


def bad_html(line: int, column: int, message: str) -> ParameterValidationError:
    """Return the error for an HTMLQuestion whose content is not a document."""
    return ParameterValidationError(
        "There was an error parsing the HTML5 data in your request. Please make sure the data is well-formed and "
        f"validates against the appropriate schema. Details: Errors: <! [{line},{column}] {message} !> "
        "Invalid content: the HTMLContent element."
    )
