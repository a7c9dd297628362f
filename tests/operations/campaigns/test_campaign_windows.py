from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.operations.campaigns.hours import parse_window
from turkctl.units import parse_zone


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_window_is_open_by_the_wall_clock_of_its_zone() -> None:
    window = parse_window("09:00-17:00", "Europe/Berlin")
    assert not window.is_open(_at("2026-11-22T07:59:59+00:00"))
    assert window.is_open(_at("2026-11-22T08:00:00+00:00"))
    assert window.is_open(_at("2026-11-22T15:59:59+00:00"))
    assert not window.is_open(_at("2026-11-22T16:00:00+00:00"))
    assert window.is_open(_at("2026-07-22T07:00:00+00:00"))  # summer time


def test_a_window_may_go_over_midnight_or_up_to_it() -> None:
    night = parse_window("22:00-6:00", None)
    assert night.is_open(_at("2026-11-22T23:00:00+00:00"))
    assert night.is_open(_at("2026-11-22T05:59:00+00:00"))
    assert not night.is_open(_at("2026-11-22T06:00:00+00:00"))
    evening = parse_window("18:00-24:00", None)
    assert evening.is_open(_at("2026-11-22T23:59:59+00:00"))
    assert not evening.is_open(_at("2026-11-23T00:00:00+00:00"))
    assert (night.hours, evening.hours) == ("22:00-06:00", "18:00-24:00")


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        ("02:30-04:00", "2026-03-29T00:30:00+00:00", "2026-03-29T01:00:00+00:00"),  # 02:30 does not happen: 03:00 does
        ("02:15-02:45", "2026-03-29T00:30:00+00:00", "2026-03-30T00:15:00+00:00"),  # it is all left out that night
        ("02:30-04:00", "2026-10-24T23:00:00+00:00", "2026-10-25T00:30:00+00:00"),  # 02:30 happens twice
        ("02:00-02:30", "2026-10-25T00:45:00+00:00", "2026-10-25T01:00:00+00:00"),  # the second pass is one, too
        ("01:30-02:15", "2026-10-25T00:45:00+00:00", "2026-10-25T01:00:00+00:00"),  # the clocks go back inside
    ],
)
def test_a_window_opens_as_the_clocks_show_it_on_nights_when_they_change(hours: str, moment: str, opens: str) -> None:
    assert parse_window(hours, "Europe/Berlin").next_open(_at(moment)) == _at(opens)


CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),  # half an hour
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Antarctica/Troll", "2026-03-29T01:00"),  # two hours
    ("Antarctica/Troll", "2026-10-25T01:00"),
    ("Africa/Cairo", "2026-04-23T22:00"),  # at midnight
    ("Africa/Cairo", "2026-10-29T21:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),  # a whole day
    ("Asia/Kathmandu", "2026-06-01T00:00"),  # never
]


@given(
    change=st.sampled_from(CHANGES),
    before=st.integers(-6 * 3600, 30 * 3600),
    near=st.integers(-200, 200),
    length=st.integers(1, 1439),
)
def test_a_window_opens_when_looking_at_the_clock_every_minute_says_so(
    change: tuple[str, str], before: int, near: int, length: int
) -> None:
    zone, text = change
    changed = _at(f"{text}:00+00:00")
    opens = (changed + timedelta(minutes=near)).astimezone(parse_zone(zone))
    closes = (opens.replace(tzinfo=None) + timedelta(minutes=length)).time()
    window, now = parse_window(f"{opens:%H:%M}-{closes:%H:%M}", zone), changed - timedelta(seconds=before)
    if window.is_open(now):
        assert window.next_open(now) == now
        return
    minute = now.replace(second=0)
    while not window.is_open(minute):
        minute += timedelta(minutes=1)
    assert window.next_open(now) == minute


@pytest.mark.parametrize("hours", ["", "9-17", "09:00", "09:00-25:00", "24:00-09:00", "09:60-10:00", "09:00-09:00"])
def test_hours_that_no_clock_has_are_refused(hours: str) -> None:
    with pytest.raises(UsageError):
        parse_window(hours, None)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Europe/Berln", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("new york", "America/New_York")],
)
def test_a_time_zone_that_does_not_exist_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match="there is no time zone") as refused:
        parse_zone(name)
    assert nearest in str(refused.value.hint)


@pytest.mark.parametrize("name", ["", "Europe", "../../etc/passwd", "/etc/localtime", "Mars/Olympus"])
def test_names_that_lead_elsewhere_are_no_time_zones(name: str) -> None:
    with pytest.raises(UsageError):
        parse_zone(name)
