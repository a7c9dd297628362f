"""Add content: stage all of it in a file, then write it to the database part by part."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, case, insert, select, text, type_coerce, update
from sqlmodel import Session

from turkctl.store.base import chunks
from turkctl.store.contents import CONTENTS
from turkctl.store.staging import staging_file


class NewContent(NamedTuple):
    """One item to add, or to change."""

    key: str
    data: str
    """As JSON, keys sorted."""
    priority: float | None
    """None keeps the stored one, or 0 for a new item."""
    gold: str | None


@dataclass(frozen=True)
class Rules:
    """What adding an item changes in an existing one, besides its data."""

    gold: bool
    """Whether the known answer is replaced (or removed if the item has none)."""
    outputs: int | None
    """Number of outputs wanted; None keeps the stored one."""
    new_outputs: int
    """Number of outputs wanted of a new item."""


@dataclass(frozen=True)
class Added:
    """Numbers of items that were new, changed, and unchanged."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Added) -> Added:
        """Return the sum of both."""
        return Added(self.added + other.added, self.updated + other.updated, self.unchanged + other.unchanged)


class ContentStage:
    """Items on disk, the last one for each key, in the order in which keys first appear: memory use stays constant.

    It is a separate file, so that turkctl's database is not locked while a long input is read and checked.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.given = 0
        """Number of items put in, repeated keys included."""

    def put(self, items: Sequence[NewContent]) -> None:
        """Add items; a later one replaces an earlier one with the same key."""
        self.given += len(items)
        self._connection.executemany(
            "INSERT INTO stage (key, data, priority, gold) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET data = excluded.data, priority = excluded.priority, gold = excluded.gold",
            items,
        )

    @property
    def kept(self) -> int:
        """Return the number of items with different keys."""
        return int(self._connection.execute("SELECT count(*) FROM stage").fetchone()[0])

    def parts(self, size: int) -> Iterator[list[NewContent]]:
        """Yield all items in parts."""
        cursor = self._connection.execute("SELECT key, data, priority, gold FROM stage ORDER BY id")
        while rows := cursor.fetchmany(size):
            yield [NewContent(*row) for row in rows]


@contextmanager
def staging() -> Iterator[ContentStage]:
    """Yield a stage that is deleted afterwards."""
    table = "CREATE TABLE stage (id INTEGER PRIMARY KEY, key TEXT UNIQUE, data TEXT, priority REAL, gold TEXT)"
    with staging_file(table) as connection:
        yield ContentStage(connection)


_STORED = (
    CONTENTS.c.key,
    CONTENTS.c.id,
    type_coerce(CONTENTS.c.data, Text),
    CONTENTS.c.priority,
    CONTENTS.c.outputs_max,
    CONTENTS.c.gold,
    CONTENTS.c.removed,
)
_INSERT = insert(CONTENTS).values(data=bindparam("b_data", type_=Text))
_UPDATE = (
    update(CONTENTS)
    .where(CONTENTS.c.id == bindparam("b_id"))
    .values(data=bindparam("b_data", type_=Text), removed=None)
)


def put(
    session: Session,
    experiment_id: int,
    items: Sequence[NewContent],
    rules: Rules,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Added:
    """Add items with different keys, or change those that exist; restore removed ones.

    ``dry_run`` only counts, and needs no session that writes.
    """
    stored = _stored(session, experiment_id, [item.key for item in items])
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for item in items:
        there = stored.get(item.key)
        if there is None:
            new.append(_new(item, experiment_id, rules, now))
        elif (values := _values(item, there, rules)) != there[1:]:
            changed.append(_change(there[0], values, now))
    if not dry_run:
        if new:
            session.connection().execute(_INSERT, new)
        if changed:
            session.connection().execute(_UPDATE, changed)
    return Added(len(new), len(changed), len(items) - len(new) - len(changed))


def _stored(session: Session, experiment_id: int, keys: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for part in chunks(keys):
        statement = select(*_STORED).where(CONTENTS.c.experiment_id == experiment_id, CONTENTS.c.key.in_(part))
        found.update((row[0], tuple(row[1:])) for row in session.connection().execute(statement))
    return found


def _new(item: NewContent, experiment_id: int, rules: Rules, now: datetime) -> dict[str, Any]:
    return {
        "experiment_id": experiment_id,
        "key": item.key,
        "b_data": item.data,
        "priority": item.priority or 0.0,
        "outputs_max": rules.outputs or rules.new_outputs,
        "gold": item.gold,
        "added": now,
        "updated": now,
        "removed": None,
    }


def _values(item: NewContent, there: tuple[Any, ...], rules: Rules) -> tuple[Any, ...]:
    """Return the new data, priority, outputs, known answer and removal."""
    _, _, priority, outputs, gold, _ = there
    return (
        item.data,
        priority if item.priority is None else item.priority,
        rules.outputs or outputs,
        item.gold if rules.gold else gold,
        None,
    )


def _change(row: int, values: tuple[Any, ...], now: datetime) -> dict[str, Any]:
    data, priority, outputs, gold, _ = values
    return {"b_id": row, "b_data": data, "priority": priority, "outputs_max": outputs, "gold": gold, "updated": now}


def look_again(session: Session) -> None:
    """Let PostgreSQL update the statistics of the table.

    As long as it assumes that an experiment has few items, it finds keys by reading all items of the experiment.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text(f"ANALYZE {CONTENTS.name}"))


def raise_outputs(session: Session, by: Mapping[int, int], most: int, now: datetime) -> None:
    """Raise the number of outputs of items, by their rows; at most ``most`` in all."""
    raised = CONTENTS.c.outputs_max + bindparam("b_by")
    values = {"outputs_max": case((raised > most, most), else_=raised), "updated": now}
    statement = update(CONTENTS).where(CONTENTS.c.id == bindparam("b_id")).values(**values)
    if by:
        session.connection().execute(statement, [{"b_id": row, "b_by": number} for row, number in by.items()])
