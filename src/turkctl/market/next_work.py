"""Find the HIT of a type that a worker gets next: the first to expire of those that they have not had.

A process remembers up to where a worker has had everything (:mod:`turkctl.market.marks`). What opens behind a
mark later, as when somebody returns a HIT, is found by the HIT's column ``opened``: the number of its last opening,
counted within its type. All writers take turns, so whoever sees one opening sees all earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, exists, func, select, tuple_

from turkctl.market import hit_rows, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.marks import END, START, Mark, Position
from turkctl.market.tx import Tx, members

_MOST_BEHIND = 50
"""HITs behind a mark that are remembered one by one."""
_AT_ONCE = 500
"""Types that are looked up with one statement."""
_HIT, _TAKEN = tables.hit.c, tables.assignment.c


def _had(hit_id: ColumnElement[str]) -> ColumnElement[bool]:
    mine = (_TAKEN.hit_id == hit_id, _TAKEN.worker_id == bindparam("b_worker"), tables.is_held(_TAKEN.status))
    return exists().where(*mine)


_ORDER = (_HIT.expires_at, _HIT.seq)
_HERE = tuple_(bindparam("b_expires", type_=_HIT.expires_at.type), bindparam("b_seq", type_=_HIT.seq.type))
# The place says what has expired, too: a condition of its own would be looked up in the index in its stead.
_FROM_HERE = (_HIT.status == rules.ASSIGNABLE, tuple_(*_ORDER) >= _HERE)
_OF_TYPE = _HIT.hit_type_id == bindparam("b_type")
_MOST = bindparam("b_most", type_=Integer)

_FIRST = select(tables.hit).where(_OF_TYPE, *_FROM_HERE, ~_had(_HIT.id)).order_by(*_ORDER).limit(1)
_COUNT = select(func.count()).select_from(
    select(_HIT.seq).where(_OF_TYPE, *_FROM_HERE, ~_had(_HIT.id)).limit(_MOST).subquery()
)
# Written so that no index but that by opening fits.
_OPENED_SINCE = (
    select(_HIT.seq)
    .where(
        _OF_TYPE,
        _HIT.opened > bindparam("b_opened"),
        _HIT.status.concat("") == rules.ASSIGNABLE,
        tuple_(_HIT.expires_at + 0, _HIT.seq + 0) < _HERE,
        ~_had(_HIT.id),
    )
    .limit(_MOST)
)
_BEHIND = (
    select(tables.hit)
    .where(_OF_TYPE, *_FROM_HERE, _HIT.seq.in_(bindparam("b_seqs", expanding=True)), ~_had(_HIT.id))
    .order_by(*_ORDER)
)


def _of_all_types() -> Select[Any]:
    """Return the statement that asks of many types at once what a worker without marks would get."""
    types = tables.hit_type
    here = (_HIT.hit_type_id == types.c.id, *_FROM_HERE)
    first = select(_HIT.seq).where(*here).order_by(*_ORDER).limit(1).correlate(types)
    few = select(_HIT.seq).where(*here, ~_had(_HIT.id)).limit(_MOST).correlate(types).subquery()
    opened = select(func.max(_HIT.opened)).where(_HIT.hit_type_id == types.c.id).correlate(types)
    return select(
        types.c.id,
        first.scalar_subquery().label("first"),
        first.where(~_had(_HIT.id)).scalar_subquery().label("mine"),
        select(func.count()).select_from(few).correlate(types).scalar_subquery().label("left"),
        opened.scalar_subquery().label("opened"),
    ).where(types.c.id.in_(bindparam("b_types", expanding=True)))


_OF_ALL_TYPES = _of_all_types()
_PLACES = select(_HIT.seq, _HIT.id, _HIT.expires_at).where(_HIT.seq.in_(bindparam("b_seqs", expanding=True)))


@dataclass(frozen=True)
class Left:
    """What is left of a type for a worker: the HIT that comes next, and how many there are, counted up to a limit."""

    hit_id: str
    count: int


def what_is_left(tx: Tx, worker_id: str, type_ids: Sequence[str], most: int) -> dict[str, Left]:
    """Return what is left of each of these types, counted up to ``most`` and one more; without those without HITs."""
    new = [each for each in type_ids if tx.shared.marks.get(worker_id, each) is None]
    found = {}
    for start in range(0, len(new), _AT_ONCE):
        found |= _left_of_all(tx, worker_id, new[start : start + _AT_ONCE], most)
    for type_id in set(type_ids).difference(new):
        hit = next_hit(tx, worker_id, type_id)
        if hit is not None:
            found[type_id] = Left(hit.id, count_left(tx, worker_id, type_id, most))
    return found


def _left_of_all(tx: Tx, worker_id: str, type_ids: Sequence[str], most: int) -> dict[str, Left]:
    values = {"b_types": type_ids, "b_worker": worker_id, "b_most": most + 1, "b_expires": tx.now + 1, "b_seq": 0}
    rows = tx.all(_OF_ALL_TYPES, values)
    wanted = [row.mine for row in rows if row.mine is not None]
    places = {row.seq: row for row in tx.all(_PLACES, {"b_seqs": wanted})} if wanted else {}
    for row in rows:
        if row.first != row.mine:  # otherwise there is nothing to skip
            place = END if row.mine is None else (places[row.mine].expires_at, row.mine)
            tx.shared.marks.put(worker_id, row.id, Mark(row.opened or 0, place))
    return {row.id: Left(places[row.mine].id, row.left) for row in rows if row.mine is not None}


def next_hit(tx: Tx, worker_id: str, type_id: str) -> Hit | None:
    """Return the HIT of a type that a worker gets next; None if nothing is left.

    Call it before the transaction changes anything: marks are kept even if it fails.
    """
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
    row = tx.first(_COUNT, _values(tx, worker_id, type_id, mark.position) | {"b_most": max(0, most + 1 - len(behind))})
    assert row is not None
    return len(behind) + int(row[0])


def _caught_up(tx: Tx, worker_id: str, type_id: str) -> tuple[Mark, list[Hit]]:
    """Return the worker's mark with all that opened since, and the open HITs behind it that they have not had."""
    last = hit_rows.last_opening(tx, type_id)
    mark = tx.shared.marks.get(worker_id, type_id) or Mark(last)
    behind = mark.behind
    if mark.opened < last:
        values = _values(tx, worker_id, type_id, mark.position)
        since = tx.all(_OPENED_SINCE, values | {"b_opened": mark.opened, "b_most": _MOST_BEHIND + 1})
        behind = tuple({*behind, *(row.seq for row in since)})
    if len(behind) > _MOST_BEHIND:
        return Mark(last), []
    rows = tx.all(_BEHIND, _values(tx, worker_id, type_id, START) | {"b_seqs": behind}) if behind else []
    hits = [Hit(**members(row)) for row in rows]
    mark = Mark(last, mark.position, tuple(hit.seq for hit in hits))
    tx.shared.marks.put(worker_id, type_id, mark)
    return mark, hits


def _first_from(tx: Tx, worker_id: str, type_id: str, place: Position) -> Hit | None:
    row = tx.first(_FIRST, _values(tx, worker_id, type_id, place))
    return None if row is None else Hit(**members(row))


def _values(tx: Tx, worker_id: str, type_id: str, place: Position) -> dict[str, object]:
    """Return the values of a statement, for what has not expired from a place on."""
    expires, seq = max(place, (tx.now + 1, 0))
    return {"b_worker": worker_id, "b_type": type_id, "b_expires": expires, "b_seq": seq}


def _position(hit: Hit) -> Position:
    return hit.expires_at, hit.seq
