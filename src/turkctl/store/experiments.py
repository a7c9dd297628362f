"""Store and read experiments, and every version of their settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, Text, UniqueConstraint, Update, select, update
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, add, changed_one, chunks
from turkctl.store.types import Json, UtcTime

Outcome = Literal["created", "changed", "unchanged"]


class Experiment(TurkctlTable, table=True):
    """A configured experiment; inactive if it is no longer in the project's files."""

    __tablename__ = "turkctl_experiment"

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=128, unique=True)
    active: bool = True
    created: datetime = Field(sa_type=UtcTime)
    version: int
    """The current version of its settings."""
    closed: datetime | None = Field(default=None, sa_type=UtcTime)
    """Since when nothing is posted for it because it is being ended, or has ended; such an experiment is inactive."""
    ended: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it had ended, with nothing left open."""


class SettingsRow(TurkctlTable, table=True):
    """One version of an experiment's settings; never changed, never deleted: HITs refer to it."""

    __tablename__ = "turkctl_experiment_settings"
    __table_args__ = (UniqueConstraint("experiment_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int = Field(foreign_key="turkctl_experiment.id")
    version: int
    code_version: str = Field(max_length=128)
    digest: str = Field(max_length=64)
    settings: dict[str, Any] = Field(sa_type=Json)
    source: str = Field(sa_type=Text)
    """The file it was read from."""
    created: datetime = Field(sa_type=UtcTime)


EXPERIMENTS = Experiment.__table__
SETTINGS = SettingsRow.__table__


@dataclass(frozen=True)
class Version:
    """An experiment with one version of its settings."""

    experiment_id: int
    slug: str
    active: bool
    settings_id: int
    version: int
    code_version: str
    digest: str
    settings: Mapping[str, Any]
    source: str
    created: datetime
    """When this version was stored."""
    closed: datetime | None = None
    """Since when it is being ended, or has ended, so that nothing is posted for it."""
    ended: datetime | None = None
    """When it had ended."""


_VERSION: Select[*tuple[Any, ...]] = (
    select(
        EXPERIMENTS.c.id,
        EXPERIMENTS.c.slug,
        EXPERIMENTS.c.active,
        SETTINGS.c.id,
        SETTINGS.c.version,
        SETTINGS.c.code_version,
        SETTINGS.c.digest,
        SETTINGS.c.settings,
        SETTINGS.c.source,
        SETTINGS.c.created,
        EXPERIMENTS.c.closed,
        EXPERIMENTS.c.ended,
    )
    .select_from(EXPERIMENTS)
    .join(SETTINGS, SETTINGS.c.experiment_id == EXPERIMENTS.c.id)
)
_CURRENT = _VERSION.where(SETTINGS.c.version == EXPERIMENTS.c.version)


def by_slug(session: Session, slug: str) -> Version | None:
    """Return the experiment with its current settings, active or not."""
    row = session.connection().execute(_CURRENT.where(EXPERIMENTS.c.slug == slug)).one_or_none()
    return None if row is None else Version(*row)


def current(session: Session, experiment_id: int) -> Version:
    """Return the current settings of an existing experiment."""
    return Version(*session.connection().execute(_CURRENT.where(EXPERIMENTS.c.id == experiment_id)).one())


def list_all(session: Session, *, inactive: bool = True, ended: bool = True) -> list[Version]:
    """Return experiments with their current settings, by slug.

    ``inactive=False`` leaves out inactive ones, ``ended=False`` those that have ended.
    """
    statement = _CURRENT.order_by(EXPERIMENTS.c.slug)
    if not ended:
        statement = statement.where(EXPERIMENTS.c.ended.is_(None))
    if not inactive:
        statement = statement.where(EXPERIMENTS.c.active.is_(True))
    return [Version(*row) for row in session.connection().execute(statement)]


def history(session: Session, slug: str) -> list[Version]:
    """Return every version of the experiment's settings, newest first."""
    statement = _VERSION.where(EXPERIMENTS.c.slug == slug).order_by(SETTINGS.c.version.desc())
    return [Version(*row) for row in session.connection().execute(statement)]


def settings_of(session: Session, settings_id: int) -> Version | None:
    """Return the version that a HIT was made with."""
    row = session.connection().execute(_VERSION.where(SETTINGS.c.id == settings_id)).one_or_none()
    return None if row is None else Version(*row)


def by_settings(session: Session, ids: Collection[int]) -> dict[int, Version]:
    """Return the versions of these settings, by the settings' ids."""
    found = [session.connection().execute(_VERSION.where(SETTINGS.c.id.in_(part))) for part in chunks(sorted(ids))]
    versions = [Version(*row) for rows in found for row in rows]
    return {version.settings_id: version for version in versions}


def save_version(
    session: Session,
    slug: str,
    *,
    code_version: str,
    digest: str,
    settings: Mapping[str, Any],
    source: str,
    now: datetime,
) -> Outcome:
    """Store the settings as the current version, unless the current one has the same digest.

    An inactive experiment becomes active, which counts as changed, unless it is closed. ``digest`` covers everything in
    ``settings`` and ``code_version`` (at most 64 characters).
    """
    current = by_slug(session, slug)
    if current is not None and current.digest == digest:
        return "changed" if changed_one(session, _set_active(slug, to=True)) else "unchanged"
    version = 1 if current is None else current.version + 1
    if current is None:
        experiment = Experiment(slug=slug, created=now, version=version)
        add(session, experiment)
        assert experiment.id is not None
        experiment_id = experiment.id
    else:
        experiment_id = current.experiment_id
        raised = (
            update(EXPERIMENTS)
            .where(EXPERIMENTS.c.id == experiment_id)
            .values(version=version, active=EXPERIMENTS.c.closed.is_(None))
        )
        session.connection().execute(raised)
    add(
        session,
        SettingsRow(
            experiment_id=experiment_id,
            version=version,
            code_version=code_version,
            digest=digest,
            settings=dict(settings),
            source=source,
            created=now,
        ),
    )
    return "created" if current is None else "changed"


def close(session: Session, experiment_id: int, now: datetime) -> bool:
    """Close the experiment, so that nothing is posted for it any more; return False if it was closed before."""
    here = (EXPERIMENTS.c.id == experiment_id, EXPERIMENTS.c.closed.is_(None))
    return changed_one(session, update(EXPERIMENTS).where(*here).values(active=False, closed=now))


def end(session: Session, experiment_id: int, now: datetime) -> bool:
    """Mark a closed experiment as ended; return False if it is not closed, or ended before."""
    here = (EXPERIMENTS.c.id == experiment_id, EXPERIMENTS.c.closed.is_not(None), EXPERIMENTS.c.ended.is_(None))
    return changed_one(session, update(EXPERIMENTS).where(*here).values(ended=now))


def reopen(session: Session, experiment_id: int) -> bool:
    """Make a closed or ended experiment active again; return False if it is neither."""
    here = (EXPERIMENTS.c.id == experiment_id, EXPERIMENTS.c.closed.is_not(None))
    return changed_one(session, update(EXPERIMENTS).where(*here).values(active=True, closed=None, ended=None))


def deactivate(session: Session, slug: str) -> bool:
    """Mark the experiment as inactive; return False if it is unknown or already inactive."""
    return changed_one(session, _set_active(slug, to=False))


def _set_active(slug: str, *, to: bool) -> Update:
    """Set whether it is active; a closed one stays inactive until it is reopened."""
    here = (EXPERIMENTS.c.slug == slug, EXPERIMENTS.c.active.is_(not to), EXPERIMENTS.c.closed.is_(None))
    return update(EXPERIMENTS).where(*here).values(active=to)
