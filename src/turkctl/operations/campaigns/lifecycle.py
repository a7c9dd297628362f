"""Campaigns: creating, updating and cancelling them. :mod:`turkctl.operations.campaigns.rounds` runs their rounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import FundsError, NotFoundError, RefusedError, UsageError, WrongMarketError
from turkctl.operations.campaigns.decisions import superseded_by
from turkctl.operations.campaigns.requests import CampaignPlan, check_pace, not_above
from turkctl.operations.campaigns.standing import Facts, allowance, each_cost, read_facts
from turkctl.operations.engine.world import World
from turkctl.store import campaigns, experiments, intents, tasks
from turkctl.store.base import Place
from turkctl.store.campaigns import Campaign, digest
from turkctl.store.tasks import Task
from turkctl.units import ZERO, format_time


def check_startable(plan: CampaignPlan) -> None:
    """See that nothing is in the campaign's way.

    Raises:
        RefusedError: the experiment has a running campaign in this mode.
        FundsError: budget or balance cannot pay one HIT of one assignment.
    """
    if plan.in_the_way is not None:
        raise _one_only(plan.version.slug, plan.in_the_way)
    if plan.room.money and not plan.room.assignments:
        raise FundsError(
            f"not one HIT can be paid: {plan.room.reason}", hint="raise the budget, add to the balance, or pay less"
        )


def _one_only(slug: str, other: Campaign) -> RefusedError:
    number = other.number
    return RefusedError(
        f"experiment {slug} has campaign {number} in mode {other.mode}, which is {other.status}",
        hint=f"raise its goal: turkctl campaigns update {number} --goal N; "
        f"or end it: turkctl campaigns cancel {number}",
    )


def create(world: World, plan: CampaignPlan) -> Campaign:
    """Start the campaign of a plan: from now on the scheduler runs its rounds. Posts nothing itself.

    Raises:
        RefusedError, FundsError: see :func:`check_startable`.
    """
    check_startable(plan)
    with world.database.write() as session:
        other = campaigns.running_of(session, plan.version.experiment_id, plan.campaign.mode)
        if other is not None:
            raise _one_only(plan.version.slug, other)
        campaign = campaigns.insert(session, Campaign(**plan.campaign.model_dump(exclude={"id"})))
        keep_task(session, campaign, plan.forecast.starts)
    return campaign


def keep_task(session: Session, campaign: Campaign, next_run: datetime | None = None) -> None:
    """Bring the campaign's task in line: there while it runs, gone when it is over.

    Args:
        session: the transaction that changes the campaign.
        campaign: as it is now.
        next_run: when its next round is due; None leaves that as it is.
    """
    task = tasks.of_campaign(session, campaign.number)
    if not campaign.running:
        if task is not None:
            tasks.remove(session, task)
        return
    if task is None:
        tasks.create(session, _task(campaign, next_run or campaign.created))
        return
    values: dict[str, Any] = {"every": campaign.every}
    if next_run is not None:
        values["next_run"] = next_run
    tasks.change(session, task, values)


def _task(campaign: Campaign, next_run: datetime) -> Task:
    return Task(
        name=f"campaign-{campaign.number}",
        kind=tasks.CAMPAIGN,
        mode=campaign.mode,
        market=campaign.market,
        every=campaign.every,
        options={"campaign": campaign.number},
        next_run=next_run,
        campaign_id=campaign.number,
        created=campaign.created,
    )


def find(session: Session, campaign_id: int, place: Place | None = None, *, mode: str | None = None) -> Campaign:
    """The campaign of that number.

    Args:
        session: on turkctl's database.
        campaign_id: its number.
        place: where it has to be; None: only the mode has to be right.
        mode: which mode that is, without a place.

    Raises:
        NotFoundError: there is none.
        WrongMarketError: it recruits in another mode or market.
    """
    found = campaigns.get(session, campaign_id)
    if found is None:
        raise NotFoundError(f"there is no campaign {campaign_id}", hint="see: turkctl campaigns list")
    wanted = place.mode if place is not None else mode
    if wanted is not None and found.mode != wanted:
        raise WrongMarketError(
            f"campaign {campaign_id} belongs to mode {found.mode}, not {wanted}", hint=f"add --mode {found.mode}"
        )
    if place is not None and found.market != place.market:
        raise WrongMarketError(
            f"campaign {campaign_id} belongs to the market {found.market}, not {place.market}",
            hint="point --endpoint-url, --market-url or the credentials at the market it was created for",
        )
    return found


def end(session: Session, facts: Facts, status: str, reason: str, now: datetime) -> bool:
    """End a running campaign for good, with its task; its requests that were never sent are given up.

    Its numbers stay as they are in ``facts``, which were read in this transaction. False when it was over already.
    """
    campaign, final = facts.campaign, facts.numbers
    if not campaigns.set_status(
        session, campaign.number, expected=campaigns.RUNNING, new=status, reason=reason, now=now, final=final
    ):
        return False
    give_up_unsent(session, campaign, f"the campaign is {status}", now)
    ended = campaigns.get(session, campaign.number)
    assert ended is not None
    keep_task(session, ended)
    return True


def give_up_unsent(session: Session, campaign: Campaign, reason: str, now: datetime) -> None:
    """Give up the campaign's requests that were decided on and never sent: whoever would send one finds it taken."""
    for intent in intents.unfinished_by_digest(session, campaign.place, digest(campaign.number)):
        if intent.state == intents.OPEN:
            intents.abandon(session, intent.token, reason, now)


def supersede(
    session: Session, experiment_id: int, code_version: str, now: datetime, participants_table: str
) -> list[int]:
    """End the experiment's running campaigns of another code version than the one about to be stored; their numbers.

    Once that is stored, participants whose HIT is unknown no longer count for the campaigns that it ends.
    """
    ended = []
    for campaign in campaigns.running_anywhere(session, experiment_id):
        if campaign.code_version != code_version:
            reason = superseded_by(campaign, code_version)
            facts = read_facts(session, campaign, participants_table, now)
            if end(session, facts, campaigns.SUPERSEDED, reason, now):
                ended.append(campaign.number)
    return ended


def cancel(world: World, campaign_id: int) -> Campaign:
    """Cancel a campaign: no further HIT is posted. Its open HITs stay. One that is over stays as it is.

    Raises:
        NotFoundError, WrongMarketError: see :func:`find`.
    """
    now = world.now()
    with world.database.write() as session:
        campaign = find(session, campaign_id, mode=world.settings.mode)
        if campaign.running:
            facts = read_facts(session, campaign, world.settings["participants_table"], now)
            end(session, facts, campaigns.CANCELLED, "cancelled by hand", now)
        return find(session, campaign_id)


@dataclass(frozen=True)
class CampaignChange:
    """The arguments of ``campaign update``; None leaves a value as it is."""

    goal: int | None = None
    every: timedelta | None = None
    per_round: int | None = None
    budget: Decimal | None = None

    def values(self) -> dict[str, Any]:
        """The columns that change.

        Raises:
            UsageError: nothing changes, or a value cannot be meant.
        """
        check_pace(self.goal, self.every, self.per_round)
        given = {
            "goal": self.goal,
            "every": None if self.every is None else int(self.every.total_seconds()),
            "per_round": self.per_round,
            "budget": self.budget,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        if not changed:
            raise UsageError("nothing to change", hint="give --goal, --every, --per-round or --budget")
        return changed


def check_update(world: World, campaign_id: int, change: CampaignChange) -> tuple[Campaign, Campaign]:
    """The campaign as it is, and as it would be.

    Raises:
        UsageError: see :meth:`CampaignChange.values`; or the goal is not above what is complete.
        RefusedError: the campaign is over (one that met its goal goes on with a higher one).
        FundsError: the budget cannot pay one more assignment than is committed.
        NotFoundError, WrongMarketError: see :func:`find`.
    """
    values, now = change.values(), world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id, world.place)
        changed = Campaign(**{**campaign.model_dump(), **values})
        _check_update(session, campaign, changed, change, world.settings["participants_table"], now)
    return campaign, changed


def _check_update(
    session: Session,
    campaign: Campaign,
    changed: Campaign,
    change: CampaignChange,
    participants_table: str,
    now: datetime,
) -> None:
    number = campaign.number
    version = experiments.current(session, campaign.experiment_id)
    goes_on = campaign.status == campaigns.MET and change.goal is not None
    if not (campaign.running or goes_on) or version.code_version != campaign.code_version:
        raise RefusedError(f"campaign {number} is {campaign.status}", hint="create another: turkctl campaigns create")
    if goes_on and campaign.end_at is not None and campaign.end_at <= now:
        raise RefusedError(
            f"campaign {number} was set to end at {format_time(campaign.end_at)}, which is over",
            hint="create another: turkctl campaigns create",
        )
    if goes_on:
        other = campaigns.running_of(session, campaign.experiment_id, campaign.mode)
        if other is not None:
            raise _one_only(version.slug, other)
    facts = read_facts(session, changed, participants_table, now)
    numbers = facts.standing
    if change.goal is not None and change.goal <= numbers.completed:
        raise not_above(change.goal, numbers.completed)
    if change.budget is not None and numbers.missing:
        left = allowance(facts, None)
        if left.money and not left.assignments:
            raise FundsError(f"not one HIT more can be paid: {left.reason}", hint="give a higher --budget")


def raised_cost(world: World, before: Campaign, after: Campaign) -> Decimal:
    """Dollars that a change may add to the bill: people more, or budget more, commission included."""
    with world.database.read() as session:
        version = experiments.current(session, before.experiment_id)
    people = max(0, after.goal - before.goal) * each_cost(after, version)
    money = ZERO if before.budget is None or after.budget is None else after.budget - before.budget
    return max(people, money, ZERO)


def _sooner(session: Session, campaign: Campaign, now: datetime) -> datetime | None:
    """When the next round is due once the interval became shorter; None where it stays as it is."""
    task = tasks.of_campaign(session, campaign.number)
    latest = max(now, campaign.start_at or now) + timedelta(seconds=campaign.every)
    return latest if task is not None and latest < task.next_run else None


def update(world: World, campaign_id: int, change: CampaignChange) -> Campaign:
    """Change goal, pace or budget; the next round goes by them. A campaign that met its goal goes on with a higher one.

    Raises:
        UsageError, RefusedError, FundsError, NotFoundError, WrongMarketError: see :func:`check_update`.
    """
    values, now = change.values(), world.now()
    table = world.settings["participants_table"]
    with world.database.write() as session:
        campaign = find(session, campaign_id, world.place)
        changed = Campaign(**{**campaign.model_dump(), **values})
        _check_update(session, campaign, changed, change, table, now)
        campaigns.change(session, campaign_id, expected=(campaign.status,), values=values)
        if campaign.status != campaigns.ACTIVE:
            campaigns.set_status(
                session, campaign_id, expected=(campaign.status,), new=campaigns.ACTIVE, reason=None, now=now
            )
        stored = find(session, campaign_id)
        keep_task(session, stored, _sooner(session, stored, now) if campaign.running else now)
    return stored
