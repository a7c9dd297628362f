"""Counts by day, for a picture: a day without anybody is a day too."""

from __future__ import annotations

from typing import Any

import pytest

from turkctl.operations.participants.lists import MOST_DAYS, with_empty_days


def by_day(**counts: int) -> list[dict[str, Any]]:
    return [{"day": f"2026-{name[1:].replace('_', '-')}", "count": count} for name, count in counts.items()]


def test_days_on_which_nobody_began_are_between_the_others() -> None:
    found = with_empty_days(by_day(d11_29=4, d12_02=1))
    assert found == by_day(d11_29=4, d11_30=0, d12_01=0, d12_02=1)


def test_those_without_a_day_stay_at_the_end() -> None:
    nobody_knows = {"day": None, "count": 2}
    assert with_empty_days([*by_day(d11_29=4), nobody_knows]) == [*by_day(d11_29=4), nobody_knows]
    assert with_empty_days([nobody_knows]) == [nobody_knows]
    assert with_empty_days([]) == []


@pytest.mark.parametrize("day", ["1970-01-01", "yesterday", 7])
def test_what_is_far_off_or_no_day_makes_no_endless_list(day: Any) -> None:
    rows = [{"day": day, "count": 1}, *by_day(d11_29=4)]
    assert with_empty_days(rows) == rows
    assert MOST_DAYS < 1000
