"""``db copy`` at the command line: a study goes on where it was moved to, and nothing is changed where it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from databases import KINDS, new_database

from turkctl.cli import run as program
from turkctl.context import Context
from turkctl.copying.marks import MarkedError
from turkctl.operations import copying
from turkctl.operations.intents.presence import DashboardPresence
from turkctl.settings import load

Run = Callable[..., Any]
TO = ("--to", "sqlite:///new.db", "--market-to", "sqlite:///new-market.db")


@pytest.fixture
def busy(prepare: Callable[..., None], configured: Path) -> Path:
    """A study with a campaign, submissions to approve, and a task."""
    prepare(
        ("hits", "create", "--assignments", "4"),
        ("market", "crowd", "--workers", "4", "--seed", "1", "--drop-out", "0", "--abandon", "0"),
        ("sync",),
        ("campaign", "create", "--goal", "8"),
        ("tasks", "create", "sync", "--every", "15m"),
    )
    return configured


@pytest.fixture(params=KINDS)
def targets(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two new databases."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with new_database(request.param, tmp_path / "one") as one, new_database(request.param, tmp_path / "other") as other:
        yield one, other


def content(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def standing(turkctl: Run) -> list[Any]:
    """People and money of the study, and what is known of its campaign."""
    found = json.loads(turkctl("status", "--json").out)["experiments"]
    return [(row["people"], row["money"], row["campaign"]["goal"], row["campaign"]["created"]) for row in found]


def test_a_study_goes_on_where_it_was_moved_to(busy: Path, turkctl: Run, targets: tuple[str, str]) -> None:
    study, market = targets
    before = standing(turkctl)
    moved = turkctl("db", "copy", "--to", study, "--market-to", market, "--switch", "--json")
    assert moved.code == 0, moved.err
    result = json.loads(moved.out)
    assert (result["kept"], result["switched"], result["left_out"]) == (False, True, [])
    assert {row["table"]: row["rows"] for row in result["tables"]}["turkctl_hit"] == 1
    assert standing(turkctl) == before
    assert turkctl("workers", "approve", "--all").code == 0
    assert turkctl("campaign", "run", "1").code == 0
    assert turkctl("market", "crowd", "--workers", "4", "--seed", "2", "--drop-out", "0").code == 0
    assert turkctl("sync").code == 0
    assert turkctl("tasks", "run", "sync").code == 0
    assert len(json.loads(turkctl("hits", "list", "--json").out)) >= 2
    assert turkctl("db", "check").code == 0
    assert "[experiments.stroop]" in (busy / "turkctl.toml").read_text(encoding="utf-8")


REFUSED = (
    ["hits", "create", "--assignments", "1"], ["sync"], ["workers", "approve", "--all"], ["db", "optimize"],
    ["participants", "set", "A", "--bonus", "1"], ["scheduler", "run", "--once"], ["db", "upgrade"],
    ["market", "crowd", "--workers", "1"], ["market", "reset", "--yes"], ["market", "workers", "invite"],
)  # fmt: skip


def test_nothing_is_changed_where_a_study_was(busy: Path, turkctl: Run) -> None:
    assert turkctl("db", "copy", *TO).code == 0
    before = content(busy / "turkctl.db"), content(busy / "turkctl-market.db")
    for argv in REFUSED:
        finished = turkctl(*argv, "--json")
        assert (finished.code, finished.out) == (3, ""), argv
        assert "was moved to sqlite:///" in last_error(finished.err)["message"]
    assert (content(busy / "turkctl.db"), content(busy / "turkctl-market.db")) == before
    for argv in (["hits", "list"], ["status"], ["participants", "count"], ["market", "stats"], ["log"]):
        assert turkctl(*argv).code == 0, argv


def test_a_server_that_does_not_answer_is_told_of_without_naming_another_option(busy: Path, turkctl: Run) -> None:
    finished = turkctl("db", "copy", "--to", "postgresql://lab@127.0.0.1:1/new", "--json")
    assert finished.code == 4
    assert "password in the URL of the database" in last_error(finished.err)["hint"]


def test_what_asks_a_market_that_was_moved_for_its_money_says_so(busy: Path, turkctl: Run) -> None:
    assert turkctl("db", "copy", *TO).code == 0
    for argv in (["balance"], ["campaign", "plan", "--goal", "9"]):
        finished = turkctl(*argv, "--json")
        assert (finished.code, last_error(finished.err)["code"]) == (3, "moved"), argv
        assert "Traceback" not in finished.err, argv
    checked = turkctl("doctor", "--json")
    assert checked.code == 4
    (market,) = (row for row in json.loads(checked.out) if row["check"] == "market")
    assert "was moved to sqlite:///" in market["detail"]
    assert "market_url" in market["mend"]


def test_the_doctor_says_what_does_not_act(busy: Path, turkctl: Run) -> None:
    def database(*options: str) -> tuple[int, dict[str, Any]]:
        checked = turkctl("doctor", "--json", *options)
        return checked.code, {row["check"]: row for row in json.loads(checked.out)}["database"]

    assert turkctl("db", "copy", "--to", "sqlite:///look.db", "--keep").code == 0
    _code, kept = database("--database-url", "sqlite:///look.db")
    assert (kept["ok"], kept["detail"].endswith("turkctl.db to look at, which cannot act")) == (True, True)
    assert database()[1]["detail"].endswith("/turkctl.db")
    assert turkctl("db", "copy", "--to", "sqlite:///new.db").code == 0
    code, moved = database()
    assert (code, moved["ok"]) == (4, False)
    assert "was moved to sqlite:///" in moved["detail"]
    assert "set database_url to that address" in moved["mend"]
    assert database("--database-url", "sqlite:///new.db")[1]["ok"]


def test_the_next_steps_are_said_and_the_settings_stay_unless_told_otherwise(busy: Path, turkctl: Run) -> None:
    before = (busy / "turkctl.toml").read_bytes()
    said = turkctl("db", "copy", *TO).err
    assert 'database_url = "sqlite:///new.db"\nmarket_url = "sqlite:///new-market.db"' in said
    assert (busy / "turkctl.toml").read_bytes() == before
    again = turkctl("db", "copy", *TO, "--switch")
    assert "the copy alone acts now" in again.out
    assert turkctl("hits", "create", "--assignments", "1").code == 0


def test_new_files_are_for_their_owner_alone_and_missed_when_they_are_lost(busy: Path, turkctl: Run) -> None:
    assert turkctl("db", "copy", *TO, "--switch").code == 0
    for name in ("new.db", "new-market.db"):
        assert stat.S_IMODE((busy / name).stat().st_mode) == 0o600
        with closing(sqlite3.connect(busy / name)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    (busy / "new.db").unlink()
    lost = turkctl("hits", "list", "--json")
    assert (lost.code, "is gone" in last_error(lost.err)["message"]) == (4, True)


def test_a_market_that_stays_is_named_when_it_would_be_looked_for_elsewhere(busy: Path, turkctl: Run) -> None:
    (busy / "far").mkdir()
    assert turkctl("db", "copy", "--to", "sqlite:///far/new.db", "--switch").code == 0
    assert turkctl("config", "get", "market_url").out.strip() == f"sqlite:///{busy}/turkctl-market.db"
    assert turkctl("sync").code == 0
    assert turkctl("hits", "create", "--assignments", "1").code == 0


def test_a_copy_that_is_kept_can_be_looked_at_and_cannot_act(busy: Path, turkctl: Run) -> None:
    made = turkctl("db", "copy", *TO, "--keep")
    assert (made.code, "cannot act" in made.err) == (0, True)
    there = ("--database-url", "sqlite:///new.db", "--market-url", "sqlite:///new-market.db")
    assert turkctl("hits", "list", "--json", *there).out == turkctl("hits", "list", "--json").out
    for argv in (["hits", "create", "--assignments", "1"], ["sync"], ["market", "crowd", "--workers", "1"]):
        refused = turkctl(*argv, *there, "--json")
        assert refused.code == 3, argv
        assert "made to be kept" in last_error(refused.err)["message"]
    assert turkctl("hits", "create", "--assignments", "1").code == 0


WRONG: dict[str, tuple[list[str], int, str]] = {
    "no address": (["--to", "new.db"], 2, "is not a database URL"),
    "another kind": (["--to", "mysql://x@127.0.0.1/y"], 2, "does not write to mysql"),
    "itself": (["--to", "sqlite:///turkctl.db"], 2, "is the database that is copied"),
    "the market": (["--to", "sqlite:///new.db", "--market-to", "sqlite:///turkctl.db"], 2, "that is copied"),
    "nowhere": (["--to", "sqlite:///nowhere/new.db"], 4, "there is no folder"),
    "both": ([*TO, "--keep", "--switch"], 2, "cannot be used together"),
    "nobody": (["--to", "postgresql://x@127.0.0.1:1/y"], 4, "cannot be reached"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_command_changes_nothing(busy: Path, turkctl: Run, what: str) -> None:
    argv, code, says = WRONG[what]
    finished = turkctl("db", "copy", *argv, "--json")
    assert finished.code == code, finished.err
    assert says in last_error(finished.err)["message"]
    assert turkctl("hits", "create", "--assignments", "1").code == 0


def test_what_is_not_there_is_not_copied(study: Path, outside: Path, turkctl: Run) -> None:
    assert turkctl("db", "copy", "--to", "sqlite:///new.db").code == 2
    assert list(outside.iterdir()) == []


def test_a_study_without_a_market_has_none_to_copy(configured: Path, turkctl: Run) -> None:
    (configured / "turkctl-market.db").unlink()
    finished = turkctl("db", "copy", *TO, "--json")
    assert (finished.code, last_error(finished.err)["hint"]) == (2, "leave out --market-to")
    assert turkctl("db", "copy", "--to", "sqlite:///new.db").code == 0


def test_the_environment_is_not_switched(busy: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURKCTL_DATABASE_URL", f"sqlite:///{busy}/turkctl.db")
    finished = turkctl("db", "copy", *TO, "--switch", "--json")
    assert (finished.code, "TURKCTL_DATABASE_URL" in last_error(finished.err)["message"]) == (2, True)
    assert turkctl("db", "copy", *TO).code == 0


def test_a_password_is_never_printed_and_not_written_in_silence(
    busy: Path, turkctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "move", lambda *_a, **_k: None)
    address = "postgresql://lab:s3cretword@127.0.0.1:1/study"
    finished = turkctl("db", "copy", "--to", address, "--switch")
    assert "s3cretword" not in finished.out + finished.err
    assert "the password in database_url is now in" in finished.err
    assert "s3cretword" in (busy / "turkctl.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE((busy / "turkctl.toml").stat().st_mode) == 0o600


def test_psiturk_must_be_stopped_and_its_tables_come_along(busy: Path, turkctl: Run) -> None:
    with closing(sqlite3.connect(busy / "turkctl.db")) as connection, connection:
        connection.execute("CREATE TABLE amt_hit (hitid VARCHAR(128) PRIMARY KEY)")
        connection.execute("CREATE TABLE notes (words TEXT)")
    with (busy / "turkctl.toml").open("r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write('participants_source = "psiturk"\n' + text)
    moved = turkctl("db", "copy", *TO)
    assert "psiTurk must be stopped" in moved.err
    assert "not copied, as they are neither turkctl's nor psiTurk's: notes" in moved.err
    assert set(content(busy / "turkctl.db")) - set(content(busy / "new.db")) == {"notes"}


def test_an_empty_database_beside_a_study_is_warned_of(busy: Path, turkctl: Run) -> None:
    empty = ("--database-url", "sqlite:///other.db")
    warned = turkctl("hits", "list", *empty)
    assert f"{busy}/turkctl.db has a study" in warned.err
    rows = {row["check"]: row for row in json.loads(turkctl("doctor", "--json", *empty).out)}
    assert "has a study" in rows["database"]["detail"]
    assert "warning" not in turkctl("hits", "list").err
    assert turkctl("db", "copy", "--to", "sqlite:///other.db").code == 0, "tables without rows are no data"
    assert "warning" not in turkctl("hits", "list", *empty).err


def test_what_commands_leave_in_an_empty_server_is_no_study(
    busy: Path, turkctl: Run, targets: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _market = targets
    monkeypatch.setenv("TURKCTL_DATABASE_URL", study)
    for argv in (["db", "upgrade"], ["sync"], ["hits", "create", "--assignments", "1"], ["status"]):
        assert "has a study" in turkctl(*argv).err, argv
    moved = turkctl("db", "copy", "--database-url", f"sqlite:///{busy}/turkctl.db", "--to", study)
    assert moved.code == 0, moved.err
    assert "warning" not in turkctl("hits", "list").err


def test_a_log_of_what_was_done_is_a_study(
    busy: Path, turkctl: Run, targets: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _market = targets
    (worker, *_) = json.loads(turkctl("workers", "list", "--json").out)
    with monkeypatch.context() as there:
        there.setenv("TURKCTL_DATABASE_URL", study)
        there.setenv("TURKCTL_MARKET_URL", f"sqlite:///{busy}/turkctl-market.db")
        assert turkctl("db", "upgrade").code == 0
        assert turkctl("workers", "block", worker["worker_id"], "--reason", "a script").code == 0
    refused = turkctl("db", "copy", "--to", study, "--json")
    assert (refused.code, last_error(refused.err)["code"]) == (3, "target_has_data")


def test_the_dashboard_is_not_served_where_a_study_was(
    busy: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turkctl("db", "copy", *TO).code == 0
    for name, value in (("ENABLE", "true"), ("LOGIN_USERNAME", "lab"), ("LOGIN_PASSWORD", "long enough word"),
                        ("SECRET_KEY", "k" * 40)):  # fmt: skip
        monkeypatch.setenv(f"TURKCTL_DASHBOARD_{name}", value)
    refused = turkctl("dashboard", "serve", "--port", "0", "--json")
    assert (refused.code, last_error(refused.err)["code"]) == (3, "moved")
    refused = turkctl("market", "serve", "--port", "0", "--no-site", "--json")
    assert (refused.code, last_error(refused.err)["code"]) == (3, "moved")


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.6, 0.9, 1.2, 1.6, 2.2])
def test_a_process_that_is_killed_leaves_one_that_acts_or_the_same_command_finishes(
    busy: Path, turkctl: Run, wait: float
) -> None:
    with closing(sqlite3.connect(busy / "turkctl.db")) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(assignments)")]
        marks = ", ".join("?" * len(names))
        row = {"assignmentid": "a", "workerid": "w", "hitid": "h", "datastring": "x" * 2000}
        connection.executemany(
            f"INSERT INTO assignments VALUES ({marks})",
            ([number if name == "uniqueid" else row.get(name) for name in names] for number in range(20_000)),
        )
    command = [sys.executable, "-m", "turkctl", "db", "copy", *TO]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        time.sleep(wait)  # a killed process is killed at any moment
        process.send_signal(signal.SIGKILL)
    old = turkctl("hits", "create", "--assignments", "1").code
    there = ("--database-url", "sqlite:///new.db", "--market-url", "sqlite:///new-market.db")
    arrived = (busy / "new.db").exists() and "turkctl_meta" in content(busy / "new.db")
    new = turkctl("hits", "create", "--assignments", "1", *there).code if arrived else 3
    assert not (old == 0 and new == 0)
    assert turkctl("db", "copy", *TO, "--switch").code == 0
    assert turkctl("hits", "create", "--assignments", "1", "--new").code == 0


def test_all_is_as_before_after_ctrl_c(busy: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_done: int, _all: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    move = copying.move
    monkeypatch.setattr(
        copying,
        "move",
        lambda parts, now, **told: move(
            parts, now, **told | {"progress": copying.CopyProgress(rows=interrupted, check=told["progress"].check)}
        ),
    )
    assert turkctl("db", "copy", *TO).code == 130
    monkeypatch.undo()
    shutil.rmtree(busy / "user", ignore_errors=True)
    assert program(["hits", "create", "--assignments", "1", "--config", str(busy / "turkctl.toml")]) == 0


def test_a_process_that_began_before_the_move_asks_the_market_for_no_change(busy: Path, turkctl: Run) -> None:
    settings = load({}, dict(os.environ), busy)
    with closing(Context(settings)) as early:
        assert early.mturk.balance().available > 0
        hit_id = next(iter(early.mturk.list_hits())).hit_id
        assert turkctl("db", "copy", "--to", "sqlite:///new.db").code == 0
        with pytest.raises(MarkedError):
            early.mturk.expire_hit(hit_id)
        assert early.mturk.balance().available > 0, "it may look"


def test_a_served_dashboard_is_in_the_way_until_it_ends(busy: Path, turkctl: Run) -> None:
    with closing(Context(load({}, dict(os.environ), busy))) as world:
        presence = DashboardPresence(world)
        presence.begin()
        refused = turkctl("db", "copy", *TO, "--json")
        assert (refused.code, "a dashboard is at work" in last_error(refused.err)["message"]) == (3, True)
        assert not (busy / "new.db").exists()
        presence.end()
    assert turkctl("db", "copy", *TO).code == 0
