"""Campaigns as they are listed and shown, with what the next round would do and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from turkctl.operations.campaigns.decisions import decide, forecast, next_opening
from turkctl.operations.campaigns.lifecycle import find
from turkctl.operations.campaigns.repeats import so_far
from turkctl.operations.campaigns.standing import each_cost, room, standing
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.people import unclaimed_rows
from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.limits.campaigns import spent
from turkctl.store import campaigns, experiments, people, psiturk_hits, rounds, tasks
from turkctl.store.campaigns import Campaign
from turkctl.store.rounds import Round

COLUMNS = (
    "id",
    "experiment",
    "mode",
    "codeversion",
    "goal",
    "completed",
    "outstanding",
    "rounds",
    "spent",
    "status",
    "created",
    "ended",
    "reason",
)
ROUND_COLUMNS = (
    "round",
    "started",
    "completed",
    "outstanding",
    "wanted",
    "posted",
    "hits",
    "cost",
    "outcome",
    "reason",
)


def list_campaigns(world: World, *, active: bool = False, past: bool = False) -> list[dict[str, Any]]:
    """The rows of ``campaign list``, oldest first, by what the database knows."""
    statuses: Sequence[str] | None = None
    if active != past:
        statuses = campaigns.RUNNING if active else campaigns.PAST
    now, place, table = world.now(), world.listing_place, world.settings["participants_table"]
    with world.database.read() as session:
        counts = rounds.counts(session)
        found = campaigns.list_all(session, place, statuses)
        return [as_dict(session, campaign, counts.get(campaign.number, 0), table, now) for campaign in found]


def as_dict(
    session: Session, campaign: Campaign, rounds_run: int, participants_table: str, now: datetime
) -> dict[str, Any]:
    """The row of one campaign."""
    numbers = standing(session, campaign, now, participants_table)
    return {
        "id": campaign.number,
        "experiment": experiments.current(session, campaign.experiment_id).slug,
        "mode": campaign.mode,
        "codeversion": campaign.code_version,
        "goal": campaign.goal,
        "completed": numbers.completed,
        "outstanding": numbers.outstanding + numbers.unsettled,
        "rounds": rounds_run,
        "spent": spent(session, campaign, now),
        "status": campaign.status,
        "created": campaign.created,
        "ended": campaign.ended,
        "reason": campaign.reason,
        "market": campaign.market,
    }


def row_of(world: World, campaign_id: int) -> dict[str, Any]:
    """The row of one campaign, as ``campaign list`` has it."""
    now = world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        run = len(rounds.of_campaign(session, campaign_id))
        return as_dict(session, campaign, run, world.settings["participants_table"], now)


def show_campaign(world: World, campaign_id: int) -> dict[str, Any]:
    """One campaign in full: its row and settings, the next round explained, and all rounds with their numbers.

    ``repeats`` are the assignments that may go and went to people who did another of its HITs, and what those cost.
    ``unclaimed`` are complete participants of its mode who count for no experiment, and so not for this one.
    Asks the market nothing: the numbers are those of the last round or sync.

    Raises:
        NotFoundError: there is none of that number.
    """
    now, table = world.now(), world.settings["participants_table"]
    with world.database.read() as session:
        place = find(session, campaign_id).place
    nobodys = unclaimed_rows(world, place)
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        held = rounds.of_campaign(session, campaign_id)
        version = experiments.current(session, campaign.experiment_id)
        return {
            **as_dict(session, campaign, len(held), table, now),
            "reward": campaign.reward,
            "duration": timedelta(seconds=campaign.duration),
            "every": timedelta(seconds=campaign.every),
            "per_round": campaign.per_round,
            "budget": campaign.budget,
            "start_at": campaign.start_at,
            "end_at": campaign.end_at,
            "hours": campaign.hours,
            "timezone": campaign.timezone,
            "allow_repeat_workers": campaign.allow_repeat_workers,
            "repeats": so_far(session, campaign, version, standing(session, campaign, now, table)),
            "next_round": next_round(session, campaign, table, now) if campaign.running else None,
            "unclaimed": nobodys,
            "unassigned": psiturk_hits.unassigned(session, place),
            "history": [_round(each) for each in held],
        }


def next_round(session: Session, campaign: Campaign, participants_table: str, now: datetime) -> dict[str, Any]:
    """What the next round would do if it were run when it is due, by what the database knows now, and why."""
    version = experiments.current(session, campaign.experiment_id)
    numbers = standing(session, campaign, now, participants_table)
    task = tasks.of_campaign(session, campaign.number)
    due = task.next_run if task is not None else next_opening(campaign, now)
    left = room(session, campaign, version, None, now)
    decision = decide(campaign, version, numbers, left, max(now, due))
    masters = bool(settings_of(version).qualifications.get("masters"))
    parts = people.in_play(session, campaign.place, campaign.experiment_id, campaign.code_version, now)
    return {
        "at": due,
        "paused": task is not None and task.paused,
        "goal": campaign.goal,
        "completed": numbers.completed,
        **parts,
        "unsettled": numbers.unsettled,
        "missing": numbers.missing,
        "will_post": decision.post,
        "hits": decision.sizes,
        "cost": each_cost(campaign, version) * decision.post,
        "outcome": decision.outcome,
        "why": decision.reason,
        "forecast": forecast(campaign, numbers, masters=masters, now=max(now, due)).as_dict(),
    }


def _round(each: Round) -> dict[str, Any]:
    return {
        "round": each.number,
        "started": each.started,
        "finished": each.finished,
        "goal": each.goal,
        "completed": each.completed,
        "outstanding": each.outstanding,
        "unsettled": each.unsettled,
        "wanted": each.wanted,
        "posted": each.posted,
        "hits": each.hits,
        "cost": each.cost,
        "outcome": each.outcome,
        "reason": each.reason,
    }
