"""Bars beside numbers, and the list that is drawn again and again."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.cli.bars import LONGEST, SHORTEST, bars
from turkctl.cli.live import watch
from turkctl.cli.output import Output
from turkctl.errors import DatabaseUnreachableError, UsageError

FULL = "█"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int = 60, height: int = 12, fmt: str = "table") -> Output:
    for name, value in (("COLUMNS", width), ("LINES", height), ("TERM", "xterm")):
        monkeypatch.setenv(name, str(value))
    return Output(fmt, quiet=False, color=False, stdout=Terminal(), stderr=Terminal(), stdin=io.StringIO())


@given(
    values=st.lists(st.integers(0, 10**6), max_size=9),
    room=st.integers(-5, 90),
    encoding=st.sampled_from([None, "ascii"]),
)
def test_bars_fit_are_in_order_of_their_numbers_and_show_whatever_is_there(
    values: list[int], room: int, encoding: str | None
) -> None:
    found = bars(values, room, encoding=encoding)
    if room < SHORTEST or not any(values):
        assert found == []
        return
    assert max(map(len, found)) == min(room, LONGEST)
    assert [bool(each) for each in found] == [value > 0 for value in values]
    lengths = [len(bar) for _value, bar in sorted(zip(values, found, strict=True))]
    assert lengths == sorted(lengths)
    if encoding == "ascii":
        assert set("".join(found)) == {"#"}


def test_half_of_the_greatest_has_half_its_bar() -> None:
    assert bars([2, 1, 0], 10, encoding="utf-8") == [FULL * 10, FULL * 5, ""]
    assert bars([80, 1], 10, encoding="utf-8") == [FULL * 10, "▏"]


@pytest.mark.parametrize(("width", "shown"), [(60, True), (16, False)])
def test_a_terminal_shows_a_bar_per_row_where_there_is_room(
    width: int, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = on_terminal(monkeypatch, width)
    output.rows(["status", "count"], [{"status": "started", "count": 4}, {"status": "done", "count": 2}], bar="count")
    lines = output.stdout.getvalue().splitlines()  # type: ignore[attr-defined]  # the terminal of this test
    assert all(len(line) <= width for line in lines)
    assert [FULL in line for line in lines[2:]] == [shown, shown]


def test_what_is_no_terminal_or_no_table_has_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"status": "started", "count": 4}
    for fmt in ("table", "csv", "json"):
        pipe = io.StringIO()
        output = Output(fmt, quiet=False, color=False, stdout=pipe, stderr=io.StringIO(), stdin=io.StringIO())
        output.rows(["status", "count"], [row], bar="count")
        assert FULL not in pipe.getvalue()
    output = on_terminal(monkeypatch, fmt="csv")
    output.rows(["status", "count"], [row], bar="count")
    assert FULL not in output.stdout.getvalue()  # type: ignore[attr-defined]  # the terminal of this test


class Looks:
    """A list that grows by a row each time it is looked at; ends the watching after the last."""

    def __init__(self, stop: threading.Event, times: int, broken: Sequence[int] = ()) -> None:
        self.stop = stop
        self.times = times
        self.broken = broken
        self.seen = 0

    def __call__(self, most: int) -> tuple[Sequence[str], list[dict[str, Any]]]:
        self.seen += 1
        if self.seen == self.times:
            self.stop.set()
        if self.seen in self.broken:
            raise DatabaseUnreachableError("the database is locked by another program")
        return ["worker"], [{"worker": f"W{number}"} for number in range(min(self.seen, most))]


def watched(output: Output, times: int, broken: Sequence[int] = ()) -> str:
    stop = threading.Event()
    watch(output, Looks(stop, times, broken), stop, wait=lambda _seconds: None)
    return output.stdout.getvalue()  # type: ignore[attr-defined]  # the terminal of this test


def test_a_watched_list_is_drawn_again_with_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = watched(on_terminal(monkeypatch), 4)
    assert "W0" in drawn
    assert "W2" in drawn
    assert "W9" not in drawn


def test_a_watched_list_is_no_longer_than_the_terminal_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = watched(on_terminal(monkeypatch, 90, 7), 9)
    assert "there are more rows than lines" in drawn
    assert "W2" in drawn
    assert "W3" not in drawn


def test_a_database_out_of_reach_is_an_error_at_first_and_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = watched(on_terminal(monkeypatch, 120), 4, broken=[2])
    assert "locked by another program" in drawn
    assert "W2" in drawn
    with pytest.raises(DatabaseUnreachableError):
        watched(on_terminal(monkeypatch), 4, broken=[1])


def test_watching_needs_a_terminal_that_can_be_drawn_on_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Output("table", quiet=False, color=False, stdout=io.StringIO(), stderr=Terminal(), stdin=io.StringIO())
    dumb = on_terminal(monkeypatch)
    for output in (pipe, on_terminal(monkeypatch, fmt="json")):
        with pytest.raises(UsageError, match="--watch"):
            watched(output, 2)
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UsageError, match="TERM=dumb"):
        watched(dumb, 2)
