"""List and show campaigns, with what the next round would do and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from turkctl.operations.campaigns.coming import next_round
from turkctl.operations.campaigns.lifecycle import find
from turkctl.operations.campaigns.repeats import so_far
from turkctl.operations.campaigns.standing import read_facts
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.people import unclaimed_rows
from turkctl.operations.limits.commitments import Commitments, read_commitments
from turkctl.operations.limits.paid import PaidRewards, read_paid
from turkctl.store import campaigns, experiments, psiturk_hits, rounds
from turkctl.store.base import Place, Scope
from turkctl.store.campaigns import Campaign, FinalNumbers
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
    "paid",
    "status",
    "created",
    "ended",
    "reason",
)
KEYS = (*COLUMNS, "market")
"""All keys of a row."""
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


def list_campaigns(
    world: World, *, active: bool = False, past: bool = False, ended: bool = True
) -> list[dict[str, Any]]:
    """Return the rows of ``campaign list``, oldest first, from the database alone.

    ``ended=False`` leaves out those of experiments that have ended.
    """
    statuses: Sequence[str] | None = None
    if active != past:
        statuses = campaigns.RUNNING if active else campaigns.PAST
    now, place, table = world.now(), world.listing_place, world.settings["participants_table"]
    with world.database.read() as session:
        counts = rounds.counts(session)
        slugs = {each.experiment_id: each.slug for each in experiments.list_all(session, ended=ended)}
        found = [each for each in campaigns.list_all(session, place, statuses) if each.experiment_id in slugs]
        places = {campaign.place for campaign in found}
        committed: dict[Place, Commitments] = {
            place: read_commitments(Scope(session, place, now))
            for place in {campaign.place for campaign in found if campaign.final is None}
        }
        paid = {place: read_paid(session, place) for place in places}
        numbers = {
            campaign.number: campaign.final
            or read_facts(session, campaign, table, now, committed[campaign.place]).numbers
            for campaign in found
        }
    return [
        _row(each, slugs[each.experiment_id], numbers[each.number], counts.get(each.number, 0), paid[each.place])
        for each in found
    ]


def _row(campaign: Campaign, slug: str, numbers: FinalNumbers, rounds_run: int, paid: PaidRewards) -> dict[str, Any]:
    """Return the row of one campaign: ``spent`` is what is committed on its HITs, ``paid`` the part that is paid.

    The numbers of one that is over are those of its end, but for what is paid: its work may still be approved.
    """
    return {
        "id": campaign.number,
        "experiment": slug,
        "mode": campaign.mode,
        "codeversion": campaign.code_version,
        "goal": campaign.goal,
        "completed": numbers.completed,
        "outstanding": numbers.outstanding,
        "rounds": rounds_run,
        "spent": numbers.spent,
        "paid": None if numbers.spent is None else paid.of_campaign(campaign.number),
        "status": campaign.status,
        "created": campaign.created,
        "ended": campaign.ended,
        "reason": campaign.reason,
        "market": campaign.market,
    }


def row_of(world: World, campaign_id: int) -> dict[str, Any]:
    """Return the row of one campaign, as ``campaign list`` has it."""
    now = world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        run = len(rounds.of_campaign(session, campaign_id))
        facts = read_facts(session, campaign, world.settings["participants_table"], now)
        return _row(campaign, facts.version.slug, facts.numbers, run, read_paid(session, campaign.place))


def show_campaign(world: World, campaign_id: int) -> dict[str, Any]:
    """Return a campaign with its settings, an explanation of its next round, and the numbers of all rounds.

    ``repeats`` are the assignments that may go, and that went, to people who did another of its HITs, with their cost.
    ``unclaimed`` are complete participants of its mode who count for no experiment, and so not for this campaign.
    The market is not asked: the numbers are those of the last round or sync.

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
        facts = read_facts(session, campaign, table, now)
        return {
            **_row(campaign, facts.version.slug, facts.numbers, len(held), read_paid(session, place)),
            **_terms(campaign),
            "allow_repeat_workers": campaign.allow_repeat_workers,
            "repeats": so_far(session, campaign, facts),
            "next_round": next_round(session, facts, now) if campaign.running else None,
            "unclaimed": nobodys,
            "unassigned": psiturk_hits.unassigned(session, place),
            "history": [_round(each) for each in held],
        }


def round_now(world: World, campaign_id: int) -> dict[str, Any]:
    """Return the row of a campaign, with what a round that is run now would do as its ``next_round``.

    ``next_round`` is as in :func:`show_campaign`, and None if the campaign is over. The market is not asked.

    Raises:
        NotFoundError, WrongMarketError: there is none of that number in this mode and market.
    """
    now = world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id, world.place)
        facts = read_facts(session, campaign, world.settings["participants_table"], now)
        coming = next_round(session, facts, now, at_once=True) if campaign.running else None
    return {**row_of(world, campaign_id), "per_round": campaign.per_round, "next_round": coming}


def changed_row(world: World, campaign_id: int) -> dict[str, Any]:
    """Return the row of a campaign that was changed, with its pace, terms and times, and when its next round comes."""
    now = world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id)
        facts = read_facts(session, campaign, world.settings["participants_table"], now)
        coming = next_round(session, facts, now) if campaign.running else {"at": None}
    return {**row_of(world, campaign_id), **_terms(campaign), "next_round_at": coming["at"]}


def _terms(campaign: Campaign) -> dict[str, Any]:
    return {
        "reward": campaign.reward,
        "duration": timedelta(seconds=campaign.duration),
        "every": timedelta(seconds=campaign.every),
        "per_round": campaign.per_round,
        "budget": campaign.budget,
        "start_at": campaign.start_at,
        "end_at": campaign.end_at,
        "hours": campaign.hours,
        "timezone": campaign.timezone,
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
