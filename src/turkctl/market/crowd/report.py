"""What a crowd did: single events, and their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

EventKind = Literal["found_nothing", "accepted", "submitted", "returned", "abandoned"]


@dataclass(frozen=True)
class CrowdEvent:
    """One thing that one worker did.

    Attributes:
        kind: what it was. Work that the market would not take back or in any more counts as abandoned.
        worker_id: who did it.
        hit_id: on which HIT; None when nothing was found.
        refused: the codes with which the market, or a HIT's requirements, refused the worker on the way.
        requested: how many qualifications the worker asked for on the way.
    """

    kind: EventKind
    worker_id: str
    hit_id: str | None
    refused: tuple[str, ...] = ()
    requested: int = 0


@dataclass(frozen=True)
class CrowdReport:
    """Sums over events. Every accepted HIT ends up as submitted, returned or abandoned; the rest is still at work.

    Attributes:
        accepted: assignments taken.
        submitted: of these, or of earlier ones, handed in.
        returned: given back.
        abandoned: left until the deadline, or not taken any more by the market.
        refused: how often by which reason, each worker and HIT kept out by requirements once.
        requested: qualifications asked for.
        workers: people who looked for HITs or worked on one.
        passed: how far the market's time moved meanwhile.
    """

    accepted: int
    submitted: int
    returned: int
    abandoned: int
    refused: Mapping[str, int]
    requested: int
    workers: int
    passed: timedelta


@dataclass
class Tally:
    """Adds up events."""

    kinds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    requested: int = 0
    workers: set[str] = field(default_factory=set)

    def add(self, event: CrowdEvent) -> None:
        """Count one event."""
        self.kinds[event.kind] += 1
        self.refused.update(event.refused)
        self.requested += event.requested
        self.workers.add(event.worker_id)

    def report(self, passed: timedelta) -> CrowdReport:
        """The sums so far."""
        return CrowdReport(
            accepted=self.kinds["accepted"],
            submitted=self.kinds["submitted"],
            returned=self.kinds["returned"],
            abandoned=self.kinds["abandoned"],
            refused=dict(sorted(self.refused.items())),
            requested=self.requested,
            workers=len(self.workers),
            passed=passed,
        )
