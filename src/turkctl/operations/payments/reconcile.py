"""The ledger against what the market says it paid."""

from __future__ import annotations

import shlex
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.fees import bonus_fee
from turkctl.mturk.types import BonusPayment
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.world import World
from turkctl.operations.intents.bonuses import NOT_THERE, enter_found
from turkctl.operations.intents.settle import settle
from turkctl.operations.selection.work import work_elsewhere
from turkctl.store import hits, payments
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
    """One bonus on which ledger and market do not agree."""

    kind: str
    hit_id: str
    row: Payment | None
    """What the ledger has."""
    paid: BonusPayment | None
    """What the market has."""

    def as_dict(self) -> dict[str, Any]:
        """The row of the list, with the command that resolves it."""
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
    """What the comparison came to."""

    differences: list[Difference] = field(default_factory=list)
    compared: int = 0
    """Bonuses that ledger and market have alike."""
    gone: int = 0
    """HITs whose bonuses the market no longer tells of."""
    adopted: int = 0
    notes: tuple[str, ...] = ()
    """What the user should hear: requests without an answer, and work on another market."""


def reconcile(world: World, *, adopt: bool = False) -> Reconciled:
    """Settle what is unfinished, then compare the bonuses of every HIT that has some or was worked on.

    What psiTurk alone says it paid, nobody knows how much of, is not compared.

    Args:
        world: database, market and clock.
        adopt: enter what the market has; amounts and reasons become the market's. The differences that are left are
            told.

    Raises:
        TurkctlError: the market refused, or is out of reach; nothing was adopted.
    """
    now = world.now()
    settled = settle(world, now)
    with world.database.read() as session:
        entered = payments.select_payments(session, PaymentFilter(world.place, kind=payments.BONUS))
        rows = [row for row in entered if row.source != payments.PSITURK]
        known = hits.select_hits(session, HitFilter(world.place, disposed=False))
    worked = [hit.hit_id for hit in known if hit.submitted + hit.completed > 0]
    told = _read(world, [*worked, *(row.hit_id for row in entered)])
    found = Reconciled(gone=sum(listed is None for listed in told.values()))
    there = {hit_id: listed for hit_id, listed in told.items() if listed is not None}
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
    """What the market paid on each HIT; None where it no longer has the HIT."""
    wanted = list(dict.fromkeys(hit_ids))
    told: dict[str, list[BonusPayment] | None] = {}
    for hit_id, answer in read_each(world.engine(), wanted, lambda each: list(world.mturk.list_bonuses(hit_id=each))):
        if isinstance(answer, TurkctlError) and not isinstance(answer, NOT_THERE):
            raise answer
        told[hit_id] = None if isinstance(answer, TurkctlError) else answer
    return {hit_id: told[hit_id] for hit_id in wanted}


def _compare(found: Reconciled, hit_id: str, rows: Sequence[Payment], listed: Sequence[BonusPayment]) -> None:
    """Pair what is the same; then what differs in its amount alone, and in its reason alone. The rest is missing."""
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
    """Those that have the same key, each once, and what is left of either side, in its order."""
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
    """Correct what differs first: then the ledger explains all of the market's but what is missing."""
    with world.database.write() as session:
        for each in found.differences:
            if each.row is not None and each.paid is not None:
                paid = each.paid
                payments.correct(session, each.row, paid.amount, bonus_fee(paid.amount), paid.reason)
    enter_found(world, there, now, guess=True)
    left = [each for each in found.differences if each.kind == NOT_ON_MARKET]
    found.adopted = len(found.differences) - len(left)
    found.differences = left


def _pay_again(row: Payment) -> str:
    words = ["turkctl", "workers", "bonus", row.assignment_id, "--amount", format_money(row.amount)]
    words += ["--reason", row.reason or row.purpose, "--purpose", f"{row.purpose[:110]} (paid again)"]
    return shlex.join(words)
