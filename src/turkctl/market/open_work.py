"""Show a worker what is open to them, by group as MTurk lists it, and find them a HIT of a group.

The cost grows with HIT types and with what the worker holds, not with the number of HITs: each group is looked up in an
index, and counted only up to :data:`MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam, select

from turkctl.market import (
    consents,
    corrections,
    hit_items,
    hit_rows,
    hit_types,
    next_work,
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
from turkctl.market.next_work import Left
from turkctl.market.requester import Requester
from turkctl.market.requirements import Requirement
from turkctl.market.tx import Tx
from turkctl.units import from_micros

Answer = dict[str, Any]

MOST_COUNTED = 100
"""HITs of a group that are counted; where there are more, the list says so."""
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
        type_id: of the HITs.
        hourly: the dollars that it pays an hour, as measured (:func:`with_pay`); None if too few have done it.
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
    type_id: str
    hourly: Decimal | None = None


def groups(tx: Tx, worker_id: str) -> list[Group]:
    """Return all groups with something left for the worker, newest first."""
    worker = workers.at_work(tx, worker_id)
    who, blocked = requirements.standing(tx, worker), workers.blocked_by(tx, worker_id)
    types = []
    for hit_type in sorted(
        hit_types.load_all(tx, next_work.open_types(tx)), key=lambda each: (-each.created_at, each.id)
    ):
        asked = hit_type.marked_requirements()
        if hit_type.account not in blocked and requirements.unmet(who, asked, requirements.DISCOVER) is None:
            types.append(hit_type)
    left = next_work.what_is_left(tx, worker_id, [each.id for each in types], MOST_COUNTED)
    return [_group(tx, who, each, left[each.id]) for each in types if each.id in left]


def _group(tx: Tx, who: requirements.WorkerStanding, hit_type: HitType, left: Left) -> Group:
    asked = hit_type.marked_requirements()
    return Group(
        id=hit_type.group_id,
        hit_id=left.hit_id,
        title=hit_type.title,
        description=hit_type.description,
        keywords=hit_type.keywords or "",
        requester_id=notifications.customer_id(Requester(hit_type.account, tx.environment)),
        reward=from_micros(hit_type.reward),
        duration=timedelta(seconds=hit_type.assignment_duration),
        left=min(left.count, MOST_COUNTED),
        more=left.count > MOST_COUNTED,
        created=hit_type.created_at,
        why_not=_why_not(tx, requirements.unmet(who, asked, requirements.ACCEPT)),
        may_preview=requirements.unmet(who, asked, requirements.PREVIEW) is None,
        type_id=hit_type.id,
    )


def with_pay(tx: Tx, groups: Sequence[Group]) -> list[Group]:
    """Return groups with what they pay an hour; one statement asks it, so give it only those that are shown."""
    paid = pay.hourly(tx, {each.type_id: each.reward for each in groups})
    return [replace(each, hourly=paid.get(each.type_id)) for each in groups]


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


def look(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Return a HIT that the worker may discover, with ``WhyNot`` (may not accept it) and ``RequesterId``.

    Raises:
        WorkError: NotFound if there is no such HIT for them, whatever the reason; DoesNotMeetRequirements if they may
            know of it, and not look at it.
    """
    seen = _visible(tx, worker_id, hit_id)
    who, hit, hit_type = seen.who, seen.hit, seen.hit_type
    mine = work.held(tx, worker_id, hit)
    missed = requirements.unmet(who, hit_type.marked_requirements(), requirements.PREVIEW)
    if missed is not None:
        raise WorkError("DoesNotMeetRequirements", f"You may not preview this HIT. {_why_not(tx, missed)}")
    told = {
        "ConsentNeeded": consents.first_missing(who, hit_type.marked_requirements()),
        "WhyNot": _why_not(tx, requirements.unmet(who, hit_type.marked_requirements(), requirements.ACCEPT))
        or (hit_items.why_kept_out(tx, hit, worker_id) if mine is None else None),
        "RequesterId": notifications.customer_id(hit.owner()),
        "MyAssignmentId": mine.id if mine is not None and corrections.is_open(mine) else None,
        "HourlyPay": pay.hourly(tx, {hit_type.id: from_micros(hit_type.reward)}).get(hit_type.id),
        "Open": hit.status == rules.ASSIGNABLE and not hit.expired(tx.now),
    }
    return hit_rows.describe(hit, hit_type) | told


@dataclass(frozen=True)
class _Seen:
    """A HIT that is for a worker's eyes, and who they are."""

    who: requirements.WorkerStanding
    hit: Hit
    hit_type: HitType


def _visible(tx: Tx, worker_id: str, hit_id: str) -> _Seen:
    """Return a HIT that is for this worker's eyes."""
    hit = hit_rows.load_any(tx, hit_id)
    seen = None if hit is None else _seen(tx, worker_id, hit)
    if seen is None:
        raise WorkError("NotFound", "There is no such HIT for you.")
    return seen


def _seen(tx: Tx, worker_id: str, hit: Hit) -> _Seen | None:
    """Return a HIT with who looks at it; None if it is not for this worker's eyes."""
    worker = workers.at_work_for(tx, worker_id, hit.account)
    who, hit_type = requirements.standing(tx, worker), hit_types.load(tx, hit.hit_type_id)
    hidden = (
        hit.status == rules.DISPOSED
        or worker.blocked
        or requirements.unmet(who, hit_type.marked_requirements(), requirements.DISCOVER) is not None
    )
    return None if hidden else _Seen(who, hit, hit_type)


def consent_asked(tx: Tx, worker_id: str, hit_id: str) -> consents.ConsentAsked | None:
    """Return what the worker must agree to before they may accept this HIT; None if nothing.

    Raises:
        WorkError: NotFound, DoesNotMeetRequirements.
    """
    return consents.asked_of(tx, worker_id, _visible(tx, worker_id, hit_id).hit)


def agree(tx: Tx, worker_id: str, hit_id: str, type_id: str) -> None:
    """Note that the worker agrees to the consent of a HIT.

    Raises:
        WorkError: NotFound, DoesNotMeetRequirements, ConsentNeeded (it asks for another consent by now).
    """
    consents.agree(tx, worker_id, _visible(tx, worker_id, hit_id).hit, type_id)


def question(tx: Tx, hit_id: str) -> str | None:
    """Return the question of a HIT that was not disposed of, or None."""
    hit = hit_rows.load_any(tx, hit_id)
    return None if hit is None or hit.status == rules.DISPOSED else hit.question


def first_of_group(tx: Tx, worker_id: str, group_id: str) -> str | None:
    """Return the HIT of a group that the worker gets next, or None if there is none for them."""
    groups_hits = (next_work.next_to_take(tx, worker_id, row.id) for row in _types_of(tx, group_id))
    hit = next((each for each in groups_hits if each is not None), None)
    return hit.id if hit is not None and _seen(tx, worker_id, hit) is not None else None


def _types_of(tx: Tx, group_id: str) -> list[Row[Any]]:
    return list(tx.all(select(_TYPE.id).where(_TYPE.environment == tx.environment, _TYPE.group_id == group_id)))


def after(tx: Tx, worker_id: str, hit_id: str) -> str | None:
    """Return the HIT of the same group that comes after this one for the worker, or None.

    Raises:
        WorkError: NotFound.
    """
    following = next_work.next_after(tx, worker_id, _visible(tx, worker_id, hit_id).hit)
    return None if following is None else following.id


def next_like(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Return what the worker goes on with in a group: an assignment of it that is open, else the next HIT.

    Raises:
        WorkError: as :func:`accept_like`.
    """
    seen = _visible(tx, worker_id, hit_id)
    rows = tx.all(_AT_WORK, {"b_environment": tx.environment, "b_worker": worker_id, "b_type": seen.hit_type.id})
    going_on = next((row for row in rows if corrections.is_open(row)), None)
    return _accept_like(tx, seen) if going_on is None else work.assignment(tx, going_on.id)


_AT_WORK = (
    select(tables.assignment)
    .join(tables.hit, _HIT.id == _TAKEN.hit_id)
    .where(
        _TAKEN.environment == bindparam("b_environment"),
        _TAKEN.worker_id == bindparam("b_worker"),
        _TAKEN.status == rules.ACCEPTED,
        _HIT.hit_type_id == bindparam("b_type"),
    )
    .order_by(_TAKEN.seq)
)


def accept_like(tx: Tx, worker_id: str, hit_id: str) -> Answer:
    """Accept a HIT, or another one of its group if somebody else was quicker, or the worker has done it.

    Raises:
        WorkError: NotFound; NoHITsAvailable if nothing of the group is left; and as :func:`work.accept`.
    """
    return _accept_like(tx, _visible(tx, worker_id, hit_id))


_ANOTHER_INSTEAD = (
    "NoHITsAvailable",
    "AssignmentAlreadyExists",
    hit_items.ALREADY_ANSWERED,
    hit_items.KNOWN_REPEATED,
)
"""Refusals of a HIT after which the worker gets another one of its group."""


def _accept_like(tx: Tx, seen: _Seen) -> Answer:
    who, worker_id = seen.who, str(seen.who.worker.id)
    mine = work.held(tx, worker_id, seen.hit)
    if mine is not None and corrections.is_open(mine):
        return work.described(tx, mine, seen.hit)
    try:
        return work.take(tx, who, seen.hit, mine)
    except WorkError as error:
        if error.code not in _ANOTHER_INSTEAD:
            raise
    found = next_work.next_to_take(tx, worker_id, seen.hit_type.id)
    if found is None:
        raise WorkError("NoHITsAvailable", "Nothing of this group is left for you.")
    return work.take(tx, who, found, None)  # the next one is none that they have
