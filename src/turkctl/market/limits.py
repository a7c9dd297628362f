"""Checks that the market makes itself before storing a request; the numbers are those of ``parameter_limits``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from turkctl.market.errors import not_valid
from turkctl.market.parameter_limits import check_limits
from turkctl.units import to_micros

MOST_DOLLARS = 1_000_000
_AMOUNT = re.compile(r"[0-9]+\.?[0-9]{0,2}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_HIT_TYPE = ("AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Title", "Description", "Keywords")
_HIT = ("LifetimeInSeconds", "MaxAssignments", "RequesterAnnotation")


def checked(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request; raise if a text in it cannot be stored.

    Raises:
        ParameterValidationError: a text has a NUL character, or half of a surrogate pair.
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
    """Return a qualification's value, which must be an integer of 32 bits.

    Raises:
        ParameterValidationError: it does not fit.
    """
    if abs(value) >= 2**31:
        raise not_valid(value, name)
    return value


def money(text: str, name: str) -> int:
    """Return micro-dollars from an amount as the API writes it.

    Raises:
        ParameterValidationError: not an amount (``Decimal`` also accepts line ends, and ``1_0``), or more than a
            million dollars, which is surely a mistake (and totals must stay within 64 bits).
    """
    if _AMOUNT.fullmatch(text) is None:
        raise not_valid(ascii(text[:40]), name)
    amount = Decimal(text)
    if amount > MOST_DOLLARS:
        raise not_valid(text[:40], name, f"It must not be more than {MOST_DOLLARS} dollars.")
    return to_micros(amount)


def check(request: Mapping[str, Any], *names: str) -> None:
    """Check the named members that are present, for callers that did not come through the protocol.

    Raises:
        ParameterValidationError: one is out of range or too long.
    """
    check_limits({name: request[name] for name in names if request.get(name) is not None})


def check_hit_type(request: Mapping[str, Any]) -> None:
    """Check the members that make a HIT type.

    Raises:
        ParameterValidationError: one is out of range, too long or blank.
    """
    check(request, *_HIT_TYPE)
    for name in ("Title", "Description"):
        if not request[name].strip():
            raise not_valid(request[name], name)


def check_hit(request: Mapping[str, Any]) -> None:
    """Check the members that a HIT has in addition to its type's.

    Raises:
        ParameterValidationError: one is out of range or too long.
    """
    check(request, *_HIT)
