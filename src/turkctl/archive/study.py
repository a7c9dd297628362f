"""Read an archive as studies: HITs of one title, their work and their bonuses, a few at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from turkctl.archive.folder import ArchiveDatabase
from turkctl.archive.shapes import TIMES, time_text

Item = dict[str, Any]
PART = 50
"""Number of HITs that are read at a time."""


@dataclass(frozen=True)
class ArchivedStudy:
    """The HITs of one title: how many there are, and what was done on them.

    Attributes:
        example: its newest HIT, with times as such.
        batches: annotations that several of its HITs have.
    """

    title: str
    hits: int
    assignments: int
    workers: int
    bonuses: int
    example: Item
    batches: frozenset[str]


def studies(database: ArchiveDatabase) -> list[ArchivedStudy]:
    """Return the studies of an archive, by title."""
    rows = database.all(
        "SELECT coalesce(h.title, '') AS title, count(DISTINCT h.hit_id) AS hits,"
        " count(a.assignment_id) AS assignments, count(DISTINCT a.worker_id) AS workers"
        " FROM hits h LEFT JOIN assignments a ON a.hit_id = h.hit_id"
        " GROUP BY 1 ORDER BY 1"
    )
    return [
        ArchivedStudy(
            row["title"],
            row["hits"],
            row["assignments"],
            row["workers"],
            database.one(
                "SELECT count(*) FROM bonuses JOIN hits USING (hit_id) WHERE coalesce(title, '') = ?", (row["title"],)
            ),
            _timed(
                database.one(
                    "SELECT body FROM hits WHERE coalesce(title, '') = ? ORDER BY created DESC LIMIT 1", (row["title"],)
                )
            ),
            frozenset(
                each["annotation"]
                for each in database.all(
                    "SELECT annotation FROM hits WHERE coalesce(title, '') = ? AND annotation IS NOT NULL"
                    " GROUP BY annotation HAVING count(*) > 1",
                    (row["title"],),
                )
            ),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class ArchivedHit:
    """A HIT with its submitted work and its bonuses, as the API described them, with times as such."""

    hit: Item
    work: Sequence[Item]
    bonuses: Sequence[Item]


def hits_of(database: ArchiveDatabase, title: str) -> Iterator[list[ArchivedHit]]:
    """Yield the HITs of a title, :data:`PART` at a time."""
    last = 0
    while True:
        rows = database.all(
            "SELECT rowid, hit_id, body FROM hits WHERE coalesce(title, '') = ? AND rowid > ? ORDER BY rowid LIMIT ?",
            (title, last, PART),
        )
        if not rows:
            return
        yield [
            ArchivedHit(
                _timed(row["body"]),
                _of_hit(database, "assignments", row["hit_id"]),
                _of_hit(database, "bonuses", row["hit_id"]),
            )
            for row in rows
        ]
        last = rows[-1]["rowid"]


def _of_hit(database: ArchiveDatabase, table: str, hit_id: str) -> list[Item]:
    statement = f"SELECT body FROM {table} WHERE hit_id = ? ORDER BY rowid"  # noqa: S608  # names are ours
    return [_timed(row["body"]) for row in database.all(statement, (hit_id,))]


def read_until(database: ArchiveDatabase) -> datetime:
    """Return when the last run began: what the archive has was read after that."""
    text: str = database.one("SELECT began FROM run ORDER BY number DESC LIMIT 1") or database.one(
        "SELECT made FROM archive"
    )
    return datetime.fromisoformat(text).astimezone(UTC)


def _timed(body: str) -> Item:
    item: Item = json.loads(body)
    return {name: datetime.fromisoformat(time_text(value)) if name in TIMES else value for name, value in item.items()}
