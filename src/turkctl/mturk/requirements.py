"""Qualification requirements of a HIT: from the settings' form to the API's and back. Pure.

The settings' form, in which every key is optional::

    {locale = ["US", "CA", "US-NY"], percent_approved = 95, hits_approved = 100, masters = true, adult = true,
     absent = ["3TYPEID"], present = ["trained"], at_least = {trained = 80},
     custom = [{type = "3TYPEID", comparator = "GreaterThan", values = [50]}]}

``absent`` lists types that a worker must not hold, ``present`` those that a worker must hold, ``at_least`` the lowest
values. A type is named by its id (capital letters and digits) or, if it is one of the project's own, by its name in
the project file (small letters first). A custom requirement may have a ``guard``: whether it also applies to preview
or discovery (``PreviewAndAccept``, ``DiscoverPreviewAndAccept``). Locale values are texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from turkctl.errors import ConfigError
from turkctl.model import service_model
from turkctl.mturk.types import Requirement
from turkctl.words import nearest

Environment = Literal["production", "sandbox"]

MASTERS: Final[Mapping[Environment, str]] = {
    "production": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH",
    "sandbox": "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6",
}
HITS_APPROVED: Final = "00000000000000000040"
ADULT: Final = "00000000000000000060"
LOCALE: Final = "00000000000000000071"
PERCENT_APPROVED: Final = "000000000000000000L0"

MAX_REQUIREMENTS: Final = 10
MAX_INTEGERS: Final = 15
MAX_LOCALES: Final = 30
_HIGH: Final = 2**31 - 1

_KEYS: Final = (
    "locale",
    "percent_approved",
    "hits_approved",
    "masters",
    "adult",
    "absent",
    "present",
    "at_least",
    "custom",
)
_CUSTOM_KEYS: Final = ("type", "comparator", "values", "guard")
_PLACE: Final = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{2}))?")
_TYPE_ID: Final = re.compile(r"[A-Z0-9]{1,64}")
OWN_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""The name of one of the project's own types in the project file."""


def to_api(
    settings: Mapping[str, Any],
    environment: Environment,
    key: str = "qualifications",
    types: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return the API's QualificationRequirements; all of them must be met.

    Args:
        settings: the form above; None, false and empty values require nothing.
        environment: decides which Masters type is used.
        key: the settings' name in error messages.
        types: the ids of the project's own types by name; None keeps the names, for checking only.

    Raises:
        ConfigError: a key is unknown or a value is invalid, named by its dotted key; or more than ten requirements.
    """
    _known(settings, _KEYS, key)
    found: list[dict[str, Any]] = []
    if settings.get("locale"):
        found.append(_locale(settings["locale"], f"{key}.locale"))
    for name, type_id, high in (("percent_approved", PERCENT_APPROVED, 100), ("hits_approved", HITS_APPROVED, _HIGH)):
        if settings.get(name) is not None:
            value = _integer(settings[name], f"{key}.{name}", 0, high)
            found.append(_requirement(type_id, "GreaterThanOrEqualTo", integers=[value]))
    if _flag(settings.get("masters"), f"{key}.masters"):
        found.append(_requirement(MASTERS[environment], "Exists"))
    if _flag(settings.get("adult"), f"{key}.adult"):
        found.append(_requirement(ADULT, "EqualTo", integers=[1]))
    for name, comparator in (("absent", "DoesNotExist"), ("present", "Exists")):
        for position, type_id in enumerate(_list(settings.get(name), f"{key}.{name}")):
            found.append(_requirement(_type_id(type_id, f"{key}.{name}[{position}]"), comparator))
    found += _lowest(settings.get("at_least"), f"{key}.at_least")
    for position, table in enumerate(_list(settings.get("custom"), f"{key}.custom")):
        found.append(_custom(table, f"{key}.custom[{position}]"))
    if len(found) > MAX_REQUIREMENTS:
        raise ConfigError(f"{key}: {len(found)} requirements; a HIT can have at most {MAX_REQUIREMENTS}")
    return found if types is None else [_resolved(requirement, types, key) for requirement in found]


def own_names(settings: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the project's own types in settings of the form above."""
    asked = (requirement["QualificationTypeId"] for requirement in to_api(settings, "production"))
    return frozenset(name for name in asked if OWN_NAME.fullmatch(name))


def _resolved(requirement: dict[str, Any], types: Mapping[str, str], key: str) -> dict[str, Any]:
    named = requirement["QualificationTypeId"]
    if not OWN_NAME.fullmatch(named):
        return requirement
    if named not in types:
        raise ConfigError(
            f"{key}: the qualification '{named}' is not on this market", hint="run: turkctl experiments configure"
        )
    return {**requirement, "QualificationTypeId": types[named]}


def from_api(requirements: Iterable[Requirement]) -> dict[str, Any]:
    """Return the settings' form of the API's requirements: short keys if they fit, ``custom`` for the others."""
    settings: dict[str, Any] = {}
    for requirement in requirements:
        name, value = _short(requirement)
        if name == "absent":
            settings.setdefault("absent", []).append(value)
        elif name is not None and name not in settings:
            settings[name] = value
        else:
            settings.setdefault("custom", []).append(_custom_form(requirement))
    return settings


def ask_for_masters(requirements: Iterable[Requirement]) -> bool:
    """Return whether Masters are required, which costs another 5 %."""
    return any(
        requirement.get("QualificationTypeId") in MASTERS.values() and requirement.get("Comparator") != "DoesNotExist"
        for requirement in requirements
    )


# --- settings to API


def _requirement(
    type_id: str, comparator: str, *, integers: Sequence[int] = (), locales: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    requirement: dict[str, Any] = {"QualificationTypeId": type_id, "Comparator": comparator}
    if integers:
        requirement["IntegerValues"] = list(integers)
    if locales:
        requirement["LocaleValues"] = list(locales)
    return requirement


def _locale(value: Any, key: str) -> dict[str, Any]:
    """Return one place with EqualTo, several with In: the API refuses several with EqualTo."""
    names = value.split(",") if isinstance(value, str) else _list(value, key)
    places: list[dict[str, str]] = []
    for name in names:
        place = _place(name, key)
        if place not in places:
            places.append(place)
    if len(places) > MAX_LOCALES:
        raise ConfigError(f"{key}: {len(places)} places; a requirement can have at most {MAX_LOCALES}")
    return _requirement(LOCALE, "In" if len(places) > 1 else "EqualTo", locales=places)


def _place(name: Any, key: str) -> dict[str, str]:
    match = _PLACE.fullmatch(name.strip().upper()) if isinstance(name, str) else None
    if match is None or (match[2] and match[1] != "US"):
        raise ConfigError(
            f"{key}: '{name}' is not a place", hint='write countries as "CA", states of the US as "US-NY"'
        )
    return {"Country": match[1], "Subdivision": match[2]} if match[2] else {"Country": match[1]}


def _lowest(table: Any, key: str) -> list[dict[str, Any]]:
    if table is None:
        return []
    if not isinstance(table, Mapping):
        raise ConfigError(f"{key} is not a table", hint="write { trained = 80 }")
    return [
        _requirement(
            _type_id(name, f"{key}.{name}"),
            "GreaterThanOrEqualTo",
            integers=[_integer(value, f"{key}.{name}", -_HIGH, _HIGH)],
        )
        for name, value in table.items()
    ]


def _custom(table: Any, key: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{key} is not a table", hint='write {type = "ID", comparator = "EqualTo", values = [1]}')
    _known(table, _CUSTOM_KEYS, key)
    type_id = _type_id(table.get("type"), f"{key}.type")
    comparator = _one_of("Comparator", table.get("comparator"), f"{key}.comparator")
    values = _list(table.get("values"), f"{key}.values")
    _check_count(comparator, values, f"{key}.values")
    if any(isinstance(value, str) for value in values):
        requirement = _requirement(type_id, comparator, locales=[_place(value, f"{key}.values") for value in values])
    else:
        integers = [_integer(value, f"{key}.values", -_HIGH, _HIGH) for value in values]
        requirement = _requirement(type_id, comparator, integers=integers)
    if table.get("guard") is not None:
        requirement["ActionsGuarded"] = _one_of("HITAccessActions", table["guard"], f"{key}.guard")
    return requirement


def _check_count(comparator: str, values: Sequence[Any], key: str) -> None:
    if comparator in ("Exists", "DoesNotExist"):
        low, high = 0, 0
    elif comparator in ("In", "NotIn"):
        low, high = 1, MAX_LOCALES if any(isinstance(value, str) for value in values) else MAX_INTEGERS
    else:
        low, high = 1, 1
    if not low <= len(values) <= high:
        wanted = str(high) if low == high else f"{low} to {high}"
        raise ConfigError(f"{key}: {comparator} takes {wanted} values, not {len(values)}")


def _one_of(shape: str, value: Any, key: str) -> str:
    allowed: list[str] = service_model()["shapes"][shape]["enum"]
    if value not in allowed:
        raise ConfigError(f"{key}: {value!r} is invalid", hint="write one of " + ", ".join(allowed))
    return str(value)


def _type_id(value: Any, key: str) -> str:
    if not isinstance(value, str) or not (_TYPE_ID.fullmatch(value) or OWN_NAME.fullmatch(value)):
        raise ConfigError(
            f"{key}: {value!r} is not a qualification type",
            hint="name one of [qualifications.*], or give an id: capital letters and digits",
        )
    return value


def _integer(value: Any, key: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{key}: {value!r} is not a whole number from {low} to {high}")
    return value


def _flag(value: Any, key: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"{key}: {value!r} is neither true nor false")
    return bool(value)


def _list(value: Any, key: str) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{key}: {value!r} is not a list")
    return value


def _known(table: Mapping[str, Any], keys: Sequence[str], key: str) -> None:
    for name in table:
        if name not in keys:
            close = nearest(name, keys)
            raise ConfigError(
                f"{key}.{name} is not a key" + (f"; did you mean '{close}'?" if close else ""),
                hint="valid here: " + ", ".join(keys),
            )


# --- API to settings


def _short(requirement: Requirement) -> tuple[str | None, Any]:
    """Return the equivalent short key and its value, or (None, None) if there is none."""
    if requirement.get("ActionsGuarded") not in (None, "Accept"):
        return None, None
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    if comparator == "DoesNotExist":
        return "absent", type_id
    if type_id in MASTERS.values():
        return ("masters", True) if comparator == "Exists" else (None, None)
    form = _SHORT.get((type_id, comparator))
    if form is None:
        return None, None
    name, read = form
    value = read(requirement)
    return (None, None) if value is None else (name, value)


def _first_integer(requirement: Requirement) -> int | None:
    return next(iter(requirement.get("IntegerValues") or ()), None)


def _yes(requirement: Requirement) -> bool | None:
    return True if _first_integer(requirement) == 1 else None


def _named_places(requirement: Requirement) -> list[str] | None:
    return _places(requirement) or None


def _places(requirement: Requirement) -> list[str]:
    return [
        "-".join(filter(None, (place["Country"], place.get("Subdivision"))))
        for place in requirement.get("LocaleValues") or ()
    ]


_SHORT: Final[Mapping[tuple[str, str], tuple[str, Callable[[Requirement], Any]]]] = {
    (LOCALE, "EqualTo"): ("locale", _named_places),
    (LOCALE, "In"): ("locale", _named_places),
    (PERCENT_APPROVED, "GreaterThanOrEqualTo"): ("percent_approved", _first_integer),
    (HITS_APPROVED, "GreaterThanOrEqualTo"): ("hits_approved", _first_integer),
    (ADULT, "EqualTo"): ("adult", _yes),
}


def _custom_form(requirement: Requirement) -> dict[str, Any]:
    custom: dict[str, Any] = {"type": requirement["QualificationTypeId"], "comparator": requirement["Comparator"]}
    values = [*(requirement.get("IntegerValues") or ()), *_places(requirement)]
    if values:
        custom["values"] = values
    if requirement.get("ActionsGuarded") not in (None, "Accept"):
        custom["guard"] = requirement["ActionsGuarded"]
    return custom
