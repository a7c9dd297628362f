"""Find out what a database has at all, in one statement: what it lacks need be neither counted nor imported."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

CONTENT = "content"
PAYMENTS = "payments"
CAMPAIGNS = "campaigns"
TASKS = "tasks"
SCHEDULER = "scheduler"
RUNS = "runs"
LOOKS = "looks"
_ANY = text(
    """
    SELECT 'content' WHERE EXISTS (SELECT 1 FROM turkctl_content)
    UNION ALL SELECT 'payments' WHERE EXISTS (SELECT 1 FROM turkctl_payment)
    UNION ALL SELECT 'campaigns' WHERE EXISTS (SELECT 1 FROM turkctl_campaign)
    UNION ALL SELECT 'tasks' WHERE EXISTS (SELECT 1 FROM turkctl_task)
    UNION ALL SELECT 'scheduler' WHERE EXISTS (SELECT 1 FROM turkctl_lease WHERE name = 'scheduler')
    UNION ALL SELECT 'runs' WHERE EXISTS (
        SELECT 1 FROM turkctl_run WHERE state <> 'ended' AND identity IS NOT NULL
    )
    UNION ALL SELECT 'looks' WHERE EXISTS (SELECT 1 FROM turkctl_account_look)
    """
)


def present(session: Session) -> frozenset[str]:
    """Return which of the names above the database has rows of; ``runs`` are those that have not ended."""
    return frozenset(session.connection().execute(_ANY).scalars())
