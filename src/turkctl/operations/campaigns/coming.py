"""What a campaign's next round would do, and why, without anything that a round itself needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.operations.campaigns.decisions import decide, forecast, next_round_at
from turkctl.operations.campaigns.standing import Facts, each_cost
from turkctl.operations.experiments.terms import terms_of
from turkctl.store import people, tasks


def next_round(session: Session, facts: Facts, now: datetime, *, at_once: bool = False) -> dict[str, Any]:
    """Return what the next round would do when it is due, and why, by what the database knows now.

    Args:
        session: on turkctl's database.
        facts: about the campaign, read in this transaction.
        now: the time that the study lives in.
        at_once: whether the round is run by hand now, and not when it is due.
    """
    campaign, version, numbers = facts.campaign, facts.version, facts.standing
    task = tasks.of_campaign(session, campaign.number)
    planned = now if task is None or at_once else task.next_run
    due = now if at_once else next_round_at(campaign, planned, now)
    decision = decide(facts, None, due)
    paused = task is not None and task.paused and not at_once
    parts = people.in_play(session, campaign.place, campaign.experiment_id, campaign.code_version, now)
    return {
        "at": None if paused else planned if due == now else due,
        "paused": paused,
        "goal": campaign.goal,
        "completed": numbers.completed,
        **parts,
        "unsettled": numbers.unsettled,
        "missing": numbers.missing,
        "will_post": decision.post,
        "hits": facts.fee.split(decision.post),
        "cost": each_cost(campaign, version, facts.fee) * decision.post,
        "outcome": decision.outcome,
        "why": decision.reason,
        "forecast": forecast(campaign, numbers, facts.fee, masters=terms_of(version).masters, now=due).as_dict(),
    }
