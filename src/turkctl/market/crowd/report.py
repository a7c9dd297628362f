"""What a crowd did: single events, and their totals."""

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
        kind: what happened. Work that the market refused to take back or to accept counts as abandoned.
        worker_id: who did it.
        hit_id: the HIT; None if nothing was found.
        refused: the codes with which the market, a HIT's requirements or its page refused the worker meanwhile.
        requested: number of qualifications that the worker requested meanwhile.
    """

    kind: EventKind
    worker_id: str
    hit_id: str | None
    refused: tuple[str, ...] = ()
    requested: int = 0


@dataclass(frozen=True)
class CrowdReport:
    """Totals of events. Every accepted HIT ends as submitted, returned or abandoned; the rest is still being worked on.

    Attributes:
        accepted: assignments accepted.
        submitted: assignments submitted, including ones accepted in earlier runs.
        returned: assignments returned.
        abandoned: assignments left until the deadline, or refused by the market at the end.
        refused: number of refusals by reason; each worker kept out of a HIT by its requirements counts once.
        requested: qualifications requested.
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
        """Return the totals so far."""
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
