"""Enter compensations in the ledger, once the work on their HIT is approved."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session

from turkctl.store import payments
from turkctl.store.assignments import APPROVED, ASSIGNMENTS
from turkctl.store.base import Place, chunks
from turkctl.store.hits import HITS
from turkctl.store.intents import COMPENSATE, INTENTS
from turkctl.store.payments import Payment

_COLUMNS = (
    ASSIGNMENTS.c.assignment_id,
    ASSIGNMENTS.c.worker_id,
    ASSIGNMENTS.c.approved,
    HITS.c.hit_id,
    HITS.c.experiment_id,
    HITS.c.reward,
    INTENTS.c.token,
    INTENTS.c.cost,
    INTENTS.c.request,
)


def enter_approved(session: Session, place: Place, assignment_ids: Sequence[str]) -> None:
    """Enter each of the assignments that is approved and on the HIT of a compensation, once."""
    statement = (
        select(*_COLUMNS)
        .join(HITS, HITS.c.id == ASSIGNMENTS.c.hit_row)
        .join(INTENTS, INTENTS.c.token == HITS.c.annotation)
        .where(
            HITS.c.mode == place.mode,
            HITS.c.market == place.market,
            INTENTS.c.kind == COMPENSATE,
            ASSIGNMENTS.c.status == APPROVED,
        )
    )
    for part in chunks(assignment_ids):
        rows = session.connection().execute(statement.where(ASSIGNMENTS.c.assignment_id.in_(part)))
        payments.enter_many(
            session,
            [
                Payment(
                    mode=place.mode,
                    market=place.market,
                    kind=payments.COMPENSATION,
                    assignment_id=row.assignment_id,
                    worker_id=row.worker_id,
                    hit_id=row.hit_id,
                    experiment_id=row.experiment_id,
                    purpose=payments.COMPENSATION,
                    amount=row.reward,
                    fee=row.cost - row.reward,
                    source=payments.OURS,
                    token=row.token,
                    reason=row.request["reason"],
                    paid_at=row.approved,
                )
                for row in rows
            ],
        )
