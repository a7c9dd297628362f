"""Show a worker what is open to them, by group as MTurk lists it, and find them a HIT of a group.

The cost grows with HIT types and with what the worker holds, not with the number of HITs: each group is looked up in an
index, and counted only up to :data:`MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select

from turkctl.market import (
    consents,
    corrections,
    hit_rows,
    hit_types,
    notifications,
    pay,
    requirements,
    rules,
    tables,
    work,
    workers,
)
from turkctl.market.errors import WorkError
from turkctl.market.hit_rows import Hit
from turkctl.market.hit_types import HitType
from turkctl.market.requester import Requester
from turkctl.market.requirements import Requirement
from turkctl.market.tx import Tx, members
from turkctl.units import from_micros

Answer = dict[str, Any]

MOST_COUNTED = 1_000
"""HITs of a group that are counted; where there are more, the list says so."""
_TRIES = 20
"""HITs of a group that are tried for a worker at once."""
_HIT, _TAKEN, _TYPE = tables.hit.c, tables.assignment.c, tables.hit_type.c


@dataclass(frozen=True)
class Group:
    """HITs of one type that a worker may discover.

    Attributes:
        id: of the group.
        hit_id: the one that the worker would get next.
        title: of the HITs.
        description: of the HITs.
        keywords: of the HITs.
        requester_id: who posted them.
        reward: for one approved assignment.
        duration: time allotted for one.
        left: HITs left for this worker.
        more: whether there are more than were counted.
        created: when the type was made, in epoch milliseconds.
        hourly: the dollars that it pays an hour, as measured; None if too few people have done it.
        why_not: why the worker may not accept them; None if they may.
        may_preview: whether they may look at them.
    """

    id: str
    hit_id: str
    title: str
    description: str
    keywords: str
    requester_id: str
    reward: Decimal
    duration: timedelta
    left: int
    more: bool
    created: int
    why_not: str | None
    may_preview: bool
    hourly: Decimal | None = None


def groups(tx: Tx, worker_id: str) -> list[Group]:
    """Return all groups with something left for the worker, newest first."""
    worker = workers.at_work(tx, worker_id)
    who, blocked = requirements.standing(tx, worker), workers.blocked_by(tx, worker_id)
    some = exists().where(_HIT.hit_type_id == _TYPE.id, *_open(tx))
    rows = tx.all(
        select(_TYPE.id).where(_TYPE.environment == tx.environment, some).order_by(_TYPE.created_at.desc(), _TYPE.id)
    )
    held = _held_by_type(tx, worker_id)
    found = []
    for row in rows:
        hit_type = hit_types.load(tx, row.id)
        asked = hit_type.marked_requirements()
        if hit_type.account in blocked or requirements.unmet(who, asked, requirements.DISCOVER) is not None:
            continue
        hit = next_hit(tx, worker_id, hit_type.id)
        if hit is not None:
            found.append(_group(tx, who, hit_type, hit, held.get(hit_type.id, 0)))
    return found


def _open(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return (_HIT.status == rules.ASSIGNABLE, _HIT.expires_at > tx.now)


def _held_by_type(tx: Tx, worker_id: str) -> dict[str, int]:
    """Return how many HITs that are still open the worker has had, by type."""
    mine = (
        _TAKEN.environment == tx.environment,
        _TAKEN.worker_id == worker_id,
        _TAKEN.status.in_(rules.HELD),
        _HIT.id == _TAKEN.hit_id,
    )
    rows = tx.all(select(_HIT.hit_type_id, func.count().label("n")).where(*mine, *_open(tx)).group_by(_HIT.hit_type_id))
    return {row.hit_type_id: row.n for row in rows}


def _group(tx: Tx, who: requirements.WorkerStanding, hit_type: HitType, hit: Hit, held: int) -> Group:
    asked = hit_type.marked_requirements()
    few = select(_HIT.seq).where(_HIT.hit_type_id == hit_type.id, *_open(tx)).limit(MOST_COUNTED + 1).subquery()
    counted = tx.first(select(func.count().label("n")).select_from(few))
    assert counted is not None
    return Group(
        id=hit_type.group_id,
        hit_id=hit.id,
        title=hit_type.title,
        description=hit_type.description,
        keywords=hit_type.keywords or "",
        requester_id=notifications.customer_id(Requester(hit_type.account, tx.environment)),
        reward=from_micros(hit_type.reward),
        duration=timedelta(seconds=hit_type.assignment_duration),
        left=max(1, min(counted.n, MOST_COUNTED) - held),
        more=counted.n > MOST_COUNTED,
        created=hit_type.created_at,
        why_not=_why_not(tx, requirements.unmet(who, asked, requirements.ACCEPT)),
        may_preview=requirements.unmet(who, asked, requirements.PREVIEW) is None,
        hourly=pay.hourly(tx, hit_type),
    )


_WORDS: Mapping[str, str] = {
    "LessThan": "less than {}",
    "LessThanOrEqualTo": "at most {}",
    "GreaterThan": "more than {}",
    "GreaterThanOrEqualTo": "at least {}",
    "EqualTo": "{}",
    "NotEqualTo": "not {}",
    "In": "one of {}",
    "NotIn": "none of {}",
}


def _why_not(tx: Tx, missed: Requirement | None) -> str | None:
    """Return in words which requirement a worker does not meet; None if they meet all."""
    if missed is None:
        return None
    types = tables.qualification_type.c
    row = tx.first(
        select(types.name).where(types.environment == tx.environment, types.id == missed["QualificationTypeId"])
    )
    name = missed["QualificationTypeId"] if row is None else row.name
    if missed["Comparator"] == "Exists":
        return f"You need the qualification “{name}”."
    if missed["Comparator"] == "DoesNotExist":
        return f"It is only for people who do not hold “{name}”."
    places = ["-".join(filter(None, place.values())) for place in missed.get("LocaleValues", [])]
    wanted = ", ".join([*map(str, missed.get("IntegerValues", [])), *places])
    return f"“{name}” must be {_WORDS[missed['Comparator']].format(wanted)}."


def next_hit(tx: Tx, worker_id: str, type_id: str, after: Hit | None = None) -> Hit | None:
    """Return the HIT of a type that a worker gets next, the first to expire first; None if nothing is left."""
    found = _next_hits(tx, worker_id, type_id, after, 1)
    return found[0] if found else None


def _next_hits(tx: Tx, worker_id: str, type_id: str, after: Hit | None, limit: int) -> list[Hit]:
    mine = exists().where(_TAKEN.hit_id == _HIT.id, _TAKEN.worker_id == worker_id, _TAKEN.status.in_(rules.HELD))
    statement = select(tables.hit).where(_HIT.hit_type_id == type_id, *_open(tx), ~mine)
    if after is not None:
        later = and_(_HIT.expires_at == after.expires_at, _HIT.seq > after.seq)
        statement = statement.where(or_(_HIT.expires_at > after.expires_at, later))
    rows = tx.all(statement.order_by(_HIT.expires_at, _HIT.seq).limit(limit))
    return [Hit(**members(row)) for row in rows]


def look(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Return a HIT that the worker may discover, with ``WhyNot`` (may not accept it) and ``RequesterId``.

    Raises:
        WorkError: NotFound if there is no such HIT for them, whatever the reason; DoesNotMeetRequirements if they may
            know of it, and not look at it.
    """
    hit, hit_type = _visible(tx, worker_id, hit_id)
    who = requirements.standing(tx, workers.at_work(tx, worker_id))
    missed = requirements.unmet(who, hit_type.marked_requirements(), requirements.PREVIEW)
    if missed is not None:
        raise WorkError("DoesNotMeetRequirements", f"You may not preview this HIT. {_why_not(tx, missed)}")
    told = {
        "ConsentNeeded": consents.first_missing(who, hit_type.marked_requirements()),
        "WhyNot": _why_not(tx, requirements.unmet(who, hit_type.marked_requirements(), requirements.ACCEPT)),
        "RequesterId": notifications.customer_id(hit.owner()),
        "MyAssignmentId": _open_assignment(tx, worker_id, hit),
        "HourlyPay": pay.hourly(tx, hit_type),
        "Open": hit.status == rules.ASSIGNABLE and not hit.expired(tx.now),
    }
    return hit_rows.describe(hit, hit_type) | told


def _visible(tx: Tx, worker_id: str, hit_id: str) -> tuple[Hit, HitType]:
    """Return a HIT that is for this worker's eyes."""
    who = requirements.standing(tx, workers.at_work(tx, worker_id))
    hit = hit_rows.load_any(tx, hit_id)
    hit_type = None if hit is None else hit_types.load(tx, hit.hit_type_id)
    hidden = (
        hit is None
        or hit_type is None
        or hit.status == rules.DISPOSED
        or workers.is_blocked(tx, worker_id, hit.account)
        or requirements.unmet(who, hit_type.marked_requirements(), requirements.DISCOVER) is not None
    )
    if hidden or hit is None or hit_type is None:
        raise WorkError("NotFound", "There is no such HIT for you.")
    return hit, hit_type


def consent_asked(tx: Tx, worker_id: str, hit_id: str) -> consents.ConsentAsked | None:
    """Return what the worker must agree to before they may accept this HIT; None if nothing.

    Raises:
        WorkError: NotFound, DoesNotMeetRequirements.
    """
    return consents.asked_of(tx, worker_id, _visible(tx, worker_id, hit_id)[0])


def agree(tx: Tx, worker_id: str, hit_id: str, type_id: str) -> None:
    """Note that the worker agrees to the consent of a HIT.

    Raises:
        WorkError: NotFound, DoesNotMeetRequirements, ConsentNeeded (it asks for another consent by now).
    """
    consents.agree(tx, worker_id, _visible(tx, worker_id, hit_id)[0], type_id)


def _open_assignment(tx: Tx, worker_id: str, hit: Hit) -> str | None:
    row = tx.first(
        select(tables.assignment).where(
            _TAKEN.hit_id == hit.id, _TAKEN.worker_id == worker_id, _TAKEN.status == rules.ACCEPTED
        )
    )
    return str(row.id) if row is not None and corrections.is_open(row) else None


def question(tx: Tx, hit_id: str) -> str | None:
    """Return the question of a HIT that was not disposed of, or None."""
    hit = hit_rows.load_any(tx, hit_id)
    return None if hit is None or hit.status == rules.DISPOSED else hit.question


def first_of_group(tx: Tx, worker_id: str, group_id: str) -> str | None:
    """Return the HIT of a group that the worker gets next, or None if there is none for them."""
    groups_hits = (next_hit(tx, worker_id, row.id) for row in _types_of(tx, group_id))
    hit = next((each for each in groups_hits if each is not None), None)
    if hit is None:
        return None
    try:
        return _visible(tx, worker_id, hit.id)[0].id
    except WorkError:
        return None


def _types_of(tx: Tx, group_id: str) -> list[Row[Any]]:
    return list(tx.all(select(_TYPE.id).where(_TYPE.environment == tx.environment, _TYPE.group_id == group_id)))


def after(tx: Tx, worker_id: str, hit_id: str) -> str | None:
    """Return the HIT of the same group that comes after this one for the worker, or None.

    Raises:
        WorkError: NotFound.
    """
    hit, hit_type = _visible(tx, worker_id, hit_id)
    following = next_hit(tx, worker_id, hit_type.id, hit)
    return None if following is None else following.id


def next_like(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Return what the worker goes on with in a group: an assignment of it that is open, else the next HIT.

    Raises:
        WorkError: as :func:`accept_like`.
    """
    hit, hit_type = _visible(tx, worker_id, hit_id)
    mine = (_TAKEN.environment == tx.environment, _TAKEN.worker_id == worker_id, _TAKEN.status == rules.ACCEPTED)
    joined = select(tables.assignment).join(tables.hit, _HIT.id == _TAKEN.hit_id)
    rows = tx.all(joined.where(*mine, _HIT.hit_type_id == hit_type.id).order_by(_TAKEN.seq))
    going_on = next((row for row in rows if corrections.is_open(row)), None)
    return accept_like(tx, worker_id, hit.id) if going_on is None else work.assignment(tx, going_on.id)


def accept_like(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Accept a HIT, or another one of its group if somebody else was quicker, or the worker has done it.

    Raises:
        WorkError: NotFound; NoHITsAvailable if nothing of the group is left; and as :func:`work.accept`.
    """
    hit, hit_type = _visible(tx, worker_id, hit_id)
    mine = _open_assignment(tx, worker_id, hit)
    if mine is not None:
        return work.assignment(tx, mine)
    for each in [hit, *_next_hits(tx, worker_id, hit_type.id, None, _TRIES)]:
        try:
            return work.accept(tx, worker_id, each.id)
        except WorkError as error:
            if error.code not in ("NoHITsAvailable", "AssignmentAlreadyExists"):
                raise
    raise WorkError("NoHITsAvailable", "Nothing of this group is left for you.")
