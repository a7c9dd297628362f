"""Read submitted work on HITs that show items, each answer with its item, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from turkctl.operations.answers.items import AnswerFields, ItemAnswer, by_item
from turkctl.operations.engine.world import World
from turkctl.operations.participants.datastring import UnreadableDataError, parse, unpack
from turkctl.operations.selection.work import (
    WorkSelection,
    participants_table,
    refuse_unknown_names,
    work_filter,
)
from turkctl.operations.sync.answers import parsed, unpacked
from turkctl.store import answered_items
from turkctl.store.answered_items import ItemWork, ShownItem


@dataclass(frozen=True)
class ReadWork:
    """One assignment with its answers."""

    work: ItemWork
    items: Sequence[ShownItem]
    """Those that its HIT showed."""
    answers: Sequence[ItemAnswer] | None
    """None if they could not be read."""


@dataclass(frozen=True)
class WorkSource:
    """The work that matches; can be iterated more than once, and is the same work every time."""

    world: World
    rows: Sequence[int]
    """Of the work, in the order in which it was stored."""
    table: str | None
    """Of participants."""
    _fields: AnswerFields = field(default_factory=AnswerFields)

    def __iter__(self) -> Iterator[ReadWork]:
        """Yield work in the order in which it was stored, each page read in its own transaction."""
        for start in range(0, len(self.rows), answered_items.PAGE):
            with self.world.database.read() as session:
                work = answered_items.read_work(session, self.rows[start : start + answered_items.PAGE])
                page = self._page(session, work)
            yield from page

    def _page(self, session: Session, work: Sequence[ItemWork]) -> list[ReadWork]:
        items = answered_items.items_by_hit(session, {each.hit_row for each in work})
        recorded = {} if self.table is None else _recorded(session, self.table, work)
        found = []
        for each in work:
            shown = items.get(each.hit_row, [])
            name = (each.assignment_id, each.worker_id)
            fields = recorded[name] if name in recorded else _submitted(each)
            patterns = self._fields.of(session, each.settings_id, each.experiment_id)
            found.append(ReadWork(each, shown, None if fields is None else by_item(fields, patterns, shown)))
        return found


def open_work(world: World, wanted: WorkSelection, statuses: Sequence[str] = (), key: str | None = None) -> WorkSource:
    """Return the work that matches, of the world's mode.

    Args:
        world: database and settings.
        wanted: which work.
        statuses: only work with one of these; any if there are none.
        key: only work on HITs that show an item with this key.

    Raises:
        NotFoundError: a worker, assignment or experiment is unknown.
        UsageError: the regular expression is invalid.
    """
    place = world.listing_place
    with world.database.read() as session:
        table = participants_table(session, world)
        narrowed = work_filter(session, place, wanted)
        refuse_unknown_names(session, place, wanted, table)
        rows = answered_items.work_ids(session, narrowed, statuses, key=key)
    return WorkSource(world, rows, table)


def _recorded(session: Session, table: str, work: Sequence[ItemWork]) -> dict[tuple[str, str], dict[str, Any] | None]:
    """Return what psiTurk recorded as answers, by assignment and worker; None where it cannot be read."""
    return {
        (assignment_id, worker_id): _questions(text)
        for assignment_id, worker_id, text in answered_items.recorded(session, table, work)
    }


def _questions(text: str | bytes) -> dict[str, Any] | None:
    try:
        document = parse(text)
        rows, wrong = unpack(document or {}, "question")
    except (UnreadableDataError, RecursionError):
        return None
    return None if wrong else {row["question"]: row["value"] for row in rows}


def _submitted(work: ItemWork) -> Mapping[str, Any] | None:
    fields = work.answers if work.answers is not None else parsed(work.document)
    return None if fields is None else unpacked(fields)
