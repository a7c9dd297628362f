"""Keep a submission for a while before its requester is told, so that the worker can correct it.

Until then the assignment is still Accepted for the requester: nothing is announced, no review policy has judged it, it
can be neither approved nor rejected, and the HIT's counters have it at work. So there is nothing to take back when it
is opened again. When the time is over, the last answers that were submitted are handed over; somebody who opens their
work again and does not finish it loses nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from turkctl.market import assignments, rules, tables
from turkctl.market.errors import WorkError
from turkctl.market.tx import Tx, when

Answer = dict[str, Any]

_TAKEN = tables.assignment.c


def is_kept(row: Row[Any]) -> bool:
    """Return whether the assignment was submitted, and its requester is not told yet."""
    return bool(row.status == rules.ACCEPTED and row.told_at is not None)


def is_open(row: Row[Any]) -> bool:
    """Return whether the worker is at work on the assignment: for the first time, or again."""
    return bool(row.status == rules.ACCEPTED and (row.told_at is None or row.reopened_at is not None))


def keep(tx: Tx, row: Row[Any], document: str, time: int) -> None:
    """Keep the answers for ``time`` milliseconds from the first submission; later ones replace them."""
    told_at = row.told_at or tx.now + time
    mine = tables.assignment.update().where(_TAKEN.seq == row.seq, _TAKEN.status == rules.ACCEPTED)
    values = {"answer": document, "submitted_at": tx.now, "told_at": told_at, "due_at": told_at, "reopened_at": None}
    tx.run(mine.values(**values))


def reopen(tx: Tx, worker_id: str, assignment_id: str) -> None:
    """Open a kept submission again.

    Raises:
        WorkError: NotFound; TooLate if it was not kept, or its time is over.
    """
    row = assignments.load_any(tx, assignment_id)
    if row is None or row.worker_id != worker_id:
        raise WorkError("NotFound", f"You have no assignment {assignment_id}.")
    if not is_kept(row):
        raise WorkError("TooLate", "It cannot be corrected any more.")
    tx.run(tables.assignment.update().where(_TAKEN.seq == row.seq).values(reopened_at=tx.now))


def described(row: Row[Any]) -> Answer:
    """Return the assignment as its worker sees it: what is kept is Submitted, with ``CorrectUntil``.

    Opened again it is Accepted, with the end of that time as its deadline.
    """
    told = assignments.describe(row)
    if not is_kept(row):
        return told
    told["CorrectUntil"] = when(row.told_at)
    return told | (
        {"AssignmentStatus": rules.SUBMITTED} if row.reopened_at is None else {"Deadline": when(row.told_at)}
    )
