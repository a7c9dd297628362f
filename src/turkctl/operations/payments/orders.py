"""Decide who gets which bonus, and why others get none, assignment by assignment (``workers bonus``)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from turkctl.errors import TurkctlError, UsageError
from turkctl.harmless import hides_characters
from turkctl.operations.engine.plan import SKIPPED, ItemResult, fail
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import MAX_PURPOSE, plain, purpose_of
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import (
    FoundWork,
    Work,
    WorkSelection,
    find_work,
    participants_table,
    psiturk_work,
    who_did,
    work_filter,
)
from turkctl.store import participant_bonuses, participants
from turkctl.store.assignments import APPROVED, REJECTED
from turkctl.store.participant_bonuses import BonusRow
from turkctl.store.participants import Claim
from turkctl.store.payments import AUTO, MARKET, PSITURK, Payment
from turkctl.units import CENT, ZERO, money_text

MAX_REASON = 4096
"""Most characters of a reason, which the worker reads."""
REJECTED_WORK = "rejected; to pay a bonus anyway, name the assignment"
NOT_THEIRS = "the participants' rows name another worker for it than"
_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_BY_PSITURK = "already paid, according to psiTurk's table"


@dataclass(frozen=True)
class Order:
    """One bonus that is wanted."""

    work: Work
    amount: Decimal
    reason: str
    purpose: str
    row: BonusRow | None = None
    """The participant's row."""
    line: int | None = None
    """Number of the row of the file that asks for it, as :class:`turkctl.rows.Table` counts rows."""


@dataclass(frozen=True)
class BonusRequest:
    """The arguments of ``workers bonus``; ``amount`` in dollars, or None for the amounts in the participants' rows."""

    reason: str
    amount: Decimal | None = None
    purpose: str | None = None
    each: bool = False
    """Pay for each matching assignment of a worker given by id."""

    def check(self) -> BonusRequest:
        """Return the request; raise if it is invalid.

        Raises:
            UsageError: the reason is missing or too long, or the amount or the purpose is invalid.
        """
        check_reason(self.reason)
        if self.amount is not None:
            check_amount(self.amount)
        if self.purpose is not None:
            if not 0 < len(plain(self.purpose)) <= MAX_PURPOSE:
                raise UsageError(
                    f"a purpose must have 1 to {MAX_PURPOSE} characters", hint="give --purpose a short name"
                )
            _check_text("the purpose", self.purpose)
            if hides_characters(plain(self.purpose)):
                raise UsageError(
                    "the purpose has control characters, or ones that change the direction of writing",
                    hint="type --purpose again: purposes that only look the same would both be paid",
                )
        return self

    @property
    def identified_by(self) -> str:
        """Return the purpose: the one given, else ``auto`` or one made from the reason."""
        given = AUTO if self.amount is None else purpose_of(self.reason)
        return given if self.purpose is None else plain(self.purpose)


def check_reason(reason: str) -> None:
    """Raise if a reason cannot be sent.

    Raises:
        UsageError: it is empty, too long, or has control characters.
    """
    if not reason.strip():
        raise UsageError("a bonus needs a reason, which the worker reads", hint="give --reason TEXT")
    if len(reason) > MAX_REASON:
        raise UsageError(f"the reason is longer than {MAX_REASON:,} characters", hint="shorten it")
    _check_text("the reason", reason)


def _check_text(what: str, text: str) -> None:
    """Raise if a text has control characters, which the market refuses, or surrogates, which cannot be encoded.

    Raises:
        UsageError: it has one of them.
    """
    if _UNSENDABLE.search(text):
        raise UsageError(f"{what} has a character that cannot be sent: {text!a:.60}", hint="remove that character")


def check_amount(amount: Decimal) -> None:
    """Raise if an amount cannot be paid.

    Raises:
        UsageError: it is less than a cent, or not a whole number of cents.
    """
    if amount < CENT or amount != amount.quantize(CENT):
        raise UsageError(
            f"a bonus of {money_text(amount)} cannot be paid", hint="give a whole number of cents, at least 0.01"
        )


def find_candidates(world: World, wanted: WorkSelection) -> FoundWork:
    """Return the work that matches, including work that only psiTurk knows to be credited or bonused.

    Raises:
        NotFoundError, WrongMarketError, UsageError, UnreachableError: see
            :func:`turkctl.operations.selection.work.find_work`.
    """
    found = find_work(world, wanted)
    work = {each.assignment_id: each for each in found.work}
    idle = dict(found.idle)
    by_rows, left, beyond = _approved(world, wanted)
    idle = {name: why for name, why in idle.items() if name not in beyond} | dict(left)
    for each in by_rows:
        work.setdefault(each.assignment_id, each)
    names = {name for each in work.values() for name in (each.assignment_id, each.worker_id)}
    unmet = tuple((name, why) for name, why in idle.items() if name not in names)
    return FoundWork(tuple(work.values()), unmet, found.below, found.failed)


def _approved(world: World, wanted: WorkSelection) -> tuple[list[Work], list[tuple[str, str]], set[str]]:
    """Return the work that only psiTurk knows to be credited or bonused.

    Return also (id, reason) of work that is left out, and the ids that no market can have.
    """
    if wanted.selection == Selection(all_studies=True) and not wanted.hit_ids:
        return [], [], set()
    with world.database.read() as session:
        table = participants_table(session, world)
        if table is None:
            return [], [], set()
        narrowed = work_filter(session, world.place, wanted)
        statuses = (participants.CREDITED, participants.BONUSED)
        theirs = psiturk_work(session, narrowed, table, statuses, says=APPROVED).of_a_market()
    return *who_did(world, narrowed, theirs, every=False), theirs.impossible_names


def refuse_ambiguous(ids: Iterable[str], work: Sequence[Work]) -> None:
    """Raise if a worker given by id did several of these assignments.

    Raises:
        UsageError: a worker did; the message lists the assignments.
    """
    for name in ids:
        theirs = [each.assignment_id for each in work if each.worker_id == name and each.status != REJECTED]
        if len(theirs) > 1:
            raise UsageError(
                f"worker {name} has {len(theirs)} assignments that match: {', '.join(theirs)}",
                hint="name one of them, or add --each to pay for each",
            )


def orders_of(
    request: BonusRequest, found: FoundWork, ids: Sequence[str], rows: Mapping[Claim, BonusRow]
) -> tuple[list[Order], list[ItemResult]]:
    """Return the bonuses that are wanted, and the results of work that is left out or fails, with the reason."""
    orders, left = [], []
    owners = owners_of(rows)
    for work in found.work:
        row = rows.get(work.claim)
        reason = _unfit(request, work, row, ids)
        if reason is not None:
            if row is None and request.amount is None and work.assignment_id in owners:
                reason = f"{NOT_THEIRS} {work.worker_id}: {', '.join(owners[work.assignment_id])}"
            left.append(ItemResult(work.assignment_id, SKIPPED, reason))
            continue
        try:
            amount = request.amount if request.amount is not None else column_amount(row)
        except TurkctlError as error:
            left.append(fail(work.assignment_id, error))
            continue
        orders.append(Order(work, amount, request.reason.strip(), request.identified_by, row))
    return orders, left


def owners_of(rows: Iterable[Claim]) -> dict[str, list[str]]:
    """Return the workers that participants' rows name, by assignment."""
    owners: dict[str, list[str]] = defaultdict(list)
    for assignment_id, worker_id in rows:
        owners[assignment_id].append(worker_id)
    return owners


def _unfit(request: BonusRequest, work: Work, row: BonusRow | None, ids: Sequence[str]) -> str | None:
    if request.amount is not None:
        rejected = work.status == REJECTED and work.assignment_id not in ids
        return REJECTED_WORK if rejected else None
    credited = row is not None and row.status in (participants.CREDITED, participants.BONUSED)
    if work.status != APPROVED and not credited:
        return f"{work.status.lower()}, not approved"
    return None if row is not None and row.bonus else "no bonus in the participant's row"


def column_amount(row: BonusRow | None) -> Decimal:
    """Return the dollars in a FLOAT column.

    Raises:
        UsageError: the value is not a positive whole number of cents.
    """
    amount = None if row is None else row.amount
    if amount is not None:
        return amount
    bonus = 0.0 if row is None or row.bonus is None else row.bonus
    raise UsageError(
        f"the participant's bonus is {bonus!r}, which is not an amount in dollars and cents",
        hint="run: turkctl participants set ID --bonus A",
    )


def paid_before(order: Order, ledger: Sequence[Payment], *, begun: bool = False) -> str | None:
    """Return in words that this purpose is already paid; None if it is not.

    A payment by another program counts for the purpose made from its reason, and for ``auto``. psiTurk's status 7
    counts for ``auto`` if the ledger has no payment. If this purpose was ``begun`` earlier, a payment with the same
    reason that no request explains counts too: it comes from a request with another amount that was under way then.
    """
    foreign = (MARKET, PSITURK) if order.purpose == AUTO else ()
    paid = [
        row
        for row in ledger
        if row.purpose == order.purpose
        or row.source in foreign
        or (begun and row.source == MARKET and row.reason == order.reason)
    ]
    if any(row.source == PSITURK for row in paid):
        return _BY_PSITURK
    if paid:
        return _difference(order, sum((row.amount for row in paid), ZERO))
    bonused = order.row is not None and order.row.status == participants.BONUSED
    if bonused and not ledger and order.purpose == AUTO:
        return _BY_PSITURK
    return None


def _difference(order: Order, paid: Decimal) -> str:
    words = f"{money_text(paid)} was already paid for '{order.purpose}'"
    if order.amount > paid:
        return f"{words}: {money_text(order.amount - paid)} is still owed; pay it with another --purpose"
    if order.amount < paid:
        return f"{words}, which is {money_text(paid - order.amount)} too much"
    return words


def participant_rows(world: World, work: Sequence[Work]) -> dict[Claim, BonusRow]:
    """Return the participants' rows that name these assignments, by assignment and worker."""
    with world.database.read() as session:
        table = participants_table(session, world)
        names = [each.assignment_id for each in work]
        return {} if table is None else participant_bonuses.read(session, table, world.place.mode, names)
