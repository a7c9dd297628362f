"""Take over a lab's list of its own people: make those who are new, and update those who changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from turkctl.errors import UsageError
from turkctl.market import grants, people, tables, workers
from turkctl.market.given_text import checked_text
from turkctl.market.own_types import is_consent
from turkctl.market.people import Member
from turkctl.market.system_types import OWNER
from turkctl.market.tx import Tx
from turkctl.newcomers import NewPerson, RosterRow

CREATED = "created"
UPDATED = "updated"
UNCHANGED = "already_done"
_DEFAULT_LOCALE = "US"


@dataclass(frozen=True)
class RosterChange:
    """What importing one row does: ``status`` is one of the constants above, ``detail`` says what changes."""

    row: int
    own_id: str
    status: str
    detail: str | None = None


@dataclass(frozen=True)
class RosterProblem:
    """Why a row cannot be imported."""

    row: int
    why: str


@dataclass
class RosterPlan:
    """What importing a list does. While there are problems, nothing of it is done."""

    changes: list[RosterChange] = field(default_factory=list)
    problems: list[RosterProblem] = field(default_factory=list)


@dataclass(frozen=True)
class _CheckedRow:
    """A row whose texts are checked, with the ids of its qualification types."""

    row: RosterRow
    own_id: str
    grants: tuple[tuple[str, str, int], ...]
    """Type id, name and value."""


def plan(tx: Tx, rows: Sequence[RosterRow]) -> RosterPlan:
    """Return what importing these rows would do; this changes nothing."""
    return _go(tx, rows, apply=False)


def take_over(tx: Tx, rows: Sequence[RosterRow]) -> RosterPlan:
    """Import the rows, unless one has a problem; return what was done."""
    found = _go(tx, rows, apply=False)
    return found if found.problems else _go(tx, rows, apply=True)


def _go(tx: Tx, rows: Sequence[RosterRow], *, apply: bool) -> RosterPlan:
    result = RosterPlan()
    wanted = list(_checked(tx, rows, result.problems))
    there = people.by_own_ids(tx, [each.own_id for each in wanted])
    for each in wanted:
        person = there.get(each.own_id)
        if person is None:
            result.changes.append(_create(tx, each, apply=apply))
        else:
            result.changes.append(_update(tx, each, person, apply=apply))
    return result


def _checked(tx: Tx, rows: Sequence[RosterRow], problems: list[RosterProblem]) -> Iterator[_CheckedRow]:
    """Yield the rows that can be used, and note what is wrong with the others."""
    types: dict[str, tuple[str, str]] = {}
    before: dict[str, int] = {}
    for row in rows:
        try:
            own_id = people.checked_own_id(tx, row.own_id)
            earlier = before.setdefault(own_id, row.row)
            if earlier != row.row:
                raise UsageError(f"row {earlier:,} has the own id '{own_id}' too")
            if row.full_name is not None:
                checked_text(row.full_name, "name")
            people.groups_text(row.groups or ())
            if row.locale is not None:
                workers.check_locale(row.locale)
            given = tuple((*_type(tx, name, types), value) for name, value in row.qualifications)
        except UsageError as error:
            problems.append(RosterProblem(row.row, error.message))
        else:
            yield _CheckedRow(row, own_id, given)


def _type(tx: Tx, name: str, known: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Return id and name of a qualification type that is named by either.

    Raises:
        UsageError: there is none, several requesters have one of this name, or it is a consent.
    """
    if name not in known:
        found = tables.qualification_type.c
        own = (found.environment == tx.environment, found.account != OWNER, found.deleted == 0)
        wanted = select(found.id, found.name, found.keywords).where(*own)
        rows = tx.all(wanted.where(found.id == name)) or tx.all(wanted.where(found.name == name).limit(2))
        if not rows:
            raise UsageError(f"there is no qualification type '{name}'")
        if len(rows) > 1:
            raise UsageError(f"several requesters have a qualification type '{name}': name it by its id")
        if is_consent(rows[0].keywords):
            raise UsageError(f"'{name}' is a consent: only the worker can agree to it")
        known[name] = rows[0].id, rows[0].name
    return known[name]


def _create(tx: Tx, wanted: _CheckedRow, *, apply: bool) -> RosterChange:
    row = wanted.row
    if apply:
        groups, locale = row.groups or (), row.locale or _DEFAULT_LOCALE
        new = NewPerson(own_id=wanted.own_id, full_name=row.full_name, groups=groups, locale=locale)
        _grant(tx, people.add(tx, new), wanted.grants)
    return RosterChange(row.row, wanted.own_id, CREATED)


def _grant(tx: Tx, worker_id: str, given: Sequence[tuple[str, str, int]]) -> None:
    for type_id, _name, value in given:
        grants.give(tx, type_id, worker_id, value)


def _update(tx: Tx, wanted: _CheckedRow, person: Member, *, apply: bool) -> RosterChange:
    changed: list[str] = []
    columns = dict(_changed_columns(wanted.row, person, changed))
    locale = _changed_locale(tx, wanted.row, person, changed)
    missing = [each for each in wanted.grants if not _holds(tx, person.worker_id, each[0], each[2])]
    changed += [f"{name} = {value}" for _type_id, name, value in missing]
    if apply and columns:
        people.change(tx, person.worker_id, **columns)
    if apply and locale is not None:
        workers.move(tx, person.worker_id, locale)
    if apply:
        _grant(tx, person.worker_id, missing)
    return RosterChange(
        wanted.row.row, wanted.own_id, UPDATED if changed else UNCHANGED, ", ".join(changed) if changed else None
    )


def _changed_columns(row: RosterRow, person: Member, changed: list[str]) -> Iterator[tuple[str, Any]]:
    if row.full_name not in (None, person.full_name):
        changed.append("name")
        yield "full_name", row.full_name
    if row.groups is not None and set(row.groups) != set(person.groups):
        changed.append(f"groups: {', '.join(row.groups) or 'none'}, before: {', '.join(person.groups) or 'none'}")
        yield "groups", people.groups_text(row.groups)


def _changed_locale(tx: Tx, row: RosterRow, person: Member, changed: list[str]) -> str | None:
    if row.locale is None or row.locale == people.record(tx, person.worker_id)["locale"]:
        return None
    changed.append(f"locale: {row.locale}")
    return row.locale


def _holds(tx: Tx, worker_id: str, type_id: str, value: int) -> bool:
    row = grants.held(tx, type_id, worker_id)
    return row is not None and row.status == "Granted" and row.value == value
