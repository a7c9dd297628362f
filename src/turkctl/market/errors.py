"""What the market answers when it refuses: error types, codes and texts of the Requester API.

The codes and the quoted texts are those that clients and logs of the service show. The texts that end in a time
get it at the border of the market (:meth:`MarketError.stamp`), so that nothing below needs the clock to refuse.
"""

from __future__ import annotations

from typing import ClassVar

AMT = "AWS.MechanicalTurk."
_LONGEST_MESSAGE = 10_000
"""Characters of a refusal, which may quote what was sent."""


class MarketError(Exception):
    """A request that the market refuses.

    Attributes:
        type: the error's name on the wire (``__type``).
        message: the text, with the time at its end once :meth:`stamp` was called.
        turk_error_code: the service's own code, or None where an error of this type carries none.
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
        """Put the time at the end of the text: ``(<epoch ms>)``, in the sandbox ``(<epoch ms> s)``. Once only."""
        if self.capital and not self._stamped:
            self.message += f" ({now_ms} s)" if environment == "sandbox" else f" ({now_ms})"
            self._stamped = True


class RequestError(MarketError):
    """The requester asked for something that a rule of the market forbids."""

    type = "RequestError"

    def __init__(self, turk_error_code: str, message: str) -> None:
        """Refuse with ``AWS.…`` code (``AWS.MechanicalTurk.`` is put before a bare name)."""
        super().__init__(message, turk_error_code if turk_error_code.startswith("AWS.") else AMT + turk_error_code)


class ParameterValidationError(MarketError):
    """A value that is well-formed and means nothing here, such as an unknown worker or a broken document."""

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
    """The market's own fault: the effect may or may not have happened."""

    type = "ServiceFault"
    status = 500

    def __init__(self, message: str = "The service is unavailable.", code: str = "AWS.ServiceUnavailable") -> None:
        super().__init__(message, code)


class WorkError(Exception):
    """A worker may not do this. Not part of the Requester API: the worker's site words it.

    Attributes:
        code: a stable name, as in ``DoesNotMeetRequirements``, ``AssignmentAlreadyExists``, ``AlreadySubmitted``.
        message: one sentence for the worker.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def hit_does_not_exist(hit_id: str) -> RequestError:
    """An unknown, foreign or long-gone HIT."""
    return RequestError("HITDoesNotExist", f"Hit {hit_id} does not exist.")


def assignment_does_not_exist(assignment_id: str) -> RequestError:
    """An unknown or foreign assignment."""
    return RequestError("AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist.")


def invalid_assignment_state(*allowed: str) -> RequestError:
    """The assignment's status does not allow this; Amazon's inner name of Submitted is Reviewable."""
    return RequestError("InvalidAssignmentState", f"This operation can be called with a status of: {','.join(allowed)}")


def already_reviewed() -> RequestError:
    """A HIT is marked as being reviewed a second time."""
    return RequestError("HITAlreadyPassedReview", _hit_state("Reviewing", "Reviewable"))


def invalid_hit_state(status: str, *allowed: str) -> RequestError:
    """The HIT's status does not allow this."""
    return RequestError("InvalidHITState", _hit_state(status, *allowed))


def _hit_state(status: str, *allowed: str) -> str:
    """Return the service's text, with the two spaces that it had between its sentences."""
    return (
        f"This HIT is currently in the state '{status}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}"
    )


def insufficient_funds() -> RequestError:
    """The available balance does not cover it."""
    return RequestError(
        "InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    )


def hit_already_exists(hit_id: str) -> RequestError:
    """A UniqueRequestToken that made a HIT in the last 24 hours."""
    return RequestError("HITAlreadyExists", f'The HIT with ID "{hit_id}" already exists.')


def already_processed(token: str, request_id: str) -> RequestError:
    """A UniqueRequestToken of SendBonus or CreateAdditionalAssignmentsForHIT that was used in the last 24 hours.

    The word ``idempotency`` and the request id are documented; the code is not, so the generic one stands here.
    """
    return RequestError(
        "InvalidParameterValue",
        f'The idempotency token "{token}" has already been processed. The request ID was {request_id}.',
    )


def qualification_type_does_not_exist(type_id: str) -> RequestError:
    """An unknown or deleted qualification type."""
    return RequestError("QualificationTypeDoesNotExist", f"QualificationType {type_id} does not exist.")


def not_valid(value: object, parameter: str, why: str = "") -> ParameterValidationError:
    """A value that this parameter cannot have, as with a worker id nobody knows."""
    text = f'The value "{value}" is not valid for the parameter {parameter}.'
    return ParameterValidationError(f"{text} {why}" if why else text)


def invalid_value(message: str) -> RequestError:
    """The generic refusal of a value by a rule."""
    return RequestError("InvalidParameterValue", message)


def permission_denied(what: str) -> RequestError:
    """Acting on what belongs to somebody else."""
    return RequestError("PermissionDenied", f"You do not have permission to {what}.")


def bad_xml(details: str) -> ParameterValidationError:
    """A question, test or answer key that is not well-formed or not valid."""
    return ParameterValidationError(
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {details}"
    )


def bad_html(line: int, column: int, message: str) -> ParameterValidationError:
    """An HTMLQuestion whose content is not a document."""
    return ParameterValidationError(
        "There was an error parsing the HTML5 data in your request. Please make sure the data is well-formed and "
        f"validates against the appropriate schema. Details: Errors: <! [{line},{column}] {message} !> "
        "Invalid content: the HTMLContent element."
    )
