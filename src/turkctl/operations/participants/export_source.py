"""Read the participants of an export page by page, with what was recorded and the items that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from turkctl.errors import InterruptedByUserError
from turkctl.operations.answers.columns import ItemColumns
from turkctl.operations.answers.items import AnswerFields, by_item
from turkctl.operations.participants.anonymize import Pseudonyms
from turkctl.operations.participants.datastring import CONSENT, ITEMS, PARTICIPANT, Clean
from turkctl.operations.participants.filters import Query, build_filter, needed_columns, zone_of
from turkctl.operations.participants.lists import Reads, checked_table, in_utc, readable, status_name
from turkctl.store import answered_items, consents
from turkctl.store.answered_items import ShownHit, ShownItem
from turkctl.store.consents import GivenConsent
from turkctl.store.engine import Database
from turkctl.store.participant_exports import has_answers, read_page
from turkctl.store.participant_lists import COLUMNS, TIMES, ParticipantFilter, as_text, moment
from turkctl.units import format_time

IDS = ("uniqueid", "assignment_id", "worker_id", "hit_id")
_IP_ADDRESS = "ipaddress"
_KEYS = list(PARTICIPANT)
_HIT_COLUMN, _WORKER_COLUMN, _MODE_COLUMN = (_KEYS.index(name) for name in ("hit_id", "worker_id", "mode"))


@dataclass(frozen=True)
class ReadParticipant:
    """One participant: the keys of their rows, the recorded data, and the replacement of their ids."""

    keys: Mapping[str, Any]
    recorded: str | bytes
    clean: Clean | None
    shown: ShownHit | None
    """What their HIT showed; None if it showed no items."""
    patterns: Sequence[str]
    """The names of fields with the answer to an item."""

    def answers(self, rows: Iterable[Mapping[str, Any]], columns: ItemColumns) -> list[dict[str, Any]]:
        """Return the rows of answers with the item of each, where the HIT showed several.

        Args:
            rows: as :func:`turkctl.operations.participants.datastring.unpack` returns them, with ids in them.
            columns: those of items.
        """
        fields = {row["question"]: row["value"] for row in rows}
        found = []
        for each in by_item(fields, self.patterns, [] if self.shown is None else self.shown.items):
            row = {"question": self._cleaned(each.field), "value": self._cleaned(each.value)}
            if each.item is not None and self.shown is not None and len(self.shown.items) > 1:
                row |= self._about([each.item], columns)
            found.append(row)
        return found

    def with_items(self, columns: ItemColumns) -> ReadParticipant:
        """Return the same with the items of the HIT, and the columns of its only one, in the keys."""
        items = [] if self.shown is None else self.shown.items
        keys = {**self.keys, **self._about(items, columns)}
        return ReadParticipant(keys, self.recorded, self.clean, self.shown, self.patterns)

    def _about(self, items: Sequence[ShownItem], columns: ItemColumns) -> dict[str, Any]:
        only = items[0] if len(items) == 1 else None
        several = [self._cleaned(item.key) for item in items] if len(items) > 1 else None
        cells = columns.of(None if only is None else only.data)
        keys = (None if only is None else self._cleaned(only.key), several)
        return dict(zip(ITEMS, keys, strict=True)) | {name: self._cleaned(value) for name, value in cells.items()}

    def _cleaned(self, value: Any) -> Any:
        return value if self.clean is None else self.clean(value)


@dataclass(frozen=True)
class ExportSource:
    """The participants that match; can be iterated more than once."""

    database: Database
    table: str
    wanted: ParticipantFilter
    stop: Event
    zone: ZoneInfo
    times: bool = False
    """Whether the keys have when participants began and ended."""
    answers: bool = False
    """Whether turkctl's stored answers are used if psiTurk recorded nothing."""
    consents: bool = False
    """Whether the database knows consents."""
    items: bool = False
    """Whether HITs of the database show items."""
    pseudonyms: Pseudonyms | None = None
    columns: ItemColumns = field(default_factory=ItemColumns)
    """The columns of items that the keys have."""
    _fields: AnswerFields = field(default_factory=AnswerFields)

    @property
    def known(self) -> list[str]:
        """Return the names of a participant's keys."""
        return [
            *PARTICIPANT,
            *(CONSENT if self.consents else ()),
            *(TIMES if self.times else ()),
            *((*ITEMS, *self.columns.names) if self.items else ()),
        ]

    def __iter__(self) -> Iterator[ReadParticipant]:
        """Yield participants page by page, each page in its own transaction.

        Raises:
            InterruptedByUserError: it was stopped.
        """
        times = [COLUMNS[name] for name in TIMES] if self.times else []
        columns = [*PARTICIPANT.values(), *times, *([] if self.pseudonyms is None else [_IP_ADDRESS])]
        after: str | None = None
        while True:
            if self.stop.is_set():
                raise InterruptedByUserError("interrupted; no file was written")
            with self.database.read() as session:
                page = read_page(session, self.table, self.wanted, columns, after, answers=self.answers)
                agreed = consents.of_work(session, set(map(_work_of, page.rows))) if self.consents else {}
                shown = self._shown(session, page.rows) if self.items else {}
            for row in page.rows:
                yield self._read(row, agreed.get(_work_of(row)), shown.get(_hit_of(row)))
            after = page.after
            if after is None:
                return

    def _shown(
        self, session: Session, rows: Sequence[Sequence[Any]]
    ) -> dict[tuple[str, str], tuple[ShownHit, Sequence[str]]]:
        """Return what the HITs of these participants showed, and the fields with answers, by id and mode."""
        found = answered_items.shown_by_hits(session, set(map(_hit_of, rows)))
        return {
            hit: (each, self._fields.of(session, each.settings_id, each.experiment_id)) for hit, each in found.items()
        }

    def _read(
        self, row: Sequence[Any], agreed: GivenConsent | None, shown: tuple[ShownHit, Sequence[str]] | None
    ) -> ReadParticipant:
        keys = dict(zip(PARTICIPANT, map(as_text, row), strict=False))
        keys["status"] = status_name(keys["status"])
        if self.consents:
            keys |= dict(zip(CONSENT, (agreed and agreed.version, _time(agreed and agreed.at)), strict=True))
        if self.times:
            begun = row[len(PARTICIPANT) : len(PARTICIPANT) + len(TIMES)]
            keys |= {name: _time(in_utc(moment(each), self.zone)) for name, each in zip(TIMES, begun, strict=True)}
        clean, recorded = None, row[-1]
        if self.pseudonyms is not None:
            ids = {name: _id(keys[name]) for name in IDS}
            person = self.pseudonyms.participant(ids, _id(as_text(row[-2])))
            keys |= {name: person.names.get(each, each) for name, each in ids.items()}
            clean = person.clean
        hit, patterns = (None, ()) if shown is None else shown
        found = ReadParticipant(keys, recorded, clean, hit, patterns)
        return found.with_items(self.columns) if self.items else found


def _time(at: Any) -> Any:
    """Return a time as text, to the second; anything else stays as it is."""
    return format_time(at.replace(microsecond=0)) if isinstance(at, datetime) else at


def _work_of(row: Sequence[Any]) -> tuple[str, str]:
    """Return the HIT and the worker of a row."""
    return str(_id(as_text(row[_HIT_COLUMN]))), str(_id(as_text(row[_WORKER_COLUMN])))


def _hit_of(row: Sequence[Any]) -> tuple[str, str]:
    """Return the HIT and the mode of a row."""
    return str(_id(as_text(row[_HIT_COLUMN]))), str(as_text(row[_MODE_COLUMN]))


def _id(value: Any) -> Any:
    """Return an id as text: SQLite keeps numbers in a column without a type."""
    return value if value is None else str(value)


def open_source(reads: Reads, query: Query, stop: Event, *, anonymous: bool, times: bool) -> ExportSource:
    """Return the participants that match.

    Args:
        reads: settings and database.
        query: the filters.
        stop: set to end it early.
        anonymous: whether ids are replaced, which needs the IP address too.
        times: whether the keys have when participants began and ended.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`turkctl.operations.participants.lists.listed`.
    """
    database = readable(reads, query)
    with database.read() as session:
        wanted = build_filter(session, reads.settings, query)
        extra = [*(TIMES if times else ()), *(["ip_address"] if anonymous else [])]
        return ExportSource(
            database,
            checked_table(session, reads, [*PARTICIPANT, "datastring", *needed_columns(query), *extra]),
            wanted,
            stop,
            zone_of(reads.settings),
            times,
            has_answers(session),
            consents.are_there(session),
            answered_items.are_there(session),
        )
