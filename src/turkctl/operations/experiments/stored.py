"""Find the stored experiment of a command, and its validated settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.project.experiments import VARIANT, ExperimentSettings
from turkctl.paths import is_file
from turkctl.settings import Settings
from turkctl.store import experiments
from turkctl.store.experiments import Version
from turkctl.words import meant

VERSIONS_KEPT = 128
"""Number of versions whose validated settings stay in memory."""


@dataclass(frozen=True)
class _Unread:
    """Settings as they are stored. Two are equal if their digests are."""

    digest: str
    settings: Mapping[str, Any] = field(compare=False)


def settings_of(version: Version) -> ExperimentSettings:
    """Return the stored settings as a validated object, which all callers share: do not change it."""
    return _validated(_Unread(version.digest, version.settings))


@lru_cache(maxsize=VERSIONS_KEPT)
def _validated(unread: _Unread) -> ExperimentSettings:
    """Return the validated settings; validate once per version, because settings are read several times per HIT."""
    known = ExperimentSettings.model_fields
    return ExperimentSettings.model_validate({k: v for k, v in unread.settings.items() if k in known})


def variant_of(slug: str) -> str | None:
    """Return the variant that a slug names; None for an experiment without variants."""
    return slug.partition(VARIANT)[2] or None


def whole_settings(version: experiments.Version) -> dict[str, Any]:
    """Return a version's settings, with defaults for keys that were introduced after it was stored."""
    others = {key: value for key, value in version.settings.items() if key not in ExperimentSettings.model_fields}
    return {**settings_of(version).stored(), **others}


def find_active_experiment(session: Session, slug: str | None, settings: Settings) -> Version:
    """Return the named experiment, or the only configured one.

    Raises:
        NotFoundError: it is not configured (the message says if it is in the file) or has ended, or none is configured.
        UsageError: several are configured and none is named.
    """
    if slug is not None:
        found = experiments.by_slug(session, slug)
        if found is not None and found.closed:
            raise closed(found)
        if found is None or not found.active:
            raise _missing(slug, settings, configured_before=found is not None)
        return found
    active = experiments.list_all(session, inactive=False)
    if len(active) == 1:
        return active[0]
    if active:
        names = ", ".join(version.slug for version in active)
        raise UsageError("several experiments are configured", hint=f"name one with --experiment: {names}")
    ended = {each.slug for each in experiments.list_all(session) if each.closed}
    if described := next((slug for slug in settings.experiments if slug not in ended), None):
        raise _missing(described, settings)
    raise NotFoundError(
        "no experiment is configured", hint="describe one in turkctl.toml, then run: turkctl experiments configure"
    )


def named_or_only(world: World, slug: str | None) -> str:
    """Return the slug as given, even if it is unknown; None stands for the only configured experiment.

    Raises:
        NotFoundError: no experiment is configured.
        UsageError: several experiments are configured.
    """
    if slug is not None:
        return slug
    with world.database.read() as session:
        return find_active_experiment(session, None, world.settings).slug


def closed(version: Version) -> NotFoundError:
    """Return the error for posting for an experiment that has ended, or is being ended."""
    what = "has ended" if version.ended else "is being ended"
    return NotFoundError(
        f"experiment '{version.slug}' {what}, so nothing new is posted for it",
        hint=f"to go on with it, run: turkctl experiments reopen {version.slug}",
    )


def _missing(slug: str, settings: Settings, *, configured_before: bool = False) -> NotFoundError:
    base, _colon, variant = slug.partition(VARIANT)
    variants = settings.experiments.get(base, {}).get("variants")
    if isinstance(variants, Mapping) and not variant:
        names = ", ".join(f"{slug}{VARIANT}{name}" for name in variants)
        return NotFoundError(f"experiment '{slug}' has variants", hint=f"name one of them: {names}")
    in_file = variant in variants if isinstance(variants, Mapping) else slug in settings.experiments
    if in_file or is_file(settings.folder / slug / "experiment.toml"):
        return NotFoundError(
            f"experiment '{slug}' is in the file but not configured", hint="run: turkctl experiments configure"
        )
    if configured_before:
        return NotFoundError(
            f"experiment '{slug}' is no longer in any file, so nothing new is posted for it",
            hint="add it to the file again and run: turkctl experiments configure",
        )
    return NotFoundError(f"there is no experiment '{slug}'", hint="see: turkctl experiments list")


def find_experiment(session: Session, slug: str) -> experiments.Version:
    """Return the experiment of that name, even if it is no longer active.

    Raises:
        NotFoundError: no experiment of that name was ever configured.
    """
    found = experiments.by_slug(session, slug)
    if found is None:
        raise NotFoundError(
            f"no experiment '{slug}' is configured"
            + meant(slug, [each.slug for each in experiments.list_all(session)]),
            hint="see: turkctl experiments list; if it is in a file, run: turkctl experiments configure",
        )
    return found
