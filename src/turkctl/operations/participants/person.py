"""Show one worker: what they did, earned, answered right, were told, and are kept out of (``workers show``)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.intents.compensations import GOT_IT, SUBJECT
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Ordering, Reads, listed
from turkctl.operations.payments import totals
from turkctl.operations.payments.ledger import LedgerQuery, list_payments
from turkctl.operations.selection.gold import Accuracy, accuracies
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection, participants_table
from turkctl.operations.workers import wages
from turkctl.operations.workers.assignments import STATUSES, list_assignments
from turkctl.operations.workers.lists import blocked_workers
from turkctl.store import intents, persons
from turkctl.store.base import Place
from turkctl.store.intents import Intent

OF_PARTICIPANT = (
    *("uniqueid", "assignment_id", "hit_id", "condition", "counterbalance", "codeversion"),
    *("begin_hit", "begin_exp", "end_hit", "bonus", "status"),
)
"""The keys of a participant's row."""
OF_MESSAGE = ("sent", "about", "subject", "text", "delivered", "detail")
"""The keys of a message."""


class PersonWorld(World, Reads, Protocol):
    """What showing a worker needs; :class:`turkctl.context.Context` provides it."""


def show_person(world: PersonWorld, worker_id: str, *, refresh: bool = False) -> dict[str, Any]:
    """Return what the database knows of one worker in this mode.

    Counts of assignments by status come first, then ``money`` (the sums of the ledger by kind), hours and dollars per
    hour, the known answers they were asked for and the share right (None where no settings name the field with the
    answers), and then lists: ``work`` as :func:`turkctl.operations.workers.assignments.list_assignments` has it,
    ``messages``, ``exclusions`` and psiTurk's rows as ``participants``.

    Args:
        world: database and settings, and the market for ``refresh``.
        worker_id: whom to show.
        refresh: ask the market whether they are blocked; else ``blocked`` is None.

    Raises:
        NotFoundError: the database knows no such worker in this mode.
        UnreachableError: the market cannot be reached.
    """
    place = world.listing_place
    with world.database.read() as session:
        table = participants_table(session, world)
        known = persons.is_known(session, place, worker_id, table)
        letters = persons.messages_to(session, place, worker_id)
        if not known and not letters:
            raise NotFoundError(f"there is no worker {worker_id}", hint="see: turkctl workers list")
        exclusions = persons.exclusions_of(session, place, worker_id)
        gold = _gold(session, place, worker_id)
    wanted = WorkSelection(Selection(ids=(worker_id,)))
    work = list_assignments(world, wanted) if known else []
    (wage,) = wages.of_workers(world, wanted, [{"worker_id": worker_id}])
    return {
        "worker_id": worker_id,
        "mode": place.mode,
        **_counts(work),
        "last_seen": max((row["submitted"] for row in work if row["submitted"] is not None), default=None),
        "hours": wage["hours"],
        "wage": wage["wage"],
        "money": totals.totals(list_payments(world, LedgerQuery(worker_id=worker_id))),
        **gold,
        "blocked": worker_id in blocked_workers(world) if refresh else None,
        "work": work,
        "messages": [_message(each, worker_id) for each in letters],
        "exclusions": [asdict(each) for each in exclusions],
        "participants": [] if table is None else _rows(world, place, worker_id),
    }


def _counts(work: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(row["status"] for row in work)
    return {"assignments": len(work), **{status.lower(): counts[status] for status in STATUSES}}


def _gold(session: Session, place: Place, worker_id: str) -> dict[str, Any]:
    """Return how many known answers the worker was asked for, and the share right."""
    try:
        found = accuracies(session, place, Selection(), worker_id=worker_id)
    except UsageError:  # the settings do not say which field has the answer
        return dict.fromkeys(Accuracy().as_dict())
    return found.get(worker_id, Accuracy()).as_dict()


def _rows(world: PersonWorld, place: Place, worker_id: str) -> list[dict[str, Any]]:
    query = Query(modes=(place.mode,), workers=(worker_id,))
    _columns, rows = listed(world, query, Ordering(), OF_PARTICIPANT)
    return rows


def _message(intent: Intent, worker_id: str) -> dict[str, Any]:
    """Return one message to the worker; ``delivered`` is None where nobody knows."""
    compensation = "workers" not in intent.request
    delivered, detail = _compensated(intent) if compensation else _delivered(intent, worker_id)
    values = (
        intent.sent,
        "compensation" if compensation else "message",
        SUBJECT if compensation else intent.request["subject"],
        None if compensation else intent.request["text"],
        delivered,
        detail,
    )
    return dict(zip(OF_MESSAGE, values, strict=True))


def _delivered(intent: Intent, worker_id: str) -> tuple[bool | None, str | None]:
    if intent.state == intents.FAILED or intent.sent is None:
        return False, intent.result
    if intent.state != intents.DONE or intent.result == "interrupted":
        return None, "it may have been sent"
    failed = json.loads(intent.result or "{}").get(worker_id)
    return failed is None, None if failed is None else failed[1] or failed[0]


def _compensated(intent: Intent) -> tuple[bool | None, str | None]:
    """Return what became of the message about a compensation, which its intent has in words."""
    if intent.state == intents.DONE:
        return (True, None) if intent.result == GOT_IT else (None, intent.result)
    return (None, "it may have been sent") if intent.sent is not None else (False, intent.result)
