"""The items that HITs show, where their requester tells them: nobody gets an item that they answered or have at hand.

A requester tells the items with CreateHIT (``Items``, ``KnownItems``), so that there is no moment in which the HIT is
open and its items are unknown. Which people have had which item is written in the transaction that accepts a HIT, and
deleted when they return or abandon it; what they submitted counts for ever, approved or not.

Known items check people, so a HIT with one that somebody has had is only put off: they get it once nothing else of its
type is near.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, select

from turkctl.market import hit_rows, rules, tables
from turkctl.market.errors import WorkError, invalid_value
from turkctl.market.hit_rows import Hit
from turkctl.market.marks import START, PassedMark
from turkctl.market.tx import Tx, members

ALREADY_ANSWERED = "ItemAlreadyAnswered"
"""The code of the refusal of a HIT with an item that the worker has had."""
KNOWN_REPEATED = "KnownItemRepeated"
"""The code of the refusal of a HIT with a known item that the worker has had, while others are open to them."""
_ANSWERED = "You have answered something of this HIT already, and each person is asked once."
_NEAR = 100
"""HITs among which one is looked for whose known items somebody has not had."""
_AT_ONCE = 400
_SHOWN, _HAD, _KEPT, _HIT = tables.hit_item.c, tables.item_worker.c, tables.kept_out.c, tables.hit.c

_MINE = and_(
    _HAD.environment == bindparam("b_environment"),
    _HAD.account == bindparam("b_account"),
    _HAD.worker_id == bindparam("b_worker"),
)
_OTHER = tables.hit_item.alias("other")
_SAME_ELSEWHERE = (
    _OTHER.c.environment == _SHOWN.environment,
    _OTHER.c.account == _SHOWN.account,
    _OTHER.c.item == _SHOWN.item,
    _OTHER.c.known == 0,
    _OTHER.c.hit_id != _SHOWN.hit_id,
)
_OF_HIT = select(
    _SHOWN.item,
    _SHOWN.known,
    # One in the other, as SQLite might else go through all that the requester's people have had.
    exists().where(_MINE, _HAD.item == _SHOWN.item).correlate(tables.hit_item).label("had"),
    exists().where(*_SAME_ELSEWHERE).correlate(tables.hit_item).label("elsewhere"),
).where(_SHOWN.hit_id == bindparam("b_hit"))
_HAD_BY_ANYBODY = select(_HAD.worker_id, _HAD.assignment_id).where(
    _HAD.environment == bindparam("b_environment"),
    _HAD.account == bindparam("b_account"),
    _HAD.item.in_(bindparam("b_items", expanding=True)),
)
_OTHERS_WITH = (
    select(_SHOWN.hit_id)
    .where(
        _SHOWN.environment == bindparam("b_environment"),
        _SHOWN.account == bindparam("b_account"),
        _SHOWN.item.in_(bindparam("b_items", expanding=True)),
        _SHOWN.known == 0,
        _SHOWN.hit_id != bindparam("b_hit"),
    )
    .distinct()
)


_INSERT = tables.item_worker.insert()


def keeps_out(hit_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether the worker ``b_worker`` may not have a HIT since they have had one of its items."""
    return exists().where(_KEPT.hit_id == hit_id, _KEPT.worker_id == bindparam("b_worker"))


def told(request: Mapping[str, Any]) -> dict[str, int]:
    """Return the items of a CreateHIT request, and whether each is known.

    Raises:
        RequestError: an item is named twice.
    """
    ordinary, known = request.get("Items") or (), request.get("KnownItems") or ()
    named = [*((item, 0) for item in ordinary), *((item, 1) for item in known)]
    found = dict(named)
    if len(found) != len(named):
        raise invalid_value("Items and KnownItems must name each item of the HIT once.")
    return found


def tell(tx: Tx, hit: Hit, shown: Mapping[str, int]) -> None:
    """Write which items a new HIT shows, and keep out of it those who have had one."""
    owner = {"environment": hit.environment, "account": hit.account}
    tx.run(
        tables.hit_item.insert(),
        [{**owner, "hit_id": hit.id, "item": item, "known": known} for item, known in shown.items()],
    )
    fresh = [item for item, known in shown.items() if not known]
    had = {
        (row.worker_id, row.assignment_id)
        for part in _parts(fresh)
        for row in tx.all(_HAD_BY_ANYBODY, _owner(hit) | {"b_items": part})
    }
    _keep_out(tx, hit.environment, ((hit.id, worker, assignment) for worker, assignment in sorted(had)))


def check(tx: Tx, hit: Hit, worker_id: str) -> Sequence[Row[Any]]:
    """Refuse a HIT with an item that the worker has had; else return what it shows, for :func:`take`.

    Raises:
        WorkError: ItemAlreadyAnswered, KnownItemRepeated.
    """
    shown = _shown(tx, hit, worker_id)
    repeated = {row.known for row in shown if row.had}
    if 0 in repeated:
        raise WorkError(ALREADY_ANSWERED, _ANSWERED)
    if 1 in repeated and _fresher(tx, hit, worker_id) is not None:
        raise WorkError(KNOWN_REPEATED, "Another HIT of this group comes first for you.")
    return shown


def _shown(tx: Tx, hit: Hit, worker_id: str) -> Sequence[Row[Any]]:
    """Return (item, known, had, elsewhere) of what a HIT shows: had by the worker, an ordinary one of another HIT."""
    return tx.all(_OF_HIT, _owner(hit) | {"b_hit": hit.id, "b_worker": worker_id}) if hit.items else ()


def why_kept_out(tx: Tx, hit: Hit, worker_id: str) -> str | None:
    """Return in words why a worker may not have a HIT since they have had one of its items; None if they may."""
    kept_out = any(row.had and not row.known for row in _shown(tx, hit, worker_id))
    return _ANSWERED if kept_out else None


def take(tx: Tx, hit: Hit, shown: Sequence[Row[Any]], worker_id: str, assignment_id: str) -> None:
    """Write that a worker has what a HIT shows, by :func:`check`, and keep them out of others with the same items."""
    mine = {**_owner_columns(hit), "worker_id": worker_id, "assignment_id": assignment_id}
    # Only known ones can have been had before: of others, the table allows no second row.
    new = [{**mine, "item": row.item} for row in shown if not (row.known and row.had)]
    if new:
        tx.run(_INSERT, new)
    others = {
        row.hit_id
        for part in _parts([row.item for row in shown if row.elsewhere])
        for row in tx.all(_OTHERS_WITH, _owner(hit) | {"b_items": part, "b_hit": hit.id})
    }
    _keep_out(tx, hit.environment, ((other, worker_id, assignment_id) for other in sorted(others)))


def free(tx: Tx, hit: Hit, assignment_id: str) -> None:
    """Give the items of returned or abandoned work back, and let its worker find the HITs that it kept them out of."""
    if not hit.items:
        return
    rows = tx.all(
        select(tables.hit)
        .join(tables.kept_out, _KEPT.hit_id == _HIT.id)
        .where(_KEPT.assignment_id == assignment_id, _HIT.status == rules.ASSIGNABLE)
    )
    tx.run(tables.item_worker.delete().where(_HAD.assignment_id == assignment_id))
    tx.run(tables.kept_out.delete().where(_KEPT.assignment_id == assignment_id))
    hit_rows.open_again(tx, [Hit(**members(row)) for row in rows])


def forget(tx: Tx, hit: Hit) -> None:
    """Forget which items a HIT showed, whose data are deleted; who has had them stays known."""
    if hit.items:
        tx.run(tables.hit_item.delete().where(_SHOWN.hit_id == hit.id))
        tx.run(tables.kept_out.delete().where(_KEPT.hit_id == hit.id))


def kept_out_of(tx: Tx, hit_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return (hit_id, worker_id) of those who may not have these HITs since they have had one of their items."""
    return tx.all(select(_KEPT.hit_id, _KEPT.worker_id).where(_KEPT.hit_id.in_(hit_ids)))


def better_for(tx: Tx, hit: Hit, worker_id: str) -> Hit | None:
    """Return a HIT that should come before this one: its known items are new to the worker; None if there is none."""
    repeats = any(row.had and row.known for row in _shown(tx, hit, worker_id))
    return _fresher(tx, hit, worker_id) if repeats else None


def _fresher(tx: Tx, hit: Hit, worker_id: str) -> Hit | None:
    """Return the first of the next HITs of the type whose known items the worker has not had, or None.

    Where there was none among the next ones, it is not looked for again before the worker is past them.
    """
    key = (worker_id, f"{hit.hit_type_id} known")
    passed = tx.shared.marks.get(*key)
    here = (hit.expires_at, hit.seq)
    if passed is not None and START < here <= passed.position:
        return None
    rows = tx.all(_NEXT, _owner(hit) | {"b_worker": worker_id, "b_type": hit.hit_type_id, "b_now": tx.now})
    found = next((row for row in rows if not row.repeats), None)
    if found is None and rows:
        tx.shared.marks.put(*key, PassedMark(0, (rows[-1].expires_at, rows[-1].seq)))
    return None if found is None else hit_rows.load_any(tx, found.id)


def _next() -> Any:
    """Return the statement of the next HITs of a type for a worker, with whether they have had a known item of each."""
    taken = tables.assignment
    mine = exists().where(
        taken.c.hit_id == _HIT.id, taken.c.worker_id == bindparam("b_worker"), tables.is_held(taken.c.status)
    )
    near = (
        select(_HIT.id, _HIT.expires_at, _HIT.seq)
        .where(
            _HIT.environment == bindparam("b_environment"),
            _HIT.status == rules.ASSIGNABLE,
            _HIT.hit_type_id == bindparam("b_type"),
            _HIT.expires_at > bindparam("b_now"),
            ~mine,
            ~keeps_out(_HIT.id),
        )
        .order_by(_HIT.expires_at, _HIT.seq)
        .limit(_NEAR)
        .subquery()
    )
    mine_too = exists().where(_MINE, _HAD.item == _SHOWN.item).correlate(tables.hit_item)
    had = exists().where(_SHOWN.hit_id == near.c.id, _SHOWN.known == 1, mine_too)
    columns = (near.c.id, near.c.expires_at, near.c.seq)
    return select(*columns, had.label("repeats")).order_by(near.c.expires_at, near.c.seq)


_NEXT = _next()


def _keep_out(tx: Tx, environment: str, rows: Iterable[tuple[str, str, str]]) -> None:
    columns = ("hit_id", "worker_id", "assignment_id")
    found = [{"environment": environment, **dict(zip(columns, row, strict=True))} for row in rows]
    if found:
        tx.run(tables.kept_out.insert(), found)


def _parts(named: Sequence[str]) -> list[list[str]]:
    return [list(named[start : start + _AT_ONCE]) for start in range(0, len(named), _AT_ONCE)]


def _owner(hit: Hit) -> dict[str, str]:
    return {"b_environment": hit.environment, "b_account": hit.account}


def _owner_columns(hit: Hit) -> dict[str, str]:
    return {"environment": hit.environment, "account": hit.account}
