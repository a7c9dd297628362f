"""Qualification requirements: which ones are valid, and whether a worker meets them.

All of a HIT's requirements must be met. Without the qualification, a worker fails every comparator but DoesNotExist.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Row, bindparam, select

from turkctl import own_market
from turkctl.market import own_types, rules, system_types, tables
from turkctl.market.errors import (
    ParameterValidationError,
    not_valid,
    qualification_type_does_not_exist,
)
from turkctl.market.tx import Tx

Requirement = Mapping[str, Any]

MOST_REQUIREMENTS = 10
MOST_INTEGERS = 15
MOST_LOCALES = 30

_INTEGER_TESTS: dict[str, Callable[[int, Sequence[int]], bool]] = {
    "LessThan": lambda value, wanted: value < wanted[0],
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted[0],
    "GreaterThan": lambda value, wanted: value > wanted[0],
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted[0],
    "EqualTo": lambda value, wanted: value == wanted[0],
    "NotEqualTo": lambda value, wanted: value != wanted[0],
    "In": lambda value, wanted: value in wanted,
    "NotIn": lambda value, wanted: value not in wanted,
}
_LOCALE_COMPARATORS = ("EqualTo", "NotEqualTo", "In", "NotIn")
_SEVERAL = ("In", "NotIn")

DISCOVER, PREVIEW, ACCEPT = "Discover", "Preview", "Accept"
_GUARDED = {
    DISCOVER: ("DiscoverPreviewAndAccept",),
    PREVIEW: ("PreviewAndAccept", "DiscoverPreviewAndAccept"),
    ACCEPT: ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept"),
}


def normalized(asked: Sequence[Requirement]) -> list[dict[str, Any]]:
    """Return the requirements as they are stored and answered: always with ActionsGuarded and RequiredToPreview.

    Raises:
        ParameterValidationError: the deprecated RequiredToPreview contradicts ActionsGuarded.
    """
    return [_normalized(requirement) for requirement in asked]


def _normalized(requirement: Requirement) -> dict[str, Any]:
    guarded, old = requirement.get("ActionsGuarded"), requirement.get("RequiredToPreview")
    if guarded is not None and old is not None and old is not (guarded != "Accept"):
        raise ParameterValidationError(f"RequiredToPreview {str(old).lower()} contradicts ActionsGuarded {guarded}.")
    kept: dict[str, Any] = {
        name: requirement[name]
        for name in ("QualificationTypeId", "Comparator", "IntegerValues", "LocaleValues")
        if requirement.get(name) or name in ("QualificationTypeId", "Comparator")
    }
    kept["ActionsGuarded"] = guarded or ("PreviewAndAccept" if old else "Accept")
    kept["RequiredToPreview"] = kept["ActionsGuarded"] != "Accept"
    return kept


def asks_for_masters(environment: str, asked: Sequence[Requirement]) -> bool:
    """Return whether these requirements cost the Masters commission."""
    masters = system_types.MASTERS[environment]
    return any(item["QualificationTypeId"] == masters and item["Comparator"] == "Exists" for item in asked)


def check(tx: Tx, asked: Sequence[Requirement]) -> None:
    """Check the requirements of a new HIT type.

    Raises:
        MarketError: there are too many, a type is unknown, or values do not match the comparator.
    """
    if len(asked) > MOST_REQUIREMENTS:
        raise ParameterValidationError(f"A HIT may have at most {MOST_REQUIREMENTS} qualification requirements.")
    for requirement in asked:
        _check_values(requirement)
    wanted = {requirement["QualificationTypeId"] for requirement in asked}
    types = tables.qualification_type
    known = select(types.c.id).where(
        types.c.environment == tx.environment, types.c.id.in_(sorted(wanted)), types.c.deleted == 0
    )
    missing = wanted - {row.id for row in tx.all(known)} if wanted else set()
    if missing:
        raise qualification_type_does_not_exist(min(missing))


def _check_values(requirement: Requirement) -> None:
    comparator = requirement["Comparator"]
    integers, locales = requirement.get("IntegerValues", []), requirement.get("LocaleValues", [])
    if comparator in ("Exists", "DoesNotExist"):
        _refuse(integers, "IntegerValue", comparator)
        _refuse([locale["Country"] for locale in locales], "LocaleValue", comparator)
    elif requirement["QualificationTypeId"] == system_types.LOCALE:
        _refuse(integers, "IntegerValue", comparator)
        if comparator not in _LOCALE_COMPARATORS:
            raise not_valid(comparator, "Comparator", "A locale can be compared with EqualTo, NotEqualTo, In or NotIn.")
        _check_count("LocaleValues", [locale["Country"] for locale in locales], comparator, MOST_LOCALES)
        _check_subdivisions(locales)
    else:
        _refuse([locale["Country"] for locale in locales], "LocaleValue", comparator)
        _check_count("IntegerValues", integers, comparator, MOST_INTEGERS)


def _refuse(values: Sequence[object], parameter: str, comparator: str) -> None:
    if values:
        raise not_valid(values[0], parameter, f"{parameter} must be null when used with the {comparator} comparator..")


def _check_count(parameter: str, values: Sequence[object], comparator: str, most: int) -> None:
    allowed = most if comparator in _SEVERAL else 1
    if not 1 <= len(values) <= allowed:
        told = ",".join(map(str, values))
        raise not_valid(told, parameter, f"{comparator} takes 1 to {allowed} values." if allowed > 1 else _ONE_ONLY)


_ONE_ONLY = "This comparator takes exactly one value; use In or NotIn for several."


def _check_subdivisions(locales: Sequence[Mapping[str, str]]) -> None:
    for locale in locales:
        if locale.get("Subdivision") and locale["Country"] != "US":
            raise not_valid(locale["Subdivision"], "Subdivision", "Subdivisions are known for the US only.")


@dataclass(frozen=True)
class WorkerStanding:
    """What requirements are compared with: a worker's record, their qualifications, and the groups they belong to.

    Attributes:
        worker: their row.
        read_grants: returns the values of the qualifications that they hold, by type; called once, if one is asked for.
        read_groups: returns their groups; called once, and only if a requirement is about groups.
    """

    worker: Row[Any]
    read_grants: Callable[[], Mapping[str, int]]
    read_groups: Callable[[], Sequence[str]] = tuple

    @cached_property
    def grants(self) -> Mapping[str, int]:
        """Return the values of the qualifications that they hold, by type."""
        return self.read_grants()

    @cached_property
    def groups(self) -> frozenset[str]:
        """Return the groups that they belong to."""
        return frozenset(self.read_groups())

    def value(self, type_id: str) -> int | None:
        """Return the worker's value of an integer qualification, or None if they do not hold it."""
        worker = self.worker
        if type_id == system_types.APPROVED:
            return int(worker.approved)
        if type_id == system_types.PERCENT_APPROVED:
            return rules.percent_approved(worker.approved, worker.rejected, worker.submitted)
        if type_id == system_types.ADULT:
            return int(worker.adult)
        if type_id == system_types.MASTERS[worker.environment]:
            return 1 if worker.masters else None
        return self.grants.get(type_id)


_GRANTED = select(tables.grant.c.type_id, tables.grant.c.value).where(
    tables.grant.c.environment == bindparam("b_environment"),
    tables.grant.c.worker_id == bindparam("b_worker"),
    tables.grant.c.status == "Granted",
)


def standing(tx: Tx, worker: Row[Any]) -> WorkerStanding:
    """Return the standing of a worker, given their row."""
    return WorkerStanding(worker, lambda: _grants_of(tx, worker.id), lambda: _groups_of(tx, worker.id))


def _grants_of(tx: Tx, worker_id: str) -> dict[str, int]:
    held = tx.all(_GRANTED, {"b_environment": tx.environment, "b_worker": worker_id})
    return {row.type_id: row.value for row in held}


def _groups_of(tx: Tx, worker_id: str) -> list[str]:
    person = tables.person.c
    row = tx.first(select(person.groups).where(person.environment == tx.environment, person.worker_id == worker_id))
    return [] if row is None else list(json.loads(row.groups))


def unmet(who: WorkerStanding, asked: Sequence[Requirement], action: str) -> Requirement | None:
    """Return the first requirement that forbids this worker the action (Discover, Preview or Accept), or None.

    That they agree to a consent forbids nothing here, as anybody can (:mod:`turkctl.market.consents`).
    """
    for requirement in asked:
        if requirement["ActionsGuarded"] in _GUARDED[action] and not _met(who, requirement):
            return requirement
    return None


def _met(who: WorkerStanding, requirement: Requirement) -> bool:
    comparator: str = requirement["Comparator"]
    if requirement["QualificationTypeId"] == system_types.LOCALE:
        return _locale_met(who.worker, comparator, requirement.get("LocaleValues", []))
    value = who.value(requirement["QualificationTypeId"])
    kind = requirement.get(own_types.OWN)
    if comparator in ("Exists", "DoesNotExist"):
        if comparator == "Exists" and kind in (own_market.CONSENT, own_market.GRANT_ON_ACCEPT):
            return True
        held = value is not None or (
            kind == own_market.AUDIENCE and not who.groups.isdisjoint(requirement[own_types.GROUPS])
        )
        return held is (comparator == "Exists")
    wanted: list[int] = requirement.get("IntegerValues", [])
    return value is not None and _INTEGER_TESTS[comparator](value, wanted)


def _locale_met(worker: Row[Any], comparator: str, locales: Sequence[Mapping[str, str]]) -> bool:
    if comparator in ("Exists", "DoesNotExist"):  # every worker lives somewhere
        return comparator == "Exists"
    inside = any(
        worker.country == locale["Country"] and locale.get("Subdivision") in (None, worker.subdivision)
        for locale in locales
    )
    return inside is (comparator in ("EqualTo", "In"))
