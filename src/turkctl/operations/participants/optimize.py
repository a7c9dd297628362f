"""Create or drop indexes on the participants table, only on request (``db optimize``)."""

from __future__ import annotations

from turkctl.errors import TurkctlError
from turkctl.operations.engine.plan import ALREADY_DONE, FAILED, PLANNED, BatchResult, ItemError, ItemResult
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Reads, checked_table, readable, refuse_missing
from turkctl.store import indexes
from turkctl.store.engine import Database
from turkctl.store.indexes import IndexState
from turkctl.store.participant_lists import COLUMNS


def optimize(reads: Reads, *, drop: bool, dry_run: bool) -> BatchResult:
    """Create the missing indexes, or drop the existing ones; return one result for each.

    Args:
        reads: settings and database.
        drop: drop what an earlier call created.
        dry_run: only report what would be done.

    Raises:
        SchemaError: turkctl only reads such a database, or the table lacks a column.
        NotFoundError: there is no participants table.
    """
    indexes.refuse_others(reads.bare_database)
    database = readable(reads, Query())
    names = {theirs: ours for ours, theirs in COLUMNS.items()}
    needed = [names[column] for columns in indexes.COLUMNS.values() for column in columns]
    with database.read() as session:
        table = checked_table(session, reads, list(dict.fromkeys(needed)))
        refuse_missing(reads, needed)
        found = indexes.states(session, table)
    result = BatchResult("drop" if drop else "optimize", reads.settings.mode, dry_run=dry_run)
    result.results = [_change(database, table, state, drop=drop, dry_run=dry_run) for state in found]
    reads.origin.tally.add(result)
    return result


def _change(database: Database, table: str, state: IndexState, *, drop: bool, dry_run: bool) -> ItemResult:
    detail = f"{table} ({', '.join(state.columns)})"
    if drop and not (state.there or state.broken):
        return ItemResult(state.name, ALREADY_DONE, "is not there")
    if not drop and (state.there or state.instead):
        return ItemResult(state.name, ALREADY_DONE, f"{detail} has {state.name if state.there else state.instead}")
    if dry_run:
        return ItemResult(state.name, PLANNED, f"{'drop' if drop else 'make'} {detail}")
    try:
        (indexes.drop if drop else indexes.create)(database, table, state)
    except TurkctlError as error:
        return ItemResult(state.name, FAILED, detail, ItemError.of(error))
    return ItemResult(state.name, "dropped" if drop else "created", detail)
