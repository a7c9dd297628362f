"""Set up the qualification types that carry an experiment's audience, consent and ``not_after``.

An audience and a consent are types that only turkctl's own market understands. Each set of groups and each text of a
consent has its own type, so that what a HIT was posted with never changes. ``not_after`` excludes the holders of a type
of the other experiment: on our market its gate, which is granted at acceptance, elsewhere "took part".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from turkctl.errors import ConfigError, UnreachableError
from turkctl.mturk.questions import html_question
from turkctl.mturk.types import QualificationType
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.experiments.study_rules import named_slugs, not_after
from turkctl.operations.qualifications.gate import ensure_gate
from turkctl.operations.qualifications.took_part import NAME_ID, ensure_type, find_or_create, grant_new, remember_type
from turkctl.own_market import AUDIENCE, CONSENT
from turkctl.store import meta, qualifications
from turkctl.store.consents import purpose_of
from turkctl.store.experiments import Version
from turkctl.store.qualifications import GATE, TOOK_PART

Requirement = dict[str, Any]

EVERYWHERE = "DiscoverPreviewAndAccept"
_TIME_TO_READ = timedelta(hours=1)
_SHOWN = 12
"""Characters of a digest in a type's name and purpose."""


def require_market(world: World, versions: Iterable[Version]) -> None:
    """Raise if an experiment has rules that this market does not know.

    Raises:
        ConfigError: it has an audience or a consent, and this is not turkctl's own market.
        UnreachableError: the market cannot be reached.
    """
    for version in versions:
        keys = settings_of(version).own_keys
        if keys and not world.engine().call(world.mturk.knows_studies):
            raise _unknown_here(version.slug, keys[0])


def _unknown_here(slug: str, key: str) -> ConfigError:
    """Return the error for a rule that the market of this mode does not know."""
    return ConfigError(
        f"experiment '{slug}' has {key}, which this market does not know: only turkctl's own market does",
        hint=f"remove {key} from the experiment, or post to a turkctl market: turkctl --mode local",
    )


def refuse_elsewhere(world: World, rules: Mapping[str, Sequence[str]]) -> None:
    """Raise if the market of this mode answers and does not know rules of these experiments, given by slug.

    Raises:
        ConfigError: as :func:`require_market`.
    """
    for slug, keys in rules.items():
        with suppress(UnreachableError):
            if keys and not world.engine().call(world.mturk.knows_studies):
                raise _unknown_here(slug, keys[0])


def ensure_rules(world: World, versions: Iterable[Version], now: datetime) -> dict[int, tuple[Requirement, ...]]:
    """Return the requirements that carry each version's rules, by settings; create the missing types.

    People who took part in an experiment that another one must not come after are granted its type.

    Raises:
        ConfigError: see :func:`require_market`.
        RefusedError: see :func:`turkctl.operations.qualifications.took_part.ensure_type`.
    """
    wanted = {version.settings_id: version for version in versions}
    require_market(world, wanted.values())
    return {number: tuple(_rules(world, version, now)) for number, version in wanted.items()}


def _rules(world: World, version: Version, now: datetime) -> list[Requirement]:
    settings, found = settings_of(version), list[Requirement]()
    with world.database.read() as session:
        others, named = not_after(session, version), version.slug in named_slugs(session)
    if settings.audience:
        found.append(_required(_audience(world, version, settings.audience, now), guard=EVERYWHERE))
    for other in others:
        found.append(_required(_of_participants(world, other, now), "DoesNotExist", EVERYWHERE))
    if settings.consent is not None:
        found.append(_required(_consent(world, version, now)))
    mark = ensure_gate(world, version, now) if named else None
    return [*found, *([] if mark is None else [_required(mark)])]


def _required(type_id: str, comparator: str = "Exists", guard: str = "Accept") -> Requirement:
    return {"QualificationTypeId": type_id, "Comparator": comparator, "ActionsGuarded": guard}


def _of_participants(world: World, other: Version, now: datetime) -> str:
    """Return the type that everybody holds who took part in the other experiment; grant it to those who lack it."""
    took_part = ensure_type(world, other, now)
    grant_new(world, other.experiment_id, now, within=True)
    gate = ensure_gate(world, other, now)
    if gate is None:
        return took_part
    grant_new(world, other.experiment_id, now, purpose=GATE, within=True)
    return gate


def _audience(world: World, version: Version, groups: list[str], now: datetime) -> str:
    document = json.dumps({"groups": sorted(groups)}, ensure_ascii=False)
    digest = hashlib.sha256(document.encode()).hexdigest()[:_SHOWN]

    def make(name: str) -> QualificationType:
        return world.mturk.create_qualification_type(name, document, keywords=(AUDIENCE,))

    return _ensure(world, version, f"audience {digest}", f"audience of {version.slug} {digest}", make, now)


def _consent(world: World, version: Version, now: datetime) -> str:
    digest: str = version.settings["consent_version"]
    test = html_question(version.settings["consent_page"])
    about = f"Consent to: {settings_of(version).title}"

    def make(name: str) -> QualificationType:
        return world.mturk.create_qualification_type(
            name, about, keywords=(CONSENT,), test=test, test_duration=_TIME_TO_READ
        )

    return _ensure(world, version, purpose_of(digest), f"consent to {version.slug} {digest}", make, now)


def _ensure(
    world: World,
    version: Version,
    purpose: str,
    words: str,
    make: Callable[[str], QualificationType],
    now: datetime,
) -> str:
    """Return the type of this purpose; the first call creates it."""
    with world.database.read() as session:
        known = qualifications.find(session, world.place, version.experiment_id, purpose)
        name = f"turkctl: {words} ({meta.database_id(session)[:NAME_ID]})"
    if known is not None:
        return known.type_id
    made = find_or_create(world, name, lambda: make(name))
    remember_type(world, version, purpose, made.type_id, name, now)
    return made.type_id


def purposes_to_grant(session: Session, versions: Iterable[Version]) -> list[tuple[int, str]]:
    """Return which types those who took part are granted, as experiment and purpose: the gate if others look at it."""
    every, named = list(versions), named_slugs(session)
    gates = [(each.experiment_id, GATE) for each in every if each.slug in named]
    return [*((each.experiment_id, TOOK_PART) for each in every), *gates]
