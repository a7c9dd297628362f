"""Tables on a terminal: what is copied from them is whole, and what they leave out is named."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from turkctl.cli.output import Output
from turkctl.cli.tables import Layout, drawn, fit, plain_lines

HIT = "338954TXYBD47FKL6ZYT7HLMCZASL2"
ROW = {
    "hit_id": HIT,
    "experiment": "colour-words",
    "status": "Reviewable",
    "campaign": None,
    "submitted": 9,
    "created": "2026-11-22T03:28:10Z",
    "reason": "the goal is met, and nobody is at work any more",
    "worker": "A02WU4YW5OLHSF",
}


class Terminal(io.StringIO):
    """A terminal of a certain width, as Rich sees it."""

    def isatty(self) -> bool:
        return True


def on_terminal(columns: list[str], width: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", str(width))
    out, err = Terminal(), Terminal()
    output = Output("table", quiet=False, color=False, stdout=out, stderr=err, stdin=io.StringIO())
    output.rows(columns, [ROW, ROW])
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("width", "shown"), [(40, 0), (80, 0), (100, 0), (160, 2)])
def test_no_id_is_broken_and_no_line_is_longer_than_the_terminal(
    width: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = on_terminal(list(ROW), width, monkeypatch)
    assert out.count(HIT) == shown
    assert out.count(HIT[:12]) == shown
    assert max(map(len, out.splitlines())) <= width
    assert "\x1b" not in out


def test_columns_that_are_left_out_are_named_and_those_without_values_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = on_terminal(list(ROW), 65, monkeypatch)
    left_out = [column for column in ROW if column.upper().replace("_", " ") not in out]
    assert "campaign" in left_out
    note = f"no room for {', '.join(c for c in left_out if c != 'campaign')}: see -o csv or --json"
    assert err == f"{note}\n"
    _, err = on_terminal(list(ROW), 48, monkeypatch)
    first, *others = err.splitlines()
    assert others, "a long note is broken"
    assert max(len(first), *map(len, others)) <= 48
    assert set(" ".join((first, *others)).partition(": see")[0][12:].split(", ")) <= set(ROW), "between words only"


def test_a_table_that_fits_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = on_terminal(["hit_id", "campaign", "created"], 80, monkeypatch)
    assert "CAMPAIGN" in out
    assert "2026-11-22T03:28:10Z" in out
    assert err == ""


def test_off_a_terminal_nothing_is_left_out_and_no_line_ends_in_spaces() -> None:
    lines = list(plain_lines(["a", "b"], [{"a": "x" * 200, "b": ""}, {"a": "語", "b": "one two"}]))
    assert lines == ["A" + " " * 201 + "B", "x" * 200, "語" + " " * 200 + "one two"]


WORDS = st.lists(st.text("abc9", min_size=1, max_size=40), max_size=6).map(" ".join)


@given(
    st.integers(1, 120),
    st.lists(st.lists(WORDS, min_size=5, max_size=5), min_size=1, max_size=4),
    st.permutations(["mode", "status", "reward", "hit_id", "why"]),
)
def test_whatever_is_in_it_a_table_fits_or_is_stacked_and_breaks_no_word(
    room: int, rows: list[list[str]], columns: list[str]
) -> None:
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    assume(any(word for row in rows for word in row))
    layout = fit(columns, cells, room)
    lines = drawn_lines(layout, room)
    if layout.stacked:
        assert layout.missed == []
        words = [word for row in cells for column in columns for word in row[column].split()]
        assert [word for line in lines for word in line.split() if not word.endswith(":")] == words
        assert all(len(line) <= room or len(line.split()) == 1 for line in lines)
        return
    assert list(layout.widths) == [column for column in columns if column in layout.widths]
    assert max(map(len, lines)) <= room
    kept = [column for column in ("reward", "why") if any(row[column] for row in cells)]
    assert set(kept) <= set(layout.widths)
    rule = next(place for place, line in enumerate(lines) if set(line) == {"─"})
    there = {word for line in lines[rule + 1 :] for word in line.split()}
    assert there == {word for row in cells for column in layout.widths for word in row[column].split()}


def drawn_lines(layout: Layout, room: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=room, color_system=None).print(drawn(layout, room), crop=False)
    return [line for line in out.getvalue().splitlines() if line.strip()]


def test_long_ids_go_first_and_money_the_experiment_and_reasons_never() -> None:
    row = {
        "hit_id": HIT,
        "worker_id": "A02WU4YW5OLHSF",
        "experiment": "colour-words",
        "mode": "sandbox",
        "amount": "12.60",
        "reason": "it was late",
        "mend": "turkctl sync",
    }
    assert fit(list(row), [row], 90).missed == ["hit_id"]
    assert fit(list(row), [row], 60).missed == ["hit_id", "mode"]
    assert fit(list(row), [row], 50).missed == ["hit_id", "worker_id"]
    assert fit(list(row), [row], 30).stacked


def test_a_short_id_is_no_reason_to_lose_it() -> None:
    row = {"id": "1", "mode": "local", "experiment": "colours"}
    assert fit(list(row), [row], 16).missed == ["mode"]


def test_columns_that_somebody_chose_stay_or_the_rows_are_stacked() -> None:
    row = {"hit_id": HIT, "mode": "local", "title": "Name the colours"}
    assert fit(list(row), [row], 40, kept=list(row)).stacked
    assert fit(list(row), [row], 60, kept=list(row)).missed == []


def test_stacked_rows_have_a_line_for_each_value_and_an_empty_line_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "26")
    out, err = Terminal(), Terminal()
    output = Output("table", quiet=False, color=False, stdout=out, stderr=err, stdin=io.StringIO())
    row = {"hit_id": HIT, "experiment": "colour-words", "mend": "turkctl sync", "title": None, "why": ROW["reason"]}
    output.rows(list(row), [row, {**row, "why": None}])
    assert out.getvalue() == (
        f"hit_id:\n  {HIT}\nexperiment: colour-words\nfix: turkctl sync\n"
        "why: the goal is met, and\n  nobody is at work any\n  more\n\n"
        f"hit_id:\n  {HIT}\nexperiment: colour-words\nfix: turkctl sync\n"
    )
    assert err.getvalue() == ""


BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def on_terminal_in_berlin(width: int, monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.setenv("COLUMNS", str(width))
    return Output(
        "table",
        quiet=True,
        color=False,
        stdout=Terminal(),
        stderr=Terminal(),
        stdin=io.StringIO(),
        now=lambda: NOON,
        zone=BERLIN,
    )


TIMES = [
    {"created": NOON - timedelta(days=1), "expires": NOON + timedelta(hours=2, minutes=5)},
    {"created": NOON - timedelta(days=60), "expires": NOON + timedelta(days=9)},
]


def test_times_on_a_terminal_are_short_and_local_and_their_zones_are_named_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = on_terminal_in_berlin(80, monkeypatch)
    output.rows(["created", "expires"], TIMES)
    lines = [line.split("  ") for line in output.stdout.getvalue().splitlines()]  # type: ignore[attr-defined]  # ours
    assert [[part.strip() for part in line if part.strip()] for line in lines[2:]] == [
        ["yesterday 12:00", "in 2 h"],
        ["23 Sep 13:00", "1 Dec 12:00"],
        ["times in CET and CEST"],
    ]


def test_no_zone_is_named_for_times_that_have_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    output = on_terminal_in_berlin(20, monkeypatch)
    output.rows(["experiment", "created", "reward"], [{"experiment": "stroop", "created": NOON, "reward": "0.50"}])
    out = output.stdout.getvalue()  # type: ignore[attr-defined]  # the terminal of this test
    assert "stroop" in out
    assert "today" not in out
    assert "times in" not in out


def test_a_record_on_a_terminal_has_such_times_too(monkeypatch: pytest.MonkeyPatch) -> None:
    output = on_terminal_in_berlin(80, monkeypatch)
    output.record({"id": 1, "created": NOON, "rounds": [{"round": 1, "started": NOON}]})
    out = output.stdout.getvalue()  # type: ignore[attr-defined]  # the terminal of this test
    assert "created  today 12:00\n" in out
    assert out.count("today 12:00") == 2
    assert out.endswith("\ntimes in CET\n")
    assert out.count("CET") == 1


@pytest.mark.parametrize("fmt", ["table", "csv", "json", "jsonl"])
def test_scripts_get_whole_times_in_utc(fmt: str) -> None:
    out = io.StringIO()
    output = Output(fmt, quiet=True, color=False, stdout=out, stderr=io.StringIO(), stdin=io.StringIO(), zone=BERLIN)
    output.rows(["created"], TIMES[:1])
    assert "2026-11-21T11:00:00Z" in out.getvalue()
    assert "CET" not in out.getvalue()


def test_csv_on_a_terminal_is_for_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    output = on_terminal_in_berlin(80, monkeypatch)
    output.format = "csv"
    output.rows(["created"], TIMES[:1])
    assert "2026-11-21T11:00:00Z" in output.stdout.getvalue()  # type: ignore[attr-defined]  # the terminal of this test


@pytest.mark.parametrize("length", range(40, 80))
def test_however_long_a_path_is_a_check_says_whether_it_is_well(length: int) -> None:
    cells = [{"check": "configuration", "ok": "yes", "detail": f"mode local, /{'x' * length}"}]
    assert "ok" not in fit(("check", "ok", "detail"), cells, 70).missed
