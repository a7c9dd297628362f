"""List the ledger: the rewards of approved work, and the bonuses and compensations that were entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.fees import rule_of
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.store import experiments, hits, payments, rewards
from turkctl.store.assignments import APPROVED
from turkctl.store.hits import HitFilter
from turkctl.store.payments import Payment, PaymentFilter
from turkctl.store.rewards import Reward

KINDS = (payments.REWARD, payments.BONUS, payments.COMPENSATION)
US = "us"
AUTOMATICALLY = "automatically"
KEYS = (
    "paid_at",
    "kind",
    "worker_id",
    "assignment_id",
    "hit_id",
    "experiment",
    "campaign",
    "purpose",
    "amount",
    "fee",
    "approved_by",
    "source",
    "reason",
    "mode",
    "market",
)
"""The keys of a payment, in the order in which they are exported."""
COLUMNS = (
    "paid_at",
    "kind",
    "worker_id",
    "assignment_id",
    "experiment",
    "purpose",
    "amount",
    "fee",
    "approved_by",
    "source",
)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LedgerQuery:
    """Filters of the payments to list; those given are combined by "and"."""

    worker_id: str | None = None
    experiment: str | None = None
    campaign: int | None = None
    kind: str | None = None
    since: datetime | None = None
    """Paid at this time or later."""
    until: datetime | None = None
    """Paid before this time."""


def list_payments(world: World, query: LedgerQuery) -> list[dict[str, Any]]:
    """Return the payments of this mode that match, the oldest first.

    Rewards are those of approved work; ``approved_by`` is who approved it: ``us`` (with turkctl), ``automatically``
    (the market, because nobody decided in time), or None if neither is known: somebody with another program, or with
    an older turkctl. Bonuses and compensations are as they were entered; the amount is None where only psiTurk says
    that something was paid.

    Raises:
        UsageError: the kind is not one of :data:`KINDS`.
        NotFoundError: the experiment or the campaign is unknown.
    """
    if query.kind is not None and query.kind not in KINDS:
        raise UsageError(f"'{query.kind}' is not a kind of payment", hint="give one of: " + ", ".join(KINDS))
    place = world.listing_place
    with world.database.read() as session:
        number = None if query.experiment is None else find_experiment(session, query.experiment).experiment_id
        hit_filter(session, place, Selection(campaign=query.campaign))
        wanted = PaymentFilter(place, query.kind, None, query.worker_id, number, query.since)
        names = {each.experiment_id: each.slug for each in experiments.list_all(session)}
        found = [] if query.kind == payments.REWARD else _entered(session, wanted, names)
        if query.kind in (None, payments.REWARD):
            found += [_of_reward(each, names) for each in rewards.select_rewards(session, wanted)]
    found = [row for row in found if _matches(row, query)]
    return sorted(found, key=lambda row: row["paid_at"] or _FIRST)


def _matches(row: Mapping[str, Any], query: LedgerQuery) -> bool:
    early = query.until is None or (row["paid_at"] is not None and row["paid_at"] < query.until)
    return early and (query.campaign is None or row["campaign"] == query.campaign)


def _entered(session: Session, wanted: PaymentFilter, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the rows of bonuses and compensations."""
    found: Sequence[Payment] = payments.select_payments(session, wanted)
    hit_ids = list(dict.fromkeys(row.hit_id for row in found))
    known = hits.select_hits(session, HitFilter(wanted.place, ids=hit_ids))
    campaigns = {hit.hit_id: hit.campaign for hit in known}
    return [_of_payment(row, names, campaigns) for row in found]


def _of_payment(row: Payment, names: Mapping[int, str], campaigns: Mapping[str, int | None]) -> dict[str, Any]:
    unknown = row.source == payments.PSITURK
    return {
        "paid_at": row.paid_at,
        "kind": row.kind,
        "worker_id": row.worker_id,
        "assignment_id": row.assignment_id,
        "hit_id": row.hit_id,
        "experiment": None if row.experiment_id is None else names.get(row.experiment_id),
        "campaign": campaigns.get(row.hit_id),
        "purpose": row.purpose,
        "amount": None if unknown else row.amount,
        "fee": None if unknown else row.fee,
        "approved_by": None,
        "source": row.source,
        "reason": row.reason,
        "mode": row.mode,
        "market": row.market,
    }


def _of_reward(row: Reward, names: Mapping[int, str]) -> dict[str, Any]:
    fee = None
    if row.reward is not None and row.max_assignments is not None:
        cost = rule_of(row.fee).assignment_cost(row.reward, row.max_assignments, masters=bool(row.masters))
        fee = cost - row.reward
    approved_by = who_approved(row.our_decision, row.approved, row.auto_approval)
    return {
        "paid_at": row.approved,
        "kind": payments.REWARD,
        "worker_id": row.worker_id,
        "assignment_id": row.assignment_id,
        "hit_id": row.hit_id,
        "experiment": None if row.experiment_id is None else names.get(row.experiment_id),
        "campaign": row.campaign,
        "purpose": None,
        "amount": row.reward,
        "fee": fee,
        "approved_by": approved_by,
        "source": payments.OURS if approved_by == US else payments.MARKET,
        "reason": None,
        "mode": row.mode,
        "market": row.market,
    }


def who_approved(our_decision: str | None, approved: datetime | None, auto_approval: datetime | None) -> str | None:
    """Return who approved work, as in :func:`list_payments`, by our decision on it and the market's times."""
    if our_decision == APPROVED:
        return US
    if approved is not None and auto_approval is not None and approved >= auto_approval:
        return AUTOMATICALLY
    return None
