"""Store, list and count labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, update
from sqlmodel import Session

from turkctl.store.assignments import ASSIGNMENTS
from turkctl.store.base import Place, changed, chunks, insert_ignoring, insert_into
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.hits import HITS
from turkctl.store.labels import EXCLUDED, IMPORTED, LABELS

PAGE = 10_000
"""Number of rows read at a time."""
KEY = ["experiment_id", "mode", "market", "origin", "item", "worker_id"]


class Vote(NamedTuple):
    """One label to store."""

    item: str
    worker: str
    value: str | None


@dataclass(frozen=True)
class LabelAnswer:
    """One label that an assignment gives."""

    market: str
    assignment_id: str
    item: str
    worker: str
    value: str | None
    at: datetime
    rejected: bool


@dataclass(frozen=True)
class ListedLabel:
    """A label as lists show it; ``row`` is its row in the table."""

    row: int
    experiment: str
    item: str
    worker: str
    label: str | None
    at: datetime
    assignment_id: str | None
    status: str
    """``counts``, ``rejected``, ``invalid`` or ``excluded``."""


class ItemVote(NamedTuple):
    """One label as it is read item by item."""

    item: str
    worker: str
    value: str | None
    counts: bool
    """Whether it is of no rejected work or excluded worker, and not taken out."""


@dataclass(frozen=True)
class Narrowed:
    """A filter of labels, besides experiment and mode."""

    item: str | None = None
    worker: str | None = None
    only_counting: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL."""
        found: list[ColumnElement[bool]] = []
        if self.item is not None:
            found.append(LABELS.c.item == self.item)
        if self.worker is not None:
            found.append(LABELS.c.worker_id == self.worker)
        if self.only_counting:
            found += [*_counts(), LABELS.c.value.is_not(None)]
        return found


def imported(session: Session, experiment_id: int, mode: str) -> Iterator[Vote]:
    """Return the condition that a label was imported."""
    statement = select(LABELS.c.item, LABELS.c.worker_id, LABELS.c.value).where(
        *_of(experiment_id, mode), LABELS.c.market == "", LABELS.c.origin == IMPORTED
    )
    rows = session.connection().execute(statement.execution_options(stream_results=True))
    for part in rows.partitions(PAGE):
        yield from (Vote(*row) for row in part)


def put_imported(session: Session, experiment_id: int, mode: str, votes: Sequence[Vote], now: datetime) -> None:
    """Add labels of different (item, worker) pairs from a file, or change existing ones."""
    statement = insert_into(session, LABELS).values(
        experiment_id=experiment_id, mode=mode, market="", origin=IMPORTED, at=now, rejected=False, invalid=False
    )
    new = statement.excluded
    statement = statement.on_conflict_do_update(index_elements=KEY, set_={"value": new["value"], "at": new["at"]})
    rows = [{"item": vote.item, "worker_id": vote.worker, "value": vote.value} for vote in votes]
    if rows:
        session.connection().execute(statement, rows)


def put_answers(session: Session, experiment_id: int, mode: str, answers: Sequence[LabelAnswer]) -> None:
    """Add or replace the labels of assignments; a label that was taken out stays out."""
    statement = insert_into(session, LABELS)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=KEY, set_={name: new[name] for name in ("value", "at", "rejected")}
    )
    rows = [
        {
            "experiment_id": experiment_id,
            "mode": mode,
            "market": answer.market,
            "origin": answer.assignment_id,
            "item": answer.item,
            "worker_id": answer.worker,
            "value": answer.value,
            "at": answer.at,
            "rejected": answer.rejected,
            "invalid": False,
        }
        for answer in answers
    ]
    if rows:
        session.connection().execute(statement, rows)


def forget_answers(session: Session, experiment_id: int, mode: str) -> None:
    """Clear the labels from assignments before they are read again; rows stay, so that those taken out stay out."""
    parsed = (LABELS.c.experiment_id == experiment_id, LABELS.c.mode == mode, LABELS.c.origin != IMPORTED)
    session.connection().execute(update(LABELS).where(*parsed).values(value=None))


def set_rejected(session: Session, place: Place, assignment_ids: Sequence[str], *, to: bool) -> set[int]:
    """Mark labels as of rejected work, or no longer; return the experiments with changes."""
    found: set[int] = set()
    for part in chunks(assignment_ids):
        here = (ASSIGNMENTS.c.mode == place.mode, ASSIGNMENTS.c.market == place.market)
        statement = (
            select(HITS.c.experiment_id)
            .join(ASSIGNMENTS, ASSIGNMENTS.c.hit_row == HITS.c.id)
            .where(*here, ASSIGNMENTS.c.assignment_id.in_(part), HITS.c.experiment_id.is_not(None))
            .distinct()
        )
        for experiment_id in session.connection().execute(statement).scalars().all():
            labels = update(LABELS).where(
                *_of(experiment_id, place.mode),
                LABELS.c.market == place.market,
                LABELS.c.origin.in_(part),
                LABELS.c.rejected.is_(not to),
            )
            if changed(session, labels.values(rejected=to)):
                found.add(experiment_id)
    return found


def count(session: Session, experiment_id: int, mode: str) -> int:
    """Return the number of labels, whether they count or not."""
    statement = select(func.count()).select_from(LABELS).where(*_of(experiment_id, mode))
    return int(session.connection().execute(statement).scalar_one())


def has_any(session: Session, experiment_id: int, mode: str) -> bool:
    """Return whether there are labels."""
    found = select(exists().where(*_of(experiment_id, mode)))
    return bool(session.connection().execute(found).scalar_one())


def known_items(session: Session, experiment_id: int, mode: str, items: Sequence[str]) -> set[str]:
    """Return which of these items have a label."""
    known: set[str] = set()
    for part in chunks(items):
        statement = select(LABELS.c.item).distinct().where(*_of(experiment_id, mode), LABELS.c.item.in_(part))
        known |= set(session.connection().execute(statement).scalars())
    return known


def unknown_workers(session: Session, experiment_id: int | None, mode: str, workers: Sequence[str]) -> list[str]:
    """Return the workers who gave no label to the experiment; None: to any."""
    known: set[str] = set()
    of = [LABELS.c.mode == mode] if experiment_id is None else _of(experiment_id, mode)
    for part in chunks(workers):
        statement = select(LABELS.c.worker_id).distinct().where(*of, LABELS.c.worker_id.in_(part))
        known |= set(session.connection().execute(statement).scalars())
    return [worker for worker in workers if worker not in known]


def counted(session: Session, experiment_id: int, mode: str) -> Iterator[tuple[str, str, str]]:
    """Yield (item, worker, value) of the labels that count, oldest first, so that a worker's last one comes last.

    Labels of rejected work or excluded workers, those taken out, and those without a value are left out.
    """
    statement = (
        select(LABELS.c.item, LABELS.c.worker_id, LABELS.c.value)
        .where(*_of(experiment_id, mode), *_counts(), LABELS.c.value.is_not(None))
        .order_by(LABELS.c.at, LABELS.c.id)
    )
    for part in session.connection().execute(statement.execution_options(stream_results=True)).partitions(PAGE):
        yield from part


def by_item(session: Session, experiment_id: int, mode: str) -> Iterator[tuple[str, str, str]]:
    """Yield what :func:`counted` does item by item; of an item, a worker's last label comes last of theirs."""
    statement = (
        select(LABELS.c.item, LABELS.c.worker_id, LABELS.c.value)
        .where(*_of(experiment_id, mode), *_counts(), LABELS.c.value.is_not(None))
        .order_by(LABELS.c.item, LABELS.c.at, LABELS.c.id)
    )
    for part in session.connection().execute(statement.execution_options(stream_results=True)).partitions(PAGE):
        yield from part


def first_with(session: Session, experiment_id: int, mode: str, values: Sequence[str], limit: int) -> list[ListedLabel]:
    """Return the first labels that count and have one of these few values, in the order of :func:`counted`."""
    statement = _LISTED.where(*_of(experiment_id, mode), *_counts(), LABELS.c.value.in_(values))
    rows = session.connection().execute(statement.order_by(LABELS.c.at, LABELS.c.id).limit(limit))
    return [_listed(row) for row in rows]


def value_counts(session: Session, experiment_id: int, mode: str) -> dict[str, int]:
    """Return how often each value is among the labels that count, the first one first."""
    number = func.count()
    statement = (
        select(LABELS.c.value, number)
        .where(*_of(experiment_id, mode), *_counts(), LABELS.c.value.is_not(None))
        .group_by(LABELS.c.value)
        .order_by(func.min(LABELS.c.at), func.min(LABELS.c.id))
    )
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def list_page(
    session: Session,
    mode: str,
    experiment_id: int | None,
    narrowed: Narrowed,
    after: int,
    size: int = PAGE,
    *,
    ended: bool = True,
) -> tuple[list[ListedLabel], int]:
    """Return a page of matching labels, in the order of storing, and the row after which the next page begins.

    ``ended=False`` leaves out those of experiments that have ended.

    An empty page is the end.
    """
    statement = _LISTED.where(LABELS.c.mode == mode, LABELS.c.id > after, *narrowed.conditions())
    if experiment_id is not None:
        statement = statement.where(LABELS.c.experiment_id == experiment_id)
    elif not ended:
        statement = statement.where(EXPERIMENTS.c.ended.is_(None))
    rows = session.connection().execute(statement.order_by(LABELS.c.id).limit(size)).all()
    return [_listed(row) for row in rows], rows[-1].id if rows else after


def list_by_item(session: Session, experiment_id: int, mode: str, after: str | None, size: int) -> list[ItemVote]:
    """Return a page of labels, whether they count or not, in the order of items; those of an item oldest first.

    Args:
        session: a reading session.
        experiment_id: the experiment.
        mode: of the labels.
        after: the item after which the page begins; None for the first page.
        size: the maximum number of labels: those of the last item may go on after it.
    """
    counts = case((and_(*_counts()), True), else_=False)
    statement = select(LABELS.c.item, LABELS.c.worker_id, LABELS.c.value, counts).where(*_of(experiment_id, mode))
    if after is not None:
        statement = statement.where(LABELS.c.item > after)
    rows = session.connection().execute(statement.order_by(LABELS.c.item, LABELS.c.at, LABELS.c.id).limit(size)).all()
    return [ItemVote(row[0], row[1], row[2], bool(row[3])) for row in rows]


def set_invalid(session: Session, experiment_id: int, mode: str, narrowed: Narrowed, *, to: bool) -> int:
    """Take labels out, or put them back; return the number of changed ones."""
    wanted = (*_of(experiment_id, mode), *narrowed.conditions(), LABELS.c.invalid.is_(not to))
    return changed(session, update(LABELS).where(*wanted).values(invalid=to))


def count_invalid(session: Session, experiment_id: int, mode: str, narrowed: Narrowed, *, to: bool) -> int:
    """Return the number that :func:`set_invalid` would change."""
    wanted = (*_of(experiment_id, mode), *narrowed.conditions(), LABELS.c.invalid.is_(not to))
    return int(session.connection().execute(select(func.count()).select_from(LABELS).where(*wanted)).scalar_one())


def excluded(session: Session, experiment_id: int, mode: str) -> set[str]:
    """Return the workers whose labels do not count."""
    statement = select(EXCLUDED.c.worker_id).where(EXCLUDED.c.experiment_id == experiment_id, EXCLUDED.c.mode == mode)
    return set(session.connection().execute(statement).scalars())


def exclude(session: Session, experiment_id: int, mode: str, workers: Collection[str], now: datetime) -> None:
    """Exclude the labels of these workers."""
    rows = [{"experiment_id": experiment_id, "mode": mode, "worker_id": worker, "excluded": now} for worker in workers]
    insert_ignoring(session, EXCLUDED, ["experiment_id", "mode", "worker_id"], rows)


def include(session: Session, experiment_id: int, mode: str, workers: Sequence[str]) -> None:
    """Include the labels of these workers again."""
    for part in chunks(workers):
        gone = EXCLUDED.delete().where(
            EXCLUDED.c.experiment_id == experiment_id, EXCLUDED.c.mode == mode, EXCLUDED.c.worker_id.in_(part)
        )
        session.connection().execute(gone)


def _is_excluded() -> ColumnElement[bool]:
    return exists().where(
        and_(
            EXCLUDED.c.experiment_id == LABELS.c.experiment_id,
            EXCLUDED.c.mode == LABELS.c.mode,
            EXCLUDED.c.worker_id == LABELS.c.worker_id,
        )
    )


def _counts() -> list[ColumnElement[bool]]:
    return [LABELS.c.rejected.is_(False), LABELS.c.invalid.is_(False), ~_is_excluded()]


def _of(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LABELS.c.experiment_id == experiment_id, LABELS.c.mode == mode


_LISTED: Select[Any] = select(
    LABELS.c.id,
    EXPERIMENTS.c.slug,
    LABELS.c.item,
    LABELS.c.worker_id,
    LABELS.c.value,
    LABELS.c.at,
    LABELS.c.origin,
    case(
        (LABELS.c.invalid.is_(True), "invalid"),
        (LABELS.c.rejected.is_(True), "rejected"),
        (_is_excluded(), "excluded"),
        else_="counts",
    ).label("status"),
).join_from(LABELS, EXPERIMENTS, LABELS.c.experiment_id == EXPERIMENTS.c.id)


def _listed(row: Any) -> ListedLabel:
    return ListedLabel(row.id, row.slug, row.item, row.worker_id, row.value, row.at, row.origin or None, row.status)
