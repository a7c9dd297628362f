"""Read a list of participants page by page for people, or all of it for a file. Neither counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.participants.filters import Query, build_filter, needed_columns, zone_of
from turkctl.operations.participants.lists import Choice, Ordering, Reads, checked_table, choose, listed, readable
from turkctl.store import participant_lists, participant_streams
from turkctl.store.base import chunks
from turkctl.store.engine import Database
from turkctl.store.participant_lists import ParticipantFilter

MOST_ON_A_PAGE = 200
_MOST_SKIPPED = 2**53


@dataclass(frozen=True)
class ParticipantPage:
    """One page of a list."""

    columns: Sequence[str]
    """The columns of a table, in their order; a row may have more keys."""
    rows: Sequence[dict[str, Any]]
    page: int
    size: int
    has_more: bool
    """Whether there is a page after this one."""
    total: int | None
    """Number of participants of the whole list if this page tells: it is the last one."""


def page_of(
    reads: Reads, query: Query, ordering: Ordering, page: int, size: int, columns: Sequence[str] = ()
) -> ParticipantPage:
    """Return a page of the participants that match, without counting them; one outside the list has no rows.

    Args:
        reads: settings and database.
        query: the filters.
        ordering: the order; its limit and offset are ignored.
        page: its number, from 1.
        size: number of rows of a page.
        columns: the keys of a row, by default those of a list.

    Raises:
        UsageError: the size is not between 1 and :data:`MOST_ON_A_PAGE`; also see
            :func:`turkctl.operations.participants.lists.listed`.
        NotFoundError, SchemaError: see there.
    """
    if not 1 <= size <= MOST_ON_A_PAGE:
        raise UsageError(f"a page cannot have {size} rows", hint=f"choose from 1 to {MOST_ON_A_PAGE}")
    skipped = (page - 1) * size
    outside = not 0 <= skipped <= _MOST_SKIPPED
    # One row more than the page has tells whether there is another page. Outside, only the arguments are checked.
    part = replace(ordering, limit=0 if outside else size + 1, offset=0 if outside else skipped)
    shown, rows = listed(reads, query, part, columns)
    has_more = len(rows) > size
    is_last = not outside and not has_more and (bool(rows) or page == 1)
    return ParticipantPage(shown, rows[:size], page, size, has_more, skipped + len(rows) if is_last else None)


def stream(reads: Reads, query: Query, ordering: Ordering, columns: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Return the rows of all participants that match, read little by little in short transactions.

    A long transaction would block psiTurk's writer on SQLite. In return, somebody whose value in the column of the
    order changes meanwhile may come twice or not at all; by ``begin_hit`` and by ids, nobody does.

    Args:
        reads: settings and database.
        query: the filters.
        ordering: the order; its limit and offset are ignored.
        columns: the keys of a row, by default those of a list.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`turkctl.operations.participants.lists.listed`; at once,
            before the first row.
    """
    choice = choose(columns, ordering)
    zone_of(reads.settings)
    database = readable(reads, query)
    with database.read() as session:
        wanted = build_filter(session, reads.settings, query)
        name = checked_table(session, reads, [*choice.needed, *needed_columns(query)])
    return _rows(reads, _Listed(database, name, wanted, choice), descending=ordering.descending)


@dataclass(frozen=True)
class _Listed:
    database: Database
    table: str
    wanted: ParticipantFilter
    choice: Choice


def _rows(reads: Reads, of: _Listed, *, descending: bool) -> Iterator[dict[str, Any]]:
    zone = zone_of(reads.settings)
    after: participant_streams.Place | None = None
    while True:
        with of.database.read() as session:
            places = participant_streams.places_after(
                session, of.table, of.wanted, of.choice.by, after, descending=descending
            )
        for part in chunks([uniqueid for _value, uniqueid in places]):
            with of.database.read() as session:
                found = participant_lists.rows_of(session, of.table, part, of.choice.stored)
            for values in found:
                yield of.choice.row(values, zone)
        if len(places) < participant_streams.PART:
            return
        after = places[-1]
