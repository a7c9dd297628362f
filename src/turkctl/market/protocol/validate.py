"""Check a request against the service model, as the service's front end does. Pure.

Three kinds of refusal, in this order, as the service gives them:

* a value with the wrong JSON type: SerializationException;
* a broken constraint of the service model (required, lengths, values, patterns, enums) or size of a list: one
  ValidationException that counts and lists them, up to 20;
* a limit that the 2017 model leaves out: see :mod:`turkctl.market.parameter_limits`.

Nothing that is too long is examined: members of a list with too many are not read, and no pattern is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

from turkctl.market.errors import ValidationException
from turkctl.market.parameter_limits import LIMITS, check_limits, shorten
from turkctl.market.protocol.errors import SerializationException
from turkctl.model import service_model

MOST_VIOLATIONS = 20
_LONGEST_TIME = 64
_LONGEST_MATCHED = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER_BITS = {"integer": 31, "long": 63}
_JSON_TYPES = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


def operations() -> frozenset[str]:
    """Return the names of the API's operations, as in ``CreateHIT``."""
    return _operations()


@cache
def _operations() -> frozenset[str]:
    return frozenset(service_model()["operations"])


def check(operation: str, document: Any) -> dict[str, Any]:
    """Return the request's members as Python values: times as aware datetimes, without unknown members and nulls.

    Args:
        operation: one of :func:`operations`.
        document: the parsed JSON body.

    Raises:
        SerializationException: a value has the wrong type.
        ValidationException: a constraint of the service model or a list's size limit is broken.
        ParameterValidationError: a documented limit is exceeded, or there are control characters.
        RequestError: RequesterFeedback has control characters.
    """
    shape = service_model()["operations"][operation]["input"]["shape"]
    request: dict[str, Any] = _read(shape, document, "")
    broken = list(islice(_broken(shape, request, "", ""), MOST_VIOLATIONS))
    if broken:
        plural = "s" if len(broken) > 1 else ""
        raise ValidationException(f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}")
    check_limits(request)
    return request


# --- types


def _read(shape_name: str, value: Any, path: str) -> Any:
    shape = service_model()["shapes"][shape_name]
    kind = shape["type"]
    if kind == "structure":
        members = shape["members"]
        return {
            name: _read(members[name]["shape"], member, _inner(path, name))
            for name, member in _expect(dict, value, kind).items()
            if name in members and member is not None
        }
    if kind == "list":
        item = shape["member"]["shape"]
        # One more than the maximum is enough to see that there are too many.
        return [_read(item, member, path) for member in _expect(list, value, kind)[: LIMITS[path].high + 1]]
    return _read_scalar(kind, value)


def _inner(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _read_scalar(kind: str, value: Any) -> Any:
    if kind == "timestamp":
        return _read_time(value)
    if kind == "boolean":
        return _expect(bool, value, kind)
    if kind == "string":
        text = _expect(str, value, kind)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise SerializationException("a string holds half of a surrogate pair")
        return text
    number = _expect(int, value, kind)
    if isinstance(number, bool) or not -(1 << _INTEGER_BITS[kind]) <= number < 1 << _INTEGER_BITS[kind]:
        raise SerializationException(f"{_json_type(value)} cannot be converted to {kind.capitalize()}")
    return number


def _expect(python_type: type, value: Any, kind: str) -> Any:
    if not isinstance(value, python_type):
        raise SerializationException(f"{_json_type(value)} cannot be converted to {kind.capitalize()}")
    return value


def _json_type(value: Any) -> str:
    if isinstance(value, dict):
        return "Start of structure or map"
    if isinstance(value, list):
        return "Start of list"
    return _JSON_TYPES.get(type(value), "NULL_VALUE")


def _read_time(value: Any) -> datetime:
    """Return a time from epoch seconds, as a number or as text, or from ISO 8601 (UTC if it has no offset)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise SerializationException(f"{_json_type(value)} cannot be converted to Timestamp")
    if len(str(value)) > _LONGEST_TIME:
        raise SerializationException("a time is too long")
    try:
        return _EPOCH + timedelta(seconds=float(value))
    except OverflowError:
        raise SerializationException(f"{value} is out of the range of times") from None
    except ValueError:
        return _read_iso_time(str(value))


def _read_iso_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SerializationException("STRING_VALUE cannot be converted to Timestamp") from None


# --- constraints of the service model


def _broken(shape_name: str, value: Any, path: str, at: str) -> Iterator[str]:
    """Yield the broken constraints below ``path``, in the service's words, which name the place as in ``at``."""
    shape = service_model()["shapes"][shape_name]
    if shape["type"] == "structure":
        yield from _broken_in_structure(shape, value, path, at)
    elif shape["type"] == "list":
        most = LIMITS[path].high
        if len(value) > most:
            yield from _sentences(value, at, _length_constraints({"max": most}, len(value)))
            return
        for number, member in enumerate(value, start=1):
            yield from _broken(shape["member"]["shape"], member, path, f"{at}.{number}.member")
    else:
        yield from _sentences(value, at, _scalar_constraints(shape, value))


def _broken_in_structure(shape: Mapping[str, Any], value: Mapping[str, Any], path: str, at: str) -> Iterator[str]:
    required = shape.get("required", ())
    for name, member in shape["members"].items():
        inside = _inner(at, _camel(name))
        if name in value:
            yield from _broken(member["shape"], value[name], _inner(path, name), inside)
        elif name in required:
            yield from _sentences(None, inside, ["Member must not be null"])


def _sentences(value: Any, path: str, constraints: Iterator[str] | list[str]) -> Iterator[str]:
    for constraint in constraints:
        yield f"Value {_shown(value)} at '{path}' failed to satisfy constraint: {constraint}"


def _scalar_constraints(shape: Mapping[str, Any], value: Any) -> Iterator[str]:
    if shape["type"] == "string":
        yield from _length_constraints(shape, len(value))
        if "pattern" in shape and len(value) <= _LONGEST_MATCHED and not _pattern(shape["pattern"]).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {shape['pattern']}"
        if "enum" in shape and value not in shape["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"
    elif shape["type"] in _INTEGER_BITS:
        if "min" in shape and value < shape["min"]:
            yield f"Member must have value greater than or equal to {shape['min']}"
        if "max" in shape and value > shape["max"]:
            yield f"Member must have value less than or equal to {shape['max']}"


def _length_constraints(shape: Mapping[str, Any], length: int) -> Iterator[str]:
    if "min" in shape and length < shape["min"]:
        yield f"Member must have length greater than or equal to {shape['min']}"
    if "max" in shape and length > shape["max"]:
        yield f"Member must have length less than or equal to {shape['max']}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


@cache
def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    text = f"[{', '.join(shorten(str(member)) for member in value)}]" if isinstance(value, list) else str(value)
    return f"'{shorten(text)}'"
