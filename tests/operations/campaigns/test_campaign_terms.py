"""Times and terms of a campaign, as planned, changed and shown: its end, hours, zone, reward, duration, next round."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from study_support import EXPERIMENT, market_rows

Run = Callable[..., Any]


@pytest.fixture
def study(folder: Path, turkctl: Run) -> Path:
    """A folder whose experiment is configured."""
    (folder / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="10d", more=""))
    assert turkctl("experiments", "configure").code == 0
    return folder


def shown(turkctl: Run, *argv: str) -> dict[str, Any]:
    finished = turkctl(*argv, "--json")
    assert finished.code == 0, finished.err
    return dict(json.loads(finished.out))


def refused(turkctl: Run, *argv: str) -> str:
    finished = turkctl(*argv)
    assert finished.code == 2, finished.out
    return str(finished.err)


def tomorrow(turkctl: Run) -> str:
    """The day after the market's, as in 2026-11-24."""
    starts = shown(turkctl, "campaigns", "plan", "--goal", "1")["starts"]
    return f"{datetime.fromisoformat(starts) + timedelta(days=1):%Y-%m-%d}"


def test_a_plan_works_out_rounds_and_interval_for_a_time(study: Path, turkctl: Run) -> None:
    planned = shown(turkctl, "campaigns", "plan", "--goal", "100", "--within", "2d", "--duration", "1h")
    assert (planned["rounds"], planned["per_round"], planned["every"], planned["reaches"]) == (12, 9, "256m", 100)
    assert datetime.fromisoformat(planned["expected_end"]) <= datetime.fromisoformat(planned["starts"]) + timedelta(2)
    made = shown(turkctl, "campaigns", "create", "--goal", "100", "--within", "2d", "--every", "2h")
    assert (made["plan"]["every"], made["plan"]["per_round"]) == ("2h", 9)
    said = refused(turkctl, "campaigns", "plan", "--goal", "100", "--within", "2d", "--every", "1h", "--per-round", "9")
    assert "leave one of them out" in said


def test_a_plan_that_cannot_reach_its_goal_says_how_many_it_would_reach(study: Path, turkctl: Run) -> None:
    day = tomorrow(turkctl)
    flags = ("--goal", "100", "--start-at", f"{day}T10:00Z", "--end-at", f"{day}T12:00Z", "--every", "1h")
    finished = turkctl("campaigns", "plan", *flags, "--json")
    planned = json.loads(finished.out)
    assert (planned["reaches"], planned["expected_end"]) == (18, None)  # at 10 and at 11 o'clock
    assert f"it can reach 18 of 100 people before its end at {day}T12:00:00Z" in finished.err
    finished = turkctl("campaigns", "plan", "--goal", "100", "--budget", "3.00", "--json")
    assert json.loads(finished.out)["reaches"] == 5  # at $0.60 each
    assert "it can reach 5 of 100 people, unless there is more money" in finished.err


def test_a_time_is_kept_to_the_end_that_is_given_too(study: Path, turkctl: Run) -> None:
    day = tomorrow(turkctl)
    times = ("--start-at", f"{day}T10:00Z", "--end-at", f"{day}T12:00Z", "--within", "2d", "--duration", "1h")
    planned = shown(turkctl, "campaigns", "plan", "--goal", "100", *times)
    assert (planned["reaches"], planned["per_round"], planned["every"]) == (100, 9, "10m")
    said = refused(turkctl, "campaigns", "plan", "--goal", "9000", "--per-round", "1", *times)
    assert "rounds of 1 cannot be posted in that time" in said


def test_rounds_that_nobody_lives_to_see_have_no_end(study: Path, turkctl: Run) -> None:
    flags = ("--goal", "900000", "--per-round", "1", "--every", "300d")
    planned = shown(turkctl, "campaigns", "plan", *flags)
    assert (planned["rounds"], planned["expected_end"]) == (900_000, None)
    assert shown(turkctl, "campaigns", "plan", *flags, "--end-at", "9999-12-31T23:59Z")["expected_end"] is None
    said = refused(turkctl, "campaigns", "plan", *flags, "--start-at", "9999-12-31T23:59Z", "--hours", "01:00-02:00")
    assert "--start-at 9999-12-31T23:59:00Z is too far away; give an earlier start" in said


def test_times_without_an_offset_are_in_the_zone_that_is_given(study: Path, turkctl: Run) -> None:
    flags = ("--end-at", "2031-07-01T18:00", "--start-at", "2031-01-01T09:00+00:00", "--timezone", "Europe/Berlin")
    made = shown(turkctl, "campaigns", "create", "--goal", "9", *flags)
    found = shown(turkctl, "campaigns", "show", str(made["id"]))
    assert (found["end_at"], found["start_at"]) == ("2031-07-01T16:00:00Z", "2031-01-01T09:00:00Z")
    assert (found["hours"], found["timezone"]) == (None, None)
    assert "--timezone needs --hours" in refused(turkctl, "campaigns", "plan", "--goal", "9", "--timezone", "UTC")


def test_an_update_changes_times_and_terms(study: Path, turkctl: Run) -> None:
    shown(turkctl, "campaigns", "create", "--goal", "20")
    terms = ("--reward", "0.75", "--duration", "20m", "--hours", "09:00-17:00", "--timezone", "Europe/Berlin")
    shown(turkctl, "campaigns", "update", "1", *terms, "--end-at", "2031-07-01T18:00")
    found = shown(turkctl, "campaigns", "show", "1")
    changed = {key: found[key] for key in ("reward", "duration", "hours", "timezone", "end_at")}
    assert changed == {
        "reward": "0.75",
        "duration": "20m",
        "hours": "09:00-17:00",
        "timezone": "Europe/Berlin",
        "end_at": "2031-07-01T16:00:00Z",
    }
    shown(turkctl, "campaigns", "update", "1", "--hours", "08:00-12:00")  # the zone stays
    assert shown(turkctl, "campaigns", "show", "1")["timezone"] == "Europe/Berlin"
    shown(turkctl, "campaigns", "update", "1", "--hours", "all", "--end-at", "never")
    found = shown(turkctl, "campaigns", "show", "1")
    assert (found["hours"], found["timezone"], found["end_at"]) == (None, None, None)
    shown(turkctl, "campaigns", "run", "1")
    (row,) = market_rows(study, "SELECT DISTINCT reward, assignment_duration FROM market_hit_type")
    assert row == (750_000, 1200)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "nothing to change"),
        (("--reward", "0"), "too low"),
        (("--duration", "1s"), "--duration must be"),
        (("--end-at", "2011-01-01"), "is in the past"),
        (("--hours", "9 to 5"), "not a valid value of --hours"),
        (("--timezone", "Europe/Berlin"), "posts at all hours"),
        (("--timezone", "Middle/Earth", "--hours", "09:00-17:00"), "Middle/Earth"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    study: Path, turkctl: Run, flags: tuple[str, ...], said: str
) -> None:
    before = shown(turkctl, "campaigns", "create", "--goal", "20")
    assert said in refused(turkctl, "campaigns", "update", "1", *flags)
    assert shown(turkctl, "campaigns", "show", "1")["reward"] == before["plan"]["reward"]


def test_hours_that_do_not_come_before_the_end_are_refused(study: Path, turkctl: Run) -> None:
    day = tomorrow(turkctl)
    flags = ("--start-at", f"{day}T10:00Z", "--end-at", f"{day}T12:00Z")
    shown(turkctl, "campaigns", "create", "--goal", "20", *flags)
    said = refused(turkctl, "campaigns", "update", "1", "--hours", "13:00-14:00")
    assert "would never post" in said


def test_the_next_round_that_is_named_is_one_that_comes(study: Path, turkctl: Run) -> None:
    day = tomorrow(turkctl)
    after = f"{datetime.fromisoformat(day) + timedelta(days=1):%Y-%m-%d}"
    flags = ("--goal", "40", "--hours", "10:00-11:00", "--every", "40m", "--start-at", f"{day}T10:00Z")
    shown(turkctl, "campaigns", "create", *flags, "--end-at", f"{after}T10:30Z")
    starts = shown(turkctl, "campaigns", "show", "1")["next_round"]
    assert (starts["at"], starts["outcome"]) == (f"{day}T10:00:00Z", "posted")
    advance(turkctl, starts["at"])
    assert turkctl("scheduler", "run", "--once").code == 0
    advance(turkctl, f"{day}T10:40:00Z")
    assert turkctl("scheduler", "run", "--once").code == 0  # the round after that, at 11:20, would be too late
    coming = shown(turkctl, "campaigns", "show", "1")["next_round"]
    assert (coming["at"], coming["outcome"]) == (f"{after}T10:00:00Z", "posted")
    (task,) = json.loads(turkctl("tasks", "list", "--json").out)
    assert task["next_run"] == coming["at"]
    shown(turkctl, "campaigns", "update", "1", "--end-at", f"{after}T09:00Z")
    coming = shown(turkctl, "campaigns", "show", "1")["next_round"]
    assert (coming["at"], coming["outcome"]) == (f"{after}T09:00:00Z", "ended")
    assert turkctl("tasks", "pause", "campaign-1").code == 0
    paused = shown(turkctl, "campaigns", "show", "1")["next_round"]
    assert (paused["at"], paused["paused"]) == (None, True)


def test_an_update_shows_what_holds_now_and_when_the_next_round_comes(study: Path, turkctl: Run) -> None:
    day = tomorrow(turkctl)
    shown(turkctl, "campaigns", "create", "--goal", "20", "--start-at", f"{day}T10:00Z")
    flags = ("--every", "2h", "--per-round", "4", "--budget", "50", "--hours", "11:00-12:00", "--timezone", "UTC")
    changed = shown(turkctl, "campaigns", "update", "1", *flags)
    assert [changed[key] for key in ("every", "per_round", "budget", "hours")] == ["2h", 4, "50.00", "11:00-12:00"]
    assert changed["next_round_at"] == f"{day}T11:00:00Z"
    assert turkctl("tasks", "pause", "campaign-1").code == 0
    assert shown(turkctl, "campaigns", "update", "1", "--every", "1h")["next_round_at"] is None


def test_new_hours_do_not_bring_another_round_just_after_one_that_was_run_by_hand(study: Path, turkctl: Run) -> None:
    shown(turkctl, "campaigns", "create", "--goal", "40", "--every", "4h")
    shown(turkctl, "campaigns", "run", "1")
    (ran,) = shown(turkctl, "campaigns", "show", "1")["history"]
    coming = shown(turkctl, "campaigns", "update", "1", "--hours", "all")["next_round_at"]
    assert datetime.fromisoformat(coming) - datetime.fromisoformat(ran["started"]) == timedelta(hours=4)


def test_a_campaign_that_goes_on_waits_for_its_hours(study: Path, turkctl: Run) -> None:
    shown(turkctl, "campaigns", "create", "--goal", "1")
    shown(turkctl, "campaigns", "run", "1")
    shown(turkctl, "market", "crowd", "--workers", "3")
    assert shown(turkctl, "campaigns", "run", "1")["status"] == "met"
    later = datetime.fromisoformat(shown(turkctl, "market", "clock")["now"]) + timedelta(hours=2)
    hours = f"{later:%H}:00-{later:%H}:30"
    changed = shown(turkctl, "campaigns", "update", "1", "--goal", "9", "--hours", hours, "--timezone", "UTC")
    (task,) = json.loads(turkctl("tasks", "list", "--json").out)
    assert task["next_run"] == changed["next_round_at"] == f"{later:%Y-%m-%dT%H}:00:00Z"


def advance(turkctl: Run, moment: str) -> None:
    """Turn the market's clock to a moment."""
    now = datetime.fromisoformat(shown(turkctl, "market", "clock")["now"])
    seconds = int((datetime.fromisoformat(moment) - now).total_seconds()) + 1
    assert turkctl("market", "clock", "--advance", f"{seconds}s").code == 0


def test_a_round_that_is_due_keeps_the_time_since_when_it_is(study: Path, turkctl: Run) -> None:
    shown(turkctl, "campaigns", "create", "--goal", "20")
    assert turkctl("scheduler", "run", "--once", "-q").code == 0
    due = shown(turkctl, "campaigns", "show", "1")["next_round"]["at"]
    assert turkctl("market", "clock", "--advance", "2h").code == 0
    assert shown(turkctl, "campaigns", "show", "1")["next_round"]["at"] == due
