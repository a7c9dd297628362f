"""Find labels in whose place a later one of the same worker on the same item counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func, select
from sqlmodel import Session

from turkctl.store.label_votes import PAGE, Narrowed
from turkctl.store.labels import LABELS


def repeated(
    session: Session, experiment_id: int, mode: str, narrowed: Narrowed, skips: Callable[[str], bool]
) -> set[int]:
    """Return the rows of labels that a later label of the same worker on the same item replaces.

    Args:
        session: a reading session.
        experiment_id: the experiment.
        mode: of the labels.
        narrowed: which items and workers to look at.
        skips: whether a value says nothing, and so replaces none.
    """
    conditions = (
        LABELS.c.experiment_id == experiment_id,
        LABELS.c.mode == mode,
        *replace(narrowed, only_counting=True).conditions(),
    )
    several = (
        select(LABELS.c.item, LABELS.c.worker_id)
        .where(*conditions)
        .group_by(LABELS.c.item, LABELS.c.worker_id)
        .having(func.count() > 1)
        .subquery()
    )
    statement = (
        select(LABELS.c.id, LABELS.c.item, LABELS.c.worker_id, LABELS.c.value)
        .join(several, (LABELS.c.item == several.c.item) & (LABELS.c.worker_id == several.c.worker_id))
        .where(*conditions)
        .order_by(LABELS.c.item, LABELS.c.worker_id, LABELS.c.at.desc(), LABELS.c.id.desc())
    )
    found: set[int] = set()
    counting = None
    for part in session.connection().execute(statement.execution_options(stream_results=True)).partitions(PAGE):
        for row, item, worker, value in part:
            if skips(value):
                continue
            if counting == (item, worker):
                found.add(row)
            counting = item, worker
    return found
