"""Compute outputs of content: completed, under way, and pending. They are never stored.

``completed`` are the usable outputs of the HITs that show an item, those of one person once
(:mod:`turkctl.store.contents_usable`); ``answers`` are all that were submitted. ``scheduled`` are those that its live
HITs may still bring: open slots, workers at work, and submissions that the counters imply but that are not read yet (as
:mod:`turkctl.store.people` counts people), besides the HITs of unfinished intents. The number of outputs of an
assignment follows the settings of its HIT.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, or_, select, union_all
from sqlmodel import Session

from turkctl.store import contents_usable
from turkctl.store.assignments import APPROVED, ASSIGNMENTS, SUBMITTED
from turkctl.store.base import ANY_MARKET, Place, Scope, chunks
from turkctl.store.contents import CONTENTS, LINKS
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS
from turkctl.store.intents import INTENTS, UNFINISHED
from turkctl.store.people import closed, hits_at

PAGE = 5000
"""Number of rows read at a time."""


@dataclass(frozen=True)
class ListedContent:
    """An item as lists show it."""

    key: str
    experiment: str
    outputs_max: int
    answers: int
    """Outputs that were submitted, whether they count or not."""
    completed: int
    """Outputs that count."""
    scheduled: int
    priority: float
    gold: str | None
    removed: datetime | None


@dataclass(frozen=True)
class ListFilter:
    """The filter of a list of items."""

    slug: str | None = None
    pending: bool = False
    """Only those that the next dispatch would post, in its order."""
    gold: bool = False
    """Only those with a known answer."""
    removed: bool = False
    """Only removed items; else only the others."""
    ended: bool = True
    """Also items of experiments that have ended."""


@dataclass(frozen=True)
class Pending:
    """An item with missing outputs that no HIT asks for yet."""

    id: int
    priority: float
    completed: int
    need: int
    """Outputs."""
    shown: int = 0
    """Number of HITs that it was ever planned for."""
    answers: int = 0
    """Outputs that were submitted, whether they count or not."""

    @property
    def rank(self) -> tuple[int, float, int]:
        """Return the sort key: most completed first, then by priority, then the oldest."""
        return -self.completed, -self.priority, self.id


def counts(place: Place, now: datetime, *narrowed: ColumnElement[bool], experiment_id: int | None = None) -> CTE:
    """Select ``content_id, answers, completed, scheduled`` of the items that HITs of the place show, or are about to.

    ``narrowed`` are conditions on :data:`turkctl.store.contents.LINKS` that choose items.
    """
    per_hit = _per_hit(place, now, narrowed, experiment_id)
    posted = (
        select(
            LINKS.c.content_id,
            (LINKS.c.outputs * per_hit.c.received).label("answers"),
            literal(0).label("completed"),
            (LINKS.c.outputs * per_hit.c.live).label("scheduled"),
        )
        .join(per_hit, LINKS.c.hit_row == per_hit.c.id)
        .where(*narrowed)
    )
    here = [*narrowed] if experiment_id is None else [*narrowed, HITS.c.experiment_id == experiment_id]
    counting = contents_usable.votes(place, here).subquery()
    usable = select(counting.c.content_id, literal(0), counting.c.completed, literal(0))
    coming = (
        select(LINKS.c.content_id, literal(0), literal(0), LINKS.c.outputs * LINKS.c.assignments)
        .join(INTENTS, LINKS.c.token == INTENTS.c.token)
        .where(*_intents_at(place), INTENTS.c.state.in_(UNFINISHED), LINKS.c.hit_row.is_(None), *narrowed)
    )
    if experiment_id is not None:
        coming = coming.where(INTENTS.c.experiment_id == experiment_id)
    all_ = union_all(posted, usable, coming).subquery()
    sums = (func.sum(all_.c[name]).label(name) for name in ("answers", "completed", "scheduled"))
    return select(all_.c.content_id, *sums).group_by(all_.c.content_id).cte("counts")


def _per_hit(place: Place, now: datetime, narrowed: Sequence[ColumnElement[bool]], experiment_id: int | None) -> CTE:
    """Select the received and the expected assignments of each HIT; grouped, so that each HIT is computed once."""
    stored = func.count(ASSIGNMENTS.c.id)
    unread = HITS.c.max_assignments - HITS.c.available - HITS.c.pending - stored
    open_ = case((closed(now), 0), else_=HITS.c.available)
    live = open_ + HITS.c.pending + case((unread > 0, unread), else_=0)
    statement = (
        select(
            HITS.c.id,
            stored.label("received"),
            case((HITS.c.disposed_at.is_not(None), 0), else_=live).label("live"),
        )
        .join_from(HITS, ASSIGNMENTS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*hits_at(place))
        .group_by(HITS.c.id)
    )
    if experiment_id is not None:
        statement = statement.where(HITS.c.experiment_id == experiment_id)
    if narrowed:
        statement = statement.where(HITS.c.id.in_(select(LINKS.c.hit_row).where(*narrowed)))
    return statement.cte("per_hit")


def _intents_at(place: Place) -> list[ColumnElement[bool]]:
    mode = INTENTS.c.mode == place.mode
    return [mode] if place.market == ANY_MARKET else [mode, INTENTS.c.market == place.market]


def needs(scope: Scope, ids: Sequence[int]) -> dict[int, int]:
    """Return ``{id: outputs}`` that are missing and that no HIT asks for; removed items need none."""
    found: dict[int, int] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        counted = counts(scope.place, scope.now, LINKS.c.content_id.in_(part))
        statement = (
            select(CONTENTS.c.id, _need(counted))
            .join(counted, counted.c.content_id == CONTENTS.c.id, isouter=True)
            .where(CONTENTS.c.id.in_(part), CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None))
        )
        found.update((row[0], int(row[1])) for row in scope.session.connection().execute(statement))
    return found


def out(scope: Scope, ids: Sequence[int]) -> dict[int, int]:
    """Return ``{id: outputs}`` under way, for those of these items that have any."""
    found: dict[int, int] = {}
    for part in chunks(ids):
        counted = counts(scope.place, scope.now, LINKS.c.content_id.in_(part))
        statement = select(counted.c.content_id, counted.c.scheduled).where(counted.c.scheduled > 0)
        found.update((row[0], int(row[1])) for row in scope.session.connection().execute(statement))
    return found


def _completed(counted: CTE) -> ColumnElement[int]:
    return func.coalesce(counted.c.completed, 0)


def _scheduled(counted: CTE) -> ColumnElement[int]:
    return func.coalesce(counted.c.scheduled, 0)


@dataclass(frozen=True)
class ContentProgress:
    """How far the items of an experiment are, removed ones and those with a known answer left out."""

    items: int
    finished: int
    """Items that have all their outputs."""
    outputs: int
    """Outputs wanted."""
    completed: int
    """Outputs there are, of each item no more than it wants."""


def progress(session: Session, place: Place, now: datetime) -> dict[int, ContentProgress]:
    """Return ``{experiment: how far its items are}``, for the experiments that have any."""
    counted = counts(place, now)
    there = case((_completed(counted) > CONTENTS.c.outputs_max, CONTENTS.c.outputs_max), else_=_completed(counted))
    statement = (
        select(
            CONTENTS.c.experiment_id,
            func.count(),
            func.sum(case((there == CONTENTS.c.outputs_max, 1), else_=0)),
            func.sum(CONTENTS.c.outputs_max),
            func.sum(there),
        )
        .join(counted, counted.c.content_id == CONTENTS.c.id, isouter=True)
        .where(CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None))
        .group_by(CONTENTS.c.experiment_id)
    )
    rows = session.connection().execute(statement)
    return {row[0]: ContentProgress(*(int(number) for number in row[1:])) for row in rows}


def arrivals(session: Session, place: Place, since: datetime) -> dict[int, tuple[int, datetime]]:
    """Return ``{experiment: (outputs submitted since then, when the first HIT with an item was posted)}``."""
    good = and_(ASSIGNMENTS.c.status.in_((SUBMITTED, APPROVED)), ASSIGNMENTS.c.submitted >= since)
    statement = (
        select(CONTENTS.c.experiment_id, func.sum(case((good, LINKS.c.outputs), else_=0)), func.min(HITS.c.created))
        .join_from(LINKS, CONTENTS, CONTENTS.c.id == LINKS.c.content_id)
        .join(HITS, HITS.c.id == LINKS.c.hit_row)
        .join(ASSIGNMENTS, ASSIGNMENTS.c.hit_row == HITS.c.id, isouter=True)
        .where(*hits_at(place), CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None))
        .group_by(CONTENTS.c.experiment_id)
    )
    return {row[0]: (int(row[1]), row[2]) for row in session.connection().execute(statement)}


def _need(counted: CTE) -> ColumnElement[int]:
    return CONTENTS.c.outputs_max - _completed(counted) - _scheduled(counted)


def seen_pending(scope: Scope, experiment_id: int) -> list[Pending]:
    """Return the pending items that were ever planned for a HIT, in any place, in the order of dispatch."""
    counted = counts(scope.place, scope.now, experiment_id=experiment_id)
    shown = select(LINKS.c.content_id, func.count().label("shown")).group_by(LINKS.c.content_id).subquery()
    completed, need, answers = _completed(counted), _need(counted), func.coalesce(counted.c.answers, 0)
    statement = (
        select(CONTENTS.c.id, CONTENTS.c.priority, completed, need, shown.c.shown, answers)
        .join_from(shown, CONTENTS, CONTENTS.c.id == shown.c.content_id)
        .join(counted, counted.c.content_id == CONTENTS.c.id, isouter=True)
        .where(*_in_queue(experiment_id), need > 0)
        .order_by(completed.desc(), CONTENTS.c.priority.desc(), CONTENTS.c.id)
    )
    rows = scope.session.connection().execute(statement)
    return [Pending(row[0], row[1], int(row[2]), int(row[3]), row[4], int(row[5])) for row in rows]


def pending(scope: Scope, experiment_id: int, seen: Sequence[Pending] | None = None) -> Iterator[Pending]:
    """Yield the pending items in the order of dispatch: those shown before, merged with new ones.

    ``seen`` are those of :func:`seen_pending`, if they are read already.
    """
    shown = seen_pending(scope, experiment_id) if seen is None else seen
    return heapq.merge(shown, new_pending(scope.session, experiment_id), key=lambda item: item.rank)


def new_pending(session: Session, experiment_id: int, page: int = PAGE) -> Iterator[Pending]:
    """Yield the items that were never planned for a HIT, by priority, the oldest first; read a page at a time."""
    never = ~select(LINKS.c.content_id).where(LINKS.c.content_id == CONTENTS.c.id).exists()
    statement = select(CONTENTS.c.id, CONTENTS.c.priority, CONTENTS.c.outputs_max).where(
        *_in_queue(experiment_id), never
    )
    statement = statement.order_by(CONTENTS.c.priority.desc(), CONTENTS.c.id).limit(page)
    part = statement
    while rows := session.connection().execute(part).all():
        for row in rows:
            yield Pending(row.id, row.priority, 0, row.outputs_max)
        last = rows[-1]
        later = and_(CONTENTS.c.priority == last.priority, CONTENTS.c.id > last.id)
        # The first condition is redundant: it lets the index be entered where the last page ended.
        part = statement.where(CONTENTS.c.priority <= last.priority, or_(CONTENTS.c.priority < last.priority, later))


def _in_queue(experiment_id: int) -> list[ColumnElement[bool]]:
    return [CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.removed.is_(None), CONTENTS.c.gold.is_(None)]


def list_contents(
    scope: Scope, wanted: ListFilter, *, limit: int | None = None, offset: int = 0
) -> Iterator[ListedContent]:
    """Yield the items that match, by experiment and age; pending ones in the order of dispatch. Reads by pages."""
    if wanted.pending:
        yield from _list_pending(scope, wanted, limit, offset)
        return
    every = select(EXPERIMENTS.c.id).order_by(EXPERIMENTS.c.slug)
    if wanted.slug is not None:
        every = every.where(EXPERIMENTS.c.slug == wanted.slug)
    elif not wanted.ended:
        every = every.where(EXPERIMENTS.c.ended.is_(None))
    found = (
        row
        for experiment_id in scope.session.connection().execute(every).scalars().all()
        for row in _listed_of(scope, wanted, experiment_id)
    )
    yield from islice(found, offset, None if limit is None else offset + limit)


def _listed_of(scope: Scope, wanted: ListFilter, experiment_id: int) -> Iterator[ListedContent]:
    session = scope.session
    # Adding 0 keeps the database from using the experiment's index, with which it would sort all items for each page.
    of_experiment = (CONTENTS.c.experiment_id + 0) == experiment_id
    statement = _of(wanted).where(of_experiment).order_by(CONTENTS.c.id).limit(PAGE)
    after = 0
    while rows := session.connection().execute(statement.where(CONTENTS.c.id > after)).all():
        after = rows[-1].id
        shown = LINKS.c.content_id.between(rows[0].id, after)
        counted = counts(scope.place, scope.now, shown, experiment_id=experiment_id)
        found = {row[0]: row[1:] for row in session.connection().execute(select(counted))}
        for row in rows:
            yield _listed(row, *(int(number) for number in found.get(row.id, (0, 0, 0))))


_LISTED = (
    EXPERIMENTS.c.slug,
    CONTENTS.c.id,
    CONTENTS.c.key,
    CONTENTS.c.outputs_max,
    CONTENTS.c.priority,
    CONTENTS.c.gold,
    CONTENTS.c.removed,
)


def _of(wanted: ListFilter) -> Select[Any]:
    statement = select(*_LISTED).join_from(CONTENTS, EXPERIMENTS, CONTENTS.c.experiment_id == EXPERIMENTS.c.id)
    statement = statement.where(CONTENTS.c.removed.is_not(None) if wanted.removed else CONTENTS.c.removed.is_(None))
    return statement.where(CONTENTS.c.gold.is_not(None)) if wanted.gold else statement


def _list_pending(scope: Scope, wanted: ListFilter, limit: int | None, offset: int) -> Iterator[ListedContent]:
    if wanted.gold or wanted.removed:
        return  # such items never are
    every = select(EXPERIMENTS.c.id).where(EXPERIMENTS.c.active).order_by(EXPERIMENTS.c.slug)
    if wanted.slug is not None:
        every = every.where(EXPERIMENTS.c.slug == wanted.slug)
    found = (
        item
        for experiment_id in scope.session.connection().execute(every).scalars().all()
        for item in pending(scope, experiment_id)
    )
    chosen = islice(found, offset, None if limit is None else offset + limit)
    while part := list(islice(chosen, PAGE)):
        rows = {
            row.id: row
            for ids in chunks([item.id for item in part])
            for row in scope.session.connection().execute(_of(wanted).where(CONTENTS.c.id.in_(ids)))
        }
        for item in part:
            row = rows.get(item.id)
            if row is not None:  # otherwise it was removed just now
                scheduled = row.outputs_max - item.completed - item.need
                yield _listed(row, item.answers, item.completed, scheduled)


def _listed(row: Any, answers: int, completed: int, scheduled: int) -> ListedContent:
    return ListedContent(
        row.key, row.slug, row.outputs_max, answers, completed, scheduled, row.priority, row.gold, row.removed
    )
