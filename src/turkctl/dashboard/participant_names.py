"""Find the participant whom an address or a form names, for those who see names and those who see pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turkctl.dashboard.desk import desk
from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Ordering, listed, row_of

_COLUMNS = ("uniqueid", "assignment_id", "worker_id")


def shown_name(row: Mapping[str, Any]) -> str:
    """Return what names the participant of a row in an address; the row is as it is shown, perhaps with pseudonyms."""
    uniqueid: str = row["uniqueid"]
    return uniqueid if ":" in uniqueid else str(row["assignment_id"])


def find_participant(shown: str) -> str:
    """Return what names a participant, for operations.

    Whoever sees pseudonyms cannot look people up by worker ids: only by assignments, and by what they were shown.

    Args:
        shown: a uniqueid, perhaps with a pseudonym in it, or an assignment id; for those who see names a worker id too.

    Raises:
        NotFoundError: nobody is shown like this to those who see pseudonyms.
        SchemaError: the table lacks psiTurk's columns.
    """
    here = desk()
    if here.user.names:
        return shown
    _worker, colon, assignment = shown.rpartition(":")
    query = Query(where=[f"assignment_id={assignment}"])
    _columns, rows = listed(here.world, query, Ordering(), _COLUMNS) if assignment else ((), [])
    for row, veiled in zip(rows, here.veil.rows(rows), strict=True):
        if veiled["uniqueid"] == shown or (not colon and len(rows) == 1):
            return str(row["uniqueid"])
    raise NotFoundError(f"there is no participant {shown}", hint="see: turkctl participants list")


def by_assignment(shown: str) -> str:
    """Return what names a participant without naming a person, if that is possible: their assignment.

    Raises:
        NotFoundError: there is no such participant.
        UsageError: they cannot be named without their worker id, which the person may not see.
    """
    here = desk()
    row = row_of(here.world, find_participant(shown))
    try:
        row_of(here.world, row["assignmentid"])
    except UsageError:  # two workers had the assignment, one after the other
        if not here.user.names:
            raise
        return str(row["uniqueid"])
    return str(row["assignmentid"])
