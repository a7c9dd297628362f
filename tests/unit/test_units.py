from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import UsageError
from turkctl.units import (
    duration_in_words,
    format_duration,
    format_money,
    format_time,
    from_micros,
    parse_duration,
    parse_money,
    parse_time,
    to_micros,
)

cents = st.integers(0, 10**11 - 1).map(lambda n: Decimal(n) / 100)


@given(cents)
def test_money_that_is_written_reads_back_the_same(amount: Decimal) -> None:
    assert parse_money(format_money(amount)) == amount


@given(st.integers(-(10**15), 10**15))
def test_micro_dollars_survive_the_way_to_dollars_and_back(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


def test_a_fraction_of_a_micro_dollar_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        to_micros(Decimal("0.0000001"))


@pytest.mark.parametrize("text", ["-1", ".50", "0.505", "1e3", "", "$", "1,20", "nan", "0.5 0", "1\n", "\n1", "1\r"])
def test_what_is_not_an_amount_is_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_money(text)
    assert "0.50" in (refused.value.hint or "")


def test_a_dollar_sign_is_allowed() -> None:
    assert parse_money("$0.50") == Decimal("0.50")


@given(st.integers(0, 10**9).map(lambda s: timedelta(seconds=s)))
def test_durations_read_back_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43200), ("3d", 259200), ("1.5h", 5400)]
)
def test_durations_are_written_as_the_contract_says(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (5400, "1 hour 30 minutes"), (605, "10 minutes 5 seconds"), (172800, "2 days")],
)
def test_durations_are_written_for_people(seconds: int, words: str) -> None:
    assert duration_in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize("text", ["", "45", "0", "-5m", "5 years", "0.3s", "999999999d", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_back_the_same(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment


def test_a_time_without_an_offset_is_in_utc() -> None:
    assert parse_time("2026-11-22T09:00") == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert parse_time("2026-11-22T09:00+01:00") == datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text)


@pytest.mark.parametrize("text", ["30", " 5 ", "0", "1.5"])
def test_a_duration_without_a_unit_is_asked_about(text: str) -> None:
    with pytest.raises(UsageError, match="has no unit") as refused:
        parse_duration(text)
    number = text.strip()
    assert refused.value.hint == f"{number} what? write {number}m or {number}s"
