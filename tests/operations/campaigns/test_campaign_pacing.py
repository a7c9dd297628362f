"""The pace that brings everybody in within a time, and what a plan says that cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.fees import MTURK
from turkctl.operations.campaigns.decisions import forecast, next_round_at
from turkctl.operations.campaigns.pacing import SHORTEST, RoundPace, pace_within
from turkctl.operations.campaigns.standing import Standing
from turkctl.store.campaigns import Campaign

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def campaign(goal: int = 100, *, hours: str | None = None, duration: timedelta = timedelta(hours=1)) -> Campaign:
    return Campaign(
        mode="local",
        market="here",
        experiment_id=1,
        code_version="1.0",
        goal=goal,
        reward=Decimal("1.00"),
        duration=int(duration.total_seconds()),
        every=1800,
        per_round=9,
        hours=hours,
        timezone=None if hours is None else "UTC",
        created=START,
    )


def end_of(made: Campaign, pace: RoundPace) -> datetime:
    """When the last people of the campaign are done at this pace, round by round."""
    made.every, made.per_round = int(pace.every.total_seconds()), pace.per_round
    expected = forecast(made, Standing(made.goal, 0, 0, 0), MTURK, masters=False, now=START).expected_end
    assert expected is not None
    return expected


def test_a_hundred_people_in_two_days_come_in_twelve_rounds_of_nine() -> None:
    pace = pace_within(campaign(), 100, timedelta(days=2), 9, every=None, per_round=None)
    assert pace == RoundPace(timedelta(minutes=256), 9)  # eleven intervals in 47 hours


def test_a_given_interval_gives_the_size_of_rounds_and_the_other_way_round() -> None:
    made = campaign()
    assert pace_within(made, 100, timedelta(hours=5), 9, every=timedelta(hours=1), per_round=None).per_round == 27
    assert pace_within(made, 100, timedelta(hours=5), 9, every=None, per_round=50).every == timedelta(hours=4)


def test_rounds_become_larger_where_small_ones_would_follow_too_soon() -> None:
    pace = pace_within(campaign(10_000), 10_000, timedelta(days=2), 9, every=None, per_round=None)
    assert (pace.every >= SHORTEST, pace.per_round % 9) == (True, 0)
    assert pace.per_round == 9 * ceil(10_000 / (47 * 6 + 1) / 9)


@pytest.mark.parametrize(
    ("within", "every", "per_round", "said"),
    [
        (timedelta(minutes=59), None, None, "one assignment can take 1h"),
        (timedelta(days=1), timedelta(hours=1), 9, "both are given"),
        (timedelta(minutes=61), None, 1, "cannot be posted in that time"),
    ],
)
def test_a_pace_that_does_not_exist_is_refused(
    within: timedelta, every: timedelta | None, per_round: int | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        pace_within(campaign(), 100, within, 9, every=every, per_round=per_round)
    assert caught.value.hint


@given(
    missing=st.integers(1, 3000),
    within=st.integers(120, 10_000),
    hours=st.sampled_from([None, "09:00-17:00", "22:00-02:00", "12:00-12:10"]),
)
def test_everybody_is_in_time_and_no_smaller_round_would_do(missing: int, within: int, hours: str | None) -> None:
    made, time = campaign(missing, hours=hours), within * MINUTE
    pace = pace_within(made, missing, time, 9, every=None, per_round=None)
    start = next_round_at(made, START, START)
    assert end_of(made, pace) <= start + time
    if pace.per_round > 9:
        assert end_of(made, RoundPace(SHORTEST, pace.per_round - 9)) > start + time
    if missing > pace.per_round:
        assert end_of(made, RoundPace(pace.every + MINUTE, pace.per_round)) > start + time
