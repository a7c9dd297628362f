from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
    ("day", "opens"),
    [
        ("2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"),  # 02:30 does not happen: it is 03:30
        ("2026-10-24T23:00:00+00:00", "2026-10-25T00:30:00+00:00"),  # 02:30 happens twice: the first time counts
    ],
)
def test_on_days_when_the_clocks_change_a_window_opens_once(day: str, opens: str) -> None:
    assert parse_window("02:30-04:00", "Europe/Berlin").next_open(_at(day)) == _at(opens)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  # made aware below
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_the_next_opening_is_open_and_within_a_day(moment: datetime, opens: object, closes: object, zone: str) -> None:
    hours = f"{opens:%H:%M}-{closes:%H:%M}"
    if hours[:5] == hours[6:]:
        return
    window, now = parse_window(hours, zone), moment.replace(tzinfo=UTC)
    opening = window.next_open(now)
    assert now <= opening <= now + timedelta(hours=25)
    if window.is_open(now):
        assert opening == now


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
