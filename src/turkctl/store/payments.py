"""Keep the ledger: what was paid to workers, each payment once.

A bonus is identified by its assignment and its purpose: entering it again changes nothing. What is about to be paid
is not here but among the intents (:mod:`turkctl.store.intents`); a payment is entered when it is known to have
happened, in the transaction that finishes its intent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Index, Text, UniqueConstraint, func, select, type_coerce, update
from sqlmodel import Field, Session

from turkctl.store.base import ANY_MARKET, Place, TurkctlTable, changed_one, chunks, insert_ignoring
from turkctl.store.types import Money, UtcTime

BONUS = "bonus"
COMPENSATION = "compensation"
REWARD = "reward"
OURS = "ours"
MARKET = "market"
PSITURK = "psiturk"
AUTO = "auto"
"""The purpose of a bonus from the participants' bonus column."""


class Payment(TurkctlTable, table=True):
    """One payment that was made."""

    __tablename__ = "turkctl_payment"
    __table_args__ = (
        UniqueConstraint("mode", "market", "kind", "assignment_id", "purpose"),
        Index(None, "mode", "market", "worker_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    kind: str = Field(max_length=16)
    """``bonus``, ``compensation`` or ``reward``."""
    assignment_id: str = Field(max_length=64)
    worker_id: str = Field(max_length=64)
    hit_id: str = Field(max_length=64)
    experiment_id: int | None = Field(default=None, foreign_key="turkctl_experiment.id", index=True)
    """The experiment whose budget it counts against."""
    purpose: str = Field(max_length=128)
    amount: Decimal = Field(sa_type=Money)
    """Dollars paid to the worker."""
    fee: Decimal = Field(sa_type=Money)
    """Dollars of commission."""
    source: str = Field(max_length=16)
    """``ours``; ``market`` for what was found there and paid by another program; ``psiturk`` for what psiTurk alone
    says it paid: nobody knows how much, so that it is entered with no amount."""
    token: str | None = Field(default=None, max_length=64)
    """The intent's token where it is ours."""
    reason: str | None = Field(default=None, sa_type=Text)
    paid_at: datetime = Field(sa_type=UtcTime)


PAYMENTS = Payment.__table__
_KEY = ("mode", "market", "kind", "assignment_id", "purpose")


@dataclass(frozen=True)
class PaymentFilter:
    """Which payments of one place; conditions are combined by "and"."""

    place: Place
    kind: str | None = None
    assignment_ids: Sequence[str] | None = None
    worker_id: str | None = None
    experiment_id: int | None = None
    since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL, without assignment ids."""
        found = [PAYMENTS.c.mode == self.place.mode]
        if self.place.market != ANY_MARKET:
            found.append(PAYMENTS.c.market == self.place.market)
        for column, value in (
            (PAYMENTS.c.kind, self.kind),
            (PAYMENTS.c.worker_id, self.worker_id),
            (PAYMENTS.c.experiment_id, self.experiment_id),
        ):
            if value is not None:
                found.append(column == value)
        if self.since is not None:
            found.append(PAYMENTS.c.paid_at >= self.since)
        return found


def enter_many(session: Session, wanted: Sequence[Payment]) -> None:
    """Enter payments; those already entered stay unchanged."""
    for part in chunks(wanted):
        rows = [payment.checked(without="id") for payment in part]
        insert_ignoring(session, PAYMENTS, _KEY, rows)


def select_payments(session: Session, wanted: PaymentFilter) -> list[Payment]:
    """Return the payments that match, in the order in which they were entered."""
    statement = select(Payment).where(*wanted.conditions()).order_by(PAYMENTS.c.id)
    parts = [statement]
    if wanted.assignment_ids is not None:
        parts = [statement.where(PAYMENTS.c.assignment_id.in_(part)) for part in chunks(wanted.assignment_ids)]
    fresh = {"populate_existing": True}
    return [row for part in parts for row in session.scalars(part, execution_options=fresh)]


def correct(session: Session, row: Payment, amount: Decimal, fee: Decimal, reason: str | None) -> bool:
    """Set a payment's amount and reason to the market's; return whether it still had the amount that was read."""
    same = (PAYMENTS.c.id == row.id, PAYMENTS.c.amount == row.amount)
    return changed_one(session, update(PAYMENTS).where(*same).values(amount=amount, fee=fee, reason=reason))


def total(session: Session, wanted: PaymentFilter, *, fees: bool = True) -> Decimal:
    """Return the dollars of the payments that match (without assignment ids), with or without commission."""
    paid = PAYMENTS.c.amount + PAYMENTS.c.fee if fees else PAYMENTS.c.amount
    # The sum of two columns of money is a bare number of micro-dollars to SQLAlchemy unless it is told.
    summed = select(type_coerce(func.sum(paid), Money)).where(*wanted.conditions())
    found: Decimal | None = session.connection().execute(summed).scalar()
    return Decimal("0.00") if found is None else found


def by_experiment(session: Session, wanted: PaymentFilter) -> dict[int | None, tuple[Decimal, Decimal]]:
    """Return ``{experiment: (dollars to workers, commission)}`` of the payments that match."""
    sums = (func.sum(PAYMENTS.c.amount), func.sum(PAYMENTS.c.fee))
    statement = select(PAYMENTS.c.experiment_id, *sums).where(*wanted.conditions()).group_by(PAYMENTS.c.experiment_id)
    return {row[0]: (row[1], row[2]) for row in session.connection().execute(statement)}


def by_worker(session: Session, wanted: PaymentFilter) -> dict[str, Decimal]:
    """Return the dollars of the payments that match by worker, without commission."""
    worker = PAYMENTS.c.worker_id
    statement = select(worker, func.sum(PAYMENTS.c.amount)).where(*wanted.conditions()).group_by(worker)
    return {row[0]: row[1] for row in session.connection().execute(statement)}
