"""Compare the ledger with what the market says it paid (``workers payments reconcile``)."""

from __future__ import annotations

import shlex
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.mturk.types import BonusPayment
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import NOT_THERE, as_known, enter_found
from turkctl.operations.intents.settle import settle
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.selection.work import work_elsewhere
from turkctl.store import hits, market_rules, payments
from turkctl.store.hits import HitFilter
from turkctl.store.payments import Payment, PaymentFilter
from turkctl.units import format_money
from turkctl.words import counted

NOT_IN_LEDGER = "missing in ledger"
NOT_ON_MARKET = "missing on market"
AMOUNT = "amount differs"
REASON = "reason differs"
COLUMNS = ("difference", "assignment_id", "worker_id", "ledger", "market", "reason", "command")
ADOPT = "turkctl workers payments reconcile --adopt"


@dataclass(frozen=True)
class Difference:
    """A bonus on which the ledger and the market disagree."""

    kind: str
    hit_id: str
    row: Payment | None
    """The payment in the ledger, if any."""
    paid: BonusPayment | None
    """The payment that the market lists, if any."""

    def as_dict(self) -> dict[str, Any]:
        """Return the row that is shown, with the command that resolves the difference."""
        one = self.row or self.paid
        assert one is not None
        return {
            "difference": self.kind,
            "assignment_id": one.assignment_id,
            "worker_id": one.worker_id,
            "hit_id": self.hit_id,
            "ledger": None if self.row is None else self.row.amount,
            "market": None if self.paid is None else self.paid.amount,
            "purpose": None if self.row is None else self.row.purpose,
            "reason": one.reason if self.paid is None else self.paid.reason,
            "command": ADOPT if self.row is None or self.paid is not None else _pay_again(self.row),
        }


@dataclass
class Reconciled:
    """The result of the comparison."""

    differences: list[Difference] = field(default_factory=list)
    compared: int = 0
    """Number of bonuses that are the same in the ledger and on the market."""
    gone: int = 0
    """Number of HITs whose bonuses the market no longer lists."""
    adopted: int = 0
    """Number of differences resolved by taking the market's values."""
    notes: tuple[str, ...] = ()
    """Notes for the user: requests without an answer, and work on another market."""


def reconcile(world: World, *, adopt: bool = False) -> Reconciled:
    """Settle unfinished requests, then compare the bonuses of every HIT that has bonuses or was worked on.

    Payments that only psiTurk knows of, without an amount, are not compared.

    Args:
        world: database, market and clock.
        adopt: enter the market's bonuses, amounts and reasons into the ledger; return the differences that are left.

    Raises:
        TurkctlError: the market refused, or cannot be reached; nothing was adopted.
    """
    now = world.now()
    learn_rules(world)
    settled = settle(world, now)
    with world.database.read() as session:
        entered = payments.select_payments(session, PaymentFilter(world.place, kind=payments.BONUS))
        rows = [row for row in entered if row.source != payments.PSITURK]
        known = hits.select_hits(session, HitFilter(world.place, disposed=False))
    worked = [hit.hit_id for hit in known if hit.submitted + hit.completed > 0]
    told = _read(world, [*worked, *(row.hit_id for row in entered)])
    found = Reconciled(gone=sum(listed is None for listed in told.values()))
    with world.database.read() as session:
        still = {hit_id: each for hit_id, each in told.items() if each is not None}
        there = as_known(session, world.place, still)
    by_hit: dict[str, list[Payment]] = defaultdict(list)
    for row in rows:
        by_hit[row.hit_id].append(row)
    for hit_id, listed in there.items():
        _compare(found, hit_id, by_hit[hit_id], listed)
    found.notes = (*settled.notes, *(() if told else work_elsewhere(world)))
    if adopt:
        _adopt(world, found, there, now)
    if found.adopted:
        world.origin.tally.say(f"{counted(found.adopted, 'payment')} of the market entered in the ledger")
    return found


def _read(world: World, hit_ids: Sequence[str]) -> dict[str, list[BonusPayment] | None]:
    """Return the bonuses that the market lists, by HIT; None for a HIT that it no longer has."""
    wanted = list(dict.fromkeys(hit_ids))
    told: dict[str, list[BonusPayment] | None] = {}
    for hit_id, answer in read_each(world.engine(), wanted, lambda each: list(world.mturk.list_bonuses(hit_id=each))):
        if isinstance(answer, TurkctlError) and not isinstance(answer, NOT_THERE):
            raise answer
        told[hit_id] = None if isinstance(answer, TurkctlError) else answer
    return {hit_id: told[hit_id] for hit_id in wanted}


def _compare(found: Reconciled, hit_id: str, rows: Sequence[Payment], listed: Sequence[BonusPayment]) -> None:
    """Note the differences of one HIT.

    Pair equal bonuses first, then those that differ only in the amount, then those that differ only in the reason. The
    rest is missing on one side.
    """
    same, rows, listed = _pair(rows, listed, lambda one: (one.assignment_id, one.amount, one.reason))
    found.compared += len(same)
    amount, rows, listed = _pair(rows, listed, lambda one: (one.assignment_id, one.reason))
    reason, rows, listed = _pair(rows, listed, lambda one: (one.assignment_id, one.amount))
    found.differences += [Difference(AMOUNT, hit_id, row, paid) for row, paid in amount]
    found.differences += [Difference(REASON, hit_id, row, paid) for row, paid in reason]
    found.differences += [Difference(NOT_ON_MARKET, hit_id, row, None) for row in rows]
    found.differences += [Difference(NOT_IN_LEDGER, hit_id, None, paid) for paid in listed]


def _pair(
    rows: Sequence[Payment], listed: Sequence[BonusPayment], key: Callable[[Payment | BonusPayment], Any]
) -> tuple[list[tuple[Payment, BonusPayment]], list[Payment], list[BonusPayment]]:
    """Return pairs with the same key, each bonus used once, and the rest of each side in its order."""
    waiting: dict[Any, deque[BonusPayment]] = defaultdict(deque)
    for paid in listed:
        waiting[key(paid)].append(paid)
    pairs, left = [], []
    for row in rows:
        there = waiting[key(row)]
        if there:
            pairs.append((row, there.popleft()))
        else:
            left.append(row)
    taken = {id(paid) for _row, paid in pairs}
    return pairs, left, [paid for paid in listed if id(paid) not in taken]


def _adopt(world: World, found: Reconciled, there: Mapping[str, Sequence[BonusPayment]], now: datetime) -> None:
    """Adopt what the market has.

    Differences are corrected first; after that the only bonuses that the ledger does not explain are missing ones.
    """
    with world.database.write() as session:
        fee = market_rules.fee_at(session, world.place)
        for each in found.differences:
            if each.row is not None and each.paid is not None:
                paid = each.paid
                payments.correct(session, each.row, paid.amount, fee.bonus_fee(paid.amount), paid.reason)
    enter_found(world, there, now, guess=True)
    left = [each for each in found.differences if each.kind == NOT_ON_MARKET]
    found.adopted = len(found.differences) - len(left)
    found.differences = left


def _pay_again(row: Payment) -> str:
    words = ["turkctl", "workers", "bonus", row.assignment_id, "--amount", format_money(row.amount)]
    words += ["--reason", row.reason or row.purpose, "--purpose", f"{row.purpose[:110]} (paid again)"]
    return shlex.join(words)
