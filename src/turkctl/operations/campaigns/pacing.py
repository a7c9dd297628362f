"""Work out the pace of a campaign: the rounds and the interval by which its people are done in time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from turkctl.errors import UsageError
from turkctl.fees import FeeRule
from turkctl.operations.campaigns.decisions import next_opening
from turkctl.store.campaigns import Campaign
from turkctl.units import format_duration

EVERY = timedelta(minutes=30)
"""The interval between rounds if nothing else is said."""
SHORTEST = timedelta(minutes=10)
"""The shortest interval that is worked out: rounds that follow sooner are not staggered."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class RoundPace:
    """How fast a campaign posts: ``per_round`` assignments in each round."""

    every: timedelta
    per_round: int


def usual_round(goal: int, fee: FeeRule) -> int:
    """Return the assignments of a round if nothing else is said: one HIT, as large as the commission stays low."""
    return fee.largest or goal


def pace_within(
    campaign: Campaign, missing: int, within: timedelta, whole: int, *, every: timedelta | None, per_round: int | None
) -> RoundPace:
    """Return the slowest pace at which the last people are done within a time; the rounds are as small as possible.

    Args:
        campaign: its start, end, hours and duration; its own pace does not count.
        missing: number of assignments to be posted.
        within: the time from the first round until the last people should be done.
        whole: number of assignments of the HITs that a round is made of.
        every: the interval, if that is given and only the size of the rounds is wanted.
        per_round: the assignments of a round, if that is given and only the interval is wanted.

    Raises:
        UsageError: both are given; or even all assignments in one round would not be done in time.
    """
    if every is not None and per_round is not None:
        raise UsageError("--within works out --every or --per-round, but both are given", hint="leave one of them out")
    task = timedelta(seconds=campaign.duration)
    if task > within:
        raise UsageError(
            f"--within {format_duration(within)} is too short: one assignment can take {format_duration(task)}",
            hint="give a longer time, or a shorter --duration",
        )
    start = next_opening(campaign, campaign.created)
    last = start + within - task  # the latest time of the last round
    if campaign.end_at is not None:
        last = min(last, max(start, campaign.end_at - timedelta(seconds=1)))
    if per_round is not None:
        return RoundPace(_interval(campaign, start, last, _rounds(missing, per_round), per_round), per_round)
    size = _size(campaign, start, last, missing, every or SHORTEST, whole)
    return RoundPace(every or _interval(campaign, start, last, _rounds(missing, size), size), size)


def _size(campaign: Campaign, start: datetime, last: datetime, missing: int, every: timedelta, whole: int) -> int:
    """Return the smallest number of assignments, in HITs of ``whole``, for which rounds so far apart are in time."""
    fewest = _rounds(missing, (last - start) // every + 1)  # assignments a round, if the campaign posts at all hours
    low, high = (fewest - 1) // whole, max(1, _rounds(missing, whole))  # too few HITs, enough
    while high - low > 1:
        middle = (low + high) // 2
        in_time = _end(campaign, start, _rounds(missing, middle * whole), every) <= last
        low, high = (low, middle) if in_time else (middle, high)
    return high * whole


def _interval(campaign: Campaign, start: datetime, last: datetime, rounds: int, per_round: int) -> timedelta:
    """Return the longest interval of whole minutes (below a minute: of seconds) for which the last round is in time."""
    unit = _MINUTE if _end(campaign, start, rounds, _MINUTE) <= last else timedelta(seconds=1)
    if _end(campaign, start, rounds, unit) > last:
        raise UsageError(
            f"rounds of {per_round} cannot be posted in that time",
            hint="give a longer --within or a higher --per-round",
        )
    if rounds <= 1:
        return EVERY
    low, high = 1, (last - start) // unit + 1  # in time, and too late
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _end(campaign, start, rounds, middle * unit) <= last else (low, middle)
    return low * unit


def _rounds(missing: int, per_round: int) -> int:
    return -(-missing // per_round)


def _end(campaign: Campaign, start: datetime, rounds: int, every: timedelta) -> datetime:
    """Return the time of the last round, within the campaign's hours; a longer interval never makes it earlier."""
    moment = start
    if campaign.hours is None:
        return start + (max(rounds, 1) - 1) * every
    for _ in range(rounds - 1):
        moment = next_opening(campaign, moment + every)
    return moment
