"""``turkctl campaigns`` as a script sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study_support import EXPERIMENT, market_rows

Run = Callable[..., Any]

ROW = [
    "id",
    "experiment",
    "mode",
    "codeversion",
    "goal",
    "completed",
    "outstanding",
    "rounds",
    "spent",
    "paid",
    "status",
    "created",
    "ended",
    "reason",
    "market",
]


@pytest.fixture
def study(folder: Path, turkctl: Run) -> Path:
    """A folder whose experiment is configured."""
    (folder / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="10d", more=""))
    assert turkctl("experiments", "configure").code == 0
    return folder


def _json(finished: Any) -> Any:
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def test_create_prints_the_campaign_and_its_plan(study: Path, turkctl: Run) -> None:
    created = _json(turkctl("campaign", "create", "--goal", "20", "--json"))
    assert list(created) == [*ROW, "plan"]
    assert (created["id"], created["status"], created["spent"], created["ended"]) == (1, "active", "0.00", None)
    plan = created["plan"]
    assert (plan["rounds"], plan["hits"], plan["cost"], plan["cost_in_large_hits"]) == (3, 3, "12.00", "14.00")


def test_plan_changes_nothing(study: Path, turkctl: Run) -> None:
    planned = _json(turkctl("campaign", "plan", "--goal", "100", "--every", "1h", "--per-round", "18", "--json"))
    assert (planned["rounds"], planned["hits"], planned["missing"], planned["cost"]) == (6, 12, 100, "60.00")
    assert planned["expected_end"] > planned["starts"]
    assert _json(turkctl("campaign", "list", "--json")) == []
    assert market_rows(study, "SELECT id FROM market_hit") == []


def test_the_forecast_counts_the_hours(study: Path, turkctl: Run) -> None:
    planned = _json(
        turkctl(
            "campaign", "plan", "--goal", "20", "--every", "8h", "--start-at", "2100-01-04T08:00", "--hours",
            "09:00-17:00", "--timezone", "Europe/Berlin", "--duration", "30m", "--json",
        )
    )  # fmt: skip
    assert planned["starts"] == "2100-01-04T08:00:00Z"
    assert planned["expected_end"] == "2100-01-06T08:30:00Z"


def test_list_show_and_tasks_tell_of_a_campaign(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20", "--every", "15m")
    report = _json(turkctl("campaign", "run", "1", "--json"))
    assert (report["round"], report["outcome"], report["posted"], report["cost"]) == (1, "posted", 9, "5.40")
    (row,) = _json(turkctl("campaigns", "list", "--active", "--json"))
    assert list(row) == ROW
    assert (row["outstanding"], row["rounds"], row["spent"]) == (9, 1, "5.40")
    shown = _json(turkctl("campaign", "show", "1", "--json"))
    coming = shown["next_round"]
    assert (coming["open"], coming["at_work"], coming["missing"], coming["will_post"]) == (9, 0, 11, 9)
    assert coming["why"] == "11 of 20 people are missing; each round posts 9"
    assert [each["posted"] for each in shown["history"]] == [9]
    (task,) = _json(turkctl("tasks", "list", "--json"))
    assert (task["name"], task["kind"], task["every"]) == ("campaign-1", "campaign", "15m")
    table = turkctl("campaign", "show", "1").out
    assert "11 of 20 people are missing" in table
    assert "ROUND" in table


def test_update_and_cancel_keep_the_task_in_step(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20")
    turkctl("campaign", "run", "1")
    changed = _json(turkctl("campaign", "update", "1", "--goal", "30", "--every", "5m", "--json"))
    assert changed["goal"] == 30
    assert [task["every"] for task in _json(turkctl("tasks", "list", "--json"))] == ["5m"]
    cancelled = turkctl("campaign", "cancel", "1", "--json")
    assert _json(cancelled)["status"] == "cancelled"
    assert "turkctl hits expire --campaign 1" in cancelled.err
    assert _json(turkctl("tasks", "list", "--json")) == []
    assert [row["id"] for row in _json(turkctl("campaign", "list", "--past", "--json"))] == [1]
    assert _json(turkctl("campaign", "list", "--active", "--json")) == []


def test_cancel_can_expire_the_hits(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20")
    turkctl("campaign", "run", "1")
    assert turkctl("campaign", "cancel", "1", "--expire-hits").code == 0
    assert [hit["expired"] for hit in _json(turkctl("hits", "list", "--campaign", "1", "--json"))] == [True]


BAD = [
    (2, ["--goal", "0"], "--goal must be between 1 and 1,000,000, not 0"),
    (2, ["--goal", "-3"], "--goal must be between 1 and 1,000,000, not -3"),
    (2, ["--goal", "1000001"], "not 1,000,001"),
    (2, ["--goal", "9", "--every", "0s"], "--every must be between 1 second and 365 days"),
    (2, ["--goal", "9", "--per-round", "0"], "--per-round must be between 1 and 1,000,000, not 0"),
    (2, ["--goal", "9", "--reward", "0.00"], "is too low"),
    (2, ["--goal", "9", "--reward", "half"], "not an amount"),
    (2, ["--goal", "9", "--duration", "5s"], "--duration"),
    (2, ["--goal", "9", "--codeversion", "2.0"], "is at code version 1.0, not '2.0'"),
    (2, ["--goal", "9", "--experiment", "nope"], "there is no experiment 'nope'"),
    (2, ["--goal", "9", "--hours", "9 to 5"], "'9 to 5' is not a valid value of --hours"),
    (2, ["--goal", "9", "--hours", "09:00-17:00", "--timezone", "Europe/Berln"], "did you mean Europe/Berlin"),
    (2, ["--goal", "9", "--timezone", "UTC"], "--timezone needs --hours"),
    (2, ["--goal", "9", "--start-at", "tomorrow"], "is not a time"),
    (2, ["--goal", "9", "--end-at", "2001-01-01"], "is in the past"),
    (2, ["--goal", "9", "--start-at", "2100-01-02", "--end-at", "2100-01-01"], "not after --start-at"),
    (2, ["--goal", "9", "--start-at", "2100-01-01T10:00", "--end-at", "2100-01-01T12:00", "--hours", "13:00-14:00"],
     "the campaign would never post"),
    (3, ["--goal", "9", "--budget", "0.59"], "there is no money for a single HIT"),
    (3, ["--goal", "9", "--reward", "9000"], "the balance leaves"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "flags", "words"), BAD, ids=[" ".join(flags) for _, flags, _ in BAD])
def test_what_cannot_be_meant_is_refused_with_the_fix_and_nothing_is_stored(
    study: Path, turkctl: Run, code: int, flags: list[str], words: str
) -> None:
    refused = turkctl("campaign", "create", *flags)
    assert refused.code == code
    assert words in refused.err
    assert refused.err.count("\n") == 1
    assert "; " in refused.err
    assert _json(turkctl("campaign", "list", "--json")) == []
    assert _json(turkctl("tasks", "list", "--json")) == []


def test_a_second_campaign_of_an_experiment_is_refused(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20")
    second = turkctl("campaign", "create", "--goal", "5")
    assert second.code == 3
    assert "turkctl campaigns cancel 1" in second.err
    assert len(_json(turkctl("campaign", "list", "--json"))) == 1
    assert "cannot start until it is over" in turkctl("campaign", "plan", "--goal", "5").err


def test_an_experiment_that_is_not_configured_is_refused(folder: Path, turkctl: Run) -> None:
    missing = turkctl("campaign", "create", "--goal", "5")
    assert missing.code == 2
    assert "experiments configure" in missing.err


def test_a_goal_that_is_not_above_what_is_complete_is_refused(study: Path, turkctl: Run) -> None:
    from study_support import Study

    turkctl("campaign", "create", "--goal", "2")
    report = _json(turkctl("campaign", "run", "1", "--json"))
    hands = Study(study, turned=True)
    hands.submit(report["hits"][0], "A1", "A2")
    hands.close()
    assert _json(turkctl("campaign", "run", "1", "--json"))["status"] == "met"
    for argv in (["update", "1", "--goal", "2"], ["create", "--goal", "2"]):
        refused = turkctl("campaign", *argv)
        assert refused.code == 2
        assert "a goal of 2 is already met: 2 people completed the experiment; give 3 or more" in refused.err


@pytest.mark.parametrize("argv", [["show"], ["cancel"], ["run"], ["update", "--goal", "5"]])
def test_a_campaign_that_does_not_exist_is_exit_2(study: Path, turkctl: Run, argv: list[str]) -> None:
    refused = turkctl("campaign", argv[0], "7", *argv[1:])
    assert refused.code == 2
    assert "there is no campaign 7" in refused.err


def test_an_update_of_nothing_or_of_what_is_over_is_refused(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20")
    assert turkctl("campaign", "update", "1").code == 2
    assert turkctl("campaign", "update", "1", "--budget", "0.10").code == 3
    turkctl("campaign", "cancel", "1")
    over = turkctl("campaign", "update", "1", "--goal", "30")
    assert over.code == 3
    assert "campaign 1 is cancelled" in over.err


def test_configuring_another_code_version_says_which_campaign_it_ends(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20")
    (study / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.1", lifetime="10d", more=""))
    told = turkctl("experiments", "configure")
    assert "campaign 1 is superseded" in told.err
    (row,) = _json(turkctl("campaign", "list", "--json"))
    assert (row["status"], row["reason"]) == ("superseded", "the experiment is now at code version 1.1, not 1.0")


def test_ten_requirements_leave_no_room_for_keeping_repeat_workers_out(folder: Path, turkctl: Run) -> None:
    absent = ", ".join(f'"A{n}"' for n in range(10))
    more = f"qualifications = {{ absent = [{absent}] }}"
    (folder / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="10d", more=more))
    turkctl("experiments", "configure")
    assert turkctl("campaign", "create", "--goal", "5").code == 2
    assert turkctl("campaign", "create", "--goal", "5", "--allow-repeat-workers").code == 0


def test_watching_runs_rounds_until_the_goal_is_met(study: Path, turkctl: Run) -> None:
    """Two rounds: the people come as the first one's HIT is posted."""
    from study_support import Study

    turkctl("campaign", "create", "--goal", "2", "--every", "1s")
    first = _json(turkctl("campaign", "run", "1", "--json"))
    hands = Study(study, turned=True)
    hands.submit(first["hits"][0], "A1", "A2")
    hands.close()
    watched = _json(turkctl("campaign", "run", "1", "--watch", "--json"))
    assert [(each["round"], each["status"]) for each in watched] == [(2, "met")]
    assert _json(turkctl("campaign", "run", "1", "--watch", "--json"))[0]["round"] is None


def test_a_shorter_interval_holds_from_now_on(study: Path, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20", "--every", "7d")
    turkctl("campaign", "run", "1")
    (before,) = _json(turkctl("tasks", "list", "--json"))
    turkctl("campaign", "update", "1", "--every", "5m")
    (after,) = _json(turkctl("tasks", "list", "--json"))
    assert after["next_run"] < before["next_run"]


def test_an_interval_of_seconds_is_pointed_out(turkctl: Any, folder: Path) -> None:
    (folder / "turkctl.toml").write_text(
        '[experiments.stroop]\ncode_version = "1"\ntitle = "t"\ndescription = "d"\nreward = "0.50"\n'
        'external_url = "https://lab.example.org/"\n'
    )
    assert turkctl("experiments", "configure").code == 0
    hasty = turkctl("campaign", "plan", "--goal", "9", "--every", "5s", "--json")
    assert hasty.code == 0
    assert "a round runs every 5 seconds" in hasty.err
    assert "seconds" not in turkctl("campaign", "plan", "--goal", "9", "--every", "5m", "--json").err
