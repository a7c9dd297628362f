"""What a campaign's next round does and why, and what the whole of it would take. Pure: numbers in, decision out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turkctl.fees import LARGE_HIT, MAX_LOW_COMMISSION, assignment_cost, split_assignments
from turkctl.operations.campaigns.hours import Window, parse_window
from turkctl.operations.campaigns.standing import Facts, Standing, allowance
from turkctl.store import campaigns
from turkctl.store.campaigns import Campaign
from turkctl.store.experiments import Version
from turkctl.units import format_time

if TYPE_CHECKING:
    from turkctl.mturk.types import Balance

POSTED = "posted"
WAITING = "waiting"
"""Nothing to post: what is in play may meet the goal, or a limit on HITs is reached."""
CLOSED = "closed"
"""Before the start, or outside the hours."""
EXHAUSTED = campaigns.EXHAUSTED
LAST = (campaigns.MET, campaigns.ENDED, campaigns.SUPERSEDED)
"""Outcomes that end the campaign."""

ROUNDS_FORESEEN = 100_000
"""Rounds after which the forecast gives no end."""


@dataclass(frozen=True)
class Decision:
    """What a round does."""

    outcome: str
    reason: str
    wanted: int = 0
    """Assignments that are missing, at most those of one round."""
    post: int = 0
    """Assignments to post now."""

    @property
    def sizes(self) -> list[int]:
        """The HITs, none of ten or more assignments."""
        return split_assignments(self.post)


def window_of(campaign: Campaign) -> Window | None:
    """The hours in which the campaign posts; None: at any time."""
    return None if campaign.hours is None else parse_window(campaign.hours, campaign.timezone)


def decide(facts: Facts, balance: Balance | None, now: datetime) -> Decision:
    """Return what the next round of a running campaign does at ``now``; without a balance that is left aside.

    Never posts more than ``goal - completed - outstanding - unsettled``, and never less than nothing.
    """
    campaign, version, standing = facts.campaign, facts.version, facts.standing
    last = _last(campaign, version, standing, now)
    if last is not None:
        return last
    closed = _closed(campaign, now)
    if closed is not None:
        return Decision(CLOSED, closed)
    if not version.active:
        return Decision(WAITING, f"experiment {version.slug} is no longer configured")
    if not standing.missing:
        return Decision(WAITING, _in_play(standing))
    wanted = min(campaign.per_round, standing.missing)
    room = allowance(facts, balance)
    post = min(wanted, room.assignments)
    if not post:
        return Decision(EXHAUSTED if room.money else WAITING, room.reason, wanted)
    reason = f"{standing.missing} of {standing.goal} people are missing"
    if post < wanted:
        reason += f"; {room.reason}"
    elif wanted < standing.missing:
        reason += f", {campaign.per_round} are posted a round"
    return Decision(POSTED, reason, wanted, post)


def _last(campaign: Campaign, version: Version, standing: Standing, now: datetime) -> Decision | None:
    if version.code_version != campaign.code_version:
        return Decision(campaigns.SUPERSEDED, superseded_by(campaign, version.code_version))
    if standing.completed >= standing.goal:
        return Decision(campaigns.MET, f"{standing.completed} people completed it")
    if campaign.end_at is not None and campaign.end_at <= now:
        return Decision(campaigns.ENDED, f"its end was set to {format_time(campaign.end_at)}")
    return None


def superseded_by(campaign: Campaign, code_version: str) -> str:
    """Why a campaign is superseded, in words."""
    return f"the experiment is now at code version {code_version}, not {campaign.code_version}"


def _closed(campaign: Campaign, now: datetime) -> str | None:
    """Why nothing is posted at this time, or None."""
    if campaign.start_at is not None and now < campaign.start_at:
        return f"it starts at {format_time(campaign.start_at)}"
    window = window_of(campaign)
    if window is not None and not window.is_open(now):
        return f"it posts {window} only; next at {format_time(window.next_open(now))}"
    return None


def _in_play(standing: Standing) -> str:
    parts = [f"{standing.completed} completed and {standing.outstanding} in play"]
    if standing.unsettled:
        parts.append(f"{standing.unsettled} requested without an answer yet")
    return f"{', '.join(parts)}: enough for {standing.goal}"


@dataclass(frozen=True)
class Forecast:
    """What a campaign would take from here, if workers take up each round before the next."""

    missing: int
    """Assignments still to be posted."""
    rounds: int
    hits: int
    cost: Decimal
    """Dollars, commission included."""
    cost_in_large_hits: Decimal
    """The same assignments in HITs of ten or more."""
    starts: datetime
    expected_end: datetime | None
    """When the last round's workers should be done; None where rounds end before the goal is met."""

    def as_dict(self) -> dict[str, Any]:
        """As ``campaign plan`` shows it."""
        return {
            "missing": self.missing,
            "rounds": self.rounds,
            "hits": self.hits,
            "cost": self.cost,
            "cost_in_large_hits": self.cost_in_large_hits,
            "saved": self.cost_in_large_hits - self.cost,
            "starts": self.starts,
            "expected_end": self.expected_end,
        }


def forecast(campaign: Campaign, standing: Standing, *, masters: bool, now: datetime) -> Forecast:
    """Look ahead from ``now``: the rounds at their interval, within the hours, until the end if one is set."""
    full, rest = divmod(standing.missing, campaign.per_round)
    rounds = full + bool(rest)
    first, last = _times(campaign, rounds, now)
    low, high = (assignment_cost(campaign.reward, size, masters=masters) for size in (MAX_LOW_COMMISSION, LARGE_HIT))
    return Forecast(
        missing=standing.missing,
        rounds=rounds,
        hits=full * len(split_assignments(campaign.per_round)) + len(split_assignments(rest)),
        cost=low * standing.missing,
        cost_in_large_hits=high * standing.missing,
        starts=first,
        expected_end=None if last is None else last + timedelta(seconds=campaign.duration),
    )


def _times(campaign: Campaign, rounds: int, now: datetime) -> tuple[datetime, datetime | None]:
    """When the first and the last of so many rounds would be; no last one when the campaign's end comes first."""
    window, every = window_of(campaign), timedelta(seconds=campaign.every)
    moment = first = next_opening(campaign, now)
    for _ in range(min(rounds, ROUNDS_FORESEEN) - 1):
        moment = moment + every if window is None else window.next_open(moment + every)
    beyond = campaign.end_at is not None and moment >= campaign.end_at
    return first, None if beyond or rounds > ROUNDS_FORESEEN else moment


def next_opening(campaign: Campaign, moment: datetime) -> datetime:
    """The first time from ``moment`` on at which the campaign may post."""
    moment = max(moment, campaign.start_at or moment)
    window = window_of(campaign)
    return moment if window is None else window.next_open(moment)
