"""Decide what a campaign's next round does and why, and forecast the rest of it. Pure: numbers in, decision out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turkctl.fees import LARGE_HIT, FeeRule
from turkctl.operations.campaigns.hours import Window, parse_window
from turkctl.operations.campaigns.standing import Facts, Standing, allowance
from turkctl.store import campaigns
from turkctl.store.campaigns import Campaign
from turkctl.store.experiments import Version
from turkctl.units import format_time
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.mturk.types import Balance

POSTED = "posted"
WAITING = "waiting"
"""Nothing to post: the outstanding assignments may meet the goal, or a limit on HITs is reached."""
CLOSED = "closed"
"""Nothing to post: it is before the start, or outside the hours."""
EXHAUSTED = campaigns.EXHAUSTED
LAST = (campaigns.MET, campaigns.ENDED, campaigns.SUPERSEDED)
"""The outcomes that end the campaign."""

ROUNDS_FORESEEN = 100_000
"""Number of rounds beyond which the forecast gives no end."""
FORESEEN = timedelta(days=73_000)
"""The time beyond which the forecast gives no end either."""


@dataclass(frozen=True)
class Decision:
    """A decision about one round."""

    outcome: str
    reason: str
    wanted: int = 0
    """Number of missing assignments, at most those of one round."""
    post: int = 0
    """Number of assignments to post now."""


def window_of(campaign: Campaign) -> Window | None:
    """Return the hours in which the campaign posts; None if it posts at any time."""
    return None if campaign.hours is None else parse_window(campaign.hours, campaign.timezone)


def decide(facts: Facts, balance: Balance | None, now: datetime) -> Decision:
    """Return what the next round of a running campaign does at ``now``; if ``balance`` is None, ignore the balance.

    It never posts more than ``goal - completed - outstanding - unsettled`` assignments.
    """
    campaign, version, standing = facts.campaign, facts.version, facts.standing
    last = _last(campaign, version, standing, now)
    if last is not None:
        return last
    closed = _closed(campaign, now)
    if closed is not None:
        return Decision(CLOSED, closed)
    if not version.active:
        gone = "is closed: it is being ended" if version.closed else "is no longer configured"
        return Decision(WAITING, f"experiment {version.slug} {gone}")
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
        reason += f"; each round posts {campaign.per_round}"
    return Decision(POSTED, reason, wanted, post)


def _last(campaign: Campaign, version: Version, standing: Standing, now: datetime) -> Decision | None:
    if version.code_version != campaign.code_version:
        return Decision(campaigns.SUPERSEDED, superseded_by(campaign, version.code_version))
    if standing.completed >= standing.goal:
        return Decision(campaigns.MET, f"{counted(standing.completed, 'person', 'people')} completed it")
    if campaign.end_at is not None and campaign.end_at <= now:
        return Decision(campaigns.ENDED, f"it was set to end at {format_time(campaign.end_at)}")
    return None


def superseded_by(campaign: Campaign, code_version: str) -> str:
    """Return the reason why a campaign is superseded."""
    return f"the experiment is now at code version {code_version}, not {campaign.code_version}"


def _closed(campaign: Campaign, now: datetime) -> str | None:
    """Return why nothing is posted at this time; None if posting is possible."""
    if campaign.start_at is not None and now < campaign.start_at:
        return f"it starts at {format_time(campaign.start_at)}"
    window = window_of(campaign)
    if window is None or window.is_open(now):
        return None
    opens = window.next_open(now)
    if campaign.end_at is not None and campaign.end_at <= opens:
        return f"it only posts during {window}, which does not come before its end at {format_time(campaign.end_at)}"
    return f"it only posts during {window}; next at {format_time(opens)}"


def _in_play(standing: Standing) -> str:
    parts = [f"{standing.completed} completed and {standing.outstanding} outstanding"]
    if standing.unsettled:
        parts.append(f"{standing.unsettled} requested but not confirmed")
    return f"{', '.join(parts)}: enough for the goal of {standing.goal}"


@dataclass(frozen=True)
class Forecast:
    """The rounds, HITs and dollars that a campaign still needs, if workers take each round's HITs before the next."""

    missing: int
    """Number of assignments still to be posted."""
    rounds: int
    hits: int
    cost: Decimal
    """Dollars, commission included."""
    cost_in_large_hits: Decimal
    """Dollars for the same assignments in HITs of ten or more; the same where that costs no more."""
    before_end: int
    """Number of the missing assignments that the rounds before the campaign's end can post."""
    starts: datetime
    expected_end: datetime | None
    """When the last round's workers should be done; None if the campaign ends before the goal is met."""

    def as_dict(self) -> dict[str, Any]:
        """Return the forecast as ``campaign plan`` shows it."""
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


def forecast(campaign: Campaign, standing: Standing, fee: FeeRule, *, masters: bool, now: datetime) -> Forecast:
    """Return the forecast from ``now`` on: rounds at their interval, within the hours, until the end if one is set."""
    full, rest = divmod(standing.missing, campaign.per_round)
    rounds = full + bool(rest)
    first, last, held = _times(campaign, rounds, now)
    low, high = (fee.assignment_cost(campaign.reward, size, masters=masters) for size in (1, LARGE_HIT))
    return Forecast(
        missing=standing.missing,
        rounds=rounds,
        hits=full * len(fee.split(campaign.per_round)) + len(fee.split(rest)),
        cost=low * standing.missing,
        cost_in_large_hits=high * standing.missing,
        before_end=min(standing.missing, held * campaign.per_round),
        starts=first,
        expected_end=None if last is None else last + timedelta(seconds=campaign.duration),
    )


def _times(campaign: Campaign, rounds: int, now: datetime) -> tuple[datetime, datetime | None, int]:
    """Return the times of the first and the last of these rounds, and how many come before the campaign's end.

    The last is None if it does not come, or if nobody counts that far.
    """
    every, moment = timedelta(seconds=campaign.every), next_opening(campaign, now)
    first, held = moment, 0
    counted_to = now + FORESEEN if campaign.end_at is None else min(campaign.end_at, now + FORESEEN)
    while held < min(rounds, ROUNDS_FORESEEN) and moment < counted_to:
        last, held = moment, held + 1
        moment = next_opening(campaign, moment + every)
    return first, last if held and held == rounds else None, held


def next_opening(campaign: Campaign, moment: datetime) -> datetime:
    """Return the first time from ``moment`` on at which the campaign may post, by its start and its hours."""
    moment = max(moment, campaign.start_at or moment)
    window = window_of(campaign)
    return moment if window is None else window.next_open(moment)


def next_round_at(campaign: Campaign, due: datetime, now: datetime) -> datetime:
    """Return when the next round comes: at ``due`` if the campaign may post then, else when it may, or when it ends."""
    opens = next_opening(campaign, max(due, now))
    return opens if campaign.end_at is None else min(opens, max(now, campaign.end_at))
