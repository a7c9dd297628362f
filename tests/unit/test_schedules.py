from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.schedules import Schedule, check_cron

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)  # a Sunday
BERLIN = "Europe/Berlin"


def due(line: str, start: datetime, number: int, zone: str | None = None) -> list[datetime]:
    """The next times of a line, in its zone."""
    schedule, found = Schedule(cron=line, timezone=zone), [start]
    for _ in range(number):
        found.append(schedule.after(start, found[-1]))
    return [each.astimezone(ZoneInfo(zone or "UTC")) for each in found[1:]]


@given(every=st.integers(1, 10_000_000), late=st.integers(0, 10_000_000_000))
def test_the_next_slot_is_the_first_after_now_on_the_grid(every: int, late: int) -> None:
    step, now = timedelta(seconds=every), NOW + timedelta(milliseconds=late)
    following = Schedule(step).after(NOW, now)
    assert now < following <= now + step
    assert (following - NOW) % step == timedelta(0)


def test_a_slot_to_come_is_the_next_one() -> None:
    assert Schedule(timedelta(minutes=1)).after(NOW + timedelta(hours=1), NOW) == NOW + timedelta(hours=1)


def test_a_slot_of_a_cron_line_is_not_due_again_at_its_own_time() -> None:
    assert due("0 9 * * *", NOW, 1) == [NOW + timedelta(days=1)]


def test_working_days_at_nine_are_read_in_the_zone() -> None:
    times = due("0 9 * * mon-fri", NOW, 6, BERLIN)
    assert [(each.strftime("%a"), each.hour, each.utcoffset()) for each in times] == [
        (day, 9, timedelta(hours=1)) for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Mon")
    ]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("6-1", "Mon Sat Sun"),
        ("*/2", "Tue Thu Sat Sun"),
        ("1-5/2", "Mon Wed Fri"),
        ("SAT,2", "Tue Sat"),
        ("0-7", "Mon Tue Wed Thu Fri Sat Sun"),
        ("sun-tue", "Mon Tue Sun"),
    ],
)
def test_weekdays_are_counted_as_cron_does(field: str, days: str) -> None:
    week = due(f"0 12 * * {field}", NOW - timedelta(days=6, hours=9), 7)  # from Monday on
    assert [each.strftime("%a") for each in week if each < NOW + timedelta(hours=15)] == days.split()


def test_a_day_of_the_month_and_a_weekday_are_due_on_either_as_in_cron() -> None:
    times = due("0 0 1 * fri", datetime(2026, 11, 26, tzinfo=UTC), 3)
    assert [(each.day, each.strftime("%a")) for each in times] == [(27, "Fri"), (1, "Tue"), (4, "Fri")]


def test_a_time_that_the_clocks_skip_is_due_an_hour_later_by_the_wall() -> None:
    times = due("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), 2, BERLIN)
    assert [each.isoformat() for each in times] == ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_a_time_that_the_clocks_pass_twice_is_due_twice() -> None:
    times = due("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 3, BERLIN)
    assert [each.isoformat() for each in times] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize(
    "line",
    ["", "0 9 * *", "0 9 * * mon-fri *", "61 * * * *", "0 9 * * someday", "0 9 * * 8", "0 9 * * 1/0", "٣ * * * *", "a"],
)
def test_a_line_that_cannot_be_read_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_cron(line, None, NOW)
    assert "mon-fri" in (refused.value.hint or "")


def test_a_line_without_a_time_to_come_is_refused() -> None:
    with pytest.raises(UsageError, match="is never due"):
        check_cron("0 0 30 2 *", None, NOW)


@given(line=st.text(alphabet="0123456789*/-, monfrisu", max_size=30))
def test_any_text_is_a_line_or_is_refused(line: str) -> None:
    try:
        check_cron(line, BERLIN, NOW)
    except UsageError:
        return
    assert Schedule(cron=line, timezone=BERLIN).after(NOW, NOW) > NOW
