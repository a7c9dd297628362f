"""Limits on requests that the 2017 model leaves out and the documentation gives. Pure.

The model's own constraints are the front end's business and end in a ValidationException; what it leaves out is
found by the service itself, so it is a ParameterValidationError, as for every parameter that the service finds unfit.
Sizes of lists are the exception: they are told like the model's, whose words for a length they are. RequesterFeedback
with control characters is a RequestError, as documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turkctl.market.errors import MarketError, ParameterValidationError, invalid_value

_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Limit:
    """The smallest and largest value, number of characters or bytes, both allowed."""

    low: int
    high: int
    unit: str = "value"


def _characters(high: int, low: int = 0) -> Limit:
    return Limit(low, high, "characters")


_DOCUMENT = Limit(0, 65_535, "bytes")
_YEAR = 31_536_000

LIMITS: Mapping[str, Limit] = {
    "LifetimeInSeconds": Limit(30, _YEAR),
    "AssignmentDurationInSeconds": Limit(30, _YEAR),
    "AutoApprovalDelayInSeconds": Limit(0, 2_592_000),
    "MaxAssignments": Limit(1, 1_000_000_000),
    "NumberOfAdditionalAssignments": Limit(1, 1_000_000_000),
    "TestDurationInSeconds": Limit(1, _YEAR),
    "RetryDelayInSeconds": Limit(0, _YEAR),
    "Title": _characters(128, low=1),
    "Description": _characters(2_000, low=1),
    "Keywords": _characters(1_000),
    "Name": _characters(200, low=1),
    "RequesterAnnotation": Limit(0, 255, "bytes"),
    "Question": _DOCUMENT,
    "Test": _DOCUMENT,
    "AnswerKey": _DOCUMENT,
    "RequesterFeedback": _characters(1_024),
    "Subject": _characters(200, low=1),
    "MessageText": _characters(4_096, low=1),
}
"""Limits by top-level member: seconds, counts, characters or bytes. From the documentation of the 2017 API where it
gives one (documents, feedback, notifications), else from that of the API before it."""

LIST_SIZES: Mapping[str, int] = {
    "WorkerIds": 100,
    "QualificationRequirements": 10,
    "IntegerValues": 15,
    "LocaleValues": 30,
}
"""Most items in a list, by the member's name at any depth. From the documentation."""


def check_limits(request: Mapping[str, Any]) -> None:
    """Check every member of a request whose types are right.

    Raises:
        ParameterValidationError: a limit of :data:`LIMITS` that is broken, or control characters.
        RequestError: control characters in RequesterFeedback.
    """
    for name, value in request.items():
        _check_limit(name, value)
        _check_characters(name, value)


def shorten(text: str) -> str:
    """As much of a value as an error quotes."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _check_limit(name: str, value: Any) -> None:
    limit = LIMITS.get(name)
    if limit is None:
        return
    if limit.unit == "value":
        if not limit.low <= value <= limit.high:
            raise ParameterValidationError(
                f'The value "{value}" is not valid for the parameter {name}. '
                f"Its values are {limit.low} to {limit.high}.",
                "AWS.ParameterOutOfRange",
            )
        return
    length = len(value) if limit.unit == "characters" else len(value.encode())
    if not limit.low <= length <= limit.high:
        raise ParameterValidationError(
            f'The value "{shorten(value)}" is not valid for the parameter {name}. '
            f"It has {length} {limit.unit}; {limit.low} to {limit.high} are allowed.",
            "AWS.MechanicalTurk.InvalidParameterValue",
        )


def _check_characters(name: str, value: Any) -> None:
    """Refuse text that neither XML nor every database can hold."""
    for text in _texts(value):
        if _CONTROL_CHARACTERS.search(text):
            raise _unfit(name, _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", shorten(text)))


def _unfit(name: str, shown: str) -> MarketError:
    message = f'The value "{shown}" is not valid for the parameter {name}. Control characters are not allowed.'
    if name == "RequesterFeedback":
        return invalid_value(message)
    return ParameterValidationError(message, "AWS.MechanicalTurk.InvalidParameterValue")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
