"""What ``campaign create`` and ``campaign plan`` ask for, checked, and what it would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.mturk.types import Balance
from turkctl.operations.campaigns.decisions import Forecast, forecast, next_opening, window_of
from turkctl.operations.campaigns.hours import parse_window
from turkctl.operations.campaigns.repeats import foreseen, warning
from turkctl.operations.campaigns.standing import Allowance, Standing, allowance, read_facts
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import settings_of, the_experiment
from turkctl.operations.intents.posts import Post
from turkctl.operations.qualifications.gate import has_gate
from turkctl.operations.sync.of_psiturk import enter_psiturk, unassigned_warning
from turkctl.settings import Settings
from turkctl.store import campaigns, psiturk_hits
from turkctl.store.base import Place
from turkctl.store.campaigns import MOST, Campaign
from turkctl.store.experiments import Version
from turkctl.units import CENT, format_money, format_time

EVERY = timedelta(minutes=30)
PER_ROUND = 9
_LONGEST = timedelta(days=365)
_ANY_TYPE = "A" * 30
"""Stands for the qualification type that a new HIT has to ask to be absent, when only the number of them matters."""


SHORT_INTERVAL = 60
"""Seconds between rounds below which the user is asked to look again: minutes may have been meant."""


@dataclass(frozen=True)
class CampaignRequest:
    """The arguments of ``campaign create`` and ``campaign plan``."""

    goal: int
    experiment: str | None = None
    """The slug; None means the only one that is configured."""
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
    """A campaign that could be created, and what it would take."""

    campaign: Campaign
    version: Version
    standing: Standing
    forecast: Forecast
    room: Allowance
    in_the_way: Campaign | None
    """The campaign that has the experiment's one place in this mode."""
    repeats: Mapping[str, Any] | None
    """How many assignments may go to people who did another, and their cost; None where that is prevented or meant."""
    unassigned: tuple[str, ...] = ()
    """HITs of psiTurk's that count because nothing says whose they are."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before agreeing."""
        lines = []
        if self.in_the_way is not None:
            lines.append(
                f"campaign {self.in_the_way.number} is {self.in_the_way.status}: this one cannot start beside it"
            )
        if self.room.assignments < self.forecast.missing:
            lines.append(f"there is room for {self.room.assignments} of {self.forecast.missing}: {self.room.reason}")
        if self.campaign.every < SHORT_INTERVAL:
            lines.append(f"a round every {self.campaign.every} seconds: a plain number means seconds; 30m are minutes")
        if self.forecast.expected_end is None:
            lines.append("its end comes before the goal can be met at this pace")
        if self.unassigned:
            lines.append(unassigned_warning(self.unassigned))
        if self.repeats is not None and self.repeats["possible"]:
            lines.append(warning(self.repeats, self.forecast.missing))
        return tuple(lines)

    def as_dict(self) -> dict[str, Any]:
        """As ``campaign plan`` shows it."""
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
    """Check the arguments and work out what the campaign would take; changes nothing.

    Raises:
        UsageError: a number, time, amount or zone that cannot be meant; another code version than the stored one;
            a goal that is not above what is complete.
        NotFoundError: no such experiment, or several and none named.
    """
    now = world.now()
    balance = world.engine().call(world.mturk.balance)
    enter_psiturk(world, now)
    with world.database.read() as session:
        plan = _plan(session, world.place, world.settings, request, balance, now)
    if plan.campaign.allow_repeat_workers or has_gate(world, plan.version):
        return plan
    return replace(plan, repeats=foreseen(plan.campaign, plan.version, plan.standing))


def _plan(
    session: Session, place: Place, settings: Settings, request: CampaignRequest, balance: Balance, now: datetime
) -> CampaignPlan:
    version = the_experiment(session, request.experiment, settings)
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
        forecast=forecast(campaign, numbers, masters=_masters(version), now=now),
        room=allowance(facts, balance),
        in_the_way=campaigns.running_of(session, version.experiment_id, place.mode),
        unassigned=tuple(psiturk_hits.unassigned(session, place)),
        repeats=None,
    )


def _masters(version: Version) -> bool:
    return bool(settings_of(version).qualifications.get("masters"))


def not_above(goal: int, completed: int) -> UsageError:
    """The refusal of a goal that is met already."""
    return UsageError(
        f"a goal of {goal} is not above the {completed} people who have completed it",
        hint=f"give {completed + 1} or more",
    )


def check_pace(goal: int | None, every: timedelta | None, per_round: int | None) -> None:
    """See that goal and pace can be meant.

    Raises:
        UsageError: they cannot.
    """
    for name, number in (("--goal", goal), ("--per-round", per_round)):
        if number is not None and not 1 <= number <= MOST:
            raise UsageError(
                f"{name} {number} recruits nobody" if number < 1 else f"{name} {number:,} is more than {MOST:,}",
                hint=f"give 1 to {MOST:,}",
            )
    if every is not None and not timedelta(seconds=1) <= every <= _LONGEST:
        raise UsageError("--every is not between 1 second and 365 days", hint="write 90s, 30m or 12h")


def _check(request: CampaignRequest, version: Version, now: datetime) -> None:
    check_pace(request.goal, request.every, request.per_round)
    if request.code_version not in (None, version.code_version):
        raise UsageError(
            f"experiment {version.slug} is at code version {version.code_version}, not '{request.code_version}'",
            hint="change code_version in its file and run `turkctl experiments configure`, or leave --codeversion out",
        )
    if request.reward is not None and request.reward < CENT:
        raise UsageError(f"a reward of ${format_money(request.reward)} is too low", hint="give $0.01 or more")
    if request.duration is not None and not timedelta(seconds=30) <= request.duration <= _LONGEST:
        raise UsageError("--duration lies outside 30 seconds to 365 days", hint="write 30m, 12h or 3d")
    _check_times(request, now)


def _check_times(request: CampaignRequest, now: datetime) -> None:
    if request.hours is not None:
        parse_window(request.hours, request.timezone)
    elif request.timezone is not None:
        raise UsageError("--timezone needs --hours", hint="add --hours 09:00-17:00")
    if request.end_at is None:
        return
    if request.end_at <= now:
        raise UsageError(f"--end-at {format_time(request.end_at)} is over", hint=f"it is {format_time(now)}")
    if request.start_at is not None and request.end_at <= request.start_at:
        raise UsageError("--end-at is not after --start-at", hint="give a later end")


def _check_window(campaign: Campaign, now: datetime) -> None:
    if campaign.end_at is not None and next_opening(campaign, now) >= campaign.end_at:
        raise UsageError(
            f"it would never post: {window_of(campaign)} does not come before {format_time(campaign.end_at)}",
            hint="give a later --end-at or other --hours",
        )


def _check_post(campaign: Campaign, version: Version) -> None:
    """See that a HIT can be made of the settings.

    Raises:
        ConfigError: among others, too many qualification requirements.
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
