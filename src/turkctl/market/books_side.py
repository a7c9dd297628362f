"""What whoever runs the market keeps an eye on: what is owed and paid, how much is done, and copies of it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from turkctl.market import backup, payouts, stats
from turkctl.market.payouts import Claim, Owed, Payout, Span
from turkctl.market.requester import Environment
from turkctl.market.stats import Figures
from turkctl.market.worker_side import WorkerSide

ClaimRow = tuple[str, Decimal | None, datetime | None, datetime | None]
"""Who, the amount (None: what is owed now), since when and until when it was earned."""


class BooksSide(WorkerSide):
    """Books of the market; none of it is part of the Requester API."""

    def owed(
        self, environment: Environment, since: datetime | None = None, until: datetime | None = None
    ) -> list[Owed]:
        """Return what was earned by whom from ``since`` on, before ``until``, and was not marked as paid."""
        return self._look(environment, lambda tx: payouts.owed(tx, Span(since, until)))

    def payout_claims(
        self,
        environment: Environment,
        who: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Claim]:
        """Return what would be marked as paid now; ``who`` are ids of people, None for everybody.

        Raises:
            NotFoundError: there is nobody of that id.
        """
        return self._look(environment, lambda tx: payouts.claims(tx, Span(since, until), who))

    def payout_claims_of(self, environment: Environment, rows: Sequence[ClaimRow]) -> list[Claim]:
        """Return claims by rows of a file: who, the amount, since when and until when it was earned.

        Raises:
            NotFoundError: there is nobody of that id.
        """
        wanted = [(who, amount, Span(since, until)) for who, amount, since, until in rows]
        return self._look(environment, lambda tx: payouts.claims_of(tx, wanted))

    def mark_paid(self, environment: Environment, wanted: Sequence[Claim], reference: str | None) -> list[Payout]:
        """Mark amounts as paid, all or none; what was marked before is left out.

        Raises:
            UsageError: what is owed is not the amount that is claimed, or the reference is not usable.
        """
        return self._act(environment, lambda tx: payouts.mark(tx, wanted, reference))

    def payouts(
        self, environment: Environment, since: datetime | None = None, until: datetime | None = None
    ) -> list[Payout]:
        """Return what was marked as paid in this time."""
        return self._look(environment, lambda tx: payouts.history(tx, Span(since, until)))

    def figures(self, environment: Environment, days: timedelta) -> Figures:
        """Return how many people there are and how much they did, by day for the last days."""
        return self._look(environment, lambda tx: stats.figures(tx, days))

    def copy_to(self, target: Path) -> int:
        """Copy the whole market into a new SQLite file while it is used, verify it, and return its bytes.

        Raises:
            UsageError: the market is not on SQLite.
            DatabaseUnreachableError: the copy is not whole.
        """
        return backup.copy(self._database, target)
