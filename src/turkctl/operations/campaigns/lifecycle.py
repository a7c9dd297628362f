"""Create, update, cancel and end campaigns. :mod:`turkctl.operations.campaigns.rounds` runs their rounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import FundsError, NotFoundError, RefusedError, UsageError, WrongMarketError
from turkctl.fees import FeeRule
from turkctl.operations.campaigns.decisions import next_round_at, superseded_by
from turkctl.operations.campaigns.hours import parse_window
from turkctl.operations.campaigns.requests import (
    CampaignPlan,
    check_duration,
    check_end,
    check_pace,
    check_post,
    check_window,
    not_above,
)
from turkctl.operations.campaigns.standing import Facts, allowance, each_cost, read_facts
from turkctl.operations.engine.world import World
from turkctl.operations.notices.events import tell_of_campaign
from turkctl.store import campaigns, experiments, intents, rounds, tasks
from turkctl.store.base import Place
from turkctl.store.campaigns import Campaign, digest
from turkctl.store.experiments import Version
from turkctl.store.tasks import Task
from turkctl.units import ZERO, format_time
from turkctl.words import counted

ALL_HOURS = "all"


def check_startable(plan: CampaignPlan) -> None:
    """Raise unless the campaign can start.

    Raises:
        RefusedError: the experiment has a running campaign in this mode.
        FundsError: budget or balance cannot pay one HIT of one assignment.
    """
    if plan.in_the_way is not None:
        raise _one_only(plan.version.slug, plan.in_the_way)
    if plan.room.money and not plan.room.assignments:
        raise FundsError(
            f"there is no money for a single HIT: {plan.room.reason}",
            hint="raise the budget, add to the balance, or lower the reward",
        )


def _one_only(slug: str, other: Campaign) -> RefusedError:
    number = other.number
    return RefusedError(
        f"experiment {slug} already has campaign {number} in mode {other.mode}, which is {other.status}",
        hint=f"raise its goal: turkctl campaigns update {number} --goal N; "
        f"or end it: turkctl campaigns cancel {number}",
    )


def create(world: World, plan: CampaignPlan) -> Campaign:
    """Create the campaign of a plan, whose rounds the scheduler runs from now on; post nothing yet.

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
    told = f"campaign {campaign.number} created: {counted(campaign.goal, 'person', 'people')} wanted"
    world.origin.tally.say(told, plan.version.slug)
    return campaign


def keep_task(session: Session, campaign: Campaign, next_run: datetime | None = None) -> None:
    """Create or update the task of a running campaign; delete the task of one that is over.

    Args:
        session: the transaction that changes the campaign.
        campaign: as it is now.
        next_run: when its next round is due; None keeps the task's time.
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
    """Return the campaign of that number.

    Args:
        session: on turkctl's database.
        campaign_id: its number.
        place: its required mode and market; None requires at most the mode.
        mode: its required mode if no place is given.

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
            hint="use the --endpoint-url, --market-url or credentials of the market it was created for",
        )
    return found


def end(session: Session, facts: Facts, status: str, reason: str, now: datetime) -> bool:
    """End a running campaign for good: delete its task, and give up its requests that were never sent.

    Args:
        session: the transaction that ends it.
        facts: about the campaign, read in this transaction; its numbers stay as they are in them.
        status: its final one.
        reason: why, for the user.
        now: the time that the study lives in.

    Returns:
        False if it was already over.
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
    tell_of_campaign(session, ended, final.completed, now)
    return True


def exhaust(session: Session, campaign_id: int, reason: str, now: datetime, people: int) -> None:
    """Let a running campaign wait for money, and tell of it.

    Args:
        session: the transaction in which money was found missing.
        campaign_id: its number.
        reason: what money is missing, for the user.
        now: the time that the study lives in.
        people: number of people who completed it.
    """
    if campaigns.set_status(
        session, campaign_id, expected=campaigns.RUNNING, new=campaigns.EXHAUSTED, reason=reason, now=now
    ):
        tell_of_campaign(session, find(session, campaign_id), people, now)


def give_up_unsent(session: Session, campaign: Campaign, reason: str, now: datetime) -> None:
    """Give up the campaign's requests that were decided on but never sent, so that no process sends them later."""
    for intent in intents.unfinished_by_digest(session, campaign.place, digest(campaign.number)):
        if intent.state == intents.OPEN:
            intents.abandon(session, intent.token, reason, now)


def supersede(
    session: Session, experiment_id: int, code_version: str, now: datetime, participants_table: str
) -> list[int]:
    """End the experiment's running campaigns of another code version than the one to be stored; return their numbers.

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
    """Cancel a campaign, so that it posts no more HITs; its open HITs stay. Do nothing if it is already over.

    Raises:
        NotFoundError, WrongMarketError: see :func:`find`.
    """
    now = world.now()
    with world.database.write() as session:
        campaign = find(session, campaign_id, mode=world.settings.mode)
        if not campaign.running:
            return campaign
        facts = read_facts(session, campaign, world.settings["participants_table"], now)
        if end(session, facts, campaigns.CANCELLED, "cancelled by the user", now):
            world.origin.tally.say(f"campaign {campaign_id} cancelled", facts.version.slug)
        return find(session, campaign_id)


@dataclass(frozen=True)
class CampaignChange:
    """The arguments of ``campaign update``; None keeps a value."""

    goal: int | None = None
    every: timedelta | None = None
    per_round: int | None = None
    budget: Decimal | None = None
    reward: Decimal | None = None
    duration: timedelta | None = None
    end_at: datetime | None = None
    endless: bool = False
    """Whether it gets no end."""
    hours: str | None = None
    """As in ``09:00-17:00``; :data:`ALL_HOURS` lets it post at any time."""
    timezone: str | None = None
    """Of the hours: the new ones, or those that the campaign has."""

    def values(self, campaign: Campaign) -> dict[str, Any]:
        """Return the columns of the campaign that change, with their new values.

        Raises:
            UsageError: nothing changes, or a value is invalid.
        """
        check_pace(self.goal, self.every, self.per_round)
        check_duration(self.duration)
        given = {
            "goal": self.goal,
            "every": None if self.every is None else int(self.every.total_seconds()),
            "per_round": self.per_round,
            "budget": self.budget,
            "reward": self.reward,
            "duration": None if self.duration is None else int(self.duration.total_seconds()),
            "end_at": self.end_at,
        }
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        changed |= self._hours(campaign) | ({"end_at": None} if self.endless else {})
        if not changed:
            raise UsageError("nothing to change", hint="give --goal, --budget, --every, --hours or another option")
        return changed

    def _hours(self, campaign: Campaign) -> dict[str, Any]:
        if self.hours == ALL_HOURS:
            return {"hours": None, "timezone": None}
        if self.hours is None and (self.timezone is None or (campaign.hours is None and self.end_at is not None)):
            return {}
        hours = campaign.hours if self.hours is None else self.hours
        if hours is None:
            raise UsageError(f"campaign {campaign.number} posts at all hours", hint="give --hours with --timezone")
        window = parse_window(hours, campaign.timezone if self.timezone is None else self.timezone)
        return {"hours": window.hours, "timezone": window.zone.key}

    @property
    def moves_rounds(self) -> bool:
        """Return whether the time of the next round may change."""
        return any((self.every, self.hours, self.timezone, self.end_at, self.endless))


def check_update(world: World, campaign_id: int, change: CampaignChange) -> tuple[Campaign, Campaign]:
    """Return the campaign before and after the change, without changing it.

    Raises:
        UsageError: see :meth:`CampaignChange.values`; or at least as many people as the goal have already completed it.
        RefusedError: the campaign is over (one that met its goal continues with a higher goal).
        FundsError: the budget cannot pay one assignment more than those already committed.
        NotFoundError, WrongMarketError: see :func:`find`.
    """
    now = world.now()
    with world.database.read() as session:
        campaign = find(session, campaign_id, world.place)
        changed = Campaign(**{**campaign.model_dump(), **change.values(campaign)})
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
            f"campaign {number} was set to end at {format_time(campaign.end_at)}, which is past",
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
    _check_terms(changed, change, version, facts.fee, now)
    if change.budget is not None and numbers.missing:
        left = allowance(facts, None)
        if left.money and not left.assignments:
            raise FundsError(f"there is no money for another HIT: {left.reason}", hint="give a higher --budget")


def _check_terms(changed: Campaign, change: CampaignChange, version: Version, fee: FeeRule, now: datetime) -> None:
    """Raise unless the campaign can post at its new times and with its new reward and duration."""
    if change.end_at is not None:
        check_end(changed.start_at, change.end_at, now)
    if change.end_at is not None or change.hours is not None or change.timezone is not None:
        check_window(changed, now)
    if change.reward is not None or change.duration is not None:
        check_post(changed, version, fee)


def raised_cost(world: World, before: Campaign, after: Campaign) -> Decimal:
    """Return the dollars that a change of goal, reward or budget may add to the bill, commission included."""
    with world.database.read() as session:
        facts = read_facts(session, before, world.settings["participants_table"], world.now())
    each = each_cost(after, facts.version, facts.fee)
    people = max(0, after.goal - before.goal) * each
    people += facts.standing.missing * max(ZERO, each - each_cost(before, facts.version, facts.fee))
    money = ZERO if before.budget is None or after.budget is None else after.budget - before.budget
    return max(people, money, ZERO)


def _next_round(
    session: Session, before: Campaign, after: Campaign, change: CampaignChange, now: datetime
) -> datetime | None:
    """Return when the next round is due after a change; None if that stays as it is."""
    task = tasks.of_campaign(session, after.number)
    if not before.running or task is None:
        return next_round_at(after, now, now)
    if not change.moves_rounds:
        return None
    earliest, every = max(now, after.start_at or now), timedelta(seconds=after.every)
    if change.hours is not None or change.timezone is not None:  # it may have waited for the old hours
        last = rounds.last(session, after.number)
        due = earliest if last is None else max(earliest, last.started + every)
    else:
        due = min(task.next_run, earliest + every) if change.every is not None else task.next_run
    return next_round_at(after, due, now)


def update(world: World, campaign_id: int, change: CampaignChange) -> Campaign:
    """Change a campaign from its next round on. One that met its goal continues with a higher goal.

    Raises:
        UsageError, RefusedError, FundsError, NotFoundError, WrongMarketError: see :func:`check_update`.
    """
    now, table = world.now(), world.settings["participants_table"]
    with world.database.write() as session:
        campaign = find(session, campaign_id, world.place)
        values = change.values(campaign)
        changed = Campaign(**{**campaign.model_dump(), **values})
        _check_update(session, campaign, changed, change, table, now)
        campaigns.change(session, campaign_id, expected=(campaign.status,), values=values)
        if campaign.status != campaigns.ACTIVE:
            campaigns.set_status(
                session, campaign_id, expected=(campaign.status,), new=campaigns.ACTIVE, reason=None, now=now
            )
        stored = find(session, campaign_id)
        keep_task(session, stored, _next_round(session, campaign, stored, change, now))
        slug = experiments.current(session, stored.experiment_id).slug
    names = ", ".join(name.replace("_", " ") for name in values)
    world.origin.tally.say(f"campaign {campaign_id} changed: {names}", slug)
    return stored
