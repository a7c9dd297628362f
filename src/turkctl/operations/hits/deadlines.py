"""List what is about to happen by itself (``hits deadlines``). Imports no client: the database has all facts.

The times follow the market's documentation: work is approved automatically at the assignment's own time, and a HIT
expires at its own; a rejection can be overridden for 30 days after the submission, unless the HIT is deleted; an
expired HIT without undecided work is disposed of 120 days after its last change.
"""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.fees import cost_of_each
from turkctl.operations.engine.world import World
from turkctl.operations.hits.lists import refuse_unknown
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.store import deadlines
from turkctl.store.deadlines import WorkDue
from turkctl.store.hits import HitRow

COLUMNS = ("when", "in", "what", "id", "worker_id", "experiment", "amount", "mend")
KEYS = (*COLUMNS, "hit_id", "campaign")
"""All keys of a row."""
APPROVAL = "auto_approval"
EXPIRY = "expiry"
FINAL = "final_rejection"
DISPOSAL = "disposal"
OVERRIDABLE = timedelta(days=30)
"""The time after its submission during which rejected work can still be approved."""
RETENTION = timedelta(days=120)
"""The time after its last change for which the market keeps a HIT."""
HAPPENED = "turkctl sync"
"""The command for a deadline that is past: the market has acted, and the database does not know it yet."""
_SECOND = timedelta(seconds=1)


def list_deadlines(world: World, selection: Selection, within: timedelta) -> list[dict[str, Any]]:
    """Return the rows of ``hits deadlines``, ordered by time.

    Automatic approvals and disposals whose time is past, but which the database does not know yet, are included and
    come first; their ``in`` is zero. Final rejections and past expiries are omitted, because nothing can be done about
    them. ``amount`` is dollars, commission included: of the work, or of the open slots.

    Raises:
        UsageError: ``within`` is not positive, or a regular expression is invalid.
        NotFoundError: an id, an experiment or a campaign is unknown.
        WrongMarketError: an id belongs to another mode or market.
    """
    now = world.now()
    return [_timed(world, row, now) for row in foresee(world, selection, within)]


def foresee(world: World, selection: Selection, within: timedelta) -> list[dict[str, Any]]:
    """Return what :func:`list_deadlines` does, with when each HIT was ``created``; raises as it does."""
    if within <= timedelta(0):
        raise UsageError("--within must be longer than zero", hint="write 12h, 3d or 1w")
    place, now = world.listing_place, world.now()
    until = now + within
    with world.database.read() as session:
        wanted = hit_filter(session, place, selection)
        refuse_unknown(session, place, selection.ids)
        approvals = deadlines.approvals(session, wanted, until)
        rejections = deadlines.rejections(session, wanted, now - OVERRIDABLE, until - OVERRIDABLE)
        expiries = deadlines.expiries(session, wanted, now, until)
        idle = deadlines.idle(session, wanted, until - RETENTION)
    rows = [
        *(_of_work(each, APPROVAL, each.moment, ("reject", "--feedback", "TEXT")) for each in approvals),
        *(_of_work(each, FINAL, each.moment + OVERRIDABLE, ("approve", "--override-rejection")) for each in rejections),
        *(_of_hit(hit, EXPIRY, hit.expires, _open_pay(hit)) for hit in expiries),
        *(_of_hit(each.hit, DISPOSAL, each.changed + RETENTION, None) for each in idle),
    ]
    rows.sort(key=lambda row: (row["when"], row["what"], row["id"]))
    return rows


def _of_work(work: WorkDue, what: str, when: datetime, fix: tuple[str, ...]) -> dict[str, Any]:
    verb, *options = fix
    return {
        "when": when,
        "in": None,
        "what": what,
        "id": work.assignment_id,
        "hit_id": work.hit_id,
        "experiment": work.experiment,
        "campaign": work.campaign,
        "worker_id": work.worker_id,
        "created": None,
        "amount": cost_of_each(work),
        "mend": shlex.join(["turkctl", "workers", verb, work.assignment_id, *options]),
    }


def _of_hit(hit: HitRow, what: str, when: datetime, amount: Decimal | None) -> dict[str, Any]:
    return {
        "when": when,
        "in": None,
        "what": what,
        "id": hit.hit_id,
        "hit_id": hit.hit_id,
        "experiment": hit.experiment,
        "campaign": hit.campaign,
        "worker_id": None,
        "created": hit.created,
        "amount": amount,
        "mend": shlex.join(["turkctl", "hits", "extend", hit.hit_id, "--lifetime", "1d"]),
    }


def _open_pay(hit: HitRow) -> Decimal:
    return hit.available * cost_of_each(hit)


def _timed(world: World, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the row with the time left, and with its command completed by the mode that was given."""
    when: datetime = row["when"]
    fix = HAPPENED if when <= now else row["mend"]
    if world.settings.origins["mode"].kind == "flag":
        fix += f" --mode {world.settings.mode}"
    shown = {key: value for key, value in row.items() if key != "created"}
    return shown | {"in": _rounded(when - now), "mend": fix}


def _rounded(left: timedelta) -> timedelta:
    """Return the time rounded down to whole days, hours, minutes or seconds."""
    left = max(left, timedelta(0))
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if left >= 2 * unit:
            return left // unit * unit
    return left // _SECOND * _SECOND
