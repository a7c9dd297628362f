"""Show workers what they did and earned, and which qualifications they hold or can request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select

from turkctl import own_market
from turkctl.market import corrections, grants, hit_types, rules, tables, workers
from turkctl.market.tx import Tx, when
from turkctl.units import from_micros

Answer = dict[str, Any]

MOST = 200
"""Assignments that are listed, the latest ones."""
_MOST_TYPES = 500
_TAKEN, _HIT = tables.assignment.c, tables.hit.c


@dataclass(frozen=True)
class Piece:
    """One assignment as its worker sees it."""

    id: str
    hit_id: str
    title: str
    status: str
    reward: Decimal
    accepted: datetime
    submitted: datetime | None
    decided: datetime | None
    deadline: datetime
    feedback: str | None
    bonus: Decimal
    reasons: tuple[str, ...]
    correct_until: datetime | None = None
    """Until when they can correct it; None if they cannot."""


@dataclass(frozen=True)
class Earned:
    """What was earned on one day (of UTC): rewards by the day of approval, bonuses by that of payment."""

    day: date
    rewards: Decimal
    bonuses: Decimal


@dataclass(frozen=True)
class Held:
    """A qualification, as the worker knows it.

    Attributes:
        type_id: of the qualification.
        name: of the qualification.
        description: of the qualification.
        value: what they hold; None if they hold none.
        asked: the status of their last request, if there was one.
        reason: why that was rejected.
        requestable: whether they can request it now.
        why_not: why they cannot request it again, in a sentence.
        again: when they can, if it is too early now.
        test: its test, a QuestionForm; None if it has none.
    """

    type_id: str
    name: str
    description: str
    value: int | None
    asked: str | None
    reason: str | None
    requestable: bool
    test: str | None
    why_not: str | None = None
    again: datetime | None = None


def pieces(tx: Tx, worker_id: str, limit: int = MOST) -> list[Piece]:
    """Return the worker's latest assignments in any status, newest first."""
    rows = tx.all(
        select(tables.assignment, _HIT.hit_type_id)
        .join(tables.hit, _HIT.id == _TAKEN.hit_id)
        .where(_TAKEN.seq.in_(_latest(tx, worker_id, limit)))
        .order_by(_TAKEN.seq.desc())
    )
    bonuses = _bonuses(tx, [row.id for row in rows])
    found = []
    for row in rows:
        hit_type = hit_types.load(tx, row.hit_type_id)
        paid, kept = bonuses.get(row.id, []), corrections.is_kept(row)
        found.append(
            Piece(
                row.id,
                row.hit_id,
                hit_type.title,
                rules.SUBMITTED if kept and not corrections.is_open(row) else row.status,
                from_micros(hit_type.reward),
                when(row.accepted_at),
                _time(row.submitted_at),
                _time(row.approved_at if row.status == rules.APPROVED else row.rejected_at),
                when(row.told_at if kept else row.deadline),
                row.feedback,
                sum((amount for amount, _ in paid), Decimal(0)),
                tuple(reason for _, reason in paid),
                when(row.told_at) if kept else None,
            )
        )
    return found


def _latest(tx: Tx, worker_id: str, limit: int) -> list[int]:
    """Return ``seq`` of the worker's latest assignments, from the index by status: all of their work is never read."""
    mine = (_TAKEN.environment == tx.environment, _TAKEN.worker_id == worker_id)
    found: list[int] = []
    for status in rules.STATUSES:
        latest = select(_TAKEN.seq).where(*mine, _TAKEN.status == status).order_by(_TAKEN.seq.desc()).limit(limit)
        found.extend(row.seq for row in tx.all(latest))
    return sorted(found)[-limit:]


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else when(milliseconds)


def _bonuses(tx: Tx, ids: list[str]) -> dict[str, list[tuple[Decimal, str]]]:
    bonus = tables.bonus.c
    found: dict[str, list[tuple[Decimal, str]]] = {}
    statement = select(bonus.assignment_id, bonus.amount, bonus.reason).where(bonus.assignment_id.in_(ids))
    for row in tx.all(statement.order_by(bonus.seq)):
        found.setdefault(row.assignment_id, []).append((from_micros(row.amount), row.reason))
    return found


def earnings(tx: Tx, worker_id: str, days: int = 30) -> list[Earned]:
    """Return what the worker earned on each of the last days on which they earned something, latest first."""
    since = tx.now - days * rules.DAY
    rewards: dict[date, int] = {}
    bonuses: dict[date, int] = {}
    mine = (_TAKEN.environment == tx.environment, _TAKEN.worker_id == worker_id, _TAKEN.status == rules.APPROVED)
    days_since = _TAKEN.approved_at // rules.DAY
    approved = select(days_since.label("day"), _HIT.hit_type_id, func.count().label("n")).join(
        tables.hit, _HIT.id == _TAKEN.hit_id
    )
    for row in tx.all(approved.where(*mine, _TAKEN.approved_at > since).group_by(days_since, _HIT.hit_type_id)):
        day = when(row.day * rules.DAY).date()
        rewards[day] = rewards.get(day, 0) + row.n * hit_types.load(tx, row.hit_type_id).reward
    bonus = tables.bonus.c
    theirs = (bonus.environment == tx.environment, bonus.worker_id == worker_id, bonus.at > since)
    for row in tx.all(select(bonus.amount, bonus.at).where(*theirs)):
        day = when(row.at).date()
        bonuses[day] = bonuses.get(day, 0) + row.amount
    return [
        Earned(day, from_micros(rewards.get(day, 0)), from_micros(bonuses.get(day, 0)))
        for day in sorted({*rewards, *bonuses}, reverse=True)
    ]


def qualifications(tx: Tx, worker_id: str) -> list[Held]:
    """Return the qualifications that the worker holds, asked for, or can request, by name.

    Not the system's, and not those by which this market keeps rules of studies.
    """
    workers.at_work(tx, worker_id)
    types, grant, asked = tables.qualification_type.c, tables.grant.c, tables.qualification_request.c
    held = {
        row.type_id: row.value
        for row in tx.all(
            select(grant.type_id, grant.value).where(
                grant.environment == tx.environment, grant.worker_id == worker_id, grant.status == "Granted"
            )
        )
    }
    requests = {
        row.type_id: row
        for row in tx.all(
            select(asked.type_id, asked.status, asked.reason, asked.at)
            .where(asked.environment == tx.environment, asked.worker_id == worker_id)
            .order_by(asked.seq)
        )
    }
    can = (types.requestable == 1) & (types.status == "Active")
    shown = (types.environment == tx.environment) & (types.deleted == 0) & (can | types.id.in_([*held, *requests]))
    rows = tx.all(select(tables.qualification_type).where(shown).order_by(types.name, types.id).limit(_MOST_TYPES))
    return [
        _held(tx, row, held.get(row.id), requests.get(row.id)) for row in rows if not own_market.kinds(row.keywords)
    ]


def _held(tx: Tx, row: Row[Any], value: int | None, last: Row[Any] | None) -> Held:
    """Return a qualification type as somebody knows it who holds ``value`` and made the request ``last``."""
    open_to_all = bool(row.requestable) and row.status == "Active" and value is None
    if last is None:
        return Held(row.id, row.name, row.description, value, None, None, open_to_all, row.test)
    error = grants.why_not_again(tx, last.status, last.at, row.retry_delay)
    why_not = error.message if error is not None and open_to_all and last.status != "Pending" else None
    again = when(last.at + row.retry_delay * rules.SECOND) if why_not and row.retry_delay is not None else None
    can = open_to_all and error is None
    return Held(row.id, row.name, row.description, value, last.status, last.reason, can, row.test, why_not, again)
