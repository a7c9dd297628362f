"""Measure what a group of HITs pays an hour, from how long people took.

Of each person the time of their latest submission counts, so that one quick person does not decide. The times are kept
up to date by each submission and rejection, in a row for each person and HIT type; reading the pay of a group looks at
the latest :data:`MOST_LOOKED_AT` of these rows through their index, however many HITs there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select

from turkctl.market import tables
from turkctl.market.rules import SECOND
from turkctl.market.tx import Tx
from turkctl.units import CENT

FEWEST = 10
"""People who must have done it before pay is shown."""
MOST_LOOKED_AT = 101
_HOUR = 3600 * SECOND

_TIMES = tables.work_time


def _latest_of_each() -> Select[Any]:
    """Return the statement that reads the latest times of each of several types, and passes over all others."""
    types, inner = tables.hit_type, tables.work_time.alias()
    latest = select(inner.c.worker_id).where(inner.c.hit_type_id == types.c.id).order_by(inner.c.at.desc())
    few = latest.limit(bindparam("b_most", type_=Integer)).correlate(types)
    return select(_TIMES.c.hit_type_id, _TIMES.c.milliseconds).where(
        types.c.id.in_(bindparam("b_types", expanding=True)),
        _TIMES.c.hit_type_id == types.c.id,
        _TIMES.c.worker_id.in_(few),
    )


_LATEST_OF_EACH = _latest_of_each()
_NOTED_AGAIN = _TIMES.update().where(
    _TIMES.c.hit_type_id == bindparam("b_type"), _TIMES.c.worker_id == bindparam("b_worker")
)


def note(tx: Tx, hit_type_id: str, worker_id: str, assignment_id: str, milliseconds: int) -> None:
    """Remember how long somebody took for a HIT that they submitted."""
    values = {"assignment_id": assignment_id, "milliseconds": milliseconds, "at": tx.now}
    if tx.run(_NOTED_AGAIN, {"b_type": hit_type_id, "b_worker": worker_id, **values}).rowcount == 0:
        tx.run(_TIMES.insert(), {"hit_type_id": hit_type_id, "worker_id": worker_id, **values})


def forget(tx: Tx, hit_type_id: str, worker_id: str, assignment_id: str) -> None:
    """Leave out work that was rejected."""
    mine = (_TIMES.c.hit_type_id == hit_type_id, _TIMES.c.worker_id == worker_id)
    tx.run(_TIMES.delete().where(*mine, _TIMES.c.assignment_id == assignment_id))


def hourly(tx: Tx, rewards: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the dollars that HIT types pay an hour by the median time, to the cent; without those that too few did.

    Args:
        tx: the transaction.
        rewards: by the id of the type; those without a reward are left out of the answer.
    """
    paid = {type_id: reward for type_id, reward in rewards.items() if reward}
    times: dict[str, list[int]] = {type_id: [] for type_id in paid}
    if paid:
        for row in tx.all(_LATEST_OF_EACH, {"b_types": sorted(paid), "b_most": MOST_LOOKED_AT}):
            times[row.hit_type_id].append(row.milliseconds)
    return {type_id: _an_hour(paid[type_id], each) for type_id, each in times.items() if len(each) >= FEWEST}


def _an_hour(reward: Decimal, times: Sequence[int]) -> Decimal:
    typical = max(Decimal(median(times)), Decimal(SECOND))
    return (reward * _HOUR / typical).quantize(CENT)
