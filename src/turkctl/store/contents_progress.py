"""Count how the answers to items came in: per day, and per person.

An answer counts on the day, in UTC, on which its person first submitted one that does. Of each item no more answers
count than it wants, and an item is finished on the day of the last of these. Removed items, and those with a known
answer, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, case, distinct, func, select
from sqlmodel import Session

from turkctl.store import contents_usable
from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.hits import HITS
from turkctl.store.people import hits_at

PAGE = 10_000
"""Number of rows fetched at a time."""


@dataclass(frozen=True)
class DayOfContent:
    """What one day brought."""

    day: date
    usable: int
    finished: int
    """Items that got the last answer that they wanted."""


def days(session: Session, place: Place, experiment_id: int | None = None) -> dict[int, list[DayOfContent]]:
    """Return ``{experiment: its days with answers, in order}``, of all experiments or of one."""
    here = [] if experiment_id is None else [HITS.c.experiment_id == experiment_id]
    each = contents_usable.by_person(place, here).subquery()
    until = func.sum(each.c.outputs).over(
        partition_by=each.c.content_id, order_by=(each.c.at, each.c.worker_id), rows=(None, 0)
    )
    running = (
        select(
            CONTENTS.c.experiment_id,
            _day(session, each.c.at).label("day"),
            CONTENTS.c.outputs_max.label("wanted"),
            until.label("until"),
            (until - each.c.outputs).label("before"),
        )
        .join_from(each, CONTENTS, CONTENTS.c.id == each.c.content_id)
        .where(CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None), each.c.at.is_not(None))
        .subquery()
    )
    wanted, after, before = running.c.wanted, running.c.until, running.c.before
    counting = case((before >= wanted, 0), (after > wanted, wanted - before), else_=after - before)
    last = case(((before < wanted) & (after >= wanted), 1), else_=0)
    of = (running.c.experiment_id, running.c.day)
    statement = select(*of, func.sum(counting), func.sum(last)).group_by(*of).order_by(*of)
    found: dict[int, list[DayOfContent]] = {}
    for key, day, usable, finished in session.connection().execute(statement):
        if usable:
            found.setdefault(key, []).append(DayOfContent(date.fromisoformat(day), int(usable), int(finished)))
    return found


def _day(session: Session, moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the day of a time in UTC, as ``2026-11-22``."""
    if session.connection().dialect.name == "sqlite":
        return func.substr(moment, 1, 10, type_=String)
    return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD", type_=String)


def first_posted(session: Session, place: Place) -> dict[int, datetime]:
    """Return ``{experiment: when its first HIT with an item was posted}``."""
    statement = (
        select(HITS.c.experiment_id, func.min(HITS.c.created))
        .where(*hits_at(place), HITS.c.id.in_(select(LINKS.c.hit_row)), HITS.c.experiment_id.is_not(None))
        .group_by(HITS.c.experiment_id)
    )
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def answered_by(session: Session, place: Place, experiment_id: int) -> dict[str, tuple[int, int]]:
    """Return ``{person: (items that they answered, answers of them that count)}``."""
    of_it = HITS.c.experiment_id == experiment_id
    ordinary = (CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None))
    answered = (
        select(ASSIGNMENTS.c.worker_id, func.count(distinct(CONTENTS.c.id)))
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .join(LINKS, LINKS.c.hit_row == HITS.c.id)
        .join(CONTENTS, (CONTENTS.c.id == LINKS.c.content_id) & ordinary[0] & ordinary[1], isouter=True)
        .where(*hits_at(place), of_it)
        .group_by(ASSIGNMENTS.c.worker_id)
    )
    each = contents_usable.by_person(place, [of_it]).subquery()
    usable = (
        select(each.c.worker_id, func.count())
        .join_from(each, CONTENTS, CONTENTS.c.id == each.c.content_id)
        .where(*ordinary)
        .group_by(each.c.worker_id)
    )
    counting = {row[0]: int(row[1]) for row in session.connection().execute(usable)}
    return {row[0]: (int(row[1]), counting.get(row[0], 0)) for row in session.connection().execute(answered)}


def durations(session: Session, place: Place, experiment_id: int) -> Iterator[tuple[str, float]]:
    """Yield (person, seconds that an item took them) of each submission, person by person.

    It is the time from acceptance to submission, divided by the number of items that the HIT shows.
    """
    items = select(LINKS.c.hit_row, func.count().label("number")).group_by(LINKS.c.hit_row).subquery()
    statement = (
        select(ASSIGNMENTS.c.worker_id, ASSIGNMENTS.c.accepted, ASSIGNMENTS.c.submitted, items.c.number)
        .join_from(ASSIGNMENTS, HITS, ASSIGNMENTS.c.hit_row == HITS.c.id)
        .join(items, items.c.hit_row == HITS.c.id)
        .where(*hits_at(place), HITS.c.experiment_id == experiment_id)
        .where(ASSIGNMENTS.c.accepted.is_not(None), ASSIGNMENTS.c.submitted.is_not(None))
        .order_by(ASSIGNMENTS.c.worker_id)
    )
    rows = session.connection().execute(statement.execution_options(stream_results=True))
    for part in rows.partitions(PAGE):
        for person, accepted, submitted, number in part:
            yield person, max(0.0, (submitted - accepted).total_seconds()) / number
