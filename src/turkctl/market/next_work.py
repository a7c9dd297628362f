"""Find the HIT of a type that a worker gets next: the first to expire of those that they have not had.

A process remembers up to where a worker has had everything (:mod:`turkctl.market.marks`). What opens behind a
mark later, as when somebody returns a HIT, is found by the HIT's column ``opened``: the number of its last opening,
counted within its type. All writers take turns, so whoever sees one opening sees all earlier ones.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Integer, bindparam, exists, func, select, tuple_

from turkctl.market import hit_rows, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.marks import END, Mark, Position
from turkctl.market.tx import Tx, members

_MOST_BEHIND = 50
"""HITs behind a mark that are remembered one by one."""
_HIT, _TAKEN = tables.hit.c, tables.assignment.c

_OPEN = (_HIT.hit_type_id == bindparam("b_type"), _HIT.status == rules.ASSIGNABLE, _HIT.expires_at > bindparam("b_now"))
_HAD = exists().where(
    _TAKEN.hit_id == _HIT.id, _TAKEN.worker_id == bindparam("b_worker"), _TAKEN.status.in_(rules.HELD)
)
_ORDER = (_HIT.expires_at, _HIT.seq)
_HERE = tuple_(bindparam("b_expires", type_=_HIT.expires_at.type), bindparam("b_seq", type_=_HIT.seq.type))
_FROM_HERE = tuple_(*_ORDER) >= _HERE

_FIRST = select(tables.hit).where(*_OPEN, _FROM_HERE, ~_HAD).order_by(*_ORDER).limit(1)
_FEW = select(_HIT.seq).where(*_OPEN, _FROM_HERE, ~_HAD).limit(bindparam("b_most", type_=Integer)).subquery()
_COUNT = select(func.count()).select_from(_FEW)
_OPENED_SINCE = (
    select(_HIT.seq)
    .where(
        _HIT.hit_type_id == bindparam("b_type"),
        _HIT.opened > bindparam("b_opened"),
        _HIT.status == rules.ASSIGNABLE,
        tuple_(*_ORDER) < _HERE,
        ~_HAD,
    )
    .limit(_MOST_BEHIND + 1)
)
_BEHIND = (
    select(tables.hit)
    .where(*_OPEN, _HIT.seq.in_(bindparam("b_seqs", expanding=True)), ~_HAD)
    .order_by(*_ORDER)
    .limit(bindparam("b_most", type_=Integer))
)


def next_hit(tx: Tx, worker_id: str, type_id: str) -> Hit | None:
    """Return the HIT of a type that a worker gets next; None if nothing is left."""
    mark, behind = _caught_up(tx, worker_id, type_id)
    found = _first_from(tx, worker_id, type_id, mark.position)
    tx.shared.marks.put(worker_id, type_id, replace(mark, position=END if found is None else _position(found)))
    return behind[0] if behind else found


def next_after(tx: Tx, worker_id: str, hit: Hit) -> Hit | None:
    """Return the HIT of the same type that comes after this one for the worker, or None."""
    mark, behind = _caught_up(tx, worker_id, hit.hit_type_id)
    here = (hit.expires_at, hit.seq + 1)
    later = [each for each in behind if _position(each) >= here]
    return later[0] if later else _first_from(tx, worker_id, hit.hit_type_id, max(here, mark.position))


def count_left(tx: Tx, worker_id: str, type_id: str, most: int) -> int:
    """Return how many HITs of a type are left for a worker, counted up to ``most`` and one more."""
    mark, behind = _caught_up(tx, worker_id, type_id)
    expires, seq = mark.position
    values = {"b_expires": expires, "b_seq": seq, "b_most": max(0, most + 1 - len(behind))}
    row = tx.first(_COUNT, _whose(tx, worker_id, type_id) | values)
    assert row is not None
    return len(behind) + int(row[0])


def _caught_up(tx: Tx, worker_id: str, type_id: str) -> tuple[Mark, list[Hit]]:
    """Return the worker's mark with all that opened since, and the open HITs behind it that they have not had."""
    last = hit_rows.last_opening(tx, type_id)
    mark = tx.shared.marks.get(worker_id, type_id) or Mark(last)
    whose = _whose(tx, worker_id, type_id)
    behind = mark.behind
    if mark.opened < last:
        expires, seq = mark.position
        since = tx.all(_OPENED_SINCE, whose | {"b_opened": mark.opened, "b_expires": expires, "b_seq": seq})
        behind = tuple({*behind, *(row.seq for row in since)})
    if len(behind) > _MOST_BEHIND:
        return Mark(last), []
    rows = tx.all(_BEHIND, whose | {"b_seqs": behind, "b_most": _MOST_BEHIND}) if behind else []
    hits = [Hit(**members(row)) for row in rows]
    mark = Mark(last, mark.position, tuple(hit.seq for hit in hits))
    tx.shared.marks.put(worker_id, type_id, mark)
    return mark, hits


def _first_from(tx: Tx, worker_id: str, type_id: str, here: Position) -> Hit | None:
    row = tx.first(_FIRST, _whose(tx, worker_id, type_id) | {"b_expires": here[0], "b_seq": here[1]})
    return None if row is None else Hit(**members(row))


def _whose(tx: Tx, worker_id: str, type_id: str) -> dict[str, object]:
    return {"b_worker": worker_id, "b_type": type_id, "b_now": tx.now}


def _position(hit: Hit) -> Position:
    return hit.expires_at, hit.seq
