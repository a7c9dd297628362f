"""Store who agreed to which consent, and when: as grants of the qualification types that carry the consents.

What was stored stays when the market drops such a type.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, inspect, select
from sqlmodel import Session

from turkctl.store import experiments
from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place, chunks, insert_ignoring
from turkctl.store.experiments import SETTINGS
from turkctl.store.hits import HITS
from turkctl.store.qualifications import CONSENT, GONE_CONSENT, GRANTS, TYPES, MadeType


@dataclass(frozen=True)
class GivenConsent:
    """A consent of one worker: the version of the page, and when they agreed."""

    version: str
    at: datetime


def purpose_of(version: str) -> str:
    """Return the purpose of the type that carries this version of a consent."""
    return f"{CONSENT}{version}"


def unread(session: Session, place: Place, experiment_id: int) -> list[MadeType]:
    """Return the consents of an experiment to which somebody must have agreed whose agreement is not stored.

    Those are workers with stored work on a HIT that was posted with that consent.
    """
    types = [each for each in _types(session, experiment_id, place) if each.purpose.startswith(CONSENT)]
    return [each for each in types if _has_unread(session, each)]


def _types(session: Session, experiment_id: int, place: Place) -> list[MadeType]:
    statement = select(MadeType).where(
        TYPES.c.experiment_id == experiment_id, TYPES.c.mode == place.mode, TYPES.c.market == place.market
    )
    return list(session.scalars(statement.order_by(TYPES.c.id)))


def _has_unread(session: Session, made: MadeType) -> bool:
    version = made.purpose.removeprefix(CONSENT)
    rows = session.connection().execute(
        select(SETTINGS.c.id, SETTINGS.c.settings).where(SETTINGS.c.experiment_id == made.experiment_id)
    )
    with_it = [row.id for row in rows if row.settings.get("consent_version") == version]
    stored = exists().where(GRANTS.c.type_row == made.id, GRANTS.c.worker_id == ASSIGNMENTS.c.worker_id)
    for part in chunks(with_it):
        statement = (
            select(ASSIGNMENTS.c.id)
            .join(HITS, HITS.c.id == ASSIGNMENTS.c.hit_row)
            .where(HITS.c.mode == made.mode, HITS.c.market == made.market, HITS.c.settings_id.in_(part), ~stored)
            .limit(1)
        )
        if session.connection().execute(statement).first() is not None:
            return True
    return False


def record(session: Session, made: MadeType, agreed: Sequence[tuple[str, datetime]]) -> None:
    """Store who agreed and when; what is stored of somebody stays, as it is the first time."""
    rows = [{"type_row": made.id, "worker_id": worker, "granted": at, "error": None} for worker, at in agreed]
    insert_ignoring(session, GRANTS, ["type_row", "worker_id"], rows)


def are_there(session: Session) -> bool:
    """Return whether this database knows any consent; psiTurk's own database has no such table."""
    if not inspect(session.connection()).has_table(TYPES.name):
        return False
    known = TYPES.c.purpose.startswith(CONSENT) | TYPES.c.purpose.startswith(GONE_CONSENT)
    return session.connection().execute(select(TYPES.c.id).where(known).limit(1)).first() is not None


def of_work(session: Session, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], GivenConsent]:
    """Return the consents under which work was done, by HIT and worker; pairs without one are left out."""
    hits = _asked_by_hits(session, sorted({hit_id for hit_id, _worker in pairs}))
    given = _given(session, sorted({key for keys in hits.values() for key in keys}), {worker for _hit, worker in pairs})
    found = {}
    for hit_id, worker in pairs:
        asked = [(type_row, version) for type_row, version in hits.get(hit_id, ()) if (type_row, worker) in given]
        times = [(given[type_row, worker], version) for type_row, version in asked]
        if times:
            at, version = min(times)
            found[hit_id, worker] = GivenConsent(version, at)
    return found


def _asked_by_hits(session: Session, hit_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
    """Return the rows and versions of the consents that HITs were posted with, by HIT."""
    posted = [
        row
        for part in chunks(hit_ids)
        for row in session.connection().execute(
            select(HITS.c.hit_id, HITS.c.mode, HITS.c.market, HITS.c.settings_id).where(
                HITS.c.hit_id.in_(part), HITS.c.settings_id.is_not(None)
            )
        )
    ]
    versions = experiments.by_settings(session, {row.settings_id for row in posted})
    types: dict[tuple[str, str, int, str], list[int]] = {}
    for row in session.connection().execute(select(TYPES)):
        kind, _blank, rest = row.purpose.partition(" ")
        if f"{kind} " in (CONSENT, GONE_CONSENT):
            types.setdefault((row.mode, row.market, row.experiment_id, rest.split(" ")[0]), []).append(row.id)
    found: dict[str, list[tuple[int, str]]] = {}
    for row in posted:
        version = versions[row.settings_id].settings.get("consent_version")
        if version is not None:
            key = (row.mode, row.market, versions[row.settings_id].experiment_id, version)
            found[row.hit_id] = [(type_row, version) for type_row in types.get(key, ())]
    return found


def _given(
    session: Session, keys: Sequence[tuple[int, str]], workers: Collection[str]
) -> dict[tuple[int, str], datetime]:
    """Return when workers agreed, by the consent's row and worker."""
    rows = sorted({type_row for type_row, _version in keys})
    return {
        (row.type_row, row.worker_id): row.granted
        for type_row in rows
        for part in chunks(sorted(workers))
        for row in session.connection().execute(
            select(GRANTS).where(GRANTS.c.type_row == type_row, GRANTS.c.worker_id.in_(part))
        )
    }
