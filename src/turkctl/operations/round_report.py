"""What a round came to, as it is printed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from turkctl.operations.campaigns.standing import Standing
from turkctl.operations.engine.plan import BatchResult
from turkctl.store.campaigns import Campaign

COLUMNS = ("round", "outcome", "completed", "outstanding", "posted", "cost", "reason")


@dataclass(frozen=True)
class RoundReport:
    """What a round came to."""

    campaign: Campaign
    """As it is after the round."""
    round: int | None
    """None: the campaign was over, and there was none."""
    outcome: str
    reason: str | None
    standing: Standing | None = None
    wanted: int = 0
    batch: BatchResult | None = None
    posted: int = 0
    """Assignments."""

    @property
    def hits(self) -> list[str]:
        """The HITs that were posted, those of earlier rounds that had got no answer included."""
        return [item.id for item in self.batch.results if item.status == "created"] if self.batch else []

    @property
    def failed(self) -> int:
        """Requests that came to nothing, or without an answer."""
        return self.batch.failed if self.batch else 0

    @property
    def errors(self) -> list[str]:
        """What went wrong with them, each thing once."""
        found = self.batch.results if self.batch else []
        return list(dict.fromkeys(f"{item.error.code}: {item.error.message}" for item in found if item.error))

    def as_dict(self) -> dict[str, Any]:
        """As ``campaign run`` prints it."""
        numbers = self.standing
        return {
            "campaign": self.campaign.number,
            "round": self.round,
            "status": self.campaign.status,
            "outcome": self.outcome,
            "goal": self.campaign.goal,
            "completed": numbers.completed if numbers else None,
            "outstanding": numbers.outstanding if numbers else None,
            "unsettled": numbers.unsettled if numbers else None,
            "wanted": self.wanted,
            "posted": self.posted,
            "hits": self.hits,
            "cost": self.batch.cost if self.batch else Decimal("0.00"),
            "failed": self.failed,
            "reason": self.reason,
            "errors": self.errors,
        }
