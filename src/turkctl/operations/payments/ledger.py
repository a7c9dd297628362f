"""List the payments of the ledger (``workers payments list`` and ``export``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.store import experiments, hits, payments
from turkctl.store.hits import HitFilter
from turkctl.store.payments import Payment, PaymentFilter

KINDS = (payments.BONUS, payments.COMPENSATION, payments.REWARD)
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
    "source",
    "reason",
    "mode",
    "market",
)
"""The keys of a payment, in the order in which they are exported."""
COLUMNS = ("paid_at", "kind", "worker_id", "assignment_id", "experiment", "purpose", "amount", "fee", "source")


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
    """Return the payments of this mode that match, in the order in which they were entered.

    Amount and fee are None where only psiTurk says that something was paid.

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
        found = payments.select_payments(session, wanted)
        names = {each.experiment_id: each.slug for each in experiments.list_all(session)}
        hit_ids = list(dict.fromkeys(row.hit_id for row in found))
        campaigns = {hit.hit_id: hit.campaign for hit in hits.select_hits(session, HitFilter(place, ids=hit_ids))}
    return [
        _as_dict(row, names, campaigns)
        for row in found
        if (query.until is None or row.paid_at < query.until)
        and (query.campaign is None or campaigns.get(row.hit_id) == query.campaign)
    ]


def _as_dict(row: Payment, names: Mapping[int, str], campaigns: Mapping[str, int | None]) -> dict[str, Any]:
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
        "source": row.source,
        "reason": row.reason,
        "mode": row.mode,
        "market": row.market,
    }
