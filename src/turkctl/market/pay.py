"""Measure what a group of HITs pays an hour, from how long people took.

Of each person the time of their latest submission counts, so that one quick person does not decide. The times are kept
up to date by each submission and rejection, in a row for each person and HIT type; reading the pay of a group looks at
the latest :data:`MOST_LOOKED_AT` of these rows through their index, however many HITs there are.
"""

from __future__ import annotations

from decimal import Decimal
from statistics import median

from sqlalchemy import select

from turkctl.market import tables
from turkctl.market.hit_types import HitType
from turkctl.market.rules import SECOND
from turkctl.market.tx import Tx
from turkctl.units import CENT, from_micros

FEWEST = 10
"""People who must have done it before pay is shown."""
MOST_LOOKED_AT = 101
_HOUR = 3600 * SECOND

_TIMES = tables.work_time


def note(tx: Tx, hit_type_id: str, worker_id: str, assignment_id: str, milliseconds: int) -> None:
    """Remember how long somebody took for a HIT that they submitted."""
    values = {"assignment_id": assignment_id, "milliseconds": milliseconds, "at": tx.now}
    mine = (_TIMES.c.hit_type_id == hit_type_id, _TIMES.c.worker_id == worker_id)
    if tx.run(_TIMES.update().where(*mine).values(**values)).rowcount == 0:
        tx.run(_TIMES.insert(), {"hit_type_id": hit_type_id, "worker_id": worker_id, **values})


def forget(tx: Tx, hit_type_id: str, worker_id: str, assignment_id: str) -> None:
    """Leave out work that was rejected."""
    mine = (_TIMES.c.hit_type_id == hit_type_id, _TIMES.c.worker_id == worker_id)
    tx.run(_TIMES.delete().where(*mine, _TIMES.c.assignment_id == assignment_id))


def hourly(tx: Tx, hit_type: HitType) -> Decimal | None:
    """Return the dollars that a HIT type pays an hour by the median time, to the cent; None if too few did it."""
    latest = select(_TIMES.c.milliseconds).where(_TIMES.c.hit_type_id == hit_type.id)
    rows = tx.all(latest.order_by(_TIMES.c.at.desc()).limit(MOST_LOOKED_AT))
    if len(rows) < FEWEST or not hit_type.reward:
        return None
    typical = max(Decimal(median(row.milliseconds for row in rows)), Decimal(SECOND))
    return (from_micros(hit_type.reward) * _HOUR / typical).quantize(CENT)
