"""Limits that the service's model does not carry; the old reference gave them and the service kept them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from turkctl.market.errors import not_valid
from turkctl.units import to_micros

YEAR = 31_536_000
"""Seconds."""
MOST_ASSIGNMENTS = 1_000_000_000
MOST_DOLLARS = 1_000_000
DOCUMENT_BYTES = 65_535

_NUMBERS = {
    "LifetimeInSeconds": (30, YEAR),
    "AssignmentDurationInSeconds": (30, YEAR),
    "AutoApprovalDelayInSeconds": (0, 2_592_000),
    "MaxAssignments": (1, MOST_ASSIGNMENTS),
    "NumberOfAdditionalAssignments": (1, MOST_ASSIGNMENTS),
    "TestDurationInSeconds": (1, YEAR),
    "RetryDelayInSeconds": (0, YEAR),
}
_LENGTHS = {"Title": 128, "Description": 2000, "Keywords": 1000, "RequesterAnnotation": 255}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_HIT_TYPE = ("AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Title", "Description", "Keywords")
_HIT = ("LifetimeInSeconds", "MaxAssignments", "RequesterAnnotation")


def checked(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request, once all of its texts are known to be storable.

    Raises:
        ParameterValidationError: a NUL character, or half of a surrogate pair.
    """
    for name, value in request.items():
        _check_text(name, value)
    return dict(request)


def _check_text(name: str, value: object) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise not_valid(ascii(value[:40]), name, "It contains characters that text cannot have.")
    elif isinstance(value, Mapping):
        for member, inner in value.items():
            _check_text(str(member), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_text(name, inner)


def check_integer(value: int, name: str) -> int:
    """A qualification's value: an integer of 32 bits.

    Raises:
        ParameterValidationError: it is larger.
    """
    if abs(value) >= 2**31:
        raise not_valid(value, name)
    return value


def money(text: str, name: str) -> int:
    """Micro-dollars from an amount as the API writes it.

    Raises:
        ParameterValidationError: more than a million dollars, which nobody means (and sums must stay in 64 bits).
    """
    amount = Decimal(text)
    if amount > MOST_DOLLARS:
        raise not_valid(text[:40], name, f"It must not be more than {MOST_DOLLARS} dollars.")
    return to_micros(amount)


def check(request: Mapping[str, Any], *names: str) -> None:
    """Check the named members that are there.

    Raises:
        ParameterValidationError: one is out of its range or too long.
    """
    for name in names:
        value = request.get(name)
        if value is None:
            continue
        if name in _NUMBERS:
            low, high = _NUMBERS[name]
            if not low <= value <= high:
                raise not_valid(value, name, f"It must be between {low} and {high}.")
        elif len(value) > _LENGTHS[name]:
            raise not_valid(value[:40] + "…", name, f"It must not be longer than {_LENGTHS[name]} characters.")


def check_hit_type(request: Mapping[str, Any]) -> None:
    """Check the members that make a HIT type.

    Raises:
        ParameterValidationError: one is out of its range, too long or blank.
    """
    check(request, *_HIT_TYPE)
    for name in ("Title", "Description"):
        if not request[name].strip():
            raise not_valid(request[name], name)


def check_hit(request: Mapping[str, Any]) -> None:
    """Check the members that a HIT has besides its type's.

    Raises:
        ParameterValidationError: one is out of its range or too long.
    """
    check(request, *_HIT)
