"""``hits deadlines``: what is about to happen by itself. Imports no client: the database says it all.

The times are those of the documentation: an automatic approval at the assignment's own time; an expiry at the HIT's;
a rejection can be taken back for 30 days after the submission, unless the HIT is gone; a HIT that has expired and has
nothing undecided is disposed of 120 days after it last changed.
"""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.fees import assignment_cost
from turkctl.operations.engine.world import World
from turkctl.operations.hits.lists import refuse_unknown
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.store import deadlines
from turkctl.store.deadlines import WorkDue
from turkctl.store.hits import HitRow

COLUMNS = ("when", "in", "what", "id", "worker_id", "experiment", "amount", "mend")
APPROVAL = "auto_approval"
EXPIRY = "expiry"
FINAL = "final_rejection"
DISPOSAL = "disposal"
OVERRIDABLE = timedelta(days=30)
"""How long after its submission rejected work can still be approved."""
RETENTION = timedelta(days=120)
"""How long after its last change the market keeps a HIT."""
HAPPENED = "turkctl sync"
"""What to do about something whose time is past: the market has done it, and the database has not heard of it."""
_SECOND = timedelta(seconds=1)


def list_deadlines(world: World, selection: Selection, within: timedelta) -> list[dict[str, Any]]:
    """The rows of ``hits deadlines``, by time.

    An automatic approval or a disposal whose time is past and that the database has not heard of is there too, and so
    comes first; ``in`` is no time. A rejection that is final and an expiry that is past are left out: nothing can be
    done any more. ``amount`` is dollars, commission included: of the work, or of the slots that are open.

    Raises:
        UsageError: no span of time, or a bad regular expression.
        NotFoundError: an id, an experiment or a campaign that is not there.
        WrongMarketError: an id that belongs to another mode or market.
    """
    now = world.now()
    return [_timed(world, row, now) for row in foresee(world, selection, within)]


def foresee(world: World, selection: Selection, within: timedelta) -> list[dict[str, Any]]:
    """Return what :func:`list_deadlines` does, with when each HIT was ``created``; raises as it does."""
    if within <= timedelta(0):
        raise UsageError("--within is a span of time to look ahead", hint="write 12h, 3d or 1w")
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


def _of_work(work: WorkDue, what: str, when: datetime, mend: tuple[str, ...]) -> dict[str, Any]:
    verb, *options = mend
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
        "amount": assignment_cost(work.reward, work.max_assignments, masters=work.masters),
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
    return hit.available * assignment_cost(hit.reward, hit.max_assignments, masters=hit.masters)


def _timed(world: World, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The row with the time that is left, and with a mend that is typed as it is."""
    when: datetime = row["when"]
    mend = HAPPENED if when <= now else row["mend"]
    if world.settings.origins["mode"].kind == "flag":
        mend += f" --mode {world.settings.mode}"
    shown = {key: value for key, value in row.items() if key != "created"}
    return shown | {"in": _rounded(when - now), "mend": mend}


def _rounded(left: timedelta) -> timedelta:
    """Whole days, hours, minutes or seconds, rounded down: as a person says it."""
    left = max(left, timedelta(0))
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if left >= 2 * unit:
            return left // unit * unit
    return left // _SECOND * _SECOND
