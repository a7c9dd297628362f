"""List, create and find qualification types by name, and list who holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from turkctl.errors import ConfigError, NotFoundError, UsageError
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import QualificationType
from turkctl.operations.engine.world import World
from turkctl.operations.project.qualifications import QualificationSettings
from turkctl.operations.project.tables import mistakes_in
from turkctl.operations.qualifications.own_types import UNCHANGED, Spec, apply_types, plan_types
from turkctl.store import qualifications
from turkctl.store.base import Place
from turkctl.store.qualifications import MadeType
from turkctl.words import meant_or

KEYS = ("qualification", "name", "type_id", "description", "active", "purpose", "created", "mode")
"""All keys of a row of ``qualifications list``."""


@dataclass(frozen=True)
class NamedType:
    """A type that a user named: its id on the market, and what the database knows about it."""

    type_id: str
    name: str
    made: MadeType | None = None
    """Our record of it, if it marks those who took part in an experiment."""


def list_types(session: Session, place: Place) -> list[dict[str, Any]]:
    """Return the types that this database created on the market: the project's own, then those for repeat workers."""
    own = [
        {
            "qualification": each.name,
            "name": each.settings["name"],
            "type_id": each.type_id,
            "description": each.settings["description"],
            "active": each.settings["active"],
            "purpose": "own",
            "created": each.created,
            "mode": place.mode,
        }
        for each in qualifications.list_own(session, place)
    ]
    return own + [
        {
            "qualification": None,
            "name": each.name,
            "type_id": each.type_id,
            "description": None,
            "active": True,
            "purpose": each.purpose,
            "created": each.created,
            "mode": place.mode,
        }
        for each in qualifications.made_types(session, place)
    ]


def list_account(world: World) -> list[dict[str, Any]]:
    """Return every type of the account, those that this database knows first.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    with world.database.read() as session:
        ours = list_types(session, world.place)
    known = {row["type_id"] for row in ours}
    listed = world.engine().call(lambda: list(world.mturk.list_qualification_types()))
    return ours + [_foreign(each, world.place) for each in listed if each.type_id not in known]


def _foreign(found: QualificationType, place: Place) -> dict[str, Any]:
    return {
        "qualification": None,
        "name": found.name,
        "type_id": found.type_id,
        "description": found.description,
        "active": found.status == "Active",
        "purpose": None,
        "created": found.created,
        "mode": place.mode,
    }


def spec_of(
    name: str, description: str, keywords: Sequence[str], auto_granted_value: int | None, *, active: bool
) -> Spec:
    """Return the spec of a type that a user creates by command.

    Raises:
        UsageError: the market would refuse a value.
    """
    mistakes: list[ConfigError] = []
    table = {"name": name, "description": description, "keywords": list(keywords), "active": active}
    if auto_granted_value is not None:
        table["auto_granted_value"] = auto_granted_value
    settings = mistakes_in(QualificationSettings, f"qualification '{name}'", table, lambda _key: "", mistakes)
    if settings is None:
        raise UsageError(mistakes[0].message.removeprefix(": "), hint="see: turkctl qualifications create --help")
    return settings.model_dump(mode="json")


def create_type(world: World, name: str, spec: Spec) -> dict[str, Any]:
    """Create a type, or update the existing one of that name; return the row that is shown.

    Raises:
        ConfigError: it exists, and a value that would change is fixed.
        RefusedError, MarketRefusedError, UnreachableError: see :func:`apply_types`.
    """
    with world.database.read() as session:
        (change,) = plan_types(session, world.place, {name: spec})
    apply_types(world, [change], world.now())
    with world.database.read() as session:
        own = qualifications.own_types(session, world.place)[name]
    if change.status != UNCHANGED:
        world.origin.tally.say(f"qualification {name} {change.status}")
    return {
        "qualification": name,
        "status": change.status,
        "name": own.settings["name"],
        "type_id": own.type_id,
        "mode": world.place.mode,
    }


def find_type(world: World, name: str) -> NamedType:
    """Return the type with this name or id: of the project, of an experiment, or of the account.

    Raises:
        NotFoundError: there is none; the hint names the nearest.
    """
    with world.database.read() as session:
        own = qualifications.own_types(session, world.place)
        made = qualifications.made_types(session, world.place)
    for each in own.values():
        if name in (each.name, each.type_id, each.settings["name"]):
            return NamedType(each.type_id, each.name)
    for took_part in made:
        if name in (took_part.type_id, took_part.name):
            return NamedType(took_part.type_id, took_part.name, took_part)
    found = _on_market(world, name)
    if found is None:
        raise NotFoundError(
            f"there is no qualification '{name}' in mode {world.place.mode}",
            hint=meant_or(name, own, "see: turkctl qualifications list --all"),
        )
    return NamedType(found.type_id, found.name or found.type_id)


def _on_market(world: World, name: str) -> QualificationType | None:
    engine, mturk = world.engine(), world.mturk
    if name.isascii() and name.isalnum() and name.upper() == name:
        try:
            return engine.call(lambda: mturk.get_qualification_type(name))
        except DoesNotExistError:
            return None
    return engine.call(lambda: mturk.find_qualification_type(name))


def holders(world: World, named: NamedType, *, revoked: bool = False) -> list[dict[str, Any]]:
    """Return the workers who hold a type, or from whom it was revoked; all pages of the market's list.

    Raises:
        UnreachableError: the market cannot be reached.
        MarketRefusedError: the type belongs to somebody else.
    """
    status = "Revoked" if revoked else "Granted"
    found = world.engine().call(lambda: list(world.mturk.holders(named.type_id, status)))
    return [
        {
            "worker_id": each.worker_id,
            "value": each.value,
            "status": "revoked" if revoked else "granted",
            "granted": each.granted,
        }
        for each in found
    ]
