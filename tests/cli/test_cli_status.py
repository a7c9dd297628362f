"""``turkctl status``, and ``turkctl`` without a command."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal

Run = Callable[..., Any]
EXPERIMENT = ["experiment", "codeversion", "active", "people", "money", "campaign", "content", "to_review",
              "bonuses_owed", "deletable_hits", "closed", "ended"]  # fmt: skip


@pytest.fixture
def recruiting(configured: Path, prepare: Run) -> Path:
    """A study whose campaign posted its first round, which one person did."""
    prepare(
        ("campaigns", "create", "--goal", "20", "--every", "30m", "--budget", "40"),
        ("campaigns", "run", "1"),
        ("market", "crowd", "--workers", "1", "--seed", "5"),
        ("campaigns", "run", "1"),
    )
    return configured


def status(turkctl: Run, *options: str) -> dict[str, Any]:
    finished = turkctl("status", "--json", *options)
    assert finished.code == 0, finished.err
    found: dict[str, Any] = json.loads(finished.out)
    return found


def test_json_is_one_object_with_every_key(recruiting: Path, turkctl: Run) -> None:
    found = status(turkctl)
    assert list(found) == [
        "mode", "now", "experiments", "money", "decisions", "deadlines", "tasks", "scheduler", "days", "ended"
    ]  # fmt: skip
    (stroop,) = found["experiments"]
    assert list(stroop) == EXPERIMENT
    assert stroop["people"]["completed"] == 1
    assert stroop["campaign"]["next_round"]["why"] == "2 of 20 people are missing"
    assert (stroop["money"]["paid"], stroop["money"]["budget"], stroop["content"]) == ("0.00", None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", stroop["to_review"]["approves"])
    assert list(found["decisions"]) == ["to_review", "bonuses_owed", "deletable_hits", "unknown", "incomplete_runs"]
    assert found["days"] == []


def test_the_page_tells_people_money_decisions_and_what_is_next(recruiting: Path, turkctl: Run) -> None:
    page = turkctl("status").out
    assert "stroop, code version 1.0" in page
    assert "1 of 20 done" in page
    assert "campaign  1, active: 2 rounds so far; $10.80 of its $40.00 committed" in page
    assert re.search(r"next +round .* posts 2 assignments for \$1.20: 2 of 20 people are missing", page)
    assert "$0.00 paid (rewards $0.00, bonuses $0.00, fees $0.00); $10.80 on hold" in page
    assert re.search(r"1 assignment to review, the oldest of \w+ .*, approves itself .* \(in \d+ \w+\)\n", page)
    assert "turkctl workers approve --experiment stroop" in page
    assert "no scheduler is running" in page


@pytest.mark.parametrize("width", [70, 100])
def test_a_terminal_of_any_width_has_room_for_every_word(
    recruiting: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    whole = turkctl("status").out
    monkeypatch.setenv("COLUMNS", str(width))
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    turkctl("status")
    page = shown.getvalue()
    assert max(map(len, page.splitlines())) <= width
    words = [word for word in page.split() if word != "\\"]
    assert len(words) == len(whole.split())


def test_csv_has_a_row_for_each_experiment(recruiting: Path, turkctl: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(turkctl("status", "-o", "csv").out))
    assert (row["experiment"], row["people.completed"], row["money.on_hold"]) == ("stroop", "1", "10.80")


def test_charts_draw_progress_and_days(recruiting: Path, turkctl: Run) -> None:
    page = turkctl("status", "--chart").out
    assert re.search(r"campaign 1  1 of 20  \|█+.? +\|    5 %", page)
    assert re.search(r"People per day \(UTC\): stroop\n  \d{4}-\d\d-\d\d  1  █+\n", page)
    (day,) = status(turkctl, "--chart")["days"]
    assert (day["experiment"], day["people"]) == ("stroop", 1)


def test_what_is_due_and_nobody_runs_is_a_warning_here_and_in_doctor(recruiting: Path, turkctl: Run) -> None:
    assert status(turkctl)["scheduler"]["overdue"] == []
    assert turkctl("doctor").code == 0
    turkctl("market", "clock", "--advance", "45m")
    assert status(turkctl)["scheduler"]["overdue"] == ["campaign-1"]
    page = turkctl("status").out
    assert "warning: campaign-1 is due, and no scheduler is running" in page
    assert "round due since" in page
    doctor = turkctl("doctor")
    assert doctor.code == 4
    assert "no scheduler is running; overdue: campaign-1" in doctor.out


def test_an_experiment_that_is_not_there_is_exit_2(configured: Path, turkctl: Run) -> None:
    finished = turkctl("status", "--experiment", "strop")
    assert finished.code == 2
    assert "did you mean 'stroop'?" in finished.err


def test_watching_needs_a_terminal(configured: Path, turkctl: Run) -> None:
    finished = turkctl("status", "--watch")
    assert (finished.code, finished.out) == (2, "")
    assert "--watch needs a terminal" in finished.err


def test_turkctl_alone_is_the_status_of_the_project(recruiting: Path, turkctl: Run) -> None:
    def timeless(page: str) -> str:
        return re.sub(r"\d\d:\d\d \w+( \(.*?\))?", "", page)

    assert timeless(turkctl().out) == timeless(turkctl("status").out)
    found = json.loads(turkctl("--json").out)
    assert [each["experiment"] for each in found["experiments"]] == ["stroop"]


def test_turkctl_alone_finds_the_project_that_a_flag_names(
    recruiting: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    by_file = json.loads(turkctl("--config", str(recruiting / "turkctl.toml"), "--json").out)
    assert by_file["experiments"][0]["people"]["completed"] == 1
    by_url = turkctl("--database-url", f"sqlite:///{recruiting / 'turkctl.db'}", "--json")
    assert json.loads(by_url.out)["experiments"][0]["experiment"] == "stroop"


def test_turkctl_alone_outside_a_project_says_how_to_begin(outside: Path, turkctl: Run) -> None:
    finished = turkctl()
    assert (finished.code, finished.err) == (0, "")
    assert "Run crowdsourcing studies" in finished.out
    for command in ("turkctl demo", "turkctl init", "turkctl help"):
        assert command in finished.out
    assert json.loads(turkctl("--json").out)["commands"] == ["turkctl demo", "turkctl init", "turkctl help"]
    assert list(outside.iterdir()) == []
