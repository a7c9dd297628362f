"""Count the assignments of a campaign that go to people who did another of its HITs: paid, and counted once.

On turkctl's own market a gate prevents them (:mod:`turkctl.operations.qualifications.gate`). On other markets a worker
can accept several HITs that are open at the same time, until the next round grants them the qualification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from turkctl.fees import FeeRule, cost_of_each
from turkctl.operations.campaigns.standing import Facts, Standing, each_cost
from turkctl.store import people, qualifications
from turkctl.store.campaigns import Campaign
from turkctl.store.experiments import Version
from turkctl.units import ZERO, money_text


def may_repeat(assignments: int, per_round: int, fee: FeeRule) -> int:
    """Return how many of the assignments may go to repeaters at most: all but those of the largest HIT.

    Each person can have one assignment of a HIT, so one HIT brings as many people as it has assignments.
    """
    return assignments - min(assignments, per_round, fee.largest or assignments)


def foreseen(campaign: Campaign, version: Version, numbers: Standing, fee: FeeRule) -> dict[str, Any]:
    """Return how many of the assignments still to be posted may go to repeaters, and their cost in dollars."""
    possible = may_repeat(numbers.missing, campaign.per_round, fee)
    return {"possible": possible, "cost": each_cost(campaign, version, fee) * possible}


def warning(repeats: Mapping[str, Any], missing: int) -> str:
    """Return a warning about what :func:`foreseen` found, for the user who is about to start the campaign."""
    return (
        f"this market cannot keep people from doing several HITs of a round: up to {repeats['possible']} of {missing} "
        f"assignments ({money_text(repeats['cost'])}) may go to people who did another; each person counts once"
    )


def so_far(session: Session, campaign: Campaign, facts: Facts) -> dict[str, Any] | None:
    """Return how many assignments may go, and went, to repeaters, and their cost in dollars, commission included.

    Return None if none went to repeaters and either a gate prevents it, repeaters are allowed, or no round has run.
    """
    went, cost = 0, ZERO
    for group in people.repeats(session, campaign.place, campaign.experiment_id, campaign.code_version, campaign.id):
        went += group.assignments
        cost += cost_of_each(group) * group.assignments
    prevented = campaign.allow_repeat_workers or not _open_to_repeaters(session, campaign)
    if prevented and not went:
        return None
    numbers = facts.standing
    in_play = numbers.outstanding + numbers.unsettled + numbers.missing
    possible = 0 if prevented or not campaign.running else may_repeat(in_play, campaign.per_round, facts.fee)
    possible_cost = each_cost(campaign, facts.version, facts.fee) * possible
    return {"possible": possible, "possible_cost": possible_cost, "went": went, "cost": cost}


def _open_to_repeaters(session: Session, campaign: Campaign) -> bool:
    """Return whether rounds exclude people who took part, while the market has no gate."""
    took_part, gate = (
        qualifications.find(session, campaign.place, campaign.experiment_id, purpose)
        for purpose in (qualifications.TOOK_PART, qualifications.GATE)
    )
    return took_part is not None and gate is None
