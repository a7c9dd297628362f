"""Settle what becomes due by itself, in the order of time: deadlines, automatic approvals, expiries, disposals.

Anything that an event makes due lies at least the retention time later, so a batch that spans less than that can be
sorted once and processed in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, Table, func, select

from turkctl.market import (
    assignments,
    corrections,
    hit_changes,
    hit_items,
    hit_rows,
    qualifications,
    review_actions,
    rules,
    tables,
    tokens,
    work,
)
from turkctl.market.requester import Requester
from turkctl.market.tx import Tx

BATCH = 500
"""Maximum number of rows of each table that one transaction settles, so that others get their turn."""

_SOURCES = (tables.assignment, tables.hit, tables.hit_type, tables.qualification_type)
_TIMES = [
    select(func.min(table.c.due_at)).scalar_subquery().label(f"due_{number}")
    for number, table in enumerate((*_SOURCES, tables.outbox))
]
_LOOK = select(*_TIMES)
META_AND_TIMES = select(tables.meta, *_TIMES).where(tables.meta.c.id == 1)
"""The market's row together with what :func:`next_times` asks, for one statement instead of two."""


def next_times(tx: Tx) -> tuple[int | None, int | None]:
    """Return when the next event is due and when the next notification is retried; None if nothing is to come.

    One statement reads the first entry of five indexes, however many rows there are.
    """
    row = tx.first(_LOOK)
    assert row is not None
    return _first_of(row)


def _first_of(times: Sequence[int | None]) -> tuple[int | None, int | None]:
    *first, outbox = times
    return min((time for time in first if time is not None), default=None), outbox


def look(tx: Tx, seen: Row[Any] | None = None) -> tuple[int | None, bool]:
    """Return the time of the first due event, or None, and whether undelivered notifications are due again.

    Args:
        tx: the transaction.
        seen: the row of :data:`META_AND_TIMES`, where it was read in this transaction.
    """
    first, outbox = next_times(tx) if seen is None else _first_of(seen[-len(_TIMES) :])
    return (first if first is not None and first <= tx.now else None), outbox is not None and outbox <= tx.now


def batch(tx: Tx) -> bool:
    """Settle a batch of what is due, in the order of time; return whether there was anything.

    Sets ``tx.now`` and ``tx.requester`` to those of each event.
    """
    first, _ = look(tx)
    if first is None:
        return False
    horizon = min(tx.now, first + rules.RETENTION - 1)
    tokens.forget_old(tx)
    events: list[tuple[int, int, Row[Any]]] = []
    for order, table in enumerate(_SOURCES):
        rows = _due(tx, table, horizon)
        if len(rows) == BATCH:
            horizon = min(horizon, rows[-1].due_at)
        events.extend((row.due_at, order, row) for row in rows)
    for due, order, row in sorted(events, key=lambda event: event[:2]):
        if due <= horizon:
            tx.now = due
            tx.requester = Requester(row.account, row.environment)
            _HANDLERS[order](tx, row)
            review_actions.carry_out(tx)
    return True


def _due(tx: Tx, table: Table, horizon: int) -> list[Row[Any]]:
    columns = (table.c.id, table.c.due_at, table.c.environment, table.c.account)
    statement = select(*columns).where(table.c.due_at <= horizon).order_by(table.c.due_at).limit(BATCH)
    return list(tx.all(statement))


def _settle_assignment(tx: Tx, event: Row[Any]) -> None:
    row = assignments.load_any(tx, event.id)
    assert row is not None
    hit = hit_rows.load(tx, row.hit_id)
    if corrections.is_kept(row):
        work.hand_over(tx, row, hit, row.answer, row.submitted_at)
    elif row.status == rules.ACCEPTED:
        work.give_back(tx, row, hit, rules.ABANDONED)
    else:
        assignments.approve(tx, row, hit, None)


def _settle_hit(tx: Tx, event: Row[Any]) -> None:
    hit = hit_rows.load(tx, event.id)
    if hit.status == rules.DISPOSED:
        _forget(tx, hit)
    elif hit.open_held:
        hit_changes.expire(tx, hit, hit_rows.copy(hit))
    else:
        hit_changes.dispose(tx, hit)


def _forget(tx: Tx, before: hit_rows.Hit) -> None:
    hit = hit_rows.copy(before)
    hit.gone, hit.question, hit.annotation = 1, "", None
    hit_rows.save(tx, before, hit)
    hit_items.forget(tx, hit)
    mine = tables.assignment
    tx.run(mine.update().where(mine.c.hit_id == hit.id).values(answer=None, feedback=None))
    tx.run(tables.review.delete().where(tables.review.c.hit_id == hit.id))


def _settle_hit_type(tx: Tx, event: Row[Any]) -> None:
    tx.run(tables.hit_type.update().where(tables.hit_type.c.id == event.id).values(deleted=1, due_at=None))
    tx.next_generation()


def _settle_qualification_type(tx: Tx, event: Row[Any]) -> None:
    qualifications.remove(tx, qualifications.find(tx, event.id))


_HANDLERS: tuple[Callable[[Tx, Row[Any]], None], ...] = (
    _settle_assignment,
    _settle_hit,
    _settle_hit_type,
    _settle_qualification_type,
)
