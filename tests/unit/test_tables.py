"""Tables on a terminal: what is copied from them is whole, and what they leave out is named."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.cli.output import Output
from turkctl.cli.tables import GAP, fit, plain_lines

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


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_id_is_broken_and_no_line_is_longer_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = on_terminal(list(ROW), width, monkeypatch)
    assert out.count(HIT) == 2
    assert max(map(len, out.splitlines())) <= width
    assert "\x1b" not in out


def test_columns_that_are_left_out_are_named_and_those_without_values_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = on_terminal(list(ROW), 80, monkeypatch)
    left_out = [column for column in ROW if column.upper().replace("_", " ") not in out]
    assert "campaign" in left_out
    assert err == f"no room for {', '.join(c for c in left_out if c != 'campaign')}: see -o csv or --json\n"


def test_a_table_that_fits_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = on_terminal(["hit_id", "campaign", "created"], 80, monkeypatch)
    assert "CAMPAIGN" in out
    assert "2026-11-22T03:28:10Z" in out
    assert err == ""


def test_off_a_terminal_nothing_is_left_out_and_no_line_ends_in_spaces() -> None:
    lines = list(plain_lines(["a", "b"], [{"a": "x" * 200, "b": ""}, {"a": "語", "b": "one two"}]))
    assert lines == ["A" + " " * 201 + "B", "x" * 200, "語" + " " * 200 + "one two"]


@given(
    st.integers(1, 120),
    st.lists(st.lists(st.text("ab 9", max_size=40), min_size=5, max_size=5), min_size=1, max_size=4),
)
def test_whatever_is_in_it_a_table_fits_or_is_down_to_two_columns(room: int, rows: list[list[str]]) -> None:
    columns = ["mode", "status", "reward", "x", "y"]
    layout = fit(columns, [dict(zip(columns, row, strict=True)) for row in rows], room)
    widths = layout.widths
    assert next(iter(widths)) == "mode"
    assert list(widths) == [column for column in columns if column in widths]
    assert sum(widths.values()) + GAP * (len(widths) - 1) <= room or len(widths) == 2
