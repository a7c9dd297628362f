"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from turkctl.moments import in_words, local_time, short_time, span, when, zone_name

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 5, 4, 12, 5, tzinfo=UTC), "today 14:05"),
        (datetime(2026, 5, 4, 22, 30, tzinfo=UTC), "tomorrow 00:30"),
        (datetime(2026, 5, 3, 21, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 5, 9, 7, 0, tzinfo=UTC), "9 May 09:00"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "1 Jan 00:30"),
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), "31 Dec 2025 23:30"),
    ],
)
def test_a_time_is_short_and_by_the_clock_of_its_zone(moment, words):
    assert short_time(moment, NOW, BERLIN) == words


def test_the_zone_is_named_as_it_is_called_at_that_moment():
    assert zone_name(NOW, BERLIN) == "CEST"
    assert zone_name(datetime(2026, 1, 4, tzinfo=UTC), BERLIN) == "CET"
    assert zone_name(NOW, ZoneInfo("America/Sao_Paulo")) == "UTC-0300"
    assert zone_name(NOW, timezone(timedelta(hours=5, minutes=30), "")) == "UTC+0530"
    assert local_time(NOW, NOW, BERLIN) == "today 12:00 CEST"


def test_a_moment_says_how_far_off_it_is():
    assert when(NOW + timedelta(hours=2), NOW, UTC) == "today 12:00 UTC (in 2 h)"


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=1.5), "in 1 s"),
        (timedelta(seconds=119), "in 119 s"),
        (timedelta(minutes=3, seconds=59), "in 3 min"),
        (timedelta(minutes=119), "in 119 min"),
        (timedelta(hours=47), "in 47 h"),
        (timedelta(days=3, hours=20), "in 3 days"),
        (-timedelta(minutes=3, seconds=30), "3 min ago"),
        (-timedelta(days=2), "2 days ago"),
    ],
)
def test_a_span_is_told_in_its_largest_unit_of_which_it_has_two(delta, words):
    assert in_words(delta) == words


def test_no_span_of_time_is_less_than_nothing():
    assert span(-timedelta(hours=5)) == "0 s"


def test_the_ends_of_all_times_have_words():
    assert short_time(datetime.max.replace(tzinfo=UTC), NOW, BERLIN) == "31 Dec 9999 23:59"
    assert short_time(datetime.min.replace(tzinfo=UTC), NOW, ZoneInfo("America/New_York")).startswith("1 Jan 0001")
