"""``turkctl sync``: what it prints, and what it asks before it ends HITs that are not ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
LIVE = ("--mode", "live")


@pytest.fixture
def strange(served: Any, configured: Path, turkctl: Run) -> str:
    """A HIT of the account that the database has forgotten."""
    done = json.loads(turkctl("hits", "create", "--assignments", "2", *LIVE, "--yes", "--json").out)
    other = configured / "other.db"
    assert turkctl("experiments", "configure", "--database-url", f"sqlite:///{other}").code == 0
    hit_id: str = done["results"][0]["id"]
    return hit_id


def other(turkctl: Run, *argv: str) -> Any:
    return turkctl("sync", *argv, *LIVE, "--json", "--database-url", "sqlite:///other.db")


def test_ending_unknown_hits_asks_in_mode_live(strange: str, turkctl: Run) -> None:
    refused = other(turkctl, "--disable-unknown")
    assert refused.code == 3
    assert "disable 1 HIT in mode live" in last_error(refused.err)["message"]
    planned = json.loads(other(turkctl, "--disable-unknown", "--dry-run").out)
    assert planned["unknown"] == [strange]
    assert (planned["disabled"]["dry_run"], planned["disabled"]["matched"]) == (True, 1)
    assert planned["disabled"]["results"][0]["status"] == "planned"
    done = other(turkctl, "--disable-unknown", "--yes")
    assert (done.code, json.loads(done.out)["disabled"]["results"][0]["status"]) == (0, "deleted")
    assert json.loads(other(turkctl).out)["unknown"] == []


def test_adopting_is_told_for_which_experiment(strange: str, turkctl: Run) -> None:
    assert other(turkctl, "--adopt", "--experiment", "nothing").code == 2
    assert other(turkctl, "--experiment", "stroop").code == 2
    assert other(turkctl, "--adopt", "--disable-unknown").code == 2
    assert other(turkctl, "--dry-run").code == 2
    done = other(turkctl, "--adopt", "--experiment", "stroop")
    assert (done.code, json.loads(done.out)["adopted"]) == (0, [strange])


def test_a_dry_run_grants_no_qualification_either(configured: Path, turkctl: Run) -> None:
    assert turkctl("campaign", "create", "--goal", "1").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    assert turkctl("market", "crowd", "--workers", "3", "--seed", "1").code == 0

    def granted() -> int:
        with closing(sqlite3.connect(configured / "turkctl-market.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM market_grant").fetchone()[0])

    before = granted()
    report = json.loads(turkctl("sync", "--disable-unknown", "--dry-run", "--json").out)
    assert (report["assignments_new"] > 0, granted()) == (True, before)
    assert turkctl("sync").code == 0
    assert granted() > before
