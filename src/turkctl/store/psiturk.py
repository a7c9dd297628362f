"""Read psiTurk's own tables besides the participants'; never write them.

Source: the ``Hit`` and ``Campaign`` models of psiTurk 3 and the job store of APScheduler 3. Values come as the driver
gives them (SQLite has texts for times and numbers for truth), since what is in a table of somebody else's is not ours
to trust. What was imported from which row is kept among our own facts, so that a second import finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, func, insert, inspect, select, table
from sqlmodel import Session

from turkctl.store.base import PREFIX, chunks
from turkctl.store.meta import Meta
from turkctl.store.participants import COMPLETE, exists, missing_columns, participants_table

HITS = "amt_hit"
CAMPAIGNS = "campaign"
JOBS = "apscheduler_jobs"
EXPERIMENT = "experiment"
"""The key of the slug of the experiment that a study was imported as."""
_COLUMNS = {
    HITS: ("hitid",),
    CAMPAIGNS: (
        "id",
        "codeversion",
        "mode",
        "goal",
        "minutes_between_rounds",
        "assignments_per_round",
        "hit_reward",
        "hit_duration_hours",
        "is_active",
        "created",
        "ended",
    ),
    JOBS: ("id", "job_state"),
}
_FACTS = Meta.__table__
_PREFIX = "psiturk:"


@dataclass(frozen=True)
class PsiturkTable:
    """One of psiTurk's tables. ``lacks`` names the columns that are missing; None: there is no such table."""

    lacks: tuple[str, ...] | None
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class People:
    """How many participants of one mode and code version a HIT has."""

    mode: str | None
    code_version: str | None
    number: int


def read_table(session: Session, name: str) -> PsiturkTable:
    """Return the rows of :data:`HITS`, :data:`CAMPAIGNS` or :data:`JOBS`, by their keys."""
    inspector = inspect(session.connection())
    if not inspector.has_table(name):
        return PsiturkTable(None)
    wanted = _COLUMNS[name]
    there = {each["name"] for each in inspector.get_columns(name)}
    lacks = tuple(each for each in wanted if each not in there)
    if lacks:
        return PsiturkTable(lacks)
    foreign = table(name, *(column(each) for each in wanted))
    rows = session.connection().execute(select(foreign).order_by(foreign.c[wanted[0]]))
    return PsiturkTable((), tuple(row._asdict() for row in rows))


def people_by_hit(session: Session, participants: str, hit_ids: Sequence[str]) -> dict[str, list[People]]:
    """Return the participants of these HITs, counted by mode and code version."""
    if not exists(session, participants):
        return {}
    people = participants_table(participants)
    key = (people.c.hitid, people.c.mode, people.c.codeversion)
    found: dict[str, list[People]] = {}
    for part in chunks(hit_ids):
        statement = select(*key, func.count()).where(people.c.hitid.in_(part)).group_by(*key)
        for hit_id, mode, version, number in session.connection().execute(statement):
            found.setdefault(hit_id, []).append(People(mode, version, number))
    return found


def recent_hits(session: Session, participants: str, most: int) -> list[str]:
    """Return the HITs that participants' rows name, the most recent first; at most ``most``."""
    people = participants_table(participants)
    last = func.max(people.c.beginhit)
    statement = select(people.c.hitid).group_by(people.c.hitid).order_by(last.is_(None), last.desc(), people.c.hitid)
    return [str(each) for each in session.connection().execute(statement.limit(most)).scalars()]


def newest_code_version(session: Session, participants: str) -> str | None:
    """Return the code version of the participant who began last."""
    people = participants_table(participants)
    known = select(people.c.codeversion).where(people.c.codeversion.is_not(None), people.c.beginhit.is_not(None))
    found = session.connection().execute(known.order_by(people.c.beginhit.desc()).limit(1)).scalar()
    return None if found is None else str(found)


def tables_of_participants(session: Session) -> list[str]:
    """Return the tables that have psiTurk's columns, those of its older versions too."""
    names = sorted(inspect(session.connection()).get_table_names())
    return [each for each in names if not each.startswith(PREFIX) and not missing_columns(session, each)]


def imported(session: Session) -> dict[str, str]:
    """Return what was imported before: ``{"campaign:3": "7"}`` says that their campaign 3 became our campaign 7."""
    statement = select(_FACTS.c.key, _FACTS.c.value).where(_FACTS.c.key.startswith(_PREFIX, autoescape=True))
    return {key.removeprefix(_PREFIX): value for key, value in session.connection().execute(statement)}


def remember(session: Session, theirs: str, ours: str) -> None:
    """Note that a row of theirs was imported; in the transaction that does it."""
    session.connection().execute(insert(_FACTS).values(key=_PREFIX + theirs, value=ours))


def complete_rows(session: Session, participants: str, mode: str, code_version: str) -> int:
    """Return complete participants as psiTurk counts them for a campaign: rows, not people."""
    if not exists(session, participants):
        return 0
    people = participants_table(participants)
    wanted = (people.c.mode == mode, people.c.codeversion == code_version, people.c.status.in_(COMPLETE))
    return int(session.connection().execute(select(func.count()).select_from(people).where(*wanted)).scalar_one())
