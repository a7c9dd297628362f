"""Read once what HITs and unfinished requests of a place have committed, by experiment and by campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from turkctl.fees import cost_of_each
from turkctl.store import hits, intents, slots
from turkctl.store.base import Scope
from turkctl.store.campaigns import digest
from turkctl.store.hits import Hit
from turkctl.store.intents import Intent
from turkctl.store.slots import Slots
from turkctl.units import ZERO


def cost_of_committed(groups: Iterable[Slots]) -> Decimal:
    """Return the dollars of slots that are open, pending, unreviewed or approved, commission included."""
    return sum((cost_of_each(group) * group.committed for group in groups), ZERO)


def cost_of_undecided(groups: Iterable[Slots]) -> Decimal:
    """Return the dollars of slots that may still be paid for, commission included."""
    return sum((cost_of_each(group) * group.undecided for group in groups), ZERO)


@dataclass(frozen=True)
class Commitments:
    """The dollars committed by a place's HITs and unfinished requests, without bonuses already paid."""

    groups: Sequence[Slots]
    """Slots, grouped by cost, experiment and campaign."""
    waiting: Sequence[Intent]
    """The unfinished requests."""
    growing: Mapping[str, Hit]
    """The HITs that unfinished requests extend, by id."""

    def of_experiment(self, experiment_id: int) -> Decimal:
        """Return the dollars committed on an experiment's HITs and requests, commission included."""
        groups = [group for group in self.groups if group.experiment_id == experiment_id]
        requests = (intent.cost for intent in self.waiting if intent.experiment_id == experiment_id)
        return cost_of_committed(groups) + sum(requests, ZERO)

    def of_campaign(self, number: int) -> Decimal:
        """Return the dollars committed on a campaign's HITs and requests, commission included."""
        groups = [group for group in self.groups if group.campaign_id == number]
        requests = (intent.cost for intent in self.waiting if self._campaign(intent) == digest(number))
        return cost_of_committed(groups) + sum(requests, ZERO)

    def exposure(self) -> Decimal:
        """Return the dollars that open, pending and unreviewed slots, and requests, may still cost."""
        return cost_of_undecided(self.groups) + sum((intent.cost for intent in self.waiting), ZERO)

    def _campaign(self, intent: Intent) -> str | None:
        """Return the digest of the campaign that a request counts against."""
        if intent.kind != intents.EXTEND_HIT:
            return intent.digest
        hit = self.growing.get(intent.subject)
        return None if hit is None or hit.campaign_id is None else digest(hit.campaign_id)


def read_commitments(scope: Scope) -> Commitments:
    """Return what is committed, from one snapshot of the database."""
    waiting = intents.unfinished(scope.session, scope.place)
    extended = [intent.subject for intent in waiting if intent.kind == intents.EXTEND_HIT]
    growing = hits.by_ids(scope.session, scope.place, extended)
    return Commitments(slots.slots(scope, apart=True), waiting, growing)
