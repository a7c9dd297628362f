"""What is owed to whom outside the play money, and what was paid: a lab pays by bank or voucher.

Earnings are rewards of approved assignments and bonuses. Each belongs to at most one payout, so that nothing can be
marked as paid twice, however often a command is repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, String, cast, literal, select, union_all

from turkctl.errors import UsageError
from turkctl.ids import storable
from turkctl.market import people, rules, tables
from turkctl.market.given_text import checked_text
from turkctl.market.people import Member
from turkctl.market.tx import Tx, to_ms, when
from turkctl.units import format_money, from_micros, to_micros

REWARD, BONUS = "reward", "bonus"
_MOST_IDS = 500
"""Worker ids that are looked up by name; for more of them, everybody's earnings are read."""
_TAKEN, _HIT, _TYPE, _BONUS = tables.assignment.c, tables.hit.c, tables.hit_type.c, tables.bonus.c
_PART, _PAYOUT = tables.payout_part.c, tables.payout.c


@dataclass(frozen=True)
class Span:
    """The time in which something was earned: from ``since`` on, before ``until``; None: without an end."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Owed:
    """What is owed to one worker.

    Attributes:
        worker_id: to whom.
        rewards: dollars for approved assignments.
        bonuses: dollars of bonuses.
        assignments: number of approved assignments in it.
        person: who they are, if they are more than a worker id.
    """

    worker_id: str
    rewards: Decimal
    bonuses: Decimal
    assignments: int
    person: Member | None

    @property
    def amount(self) -> Decimal:
        """Return all that is owed, in dollars."""
        return self.rewards + self.bonuses


@dataclass(frozen=True)
class Claim:
    """What somebody is to be paid: the amount that whoever pays has seen, and when it was earned."""

    worker_id: str
    amount: Decimal
    span: Span


@dataclass(frozen=True)
class Payout:
    """What was marked as paid."""

    id: str
    worker_id: str
    amount: Decimal
    reference: str | None
    paid_at: datetime


@dataclass(frozen=True)
class _Earning:
    worker_id: str
    kind: str
    id: str
    amount: int


def owed(tx: Tx, span: Span, worker_ids: Collection[str] | None = None) -> list[Owed]:
    """Return what is owed and was not marked as paid, by worker, in the order of their ids; of all, or of these."""
    found: dict[str, list[_Earning]] = {}
    for each in _unpaid(tx, span, worker_ids):
        found.setdefault(each.worker_id, []).append(each)
    known = {each.worker_id: each for each in people.everybody(tx)}
    return [
        Owed(
            worker_id,
            _sum(each for each in earned if each.kind == REWARD),
            _sum(each for each in earned if each.kind == BONUS),
            sum(each.kind == REWARD for each in earned),
            known.get(worker_id),
        )
        for worker_id, earned in sorted(found.items())
    ]


def _sum(earnings: Iterable[_Earning]) -> Decimal:
    return from_micros(sum(each.amount for each in earnings))


def _unpaid(tx: Tx, span: Span, worker_ids: Collection[str] | None) -> list[_Earning]:
    """Return earnings that belong to no payout."""
    rewards = (
        select(
            _TAKEN.worker_id, literal(REWARD).label("kind"), _TAKEN.id.label("earning"), _TYPE.reward.label("amount")
        )
        .join(tables.hit, _HIT.id == _TAKEN.hit_id)
        .join(tables.hit_type, _TYPE.id == _HIT.hit_type_id)
        .where(_TAKEN.environment == tx.environment, _TAKEN.status == rules.APPROVED, _TYPE.reward > 0)
    )
    bonuses = select(
        _BONUS.worker_id, literal(BONUS).label("kind"), cast(_BONUS.seq, String).label("earning"), _BONUS.amount
    ).where(_BONUS.environment == tx.environment)
    both = [_within(rewards, _TAKEN.approved_at, span), _within(bonuses, _BONUS.at, span)]
    if worker_ids is not None:
        both = [each.where(each.selected_columns.worker_id.in_(list(worker_ids))) for each in both]
    earned = union_all(*both).subquery()
    of = (_PART.kind == earned.c.kind) & (_PART.earning == earned.c.earning)
    unpaid = select(earned).outerjoin(tables.payout_part, of).where(_PART.payout_id.is_(None))
    return [_Earning(row.worker_id, row.kind, row.earning, row.amount) for row in tx.all(unpaid)]


def _within(statement: Select[Any], at: Any, span: Span) -> Select[Any]:
    if span.since is not None:
        statement = statement.where(at >= to_ms(span.since))
    return statement if span.until is None else statement.where(at < to_ms(span.until))


def claims(tx: Tx, span: Span, who: Sequence[str] | None) -> list[Claim]:
    """Return what would be marked as paid now: all that is owed, or what is owed to these people.

    Args:
        tx: the transaction.
        span: when it was earned; until now, if it has no end.
        who: worker ids, own ids or login names; None: everybody.

    Raises:
        NotFoundError: there is nobody of that id.
    """
    until = when(tx.now) if span.until is None else min(span.until, when(tx.now))
    closed = Span(span.since, until)
    ids = None if who is None else [worker_of(tx, each) for each in who]
    return [Claim(each.worker_id, each.amount, closed) for each in owed(tx, closed, ids)]


def worker_of(tx: Tx, who: str) -> str:
    """Return the worker id that somebody means: of a worker, or of a person by own id or login name.

    Raises:
        NotFoundError: there is nobody.
    """
    known = tables.worker.c
    row = tx.first(select(known.id).where(known.environment == tx.environment, known.id == storable(who)))
    return str(row.id) if row is not None else people.named(tx, who).worker_id


def claims_of(tx: Tx, rows: Sequence[tuple[str, Decimal | None, Span]]) -> list[Claim]:
    """Return claims by the rows of a file: who, the amount, when it was earned; without an amount, what is owed now.

    Raises:
        NotFoundError: there is nobody of that id.
    """
    found: list[Claim] = []
    for who, amount, span in rows:
        if amount is None:
            found += claims(tx, span, [who])
        else:
            found.append(Claim(worker_of(tx, who), amount, span))
    return found


def mark(tx: Tx, wanted: Sequence[Claim], reference: str | None) -> list[Payout]:
    """Mark amounts as paid, all of them or none. What was marked before is left out, so that a repeat marks nothing.

    Raises:
        UsageError: what is owed is not the amount that is claimed, or the reference is not usable.
    """
    if reference is not None:
        checked_text(reference, "reference")
    spans: dict[Span, list[Claim]] = {}
    for claim in wanted:
        spans.setdefault(claim.span, []).append(claim)
    return [made for span, theirs in spans.items() for made in _mark_span(tx, span, theirs, reference)]


def _mark_span(tx: Tx, span: Span, wanted: Sequence[Claim], reference: str | None) -> list[Payout]:
    ids = {claim.worker_id for claim in wanted}
    earned: dict[str, list[_Earning]] = {}
    for each in _unpaid(tx, span, ids if len(ids) <= _MOST_IDS else None):
        earned.setdefault(each.worker_id, []).append(each)
    found = [_mark(tx, claim, earned.pop(claim.worker_id, []), reference) for claim in wanted]
    return [each for each in found if each is not None]


def _mark(tx: Tx, claim: Claim, earned: Sequence[_Earning], reference: str | None) -> Payout | None:
    now = _sum(earned)
    if not earned and _was_paid(tx, claim):
        return None
    if now != claim.amount or not earned:
        raise UsageError(
            f"{claim.worker_id} is owed {format_money(now)} now, not {format_money(claim.amount)}; nothing is marked",
            hint="look again: turkctl market payouts list",
        )
    payout_id = tx.random_id(12, "P")
    row = {"id": payout_id, "environment": tx.environment, "worker_id": claim.worker_id, "reference": reference}
    tx.run(tables.payout.insert(), row | {"amount": sum(each.amount for each in earned), "at": tx.now})
    parts = [{"kind": each.kind, "earning": each.id, "payout_id": payout_id, "amount": each.amount} for each in earned]
    tx.run(tables.payout_part.insert(), parts)
    return Payout(payout_id, claim.worker_id, now, reference, when(tx.now))


def _was_paid(tx: Tx, claim: Claim) -> bool:
    """Return whether an amount was marked for this worker before, in one payout."""
    micros = to_micros(claim.amount)
    mine = (_PAYOUT.environment == tx.environment, _PAYOUT.worker_id == claim.worker_id, _PAYOUT.amount == micros)
    return tx.first(select(_PAYOUT.seq).where(*mine).limit(1)) is not None


def history(tx: Tx, span: Span) -> list[Payout]:
    """Return what was marked as paid in this time, in the order in which it was."""
    mine = _within(select(tables.payout).where(_PAYOUT.environment == tx.environment), _PAYOUT.at, span)
    return [
        Payout(row.id, row.worker_id, from_micros(row.amount), row.reference, when(row.at))
        for row in tx.all(mine.order_by(_PAYOUT.seq))
    ]
