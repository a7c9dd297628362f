"""Rows of which a test says only what it cares about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.store.assignments import Assignment
from turkctl.store.base import Place
from turkctl.store.hit_changes import Snapshot
from turkctl.store.hits import Hit
from turkctl.store.intents import Intent

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HERE = Place("local", "market-1")
ELSEWHERE = Place("live", "market-2")


def make_hit(hit_id: str, **changes: Any) -> Hit:
    values: dict[str, Any] = {
        "mode": HERE.mode,
        "market": HERE.market,
        "hit_id": hit_id,
        "hit_type_id": "TYPE",
        "title": "Name the colour",
        "status": "Assignable",
        "reward": Decimal("0.50"),
        "max_assignments": 9,
        "available": 9,
        "pending": 0,
        "completed": 0,
        "assignment_duration": 1800,
        "auto_approval_delay": 259200,
        "created": NOW,
        "expires": NOW + 24 * HOUR,
    }
    return Hit(**values | changes)


def make_assignment(assignment_id: str, **changes: Any) -> Assignment:
    values: dict[str, Any] = {
        "mode": HERE.mode,
        "market": HERE.market,
        "assignment_id": assignment_id,
        "hit_id": "H1",
        "worker_id": "W1",
        "status": "Submitted",
        "submitted": NOW,
        "synced": NOW,
    }
    return Assignment(**values | changes)


def make_intent(token: str, **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "token": token,
        "kind": "create_hit",
        "mode": HERE.mode,
        "market": HERE.market,
        "batch": "batch-1",
        "digest": "digest-1",
        "subject": "stroop",
        "request": {"MaxAssignments": 9, "Reward": "0.50"},
        "cost": Decimal("5.40"),
        "created": NOW,
    }
    return Intent(**values | changes)


def make_snapshot(hit_id: str, read_at: datetime, **changes: Any) -> Snapshot:
    values: dict[str, Any] = {
        "status": "Assignable",
        "max_assignments": 9,
        "available": 5,
        "pending": 1,
        "completed": 1,
        "expires": NOW + 24 * HOUR,
    }
    return Snapshot(hit_id=hit_id, read_at=read_at, **values | changes)
