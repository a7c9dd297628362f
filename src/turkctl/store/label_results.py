"""Store and read runs of label aggregation, and their results for items and workers.

The results of a run are written in parts beside the current ones; one change of the state at the end makes them
current. So a run that is killed leaves the earlier results in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlmodel import Session

from turkctl.store.base import add, chunks, insert_into, insert_rows
from turkctl.store.experiments import EXPERIMENTS
from turkctl.store.labels import ADMIN, RESULTS, RUNS, STATES, WORKERS, LabelRun

RUNNING = "running"
DONE = "done"
FAILED = "failed"
INTERRUPTED = "interrupted"
KEPT = 2
"""Number of finished runs of an experiment whose results are kept: the last one, and the one before."""
PAGE = 5000
"""Number of rows read, or removed, at a time."""
_NEVER = -1


@dataclass(frozen=True)
class AggregationRun:
    """A run as lists show it."""

    id: int
    experiment_id: int
    experiment: str
    mode: str
    method: str
    started: datetime
    finished: datetime | None
    status: str
    facts: Mapping[str, Any] | None
    changes: Mapping[str, int] | None
    error: str | None


@dataclass(frozen=True)
class LabelledItem:
    """The result of an item."""

    item: str
    label: str | None
    score: float | None
    p: float | None
    n: int
    n_true: int
    method: str
    low: float | None = None
    high: float | None = None
    votes: Mapping[str, int] | None = None
    """By class; None for a yes-or-no question, where ``n`` and ``n_true`` tell them, and where nothing is stored."""
    by_class: Mapping[str, float] | None = None


@dataclass(frozen=True)
class ByHand:
    """A label that was set by hand: who, when, and why."""

    item: str
    label: str
    at: datetime
    by: str | None
    reason: str | None


def begin(session: Session, experiment_id: int, mode: str, method: str, now: datetime) -> int:
    """Store a new run; return its number."""
    run = LabelRun(experiment_id=experiment_id, mode=mode, method=method, started=now, status=RUNNING)
    add(session, run)
    assert run.id is not None
    return run.id


def end(session: Session, run_id: int, status: str, now: datetime, **values: Any) -> None:
    """Record how a run ended: ``facts`` and ``changes``, or ``error``."""
    statement = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status == RUNNING)
    session.connection().execute(statement.values(status=status, finished=now, **values))


def unended(session: Session, mode: str) -> set[int]:
    """Return the experiments with a run that began and has not ended: it is under way, or was abandoned."""
    statement = select(RUNS.c.experiment_id).where(RUNS.c.mode == mode, RUNS.c.status == RUNNING)
    return set(session.connection().execute(statement).scalars())


def end_abandoned(session: Session, experiment_id: int, mode: str, now: datetime) -> None:
    """Mark runs that never ended as interrupted; only the holder of the experiment's lease may do so."""
    wanted = (RUNS.c.experiment_id == experiment_id, RUNS.c.mode == mode, RUNS.c.status == RUNNING)
    session.connection().execute(update(RUNS).where(*wanted).values(status=INTERRUPTED, finished=now))


def put_items(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store results of items; see :class:`turkctl.store.labels.LabelResult` for the keys."""
    insert_rows(session, RESULTS, rows)


def put_workers(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store a run's results for workers: ``run_id, worker_id, facts``."""
    insert_rows(session, WORKERS, rows)


def outdated(session: Session, experiment_id: int, mode: str) -> list[int]:
    """Return the runs whose results are no longer needed: all but the last finished ones."""
    of_it = (RUNS.c.experiment_id == experiment_id, RUNS.c.mode == mode)
    runs = list(session.connection().execute(select(RUNS.c.id, RUNS.c.status).where(*of_it).order_by(RUNS.c.id.desc())))
    kept = [row.id for row in runs if row.status == DONE][:KEPT]
    return [row.id for row in runs if row.id not in kept and row.status != RUNNING]


def remove_some(session: Session, run_ids: Sequence[int]) -> bool:
    """Remove part of these runs' results; return whether there may be more."""
    found = False
    for part in chunks(run_ids):
        for table, key in ((RESULTS, RESULTS.c.item), (WORKERS, WORKERS.c.worker_id)):
            rows = session.connection().execute(select(table.c.run_id, key).where(table.c.run_id.in_(part)).limit(PAGE))
            by_run: dict[int, list[str]] = {}
            for run_id, name in rows:
                by_run.setdefault(run_id, []).append(name)
            for run_id, names in by_run.items():
                found = True
                for some in chunks(names):
                    gone = delete(table).where(table.c.run_id == run_id, key.in_(some))
                    session.connection().execute(gone)
    return found


def labels_of(session: Session, run_id: int | None) -> Iterator[tuple[str, str | None]]:
    """Return (item, label) of a run's results."""
    if run_id is not None:
        statement = select(RESULTS.c.item, RESULTS.c.label).where(RESULTS.c.run_id == run_id)
        for part in session.connection().execute(statement).partitions(PAGE):
            yield from part


def admin_labels(session: Session, experiment_id: int, mode: str) -> dict[str, str]:
    """Return ``{item: label}`` of the labels set by hand."""
    statement = select(ADMIN.c.item, ADMIN.c.label).where(ADMIN.c.experiment_id == experiment_id, ADMIN.c.mode == mode)
    return {row.item: row.label for row in session.connection().execute(statement)}


def set_admin(
    session: Session,
    experiment_id: int,
    mode: str,
    item: str,
    label: str,
    now: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """Set an item's label by hand; replace what was set before."""
    statement = insert_into(session, ADMIN).values(
        experiment_id=experiment_id, mode=mode, item=item, label=label, set_at=now, set_by=by, reason=reason
    )
    new = statement.excluded
    key = ["experiment_id", "mode", "item"]
    values = {name: new[name] for name in ("label", "set_at", "set_by", "reason")}
    session.connection().execute(statement.on_conflict_do_update(index_elements=key, set_=values))


def clear_admin(session: Session, experiment_id: int, mode: str, item: str) -> bool:
    """Let runs decide on the item again; return False if no label was set by hand."""
    wanted = (ADMIN.c.experiment_id == experiment_id, ADMIN.c.mode == mode, ADMIN.c.item == item)
    return session.connection().execute(delete(ADMIN).where(*wanted)).rowcount > 0


def list_by_hand(session: Session, experiment_id: int, mode: str) -> list[ByHand]:
    """Return the labels set by hand, in the order of items."""
    statement = select(ADMIN.c.item, ADMIN.c.label, ADMIN.c.set_at, ADMIN.c.set_by, ADMIN.c.reason).where(
        ADMIN.c.experiment_id == experiment_id, ADMIN.c.mode == mode
    )
    return [ByHand(*row) for row in session.connection().execute(statement.order_by(ADMIN.c.item))]


def list_page(session: Session, run: AggregationRun, of: tuple[int, str], after: str | None) -> list[LabelledItem]:
    """Return a page of a run's results and of labels set by hand, in the order of items.

    Args:
        session: a reading session.
        run: the run that is current, or was when the first page was read.
        of: its experiment and mode.
        after: the last item of the page before; an empty page is the end.
    """
    by_hand = admin_labels(session, *of)
    statement = select(RESULTS).where(RESULTS.c.run_id == run.id).order_by(RESULTS.c.item).limit(PAGE)
    rows = session.connection().execute(statement if after is None else statement.where(RESULTS.c.item > after)).all()
    return [_item(row, run.method, by_hand) for row in rows]


def list_waiting(session: Session, experiment_id: int, mode: str) -> list[LabelledItem]:
    """Return items with a label set by hand that the current run does not know."""
    run_id, _ = _standing(session, experiment_id, mode)
    by_hand = admin_labels(session, experiment_id, mode)
    waiting = sorted(by_hand.keys() - _seen(session, run_id, list(by_hand)))
    return [LabelledItem(item, by_hand[item], None, None, 0, 0, "admin") for item in waiting]


def get_item(session: Session, experiment_id: int, mode: str, item: str) -> LabelledItem | None:
    """Return the result of one item; None if there is none."""
    run_id, method = _standing(session, experiment_id, mode)
    set_by_hand = admin_labels(session, experiment_id, mode)
    wanted = (RESULTS.c.run_id == run_id, RESULTS.c.item == item)
    row = session.connection().execute(select(RESULTS).where(*wanted)).one_or_none()
    if row is None:
        return LabelledItem(item, set_by_hand[item], None, None, 0, 0, "admin") if item in set_by_hand else None
    return _item(row, method, set_by_hand)


def find_items(session: Session, run: AggregationRun, items: Sequence[str]) -> dict[str, LabelledItem]:
    """Return a run's own results of these items, by item, whatever was set by hand."""
    found: dict[str, LabelledItem] = {}
    for part in chunks(items):
        statement = select(RESULTS).where(RESULTS.c.run_id == run.id, RESULTS.c.item.in_(part))
        rows = session.connection().execute(statement)
        found.update((row.item, _item(row, run.method, {})) for row in rows)
    return found


def past_items(
    session: Session, experiment_id: int, mode: str, item: str
) -> list[tuple[AggregationRun, str | None, float]]:
    """Return (run, label, score) of one item in the runs whose results are kept, newest first."""
    statement = (
        _RUN.add_columns(RESULTS.c.label, RESULTS.c.score)
        .join(RESULTS, RESULTS.c.run_id == RUNS.c.id)
        .where(*_run_of(experiment_id, mode), RUNS.c.status == DONE, RESULTS.c.item == item)
        .order_by(RUNS.c.id.desc())
    )
    return [(AggregationRun(*row[:-2]), row[-2], row[-1]) for row in session.connection().execute(statement)]


def list_workers(session: Session, run_id: int, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the run's results for workers, all or these, by id."""
    statement = select(WORKERS.c.worker_id, WORKERS.c.facts).where(WORKERS.c.run_id == run_id)
    parts: Iterator[Select[Any]] = iter([statement])
    if names is not None:
        parts = (statement.where(WORKERS.c.worker_id.in_(part)) for part in chunks(names))
    rows = [row for part in parts for row in session.connection().execute(part)]
    return [{"worker": row.worker_id, **row.facts} for row in sorted(rows, key=lambda row: str(row.worker_id))]


def standing_run(session: Session, experiment_id: int, mode: str) -> AggregationRun | None:
    """Return the run whose results are current."""
    run_id, _ = _standing(session, experiment_id, mode)
    row = session.connection().execute(_RUN.where(RUNS.c.id == run_id)).one_or_none()
    return None if row is None else AggregationRun(*row)


def list_runs(
    session: Session, mode: str, experiment_id: int | None, limit: int | None, *, ended: bool = True
) -> list[AggregationRun]:
    """Return runs, newest first; ``ended=False`` leaves out those of experiments that have ended."""
    statement = _RUN.where(RUNS.c.mode == mode).order_by(RUNS.c.id.desc()).limit(limit)
    if experiment_id is not None:
        statement = statement.where(RUNS.c.experiment_id == experiment_id)
    elif not ended:
        statement = statement.where(EXPERIMENTS.c.ended.is_(None))
    return [AggregationRun(*row) for row in session.connection().execute(statement)]


_RUN: Select[Any] = select(
    RUNS.c.id,
    RUNS.c.experiment_id,
    EXPERIMENTS.c.slug,
    RUNS.c.mode,
    RUNS.c.method,
    RUNS.c.started,
    RUNS.c.finished,
    RUNS.c.status,
    RUNS.c.facts,
    RUNS.c.changes,
    RUNS.c.error,
).join_from(RUNS, EXPERIMENTS, RUNS.c.experiment_id == EXPERIMENTS.c.id)


def _run_of(experiment_id: int, mode: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RUNS.c.experiment_id == experiment_id, RUNS.c.mode == mode


def _standing(session: Session, experiment_id: int, mode: str) -> tuple[int, str]:
    """Return the current run and its method; a number that no run has if there is none."""
    statement = (
        select(RUNS.c.id, RUNS.c.method)
        .join(STATES, STATES.c.run_id == RUNS.c.id)
        .where(STATES.c.experiment_id == experiment_id, STATES.c.mode == mode)
    )
    row = session.connection().execute(statement).one_or_none()
    return (_NEVER, "") if row is None else (row.id, row.method)


def _seen(session: Session, run_id: int, items: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    for part in chunks(items):
        statement = select(RESULTS.c.item).where(RESULTS.c.run_id == run_id, RESULTS.c.item.in_(part))
        seen |= set(session.connection().execute(statement).scalars())
    return seen


def _item(row: Any, method: str, set_by_hand: Mapping[str, str]) -> LabelledItem:
    by_hand = set_by_hand.get(row.item)
    label, by = (row.label, method) if by_hand is None else (by_hand, "admin")
    more = (row.low, row.high, row.votes, row.by_class)
    return LabelledItem(row.item, label, row.score, row.p, row.n, row.n_true, by, *more)
