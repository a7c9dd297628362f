"""Limits that the service's model does not carry; the old reference gave them and the service kept them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turkctl.market.errors import not_valid

YEAR = 31_536_000
"""Seconds."""
MOST_ASSIGNMENTS = 1_000_000_000
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
_HIT_TYPE = ("AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Title", "Description", "Keywords")
_HIT = ("LifetimeInSeconds", "MaxAssignments", "RequesterAnnotation")


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
