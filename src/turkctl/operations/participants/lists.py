"""List, count and show participants. Reading them needs no table of turkctl's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlmodel import Session

from turkctl.errors import DatabaseUnreachableError, NotFoundError, SchemaError, UsageError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.participants.filters import LEDGER, Query, build_filter, needed_columns, zone_of
from turkctl.paths import exists, is_folder
from turkctl.settings import Settings, sqlite_path
from turkctl.store import participant_lists, participants, schema
from turkctl.store.engine import Database
from turkctl.store.participant_columns import absent
from turkctl.store.participant_lists import COLUMNS, COUNT, DAY, DONE, GROUPS, TIMES
from turkctl.store.participant_lists import Ordering as Ordering  # part of the interface for callers
from turkctl.words import known_column, known_name

SHOWN = (
    "uniqueid",
    "assignment_id",
    "worker_id",
    "hit_id",
    "condition",
    "counterbalance",
    "codeversion",
    "begin_hit",
    "begin_exp",
    "end_hit",
    "bonus",
    "status",
    "mode",
    "complete",
)
"""The default keys of a row."""
TABLE = ("assignment_id", "worker_id", "hit_id", "condition", "codeversion", "begin_hit", "bonus", "status", "mode")
"""The default columns of a table."""
STATUSES = participants.STATUS_NAMES
"""psiTurk's statuses in words."""
SORTABLE = tuple(COLUMNS)
"""Columns that a list can be sorted by."""
OF_PARTICIPANT = ("minutes", "wage")
"""Columns that :mod:`turkctl.operations.participants.wages` works out."""
MOST_DAYS = 400
"""Days from the first to the last up to which those without anybody are shown."""
_DEEPEST = 100
_TYPES = {"mode": "mode VARCHAR(128)", "bonus": "bonus FLOAT"}
"""The columns that older psiTurks lack, as they are created."""


class Reads(Protocol):
    """What reading participants needs; :class:`turkctl.context.Context` provides it."""

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""

    @property
    def bare_database(self) -> Database:
        """Return the database as it is."""

    @property
    def database(self) -> Database:
        """Return the database at turkctl's schema."""

    @property
    def origin(self) -> CommandOrigin:
        """Return the command that this is for."""


def known_columns(names: Iterable[str]) -> list[str]:
    """Return the names of these columns; raise UsageError unless lists of participants can have all of them."""
    return [known_column(name, (*COLUMNS, DONE, *OF_PARTICIPANT)) for name in names]


def count(reads: Reads, query: Query) -> int:
    """Return the number of participants that match.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`listed`.
    """
    with readable(reads, query).read() as session:
        wanted = build_filter(session, reads.settings, query)
        return participant_lists.count(session, checked_table(session, reads, needed_columns(query)), wanted)


def listed(
    reads: Reads, query: Query, ordering: Ordering, columns: Sequence[str] = ()
) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Return the columns for a table, and the rows of the participants that match.

    Raises:
        UsageError: an unknown column or status, or an invalid time or value.
        NotFoundError: the campaign is unknown, or there is no participants table.
        SchemaError: the table lacks a needed column, or turkctl's tables, which a filter needs, are missing.
    """
    chosen = choose(columns, ordering)
    zone = zone_of(reads.settings)
    with readable(reads, query).read() as session:
        wanted = build_filter(session, reads.settings, query)
        name = checked_table(session, reads, [*chosen.needed, *needed_columns(query)])
        found = participant_lists.rows(session, name, wanted, chosen.stored, replace(ordering, by=chosen.by))
    return chosen.shown if columns else TABLE, [chosen.row(values, zone) for values in found]


@dataclass(frozen=True)
class Choice:
    """The columns of a list, and the one that it is sorted by, by our names."""

    shown: Sequence[str]
    """The keys of a row."""
    stored: Sequence[str]
    """The columns that are read for them."""
    by: str

    @property
    def needed(self) -> list[str]:
        """Return the columns that the table has to have."""
        return [*self.stored, self.by]

    def row(self, values: Sequence[Any], zone: ZoneInfo) -> dict[str, Any]:
        """Return the row of these stored values."""
        row = _row(dict(zip(self.stored, values, strict=True)), zone)
        return {column: row[column] for column in self.shown}


def choose(columns: Sequence[str], ordering: Ordering) -> Choice:
    """Return the columns of a list; by default those of :data:`SHOWN`, sorted by the beginning.

    Raises:
        UsageError: a column is unknown.
    """
    shown = [known_column(column, (*COLUMNS, DONE)) for column in columns] or list(SHOWN)
    with_status = dict.fromkeys([*shown, *(["status"] if DONE in shown else [])])
    by = "begin_hit" if ordering.by is None else known_column(ordering.by, COLUMNS)
    return Choice(shown, [column for column in with_status if column in COLUMNS], by)


def grouped(
    reads: Reads, query: Query, ordering: Ordering, by: Sequence[str]
) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Return columns and rows of counts by group: any columns, ``hit``, ``worker``, ``complete`` and ``day``.

    Days are by the table's own clock (``participants_timezone``).

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`listed`.
    """
    keys = [known_name(each, GROUPS, "group") for each in dict.fromkeys(by)]
    if ordering.by is not None:
        known_name(ordering.by, (*keys, COUNT), "column of these groups")
    names = {column: name for name, column in COLUMNS.items()}
    with readable(reads, query).read() as session:
        wanted = build_filter(session, reads.settings, query)
        table = checked_table(session, reads, [*(names[GROUPS[key]] for key in keys), *needed_columns(query)])
        found = participant_lists.groups(session, table, wanted, keys, ordering)
    zone = zone_of(reads.settings)
    return [*keys, COUNT], [_in_words(dict(zip([*keys, COUNT], values, strict=True)), zone) for values in found]


def with_empty_days(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return counts by day with the days between them on which nobody began; those too far apart stay as they are."""
    by_day = {row[DAY]: row for row in rows}
    try:
        dates = sorted(date.fromisoformat(day) for day in by_day if day is not None)
    except (TypeError, ValueError):  # SQLite may hold text that is no time
        return list(rows)
    length = (dates[-1] - dates[0]).days + 1 if dates else 0
    if length > MOST_DAYS:
        return list(rows)
    days = [(dates[0] + timedelta(days=number)).isoformat() for number in range(length)]
    return [by_day.get(day, {DAY: day, COUNT: 0}) for day in days] + [row for row in rows if row[DAY] is None]


def show(reads: Reads, wanted: str) -> dict[str, Any]:
    """Return one participant in full, with what the experiment recorded.

    Args:
        reads: settings and database.
        wanted: a uniqueid, an assignment id or a worker id.

    Raises:
        NotFoundError: there is none.
        UsageError: the worker took part more than once; the hint lists the assignments.
        SchemaError: the table lacks psiTurk's columns.
    """
    row = row_of(reads, wanted)
    shown = _row({name: row.get(column) for name, column in COLUMNS.items()}, zone_of(reads.settings))
    return {**shown, "data": _data(row.get("datastring"))}


def row_of(reads: Reads, wanted: str, needed: Sequence[str] = ()) -> dict[str, Any]:
    """Return the row of one participant as it is in the table, by psiTurk's names, with the ``needed`` columns.

    Raises:
        NotFoundError, UsageError, SchemaError: see :func:`show`.
    """
    everything = [*COLUMNS.values(), "datastring"]
    with readable(reads, Query()).read() as session:
        name = checked_table(session, reads, ["assignment_id", "worker_id", *needed])
        lacks = participant_lists.lacking(session, name, everything)
        found = participant_lists.find(session, name, wanted, [column for column in everything if column not in lacks])
    exact = [row for row in found if row["uniqueid"] == wanted]
    if not found:
        raise NotFoundError(f"there is no participant {wanted}", hint="see: turkctl participants list")
    if len(exact or found) > 1:
        ids = ", ".join(row["uniqueid"] for row in found[:10])
        raise UsageError(f"{wanted} stands for {len(found)} participants", hint=f"name one of {ids}")
    return (exact or found)[0]


def status_name(status: Any) -> str | None:
    """Return psiTurk's status as a word; an unknown number stays a number."""
    if status is None:
        return None
    known = isinstance(status, int) and 0 <= status < len(participants.STATUS_NAMES)
    return participants.STATUS_NAMES[status] if known else str(status)


def dollars(bonus: Any) -> Any:
    """Return a FLOAT as money, to the micro-dollar; anything invalid stays as it is, as text."""
    if not isinstance(bonus, int | float):
        return bonus
    return Decimal(str(round(bonus, 6))) if isfinite(bonus) else str(bonus)


def _row(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    if "status" in row:
        row[DONE] = row["status"] in participants.COMPLETE
    return _in_words(row, zone)


def _in_words(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Return the row with the status as a word, dollars and times in UTC; an invalid time stays text."""
    if "status" in row:
        row["status"] = status_name(row["status"])
    if "bonus" in row:
        row["bonus"] = dollars(row["bonus"])
    for name in TIMES:
        if name in row:
            row[name] = in_utc(row[name], zone)
    return row


def in_utc(moment: Any, zone: ZoneInfo) -> Any:
    """Return a time of the table in UTC; anything else stays as it is."""
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _data(text: str | None) -> Any:
    """Return the recorded data, parsed if it is JSON of a sensible depth; NaN and infinities become text."""
    try:
        data = None if not text else json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if _is_deeper(data, _DEEPEST) else data


def _is_deeper(data: Any, levels: int) -> bool:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in inner)


def readable(reads: Reads, query: Query) -> Database:
    """Return the database, at turkctl's schema only if a filter needs it; an empty one gets its tables.

    Raises:
        SchemaError: a newer turkctl made it, or a filter needs turkctl's tables and they are missing.
        DatabaseUnreachableError: the named file does not exist.
    """
    refuse_absent(reads.settings)
    if query.campaigns:
        return reads.database
    with reads.bare_database.read() as session:
        schema.refuse_newer(session, reads.bare_database)
        whole = participant_lists.has_nothing(session) or (query.owed and participants.exists(session, LEDGER))
    return reads.database if whole else reads.bare_database


def checked_table(session: Session, reads: Reads, columns: Sequence[str]) -> str:
    """Return the table's name if it has the columns (by our names where we have one).

    Raises:
        NotFoundError: the table is missing.
        SchemaError: it lacks one of the columns.
    """
    name: str = reads.settings["participants_table"]
    where = reads.bare_database.url_for_people
    if not participants.exists(session, name):
        hint = "name psiTurk's table in the setting participants_table"
        raise NotFoundError(f"the database {where} has no table {name}", hint=hint)
    missing = participant_lists.lacking(
        session, name, ["uniqueid", *(COLUMNS.get(column, column) for column in columns)]
    )
    if missing:
        hint = "choose others with --columns, or add them as psiTurk 3 has them"
        raise SchemaError(f"the table {name} of {where} lacks psiTurk's {', '.join(missing)}", hint=hint)
    return name


def refuse_missing(reads: Reads, columns: Sequence[str]) -> None:
    """Raise if the table lacks one of these columns, for acts that need more than to read as if it had them.

    Args:
        reads: settings and database, which was read before.
        columns: psiTurk's names.

    Raises:
        SchemaError: it does.
    """
    name = reads.settings["participants_table"]
    gone = [each for each in absent(reads.bare_database.engine, name) if each in columns]
    if gone:
        raise SchemaError(
            f"the table {name} is one of an older psiTurk: it has no column for the {' and the '.join(gone)}",
            hint=f"add it as psiTurk 3 has it: ALTER TABLE {name} ADD COLUMN {_TYPES[gone[0]]}",
        )


def refuse_absent(settings: Settings) -> None:
    """Raise if a file named by flag or environment is missing: reading it would create an empty one.

    The project's own database is created at its first use. If its folder is missing, opening it says so.

    Raises:
        DatabaseUnreachableError: it does not exist.
    """
    path = sqlite_path(settings.database_url)
    named = settings.origins["database_url"].kind in ("flag", "environment")
    if named and path is not None and is_folder(path.parent) and not exists(path):
        raise DatabaseUnreachableError(
            f"there is no database {path}", hint="name another with --database-url, or create it: turkctl db upgrade"
        )
