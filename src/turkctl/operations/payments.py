"""Entering in the ledger what the market says it paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.errors import TurkctlError
from turkctl.fees import bonus_fee
from turkctl.mturk.errors import DoesNotExistError
from turkctl.mturk.types import BonusPayment
from turkctl.operations.enter import uniqueid
from turkctl.operations.reading import read_each
from turkctl.operations.world import World
from turkctl.store import hits, intents, participants, payments
from turkctl.store.base import Place
from turkctl.store.intents import Intent
from turkctl.store.payments import Payment, PaymentFilter

MAX_PURPOSE = 128


def read_bonuses(world: World, hit_ids: Iterable[str]) -> dict[str, list[BonusPayment]]:
    """What ListBonusPayments says of these HITs; one that the market no longer has paid nothing that it tells of.

    Raises:
        TurkctlError: the market refused, or is out of reach.
    """
    found: dict[str, list[BonusPayment]] = {}
    wanted = list(dict.fromkeys(hit_ids))
    for hit_id, answer in read_each(world.engine(), wanted, lambda each: list(world.mturk.list_bonuses(hit_id=each))):
        if isinstance(answer, DoesNotExistError):
            found[hit_id] = []
        elif isinstance(answer, TurkctlError):
            raise answer
        else:
            found[hit_id] = answer
    return found


def enter_found(world: World, found: Mapping[str, Sequence[BonusPayment]], now: datetime) -> int:
    """Enter what the ledger does not explain: ours where an intent asked for just that, else the market's.

    Returns:
        How many unfinished intents proved to have happened.
    """
    place = world.place
    told = [(hit_id, each) for hit_id, listed in found.items() for each in listed]
    names = list(dict.fromkeys(each.assignment_id for _, each in told))
    if not names:
        return 0
    with world.database.write() as session:
        known = payments.select_payments(session, PaymentFilter(place, kind=payments.BONUS, assignment_ids=names))
        asked = intents.by_subject(session, place, intents.BONUS, names)
        taken = {(row.assignment_id, row.purpose) for row in known}
        explained = Counter((row.assignment_id, row.amount, row.reason) for row in known)
        rows, done = [], []
        for hit_id, each in told:
            key = (each.assignment_id, each.amount, each.reason)
            if explained[key]:
                explained[key] -= 1
                continue
            intent = _asked_for(asked, taken, each)
            row = _ours(place, intent, each, now) if intent else _theirs(session, place, hit_id, each, taken, now)
            taken.add((row.assignment_id, row.purpose))
            rows.append(row)
            done += [intent] if intent else []
        return finish(session, world, rows, done, now)


def _asked_for(asked: Sequence[Intent], taken: set[tuple[str, str]], each: BonusPayment) -> Intent | None:
    for intent in asked:
        request = intent.request
        same = (request["worker"], Decimal(request["amount"]), request["reason"])
        free = (intent.subject, request["purpose"]) not in taken
        if free and intent.subject == each.assignment_id and same == (each.worker_id, each.amount, each.reason):
            return intent
    return None


def payment_of(place: Place, intent: Intent, paid_at: datetime) -> Payment:
    """The ledger's row of a bonus that was asked for by its intent."""
    amount = Decimal(intent.request["amount"])
    return Payment(
        mode=place.mode,
        market=place.market,
        kind=payments.BONUS,
        assignment_id=intent.subject,
        worker_id=intent.request["worker"],
        hit_id=intent.request["hit"],
        experiment_id=intent.experiment_id,
        purpose=intent.request["purpose"],
        amount=amount,
        fee=bonus_fee(amount),
        source=payments.OURS,
        token=intent.token,
        reason=intent.request["reason"],
        paid_at=paid_at,
    )


def _ours(place: Place, intent: Intent, each: BonusPayment, now: datetime) -> Payment:
    return payment_of(place, intent, each.granted or now)


def _theirs(
    session: Session, place: Place, hit_id: str, each: BonusPayment, taken: set[tuple[str, str]], now: datetime
) -> Payment:
    hit = hits.get(session, place, hit_id)
    purpose, number = purpose_of(each.reason or "bonus"), 1
    while (each.assignment_id, purpose) in taken:
        number += 1
        purpose = purpose_of(f"{each.reason or 'bonus'} ({number})")
    return Payment(
        mode=place.mode,
        market=place.market,
        kind=payments.BONUS,
        assignment_id=each.assignment_id,
        worker_id=each.worker_id,
        hit_id=hit_id,
        experiment_id=None if hit is None else hit.experiment_id,
        purpose=purpose,
        amount=each.amount,
        fee=bonus_fee(each.amount),
        source=payments.MARKET,
        token=None,
        reason=each.reason,
        paid_at=each.granted or now,
    )


def finish(session: Session, world: World, rows: Sequence[Payment], done: Sequence[Intent], now: datetime) -> int:
    """Enter payments, finish their intents and note it in the participants' rows; how many intents were open."""
    payments.enter_many(session, rows)
    finished = intents.complete_many(session, [intent.token for intent in done], now)
    name: str = world.settings["participants_table"]
    if rows and participants.exists(session, name):
        people = [uniqueid(row.worker_id, row.assignment_id) for row in rows]
        for status in (participants.SUBMITTED, participants.CREDITED):
            participants.move_status(session, name, world.place.mode, people, expected=status, new=participants.BONUSED)
    return finished


def purpose_of(reason: str) -> str:
    """The purpose that a reason stands for: itself, shortened where it is too long to be one."""
    if len(reason) <= MAX_PURPOSE:
        return reason
    return f"{reason[:100]}…{intents.token(reason)[:16]}"
