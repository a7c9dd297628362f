"""Set up the project's own qualification types on a market, as ``[qualifications.*]`` says, each only once.

The name of a type is unique in an account. So a type whose creation got no answer is found again by its name, and two
projects of one account with the same name share the type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import ConfigError, RefusedError
from turkctl.mturk.errors import DoesNotExistError, NameTakenError
from turkctl.mturk.requirements import own_names
from turkctl.operations.engine.world import World
from turkctl.operations.project.differences import shown
from turkctl.store import qualifications
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.store.qualifications import OwnType
from turkctl.units import parse_duration

CREATED = "created"
CHANGED = "changed"
UNCHANGED = "unchanged"

_FIXED = ("name", "keywords")
"""Keys that cannot change once the type exists."""
_NOT_REMOVED = ("test", "test_duration", "answer_key", "retry_delay")
"""Keys that the market can replace but not remove."""

Spec = Mapping[str, Any]
"""A type as :class:`turkctl.operations.project.qualifications.QualificationSettings` stores it."""


@dataclass(frozen=True)
class TypeChange:
    """The change of one type by setting it up. ``differences`` has (old, new) by key."""

    name: str
    status: str
    spec: Spec
    differences: Mapping[str, tuple[Any, Any]]
    known: OwnType | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown beside those of experiments."""
        return {
            "experiment": None,
            "variant": None,
            "qualification": self.name,
            "status": self.status,
            "codeversion": None,
            "changes": shown(self.differences),
            "source": None,
        }


def plan_types(session: Session, place: Place, specs: Mapping[str, Spec]) -> list[TypeChange]:
    """Return what would have to be done on this market; only read the database.

    Raises:
        ConfigError: the market cannot make a change.
    """
    known = qualifications.own_types(session, place)
    return [_compare(name, spec, known.get(name)) for name, spec in specs.items()]


def _compare(name: str, spec: Spec, known: OwnType | None) -> TypeChange:
    if known is None:
        return TypeChange(name, CREATED, spec, {})
    old = known.settings
    differences = {key: (old.get(key), value) for key, value in spec.items() if old.get(key) != value}
    fixed = [key for key in differences if key in _FIXED or (key in _NOT_REMOVED and differences[key][1] is None)]
    if fixed:
        raise ConfigError(
            f"qualification '{name}': the market has it with {fixed[0]} = {differences[fixed[0]][0]!r}, "
            "which cannot be changed",
            hint="restore that value, or describe another qualification",
        )
    return TypeChange(name, CHANGED if differences else UNCHANGED, spec, differences, known)


def apply_types(world: World, changes: list[TypeChange], now: datetime) -> None:
    """Create missing types and update changed ones on the market, one after another.

    Raises:
        RefusedError: a type was created by a request whose answer got lost, and the market does not list it yet.
        MarketRefusedError, UnreachableError: a request failed; what was done before is kept.
    """
    for change in changes:
        if change.status != UNCHANGED:
            _set_up(world, change.name, change.spec, change.known, now)


def _set_up(world: World, name: str, spec: Spec, known: OwnType | None, now: datetime) -> str:
    """Create or update one type and store it; return its id."""
    engine, mturk = world.engine(), world.mturk
    type_id = known.type_id if known is not None else None
    if type_id is not None:
        held = type_id
        try:
            engine.call(lambda: mturk.update_qualification_type(held, **_update(spec)))
        except DoesNotExistError:  # the market drops types that nobody used for 120 days
            type_id = None
    if type_id is None:
        type_id = _make(world, spec)
    own = OwnType(
        mode=world.place.mode,
        market=world.place.market,
        name=name,
        type_id=type_id,
        settings=dict(spec),
        created=now,
        changed=now,
    )
    with world.database.write() as session:
        qualifications.save_own(session, own)
    return type_id


def _make(world: World, spec: Spec) -> str:
    engine, mturk = world.engine(), world.mturk
    try:
        made = engine.call(
            lambda: mturk.create_qualification_type(spec["name"], keywords=spec["keywords"], **_changeable(spec))
        )
    except NameTakenError:
        found = engine.call(lambda: mturk.find_qualification_type(spec["name"]))
        if found is None:
            raise RefusedError(
                f"the market has a qualification type '{spec['name']}' but does not list it yet",
                hint="try again in a minute",
            ) from None
        made = engine.call(lambda: mturk.update_qualification_type(found.type_id, **_update(spec)))
    return made.type_id


def _update(spec: Spec) -> dict[str, Any]:
    return {**_changeable(spec), "auto_granted": spec["auto_granted_value"] is not None}


def _changeable(spec: Spec) -> dict[str, Any]:
    """Return the spec as arguments of the client, without the fixed keys."""
    values = {key: value for key, value in spec.items() if key not in _FIXED}
    for key in ("retry_delay", "test_duration"):
        values[key] = None if values.get(key) is None else parse_duration(values[key])
    return values


def ensure_types(world: World, versions: list[Version], now: datetime) -> dict[str, str]:
    """Return the ids on this market, by name, of the project's own types that these versions of experiments require.

    Missing types are created as they were described when the experiment was configured.

    Raises:
        RefusedError, MarketRefusedError, UnreachableError: see :func:`apply_types`.
    """
    specs: dict[str, Spec] = {}
    for version in versions:
        if own_names(version.settings.get("qualifications") or {}):
            specs |= version.settings.get("qualification_types") or {}
    if not specs:
        return {}
    with world.database.read() as session:
        known = {name: own.type_id for name, own in qualifications.own_types(session, world.place).items()}
    return {
        name: known[name] if name in known else _set_up(world, name, spec, None, now) for name, spec in specs.items()
    }
