"""Enter the payments that the market reports in the ledger."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from turkctl.erasing import replacement
from turkctl.mturk.errors import DoesNotExistError, MarketRefusedError, ParameterError
from turkctl.mturk.types import BonusPayment
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.world import World
from turkctl.store import erasures, hits, intents, market_rules, participants, payments
from turkctl.store.base import Place
from turkctl.store.intents import TOKEN_TRUSTED, Intent
from turkctl.store.participants import uniqueid
from turkctl.store.payments import Payment, PaymentFilter

MAX_PURPOSE = 128
NOT_THERE = (DoesNotExistError, ParameterError)
"""The market's errors for a deleted HIT and for an invalid id, as in psiTurk's rows from debugging."""
Key = tuple[str, str, Decimal, str | None]
"""Assignment, worker, dollars and reason of a bonus: all facts of the market's list."""


def read_bonuses(
    world: World, hit_ids: Iterable[str], refused: dict[str, MarketRefusedError]
) -> dict[str, list[BonusPayment]]:
    """Return the bonuses that ListBonusPayments reports, by HIT; a HIT that the market does not have gets none.

    Args:
        world: database and market.
        hit_ids: the ids of the HITs.
        refused: receives the HITs whose request the market refused, with the error; their bonuses are unknown.

    Raises:
        MarketRefusedError: the market has a temporary fault.
        UnreachableError: the market cannot be reached.
    """
    found: dict[str, list[BonusPayment]] = {}
    wanted = list(dict.fromkeys(hit_ids))
    for hit_id, answer in read_each(world.engine(), wanted, lambda each: list(world.mturk.list_bonuses(hit_id=each))):
        if isinstance(answer, NOT_THERE):
            found[hit_id] = []
        elif isinstance(answer, MarketRefusedError):
            if answer.retryable:
                raise answer
            refused[hit_id] = answer
        else:
            found[hit_id] = answer
    return found


def enter_found(
    world: World, found: Mapping[str, Sequence[BonusPayment]], now: datetime, *, guess: bool = False
) -> int:
    """Enter bonuses that are missing in the ledger: as turkctl's own if an intent matches, else as the market's.

    If unfinished intents of one assignment differ only in their purpose, and fewer of them were paid, the list does
    not show which: they stay unfinished, because their tokens can show it as long as the market remembers them.

    Args:
        world: database, market and clock.
        found: the market's list, by HIT.
        now: the current time.
        guess: take the oldest of such intents instead.

    Returns:
        The number of unfinished intents that turned out to be paid.
    """
    place = world.place
    names = list(dict.fromkeys(each.assignment_id for listed in found.values() for each in listed))
    if not names:
        return 0
    with world.database.write() as session:
        told = [(hit_id, each) for hit_id, listed in as_known(session, place, found).items() for each in listed]
        known = payments.select_payments(session, PaymentFilter(place, kind=payments.BONUS, assignment_ids=names))
        asked = intents.by_subject(session, place, intents.BONUS, names)
        taken = {(row.assignment_id, row.purpose) for row in known}
        explained = Counter((row.assignment_id, row.amount, row.reason) for row in known)
        unexplained = []
        for hit_id, each in told:
            key = (each.assignment_id, each.amount, each.reason)
            if explained[key]:
                explained[key] -= 1
            else:
                unexplained.append((hit_id, each))
        wanted, paid = _by_key(asked, taken), Counter(_key(each) for _, each in unexplained)
        rows, done = [], []
        for hit_id, each in unexplained:
            ours = wanted[_key(each)]
            if not (guess or _told_apart(ours, paid[_key(each)], now)):
                continue
            intent = ours.pop(0) if ours else None
            row = _ours(place, intent, each, now) if intent else _theirs(session, place, hit_id, each, taken, now)
            taken.add((row.assignment_id, row.purpose))
            rows.append(row)
            done += [intent] if intent else []
        return finish(session, world, rows, done, now)


def as_known(
    session: Session, place: Place, listed: Mapping[str, Sequence[BonusPayment]]
) -> dict[str, list[BonusPayment]]:
    """Return the market's bonuses, by HIT, with what is known here of workers who were erased, here or on the market.

    That is their pseudonym, and the reason in the ledger of the bonus of the same amount, where names were replaced.
    """
    everything = [each for bonuses in listed.values() for each in bonuses]
    hidden = erasures.renamed(session, place, [(each.assignment_id, each.worker_id) for each in everything])
    if not hidden:
        return {hit_id: list(bonuses) for hit_id, bonuses in listed.items()}
    stored = PaymentFilter(place, kind=payments.BONUS, assignment_ids=list(hidden))
    reasons: dict[tuple[str, Decimal], list[str | None]] = defaultdict(list)
    for row in payments.select_payments(session, stored):
        reasons[row.assignment_id, row.amount].append(row.reason)

    def shown(paid: BonusPayment) -> BonusPayment:
        known = hidden.get(paid.assignment_id)
        if known is None:
            return paid
        reason = None if paid.reason is None else replacement(paid.worker_id, known.name)(paid.reason)
        waiting = reasons[paid.assignment_id, paid.amount]
        if waiting:
            waiting.remove(reason := reason if reason in waiting else waiting[0])
        return replace(paid, worker_id=known.name, reason=reason)

    return {hit_id: [shown(each) for each in bonuses] for hit_id, bonuses in listed.items()}


def _key(each: BonusPayment) -> Key:
    return each.assignment_id, each.worker_id, each.amount, each.reason


def key_of(intent: Intent) -> Key:
    """Return the key by which the market's list shows the bonus of this intent."""
    request = intent.request
    return intent.subject, request["worker"], Decimal(request["amount"]), request["reason"]


def _by_key(asked: Sequence[Intent], taken: set[tuple[str, str]]) -> dict[Key, list[Intent]]:
    """Return the intents whose purpose is missing in the ledger, by key: unanswered ones first, then the oldest."""
    found: dict[Key, list[Intent]] = defaultdict(list)
    for intent in sorted(asked, key=lambda each: each.state not in intents.UNFINISHED):
        if (intent.subject, intent.request["purpose"]) not in taken:
            found[key_of(intent)].append(intent)
    return found


def _told_apart(wanted: Sequence[Intent], paid: int, now: datetime) -> bool:
    """Return whether it is clear which of them were paid, or only this list can still show it."""
    waiting = [intent for intent in wanted if intent.state in intents.UNFINISHED]
    return paid >= len(waiting) or any(now - intent.created > TOKEN_TRUSTED for intent in waiting)


def payment_of(place: Place, intent: Intent, paid_at: datetime) -> Payment:
    """Return the ledger's row for the bonus of an intent."""
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
        fee=intent.cost - amount,
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
        fee=market_rules.fee_at(session, place).bonus_fee(each.amount),
        source=payments.MARKET,
        token=None,
        reason=each.reason,
        paid_at=each.granted or now,
    )


def finish(session: Session, world: World, rows: Sequence[Payment], done: Sequence[Intent], now: datetime) -> int:
    """Enter payments, finish their intents and update participants; return the number of intents that were open."""
    payments.enter_many(session, rows)
    finished = intents.complete_many(session, [intent.token for intent in done], now)
    name: str = world.settings["participants_table"]
    if rows and participants.exists(session, name):
        people = [uniqueid(row.worker_id, row.assignment_id) for row in rows]
        for status in (participants.SUBMITTED, participants.CREDITED):
            participants.move_status(session, name, world.place.mode, people, expected=status, new=participants.BONUSED)
    return finished


def plain(purpose: str) -> str:
    """Return a purpose in normal form: two that look the same are equal, and paid once."""
    return unicodedata.normalize("NFC", purpose).strip()


def purpose_of(reason: str) -> str:
    """Return the purpose for a reason: the reason itself, shortened if it is too long."""
    reason = plain(reason)
    if len(reason) <= MAX_PURPOSE:
        return reason
    return f"{reason[:100]}…{intents.token(reason)[:16]}"
