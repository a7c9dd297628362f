"""turkctl experiments end and reopen, and qualifications delete, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]


def end(turkctl: Run, *options: str) -> dict[str, Any]:
    done = turkctl("experiments", "end", "stroop", "--json", *options)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def slugs(turkctl: Run, *options: str) -> list[str]:
    return [row["experiment"] for row in json.loads(turkctl("experiments", "list", "--json", *options).out)]


def test_a_campaign_is_in_the_way_a_dry_run_shows_all_and_then_it_is_done(configured: Path, turkctl: Run) -> None:
    assert turkctl("campaign", "create", "--goal", "2").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    refused = turkctl("experiments", "end", "stroop", "--json")
    assert (refused.code, refused.out) == (3, "")
    assert "--cancel-campaigns" in last_error(refused.err)["hint"]
    assert not list(configured.glob("report*"))

    plan = end(turkctl, "--cancel-campaigns", "--dry-run")
    assert (plan["dry_run"], plan["succeeded"], plan["report"]) == (True, 0, None)
    assert {row["status"] for row in plan["results"]} == {"planned"}
    assert not list(configured.glob("report*"))

    done = end(turkctl, "--cancel-campaigns")
    assert (done["action"], done["failed"], done["left"]) == ("end", 0, [])
    assert done["ended"] is not None
    assert done["report"] == str(configured / "report-stroop.html")
    assert "<h2" in (configured / "report-stroop.html").read_text(encoding="utf-8")
    assert (slugs(turkctl), slugs(turkctl, "--ended")) == ([], ["stroop"])
    assert "experiments end" in turkctl("log").out


def test_what_is_left_is_said_with_what_to_type(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "1").code == 0
    crowd = turkctl("market", "crowd", "--workers", "3", "--drop-out", "0", "--abandon", "0")
    assert crowd.code == 0, crowd.err
    done = turkctl("experiments", "end", "stroop")
    assert done.code == 0
    assert "left: 1 submission waits for approval or rejection; next: turkctl workers approve" in done.err
    assert "run the same command again" in done.err
    assert slugs(turkctl) == ["stroop"]
    assert "being ended" in turkctl("status").out
    assert turkctl("workers", "approve", "--experiment", "stroop").code == 0
    assert end(turkctl)["ended"] is not None
    status = turkctl("status")
    assert "stroop has ended: to see more, run turkctl status --ended" in status.out
    assert "No experiment" not in status.out
    assert "stroop, code version 1.0, ended" in turkctl("status", "--ended").out
    assert turkctl("report", "stroop").code == 0


def test_lists_leave_it_out_unless_they_are_told(configured: Path, turkctl: Run) -> None:
    assert turkctl("campaign", "create", "--goal", "1").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    items = configured / "items.csv"
    items.write_text("key,word\n1,red\n", encoding="utf-8")
    assert turkctl("content", "add", str(items), "--experiment", "stroop").code == 0
    votes = configured / "votes.csv"
    votes.write_text("item,worker,label\n1,A1,yes\n1,A2,yes\n2,A1,no\n2,A2,no\n", encoding="utf-8")
    assert turkctl("labels", "import", str(votes), "--experiment", "stroop").code == 0
    assert (
        turkctl("labels", "aggregate", "--experiment", "stroop", "--method", "majority", "--min-votes", "1").code == 0
    )
    end(turkctl, "--cancel-campaigns")
    for words in (["hits"], ["campaigns"], ["content"], ["labels"], ["labels", "history"]):
        argv = words if len(words) > 1 else [*words, "list"]
        assert json.loads(turkctl(*argv, "--json").out) == [], words
        assert json.loads(turkctl(*argv, "--ended", "--json").out), words
    for words in (["hits", "list"], ["content", "list"], ["labels", "list"], ["labels", "history"]):
        assert json.loads(turkctl(*words, "--experiment", "stroop", "--json").out), words
    (hit,) = json.loads(turkctl("hits", "list", "--all", "--json").out)
    assert json.loads(turkctl("hits", "list", hit["hit_id"], "--json").out)


def test_an_ended_experiment_stays_so_when_it_is_configured_and_can_be_reopened(configured: Path, turkctl: Run) -> None:
    end(turkctl)
    again = turkctl("experiments", "configure", "--json")
    assert [row["status"] for row in json.loads(again.out)] == ["ended"]
    assert "turkctl experiments reopen stroop" in again.err
    for words in (
        ["hits", "create", "--assignments", "1"],
        ["campaign", "create", "--goal", "1", "--experiment", "stroop"],
    ):
        refused = turkctl(*words, "--experiment", "stroop", "--json")
        assert refused.code == 2, words
        assert last_error(refused.err)["message"].startswith("experiment 'stroop' has ended"), words
    opened = turkctl("experiments", "reopen", "stroop", "--json")
    assert json.loads(opened.out)["status"] == "reopened"
    assert slugs(turkctl) == ["stroop"]
    assert turkctl("hits", "create", "--assignments", "1").code == 0


@pytest.mark.parametrize("file", ["turkctl.db", "turkctl.toml"])
def test_the_report_overwrites_nothing_of_the_project(configured: Path, turkctl: Run, file: str) -> None:
    refused = turkctl("experiments", "end", "stroop", "--report", file)
    assert refused.code == 2
    assert slugs(turkctl) == ["stroop"]
    assert json.loads(turkctl("experiments", "show", "stroop", "--json").out)["closed"] is None
    assert "give another file with --report" in refused.err


def test_live_asks_before_it_ends_a_study_and_before_it_deletes_a_type(
    served: Any, configured: Path, turkctl: Run
) -> None:
    live = ("--mode", "live")
    assert turkctl("hits", "create", "--assignments", "1", "--yes", *live).code == 0
    created = turkctl("qualifications", "create", "Trained", "--description", "It.", *live)
    assert created.code == 0, created.err
    for words in (["experiments", "end", "stroop"], ["qualifications", "delete", "Trained"]):
        refused = turkctl(*words, *live, "--json")
        assert refused.code == 3, refused.err
        assert last_error(refused.err)["code"] == "confirmation_needed"
        assert turkctl(*words, "--dry-run", *live).code == 0
    assert served.endpoint.requests["DeleteHIT"] == served.endpoint.requests["DeleteQualificationType"] == 0
    wrong = turkctl("experiments", "end", "stroop")
    assert wrong.code == 3
    assert "turkctl --mode live experiments end stroop" in wrong.err
    assert end(turkctl, *live, "--yes")["ended"] is not None
    deleted = json.loads(turkctl("qualifications", "delete", "Trained", *live, "-y", "--json").out)
    assert [row["status"] for row in deleted["results"]] == ["deleted"]
    assert served.endpoint.requests["DeleteHIT"] == 1


def test_wrong_words_are_usage(configured: Path, turkctl: Run) -> None:
    unknown = turkctl("experiments", "end", "strop", "--json")
    assert unknown.code == 2
    assert "did you mean 'stroop'" in last_error(unknown.err)["message"]
    assert turkctl("experiments", "end").code == 2
    assert turkctl("experiments", "reopen", "nothing").code == 2
    missing = turkctl("qualifications", "delete", "nothing", "--json")
    assert missing.code == 1
    assert json.loads(missing.out)["results"][0]["status"] == "failed"
