"""What wages are reckoned from, on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit

from turkctl.store import assignments, hits, payments, wages, workers
from turkctl.store.engine import Database
from turkctl.store.payments import Payment
from turkctl.store.workers import WorkFilter


def payment(assignment_id: str, amount: str, **changes: Any) -> Payment:
    values: dict[str, Any] = {
        "mode": HERE.mode,
        "market": HERE.market,
        "kind": payments.BONUS,
        "assignment_id": assignment_id,
        "worker_id": "W1",
        "hit_id": "H1",
        "purpose": "thanks",
        "amount": Decimal(amount),
        "fee": Decimal("0.00"),
        "source": payments.OURS,
        "paid_at": NOW,
    }
    return Payment(**values | changes)


def fill(database: Database) -> None:
    """Two HITs: on the first, work of two workers and a compensation; on the second, work that is not approved."""
    done = {"status": "Approved", "accepted": NOW - HOUR, "approved": NOW}
    there = {"mode": ELSEWHERE.mode, "market": ELSEWHERE.market}
    with database.write() as session:
        hits.insert(session, make_hit("H1", code_version="1.0"))
        hits.insert(session, make_hit("H2", code_version="2.0"))
        work = [
            make_assignment("A1", **done),
            make_assignment("A2", worker_id="W2", **done | {"accepted": None}),
            make_assignment("A3", worker_id="W3", **done),
            make_assignment("A4", hit_id="H2", accepted=NOW - HOUR),
            make_assignment("A5", **done | there),
        ]
        assignments.upsert_many(session, work)
        entered = [
            payment("A1", "0.25"),
            payment("A1", "0.50", purpose="more"),
            payment("A3", "5.00", worker_id="W3", kind=payments.COMPENSATION),
            payment("A4", "0.10", hit_id="H2"),
            payment("A1", "9.00", **there),
        ]
        payments.enter_many(session, entered)


def test_work_comes_with_its_time_and_its_bonuses_and_without_compensations(database: Database) -> None:
    fill(database)
    with database.read() as session:
        found = wages.approved_work(session, WorkFilter(HERE))
        assert [(each.assignment_id, each.time, each.paid) for each in found] == [
            ("A1", timedelta(hours=1), Decimal("0.75")),
            ("A2", None, Decimal("0.00")),
        ]
        assert wages.approved_work(session, WorkFilter(HERE, ids=["W2", "A4"], code_version="2.0")) == []
        timed = wages.timed_work(session, HERE.mode, ["A1", "A4", "A5", "NONE"])
        assert {name: (each.status, each.paid) for name, each in timed.items()} == {
            "A1": ("Approved", Decimal("0.75")),
            "A4": ("Submitted", Decimal("0.10")),
        }


def test_bonuses_of_workers_are_those_of_the_work_that_is_meant(database: Database) -> None:
    fill(database)
    with database.read() as session:
        assert workers.bonuses(session, WorkFilter(HERE)) == {"W1": Decimal("0.85")}
        assert workers.bonuses(session, WorkFilter(HERE, code_version="1.0")) == {"W1": Decimal("0.75")}
        assert workers.bonuses(session, WorkFilter(HERE, hit_ids=["H2"])) == {"W1": Decimal("0.10")}
        assert workers.bonuses(session, WorkFilter(HERE, ids=["A4", "W2"])) == {"W1": Decimal("0.10")}
        assert workers.bonuses(session, WorkFilter(ELSEWHERE)) == {"W1": Decimal("9.00")}
