"""The ledger against what the market says it paid."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from turkctl.errors import TurkctlError
from turkctl.fees import bonus_fee
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import BonusPayment
from turkctl.operations.payments import enter_found
from turkctl.operations.reading import read_each
from turkctl.operations.settle import settle
from turkctl.operations.world import World
from turkctl.store import hits, payments
from turkctl.store.hits import HitFilter
from turkctl.store.payments import Payment, PaymentFilter
from turkctl.units import format_money

NOT_IN_LEDGER = "missing in ledger"
NOT_ON_MARKET = "missing on market"
AMOUNT = "amount differs"
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
            "reason": one.reason,
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


def reconcile(world: World, *, adopt: bool = False) -> Reconciled:
    """Settle what is unfinished, then compare the bonuses of every HIT that has some or was worked on.

    What psiTurk alone says it paid is the ledger's word for psiTurk's, and no difference where the market has none.

    Args:
        world: database, market and clock.
        adopt: enter what the market has; amounts become the market's. The differences that are left are told.

    Raises:
        TurkctlError: the market refused, or is out of reach; nothing was adopted.
    """
    now = world.now()
    settle(world, now)
    with world.database.read() as session:
        rows = payments.select_payments(session, PaymentFilter(world.place, kind=payments.BONUS))
        known = hits.select_hits(session, HitFilter(world.place, disposed=False))
    worked = [hit.hit_id for hit in known if hit.submitted + hit.completed > 0]
    told = _read(world, [*worked, *(row.hit_id for row in rows)])
    found = Reconciled(gone=sum(listed is None for listed in told.values()))
    there = {hit_id: listed for hit_id, listed in told.items() if listed is not None}
    for hit_id, listed in there.items():
        _compare(found, hit_id, [row for row in rows if row.hit_id == hit_id], listed)
    if adopt:
        _adopt(world, found, there, now)
    return found


def _read(world: World, hit_ids: Sequence[str]) -> dict[str, list[BonusPayment] | None]:
    """What the market paid on each HIT; None where it no longer has the HIT."""
    wanted = list(dict.fromkeys(hit_ids))
    told: dict[str, list[BonusPayment] | None] = {}
    for hit_id, answer in read_each(world.engine(), wanted, lambda each: list(world.mturk.list_bonuses(hit_id=each))):
        if isinstance(answer, TurkctlError) and not isinstance(answer, DoesNotExistError):
            raise answer
        told[hit_id] = None if isinstance(answer, TurkctlError) else answer
    return {hit_id: told[hit_id] for hit_id in wanted}


def _compare(found: Reconciled, hit_id: str, rows: Sequence[Payment], listed: Sequence[BonusPayment]) -> None:
    """Pair what is the same; of the rest, what has the same assignment and reason differs in its amount."""
    left, open_rows = list(listed), list(rows)
    for same_amount in (True, False):
        unpaired = []
        for row in open_rows:
            match = next((each for each in left if _key(row, same_amount) == _key(each, same_amount)), None)
            if match is None:
                unpaired.append(row)
                continue
            left.remove(match)
            found.compared += same_amount
            if not same_amount:
                found.differences.append(Difference(AMOUNT, hit_id, row, match))
        open_rows = unpaired
    ours = [row for row in open_rows if row.source != payments.PSITURK]
    found.differences += [Difference(NOT_ON_MARKET, hit_id, row, None) for row in ours]
    found.differences += [Difference(NOT_IN_LEDGER, hit_id, None, each) for each in left]


def _key(one: Payment | BonusPayment, amount: bool) -> tuple[str, str | None, Decimal | None]:
    return one.assignment_id, one.reason, one.amount if amount else None


def _adopt(world: World, found: Reconciled, there: Mapping[str, Sequence[BonusPayment]], now: datetime) -> None:
    """Correct amounts first: with them the ledger explains all of the market's but what is missing."""
    with world.database.write() as session:
        for each in found.differences:
            if each.row is not None and each.paid is not None:
                payments.correct(session, each.row, each.paid.amount, bonus_fee(each.paid.amount))
    enter_found(world, there, now)
    left = [each for each in found.differences if each.kind == NOT_ON_MARKET]
    found.adopted = len(found.differences) - len(left)
    found.differences = left


def _pay_again(row: Payment) -> str:
    words = ["turkctl", "workers", "bonus", row.assignment_id, "--amount", format_money(row.amount)]
    words += ["--reason", row.reason or row.purpose, "--purpose", f"{row.purpose[:110]} (paid again)"]
    return shlex.join(words)
