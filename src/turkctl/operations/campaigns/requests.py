"""Check the arguments of ``campaign create`` and ``campaign plan``, and plan the campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.errors import UsageError
from turkctl.mturk.types import Balance
from turkctl.operations.campaigns.decisions import Forecast, forecast, next_opening, window_of
from turkctl.operations.campaigns.hours import parse_window
from turkctl.operations.campaigns.repeats import foreseen, warning
from turkctl.operations.campaigns.standing import Allowance, Standing, allowance, read_facts
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_active_experiment, settings_of
from turkctl.operations.intents.posts import Post
from turkctl.operations.qualifications.gate import has_gate
from turkctl.operations.sync.of_psiturk import enter_psiturk, unassigned_warning
from turkctl.settings import Settings
from turkctl.store import campaigns, psiturk_hits
from turkctl.store.base import Place, Scope
from turkctl.store.campaigns import MOST, Campaign
from turkctl.store.experiments import Version
from turkctl.units import CENT, format_money, format_time
from turkctl.words import counted

EVERY = timedelta(minutes=30)
PER_ROUND = 9
_LONGEST = timedelta(days=365)
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
    every: timedelta = EVERY
    per_round: int = PER_ROUND
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
        if self.forecast.expected_end is None:
            lines.append("at this pace the campaign ends before its goal can be met")
        if self.unassigned:
            lines.append(unassigned_warning(self.unassigned))
        if self.repeats is not None and self.repeats["possible"]:
            lines.append(warning(self.repeats, self.forecast.missing))
        return tuple(lines)

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
            "repeats": self.repeats,
        }


def plan_campaign(world: World, request: CampaignRequest) -> CampaignPlan:
    """Check the arguments and return the plan of the campaign; change nothing.

    Raises:
        UsageError: a number, time, amount or zone is invalid; the code version is not the stored one; or at least as
            many people as the goal have already completed it.
        NotFoundError: there is no such experiment, or there are several and none is named.
    """
    now = world.now()
    balance = world.engine().call(world.mturk.balance)
    enter_psiturk(world, now)
    with world.database.read() as session:
        plan = _plan(Scope(session, world.place, now), world.settings, request, balance)
    if plan.campaign.allow_repeat_workers or has_gate(world, plan.version):
        return plan
    return replace(plan, repeats=foreseen(plan.campaign, plan.version, plan.standing))


def _plan(scope: Scope, settings: Settings, request: CampaignRequest, balance: Balance) -> CampaignPlan:
    session, place, now = scope.session, scope.place, scope.now
    version = find_active_experiment(session, request.experiment, settings)
    _check(request, version, now)
    campaign = _campaign(request, version, place, now)
    _check_post(campaign, version)
    facts = read_facts(session, campaign, settings["participants_table"], now)
    numbers = facts.standing
    if request.goal <= numbers.completed:
        raise not_above(request.goal, numbers.completed)
    _check_window(campaign, now)
    return CampaignPlan(
        campaign=campaign,
        version=version,
        standing=numbers,
        forecast=forecast(campaign, numbers, masters=settings_of(version).masters, now=now),
        room=allowance(facts, balance),
        in_the_way=campaigns.running_of(session, version.experiment_id, place.mode),
        unassigned=tuple(psiturk_hits.unassigned(session, place)),
        repeats=None,
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
                f"{name} must be 1 to {MOST:,}, not {number:,}",
                hint="give the number of people to recruit" if name == "--goal" else "give a number of assignments",
            )
    if every is not None and not timedelta(seconds=1) <= every <= _LONGEST:
        raise UsageError("--every must be 1 second to 365 days", hint="write 90s, 30m or 12h")


def _check(request: CampaignRequest, version: Version, now: datetime) -> None:
    check_pace(request.goal, request.every, request.per_round)
    if request.code_version not in (None, version.code_version):
        raise UsageError(
            f"experiment {version.slug} is at code version {version.code_version}, not '{request.code_version}'",
            hint="change code_version in its file and run `turkctl experiments configure`, or omit --codeversion",
        )
    if request.reward is not None and request.reward < CENT:
        raise UsageError(f"a reward of ${format_money(request.reward)} is too low", hint="give $0.01 or more")
    if request.duration is not None and not timedelta(seconds=30) <= request.duration <= _LONGEST:
        raise UsageError("--duration must be 30 seconds to 365 days", hint="write 30m, 12h or 3d")
    _check_times(request, now)


def _check_times(request: CampaignRequest, now: datetime) -> None:
    if request.hours is not None:
        parse_window(request.hours, request.timezone)
    elif request.timezone is not None:
        raise UsageError("--timezone needs --hours", hint="add --hours 09:00-17:00")
    if request.end_at is None:
        return
    if request.end_at <= now:
        raise UsageError(
            f"--end-at {format_time(request.end_at)} is in the past", hint=f"give a time after {format_time(now)}"
        )
    if request.start_at is not None and request.end_at <= request.start_at:
        raise UsageError("--end-at is not after --start-at", hint="give a later end")


def _check_window(campaign: Campaign, now: datetime) -> None:
    if campaign.end_at is not None and next_opening(campaign, now) >= campaign.end_at:
        raise UsageError(
            f"the campaign would never post: no hours {window_of(campaign)} come before its end at "
            f"{format_time(campaign.end_at)}",
            hint="give a later --end-at or other --hours",
        )


def _check_post(campaign: Campaign, version: Version) -> None:
    """Raise unless a HIT can be made from the settings.

    Raises:
        ConfigError: for example, there are too many qualification requirements.
    """
    absent = () if campaign.allow_repeat_workers else (_ANY_TYPE,)
    post = Post.of(version, 1, reward=campaign.reward, duration=timedelta(seconds=campaign.duration), absent=absent)
    post.request("", campaign.mode)


def _campaign(request: CampaignRequest, version: Version, place: Place, now: datetime) -> Campaign:
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
        every=int(request.every.total_seconds()),
        per_round=request.per_round,
        budget=request.budget,
        start_at=request.start_at,
        end_at=request.end_at,
        hours=None if window is None else window.hours,
        timezone=None if window is None else window.zone.key,
        allow_repeat_workers=request.allow_repeat_workers,
        created=now,
    )
