"""Keep people from doing several HITs of one round, with a second qualification of the experiment, the gate.

"Took part" (:mod:`turkctl.operations.qualifications.took_part`) is granted when a submission is read, too late for a
worker who accepts two HITs at the same time. turkctl's own market grants the gate itself, in the transaction that
accepts a HIT, so that nobody there can accept a second one, whatever its code version. Other markets do not support
gates, and none is created there.

Other experiments that must not come after this one (``not_after``) exclude the gate's holders too; for them it is
granted to all who took part, and HITs without a gate of their own mark their people with it.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from turkctl.mturk import requirements
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.experiments.study_rules import count_rules
from turkctl.operations.qualifications.took_part import NAME_ID, ensure_type, make_type, remember_type
from turkctl.own_market import GRANT_ON_ACCEPT
from turkctl.store import meta, qualifications
from turkctl.store.base import Place
from turkctl.store.experiments import Version
from turkctl.store.qualifications import GATE


def keep_out(world: World, version: Version, now: datetime) -> tuple[str, ...]:
    """Return the types whose holders new HITs of the experiment exclude; create the missing ones.

    Raises:
        RefusedError: see :func:`turkctl.operations.qualifications.took_part.ensure_type`.
    """
    took_part = ensure_type(world, version, now)
    gate = ensure_gate(world, version, now)
    return (took_part,) if gate is None else (took_part, gate)


def kept_out(session: Session, place: Place, version: Version) -> tuple[str, ...]:
    """Return those of the types that exist already; only read the database.

    There are none before a campaign's first round or ``workers exclude``. If there is one, the missing other one is
    created before anything is posted (:func:`keep_out`).
    """
    took_part = qualifications.find(session, place, version.experiment_id)
    gate = qualifications.find(session, place, version.experiment_id, GATE) if _fits(session, version) else None
    return tuple(each.type_id for each in (took_part, gate) if each is not None)


def has_gate(world: World, version: Version) -> bool:
    """Return whether a gate keeps people from doing several of the experiment's HITs on this market."""
    with world.database.read() as session:
        fits = _fits(session, version)
    return fits and world.mturk.is_turkctls()


def ensure_gate(world: World, version: Version, now: datetime) -> str | None:
    """Return the id of the experiment's gate, created if it is missing; None if it cannot have one."""
    with world.database.read() as session:
        if not _fits(session, version):
            return None
        known = qualifications.find(session, world.place, version.experiment_id, GATE)
        name = f"turkctl: one HIT each of {version.slug} ({meta.database_id(session)[:NAME_ID]})"
    if known is not None:
        return known.type_id
    if not world.engine().call(world.mturk.is_turkctls):
        return None
    description = f"Accepted a HIT of: {version.settings['title']}"
    made = make_type(world, name, description, keywords=(GRANT_ON_ACCEPT,))
    remember_type(world, version, GATE, made.type_id, name, now)
    return made.type_id


def _fits(session: Session, version: Version) -> bool:
    """Return whether a HIT may require both types in addition to the experiment's own requirements and rules."""
    own = requirements.to_api(settings_of(version).qualifications, "production")
    return len(own) + count_rules(session, version) + 2 <= requirements.MAX_REQUIREMENTS
