"""Find the HIT of a type that a worker gets next: the first to expire of those that they have not had.

A process remembers up to where a worker has had everything (:mod:`turkctl.market.marks`). What opens behind a
mark later, as when somebody returns a HIT, is found by the HIT's column ``opened``: the number of its last opening,
counted within its type. All writers take turns, so whoever sees one opening sees all earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, func, or_, select

from turkctl.market import hit_items, hit_rows, rules, tables
from turkctl.market.hit_rows import Hit
from turkctl.market.marks import END, START, PassedMark, Position
from turkctl.market.tx import Tx, members

_MOST_BEHIND = 50
"""HITs behind a mark that are remembered one by one."""
_AT_ONCE = 500
"""Types that are looked up with one statement."""
_HIT, _TAKEN = tables.hit.c, tables.assignment.c


def _new_to(hit_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a worker may still have a HIT. Two conditions, as PostgreSQL would else read all that they had."""
    mine = (_TAKEN.hit_id == hit_id, _TAKEN.worker_id == bindparam("b_worker"), tables.is_held(_TAKEN.status))
    return and_(~exists().where(*mine), ~hit_items.keeps_out(hit_id))


_IN_ENVIRONMENT = _HIT.environment == bindparam("b_environment")
_ORDER = (_HIT.expires_at, _HIT.seq)
_OPEN = (_IN_ENVIRONMENT, _HIT.status == rules.ASSIGNABLE)
_OF_TYPE = (*_OPEN, _HIT.hit_type_id == bindparam("b_type"))
# From a place on, in two steps, as SQLite finds no place by two columns in an index. What has expired comes first.
_SAME_EXPIRY = (_HIT.expires_at == bindparam("b_expires"), _HIT.seq >= bindparam("b_seq"))
_LATER = _HIT.expires_at > bindparam("b_expires")
_MOST = bindparam("b_most", type_=Integer)


def _first(*where: ColumnElement[bool]) -> Select[Any]:
    return select(tables.hit).where(*_OF_TYPE, *where, _new_to(_HIT.id)).order_by(*_ORDER).limit(1)


def _count(*where: ColumnElement[bool]) -> Select[Any]:
    few = select(_HIT.seq).where(*_OF_TYPE, *where, _new_to(_HIT.id)).limit(_MOST).subquery()
    return select(func.count()).select_from(few)


_FIRST_STEPS = (_first(*_SAME_EXPIRY), _first(_LATER))
_COUNT_STEPS = (_count(*_SAME_EXPIRY), _count(_LATER))
# Written so that no index but that by opening fits.
_OPENED_SINCE = (
    select(_HIT.seq)
    .where(
        _HIT.hit_type_id == bindparam("b_type"),
        _HIT.opened > bindparam("b_opened"),
        _HIT.status.concat("") == rules.ASSIGNABLE,
        or_(
            _HIT.expires_at + 0 < bindparam("b_expires"),
            and_(_HIT.expires_at + 0 == bindparam("b_expires"), _HIT.seq + 0 < bindparam("b_seq")),
        ),
        _new_to(_HIT.id),
    )
    .limit(_MOST)
)
_BEHIND = (
    select(tables.hit)
    .where(*_OF_TYPE, _HIT.seq.in_(bindparam("b_seqs", expanding=True)), _new_to(_HIT.id))
    .order_by(*_ORDER)
)


def _of_all_types() -> Select[Any]:
    """Return the statement that asks of many types at once what a worker without marks would get."""
    types = tables.hit_type
    here = (*_OPEN, _HIT.hit_type_id == types.c.id, _LATER)
    first = select(_HIT.seq).where(*here).order_by(*_ORDER).limit(1).correlate(types)
    few = select(_HIT.seq).where(*here, _new_to(_HIT.id)).limit(_MOST).correlate(types).subquery()
    opened = select(func.max(_HIT.opened)).where(_HIT.hit_type_id == types.c.id).correlate(types)
    return select(
        types.c.id,
        first.scalar_subquery().label("first"),
        first.where(_new_to(_HIT.id)).scalar_subquery().label("mine"),
        select(func.count()).select_from(few).correlate(types).scalar_subquery().label("left"),
        opened.scalar_subquery().label("opened"),
    ).where(types.c.id.in_(bindparam("b_types", expanding=True)))


def _open_types() -> Select[Any]:
    """Return the statement that goes from one type with open HITs to the next, past all HITs between them."""
    found = select(func.min(_HIT.hit_type_id).label("id")).where(*_OPEN).cte("open_type", recursive=True)
    following = select(func.min(_HIT.hit_type_id)).where(*_OPEN, _HIT.hit_type_id > found.c.id).correlate(found)
    found = found.union_all(select(following.scalar_subquery()).where(found.c.id.is_not(None)))
    return select(found.c.id).where(found.c.id.is_not(None))


_OPEN_TYPES = _open_types()
_OF_ALL_TYPES = _of_all_types()
_PLACES = select(_HIT.seq, _HIT.id, _HIT.expires_at).where(_HIT.seq.in_(bindparam("b_seqs", expanding=True)))


@dataclass(frozen=True)
class Left:
    """What is left of a type for a worker: the HIT that comes next, and how many there are, counted up to a limit."""

    hit_id: str
    count: int


def open_types(tx: Tx) -> list[str]:
    """Return the ids of the types with open HITs, in no particular order."""
    return [row.id for row in tx.all(_OPEN_TYPES, {"b_environment": tx.environment})]


def what_is_left(tx: Tx, worker_id: str, type_ids: Sequence[str], most: int) -> dict[str, Left]:
    """Return what is left of each of these types, counted up to ``most`` and one more; without those without HITs."""
    new = [each for each in type_ids if tx.shared.marks.get(worker_id, each) is None]
    found: dict[str, Left] = {}
    for start in range(0, len(new), _AT_ONCE):
        found |= _left_of_all(tx, worker_id, new[start : start + _AT_ONCE], most)
    for type_id in set(type_ids).difference(new):
        hit = next_hit(tx, worker_id, type_id)
        if hit is not None:
            found[type_id] = Left(hit.id, count_left(tx, worker_id, type_id, most))
    return found


def _left_of_all(tx: Tx, worker_id: str, type_ids: Sequence[str], most: int) -> dict[str, Left]:
    values = _values(tx, worker_id, "", START) | {"b_types": type_ids, "b_most": most + 1}
    rows = tx.all(_OF_ALL_TYPES, values)
    wanted = [row.mine for row in rows if row.mine is not None]
    places = {row.seq: row for row in tx.all(_PLACES, {"b_seqs": wanted})} if wanted else {}
    for row in rows:
        if row.first != row.mine:  # otherwise there is nothing to skip
            place = END if row.mine is None else (places[row.mine].expires_at, row.mine)
            tx.shared.marks.put(worker_id, row.id, PassedMark(row.opened or 0, place))
    return {row.id: Left(places[row.mine].id, row.left) for row in rows if row.mine is not None}


def next_hit(tx: Tx, worker_id: str, type_id: str) -> Hit | None:
    """Return the HIT of a type that a worker gets next; None if nothing is left.

    Call it before the transaction changes anything: marks are kept even if it fails.
    """
    mark, behind = _caught_up(tx, worker_id, type_id)
    found = _first_from(tx, worker_id, type_id, mark.position)
    tx.shared.marks.put(worker_id, type_id, replace(mark, position=END if found is None else _position(found)))
    return behind[0] if behind else found


def next_to_take(tx: Tx, worker_id: str, type_id: str) -> Hit | None:
    """Return what :func:`next_hit` returns, or a HIT near it whose known items, unlike its own, the worker has not had.

    Call it before the transaction changes anything, too.
    """
    found = next_hit(tx, worker_id, type_id)
    return None if found is None else hit_items.better_for(tx, found, worker_id) or found


def next_after(tx: Tx, worker_id: str, hit: Hit) -> Hit | None:
    """Return the HIT of the same type that comes after this one for the worker, or None."""
    mark, behind = _caught_up(tx, worker_id, hit.hit_type_id)
    here = (hit.expires_at, hit.seq + 1)
    later = [each for each in behind if _position(each) >= here]
    return later[0] if later else _first_from(tx, worker_id, hit.hit_type_id, max(here, mark.position))


def count_left(tx: Tx, worker_id: str, type_id: str, most: int) -> int:
    """Return how many HITs of a type are left for a worker, counted up to ``most`` and one more."""
    mark, behind = _caught_up(tx, worker_id, type_id)
    found, values = len(behind), _values(tx, worker_id, type_id, mark.position)
    for statement in _COUNT_STEPS:
        if found <= most:
            row = tx.first(statement, values | {"b_most": most + 1 - found})
            assert row is not None
            found += row[0]
    return found


def _caught_up(tx: Tx, worker_id: str, type_id: str) -> tuple[PassedMark, list[Hit]]:
    """Return the worker's mark with all that opened since, and the open HITs behind it that they have not had."""
    last = hit_rows.last_opening(tx, type_id)
    mark = tx.shared.marks.get(worker_id, type_id) or PassedMark(last)
    behind = mark.behind
    if mark.opened < last:
        values = _values(tx, worker_id, type_id, mark.position)
        since = tx.all(_OPENED_SINCE, values | {"b_opened": mark.opened, "b_most": _MOST_BEHIND + 1})
        behind = tuple({*behind, *(row.seq for row in since)})
    if len(behind) > _MOST_BEHIND:
        return PassedMark(last), []
    rows = tx.all(_BEHIND, _values(tx, worker_id, type_id, START) | {"b_seqs": behind}) if behind else []
    hits = [Hit(**members(row)) for row in rows]
    mark = PassedMark(last, mark.position, tuple(hit.seq for hit in hits))
    tx.shared.marks.put(worker_id, type_id, mark)
    return mark, hits


def _first_from(tx: Tx, worker_id: str, type_id: str, place: Position) -> Hit | None:
    values = _values(tx, worker_id, type_id, place)
    rows = (tx.first(statement, values) for statement in _FIRST_STEPS)
    row = next((row for row in rows if row is not None), None)
    return None if row is None else Hit(**members(row))


def _values(tx: Tx, worker_id: str, type_id: str, place: Position) -> dict[str, object]:
    """Return the values of a statement, for what has not expired from a place on."""
    expires, seq = max(place, (tx.now, END[1]))
    whose = {"b_environment": tx.environment, "b_worker": worker_id, "b_type": type_id}
    return {**whose, "b_expires": expires, "b_seq": seq}


def _position(hit: Hit) -> Position:
    return hit.expires_at, hit.seq
