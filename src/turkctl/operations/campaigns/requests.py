"""Check the arguments of ``campaign create`` and ``campaign plan``, and plan the campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.fees import FeeRule
from turkctl.mturk.types import Balance
from turkctl.operations.campaigns.decisions import Forecast, forecast, next_opening, window_of
from turkctl.operations.campaigns.hours import parse_window
from turkctl.operations.campaigns.pacing import EVERY, pace_within, usual_round
from turkctl.operations.campaigns.repeats import foreseen, warning
from turkctl.operations.campaigns.standing import Allowance, Standing, allowance, read_facts
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment, settings_of
from turkctl.operations.intents.posts import Post
from turkctl.operations.market_rules import learn_rules
from turkctl.operations.qualifications.gate import has_gate
from turkctl.operations.qualifications.study_types import require_market
from turkctl.operations.sync.of_psiturk import enter_psiturk, unassigned_warning
from turkctl.settings import Settings
from turkctl.store import campaigns, market_rules, psiturk_hits
from turkctl.store.base import Place, Scope
from turkctl.store.campaigns import MOST, Campaign
from turkctl.store.experiments import Version
from turkctl.units import format_time
from turkctl.words import counted

_LONGEST = timedelta(days=365)
_FARTHEST = timedelta(days=36_500)
_ANY_TYPE = "A" * 30
"""Stands for the qualification type that a new HIT excludes, where only the number of types matters."""


SHORT_INTERVAL = 60
"""Seconds between rounds below which the user is warned: they may have meant minutes."""


@dataclass(frozen=True)
class CampaignRequest:
    """The arguments of ``campaign create`` and ``campaign plan``."""

    goal: int
    experiment: str | None = None
    """The slug; None means the only configured experiment."""
    code_version: str | None = None
    reward: Decimal | None = None
    duration: timedelta | None = None
    every: timedelta | None = None
    """None: :data:`EVERY`, or what ``within`` allows."""
    per_round: int | None = None
    """None: :func:`usual_round`, or what ``within`` needs."""
    within: timedelta | None = None
    """The time from the first round until the last people should be done; None: as long as it takes."""
    budget: Decimal | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    hours: str | None = None
    timezone: str | None = None
    allow_repeat_workers: bool = False


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign that could be created, with its forecast."""

    campaign: Campaign
    version: Version
    standing: Standing
    forecast: Forecast
    room: Allowance
    in_the_way: Campaign | None
    """The experiment's running campaign in this mode, of which there can be only one."""
    repeats: Mapping[str, Any] | None
    """How many assignments may go to people who did another, and their cost; None if that is prevented or allowed."""
    fee: FeeRule
    """The market's rule of commission."""
    unassigned: tuple[str, ...] = ()
    """HITs of psiTurk that are counted because their experiment is unknown."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know before agreeing."""
        lines = []
        if self.in_the_way is not None:
            lines.append(
                f"campaign {self.in_the_way.number} is {self.in_the_way.status}: this one cannot start until it is over"
            )
        if self.room.assignments < self.forecast.missing:
            room, missing = self.room, self.forecast.missing
            lines.append(f"only {room.assignments} of {missing} assignments can be posted now: {room.reason}")
        if self.campaign.every < SHORT_INTERVAL:
            lines.append(f"a round runs every {self.campaign.every} seconds; for minutes, write --every 30m")
        if self.reaches < self.campaign.goal:
            lines.append(self._short())
        if self.unassigned:
            lines.append(unassigned_warning(self.unassigned))
        if self.repeats is not None and self.repeats["possible"]:
            lines.append(warning(self.repeats, self.forecast.missing))
        return tuple(lines)

    @property
    def reaches(self) -> int:
        """Return the number of people that the campaign can have at its end, with the money there is now."""
        return self.campaign.goal - self.forecast.missing + min(self.room.assignments, self.forecast.before_end)

    def _short(self) -> str:
        """Return why the goal cannot be reached and how many people can, and what changes that."""
        people = f"{self.reaches} of {counted(self.campaign.goal, 'person', 'people')}"
        if self.room.assignments <= self.forecast.before_end:
            return f"it can reach {people}, unless there is more money or a higher limit"
        end = "" if self.campaign.end_at is None else f" its end at {format_time(self.campaign.end_at)}"
        how = "give a higher --per-round, a shorter --every or a later --end-at"
        return f"at this pace it can reach {people} before{end or ' its rounds end'}: {how}"

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as ``campaign plan`` shows it."""
        campaign = self.campaign
        return {
            "experiment": self.version.slug,
            "mode": campaign.mode,
            "codeversion": campaign.code_version,
            "goal": campaign.goal,
            "completed": self.standing.completed,
            "outstanding": self.standing.outstanding + self.standing.unsettled,
            **self.forecast.as_dict(),
            "reward": campaign.reward,
            "duration": timedelta(seconds=campaign.duration),
            "every": timedelta(seconds=campaign.every),
            "per_round": campaign.per_round,
            "budget": campaign.budget,
            "affordable": min(self.room.assignments, self.forecast.missing),
            "reaches": self.reaches,
            "repeats": self.repeats,
        }


def plan_campaign(world: World, request: CampaignRequest) -> CampaignPlan:
    """Check the arguments and return the plan of the campaign; change nothing.

    Raises:
        ConfigError: the experiment has an audience or a consent, which this market does not know.
        UsageError: a number, time, amount or zone is invalid; the code version is not the stored one; or at least as
            many people as the goal have already completed it.
        NotFoundError: there is no such experiment, or there are several and none is named.
    """
    now = world.now()
    learn_rules(world)
    balance = world.engine().call(world.mturk.balance)
    enter_psiturk(world, now)
    with world.database.read() as session:
        plan = _plan(Scope(session, world.place, now), world.settings, request, balance)
    require_market(world, [plan.version])
    if plan.campaign.allow_repeat_workers or has_gate(world, plan.version):
        return plan
    return replace(plan, repeats=foreseen(plan.campaign, plan.version, plan.standing, plan.fee))


def _plan(scope: Scope, settings: Settings, request: CampaignRequest, balance: Balance) -> CampaignPlan:
    session, place, now = scope.session, scope.place, scope.now
    version = find_active_experiment(session, request.experiment, settings)
    _check(request, version, now)
    fee = market_rules.fee_at(session, place)
    campaign = _campaign(request, version, place, now, fee)
    check_post(campaign, version, fee)
    facts = read_facts(session, campaign, settings["participants_table"], now)
    numbers = facts.standing
    if request.goal <= numbers.completed:
        raise not_above(request.goal, numbers.completed)
    check_window(campaign, now)
    if request.within is not None:
        whole = facts.fee.largest or 1
        pace = pace_within(
            campaign, numbers.missing, request.within, whole, every=request.every, per_round=request.per_round
        )
        campaign.every, campaign.per_round = int(pace.every.total_seconds()), pace.per_round
    return CampaignPlan(
        campaign=campaign,
        version=version,
        standing=numbers,
        forecast=forecast(campaign, numbers, facts.fee, masters=settings_of(version).masters, now=now),
        room=allowance(facts, balance),
        in_the_way=campaigns.running_of(session, version.experiment_id, place.mode),
        unassigned=tuple(psiturk_hits.unassigned(session, place)),
        repeats=None,
        fee=facts.fee,
    )


def not_above(goal: int, completed: int) -> UsageError:
    """Return the error for a goal that is already met."""
    return UsageError(
        f"a goal of {goal} is already met: {counted(completed, 'person', 'people')} completed the experiment",
        hint=f"give {completed + 1} or more",
    )


def check_pace(goal: int | None, every: timedelta | None, per_round: int | None) -> None:
    """Raise unless goal and pace are valid.

    Raises:
        UsageError: a value is too low or too high.
    """
    for name, number in (("--goal", goal), ("--per-round", per_round)):
        if number is not None and not 1 <= number <= MOST:
            raise UsageError(
                f"{name} must be between 1 and {MOST:,}, not {number:,}",
                hint="give the number of people to recruit" if name == "--goal" else "give a number of assignments",
            )
    if every is not None and not timedelta(seconds=1) <= every <= _LONGEST:
        raise UsageError("--every must be between 1 second and 365 days", hint="write 90s, 30m or 12h")


def _check(request: CampaignRequest, version: Version, now: datetime) -> None:
    check_pace(request.goal, request.every, request.per_round)
    if request.code_version not in (None, version.code_version):
        raise UsageError(
            f"experiment {version.slug} is at code version {version.code_version}, not '{request.code_version}'",
            hint="change code_version in its file and run `turkctl experiments configure`, or omit --codeversion",
        )
    check_duration(request.duration)
    if request.hours is not None:
        parse_window(request.hours, request.timezone)
    elif request.timezone is not None and request.start_at is None and request.end_at is None:
        raise UsageError(
            "--timezone needs --hours, --start-at or --end-at", hint="add --hours 09:00-17:00, or leave it out"
        )
    if request.start_at is not None and request.start_at - now > _FARTHEST:
        raise UsageError(f"--start-at {format_time(request.start_at)} is too far away", hint="give an earlier start")
    check_end(request.start_at, request.end_at, now)


def check_duration(duration: timedelta | None) -> None:
    """Raise unless the time that a worker has is valid.

    Raises:
        UsageError: it is too short or too long.
    """
    if duration is not None and not timedelta(seconds=30) <= duration <= _LONGEST:
        raise UsageError("--duration must be between 30 seconds and 365 days", hint="write 30m, 12h or 3d")


def check_end(start_at: datetime | None, end_at: datetime | None, now: datetime) -> None:
    """Raise unless a campaign's end, if it has one, is in the future and after its start.

    Raises:
        UsageError: it is not.
    """
    if end_at is None:
        return
    if end_at <= now:
        present = format_time(now.replace(microsecond=0))
        raise UsageError(f"--end-at {format_time(end_at)} is in the past", hint=f"give a time after {present}")
    if start_at is not None and end_at <= start_at:
        raise UsageError("--end-at is not after --start-at", hint="give a later end")


def check_window(campaign: Campaign, now: datetime) -> None:
    """Raise unless the campaign's hours come before its end.

    Raises:
        UsageError: they do not, so that it would post nothing.
    """
    if campaign.end_at is not None and next_opening(campaign, now) >= campaign.end_at:
        raise UsageError(
            f"the campaign would never post: no hours {window_of(campaign)} come before its end at "
            f"{format_time(campaign.end_at)}",
            hint="give a later --end-at or other --hours",
        )


def check_post(campaign: Campaign, version: Version, fee: FeeRule) -> None:
    """Raise unless a HIT can be made from the settings.

    Raises:
        ConfigError: for example, there are too many qualification requirements.
        UsageError: the reward is too low for the market.
    """
    fee.check_reward(campaign.reward)
    absent = () if campaign.allow_repeat_workers else (_ANY_TYPE,)
    duration = timedelta(seconds=campaign.duration)
    post = Post.of(version, 1, fee, reward=campaign.reward, duration=duration, absent=absent)
    post.request("", campaign.mode)


def _campaign(request: CampaignRequest, version: Version, place: Place, now: datetime, fee: FeeRule) -> Campaign:
    settings = settings_of(version)
    duration = settings.duration if request.duration is None else request.duration
    window = None if request.hours is None else parse_window(request.hours, request.timezone)
    return Campaign(
        mode=place.mode,
        market=place.market,
        experiment_id=version.experiment_id,
        code_version=version.code_version,
        goal=request.goal,
        reward=settings.reward if request.reward is None else request.reward,
        duration=int(duration.total_seconds()),
        every=int((request.every or EVERY).total_seconds()),
        per_round=request.per_round or usual_round(request.goal, fee),
        budget=request.budget,
        start_at=request.start_at,
        end_at=request.end_at,
        hours=None if window is None else window.hours,
        timezone=None if window is None else window.zone.key,
        allow_repeat_workers=request.allow_repeat_workers,
        created=now,
    )
