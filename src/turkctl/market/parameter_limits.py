"""Limits on requests that the 2017 model leaves out. Pure.

The model's own constraints are checked by the front end and end in a ValidationException; the other limits are checked
by the service itself and end in a ParameterValidationError, as does every parameter that the service refuses. Sizes of
lists are the exception: they are reported like the model's, since it words length constraints. RequesterFeedback with
control characters is a RequestError, as documented.

Together the model and this table limit every member of every request, so that no request causes unlimited work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turkctl.market.errors import MarketError, ParameterValidationError, invalid_value

_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Limit:
    """The smallest and largest value, number of characters, bytes or items, both inclusive."""

    low: int
    high: int
    unit: str = "value"


def _characters(high: int, low: int = 0) -> Limit:
    return Limit(low, high, "characters")


def _items(high: int) -> Limit:
    return Limit(0, high, "items")


_DOCUMENT = Limit(0, 65_535, "bytes")
_YEAR = 31_536_000
_ID = _characters(64)
_WORD = _characters(256)

_REQUIREMENTS: Mapping[str, Limit] = {
    "QualificationRequirements": _items(10),
    "QualificationRequirements.QualificationTypeId": _ID,
    "QualificationRequirements.IntegerValues": _items(15),
    "QualificationRequirements.LocaleValues": _items(30),
}
_REVIEW_POLICY: Mapping[str, Limit] = {
    "": _DOCUMENT,
    ".PolicyName": _ID,
    ".Parameters": _items(20),
    ".Parameters.Key": _WORD,
    ".Parameters.Values": _items(100),
    ".Parameters.Values.member": _WORD,
    ".Parameters.MapEntries": _items(500),
    ".Parameters.MapEntries.Key": _WORD,
    ".Parameters.MapEntries.Values": _items(100),
    ".Parameters.MapEntries.Values.member": _WORD,
}

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
    "Reward": _ID,
    "BonusAmount": _ID,
    "RequesterAnnotation": Limit(0, 255, "bytes"),
    "Question": _DOCUMENT,
    "Test": _DOCUMENT,
    "AnswerKey": _DOCUMENT,
    "HITLayoutParameters": _items(500),
    "HITLayoutParameters.Name": _WORD,
    "HITLayoutParameters.Value": _DOCUMENT,
    **_REQUIREMENTS,
    **{f"AssignmentReviewPolicy{rest}": limit for rest, limit in _REVIEW_POLICY.items()},
    **{f"HITReviewPolicy{rest}": limit for rest, limit in _REVIEW_POLICY.items()},
    "RequesterFeedback": _characters(1_024),
    "Reason": _characters(4_096),
    "Subject": _characters(200, low=1),
    "MessageText": _characters(4_096, low=1),
    "WorkerIds": _items(100),
    "OwnIds": _items(100),
    "Items": _items(1_000),
    "KnownItems": _items(1_000),
    "Query": _characters(200),
    "QualificationRequestId": _ID,
    "QuestionIdentifier": _WORD,
    "AssignmentStatuses": _items(10),
    "PolicyLevels": _items(10),
    "Notification.Destination": _characters(1_024),
    "Notification.Version": _ID,
    "Notification.EventTypes": _items(20),
}
"""Limits by member: seconds, counts, characters, bytes (of a structure: as JSON) or items. A nested member is named
with its path; the items of a list of texts are its ``member``. From the documentation of the 2017 API where it gives
one (documents, feedback, notifications, lists of requirements and workers), else from that of the API before it, else
chosen large enough for what clients send."""


def check_limits(request: Mapping[str, Any]) -> None:
    """Check every member of a request whose types are right.

    Raises:
        ParameterValidationError: a limit of :data:`LIMITS` is exceeded, or there are control characters.
        RequestError: RequesterFeedback has control characters.
    """
    for name, value in request.items():
        _check_member(name, value)
        _check_characters(name, value)


def _check_member(path: str, value: Any) -> None:
    """Check a member and its contents; the front end checks sizes of lists."""
    _check_limit(path, value)
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_member(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                for name, member in inner.items():
                    _check_member(f"{path}.{name}", member)
            else:
                _check_limit(f"{path}.member", inner)


def shorten(text: str) -> str:
    """Return the part of a value that an error quotes."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _check_limit(path: str, value: Any) -> None:
    limit = LIMITS.get(path)
    if limit is None or limit.unit == "items":
        return
    name = path.rpartition(".")[2]
    if limit.unit == "value":
        if not limit.low <= value <= limit.high:
            raise ParameterValidationError(
                f'The value "{value}" is not valid for the parameter {name}. '
                f"Its values are {limit.low} to {limit.high}.",
                "AWS.ParameterOutOfRange",
            )
        return
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    length = len(text) if limit.unit == "characters" else len(text.encode())
    if not limit.low <= length <= limit.high:
        raise ParameterValidationError(
            f'The value "{shorten(text)}" is not valid for the parameter {name}. '
            f"It has {length} {limit.unit}; {limit.low} to {limit.high} are allowed.",
            "AWS.MechanicalTurk.InvalidParameterValue",
        )


def _check_characters(name: str, value: Any) -> None:
    """Refuse text that XML or some databases cannot store."""
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
