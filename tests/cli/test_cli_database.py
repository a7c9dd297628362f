"""Databases that are somebody else's, damaged, out of reach or read-only; PostgreSQL from the command line."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from databases import new_database

Run = Callable[..., Any]
NEED_THE_DATABASE = (["hits", "list"], ["experiments", "list"], ["hits", "create", "--assignments", "1"])


def sql(path: Path, *statements: str) -> None:
    """Runs statements on a file, past the program."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_database_that_is_somebody_else_s_is_left_alone_until_upgraded(study: Path, turkctl: Run) -> None:
    theirs = study / "participants.db"
    sql(theirs, "CREATE TABLE assignments (uniqueid TEXT PRIMARY KEY, hitid TEXT)",
        "INSERT INTO assignments VALUES ('w:a', 'H')")  # fmt: skip
    before = theirs.read_bytes()
    url = ["--database-url", f"sqlite:///{theirs}"]
    for argv in (*NEED_THE_DATABASE, ["experiments", "configure"], ["hits", "expire", "--all"]):
        finished = turkctl(*argv, *url, "--json")
        assert (finished.code, finished.out) == (2, ""), argv
        error = last_error(finished.err)
        assert error["code"] == "schema", argv
        assert "turkctl db upgrade" in error["hint"], argv
    assert theirs.read_bytes() == before
    assert turkctl("db", "upgrade", *url).code == 0
    assert turkctl("experiments", "configure", *url).code == 0
    connection = sqlite3.connect(theirs)
    assert connection.execute("SELECT * FROM assignments").fetchall() == [("w:a", "H")]
    connection.close()


READ_ONLY = (
    ["participants", "list"], ["participants", "count"], ["participants", "show", "A1"],
    ["participants", "export", "--data", "trial"], ["participants", "set", "A1", "--bonus", "1"],
    ["db", "current"], ["db", "check"], ["db", "optimize"],
)  # fmt: skip


@pytest.mark.parametrize("argv", READ_ONLY, ids=" ".join)
def test_a_named_database_that_is_not_there_is_not_made_by_reading_it(
    argv: list[str], folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = turkctl(*argv, "--database-url", "sqlite:///absent.db", "--json")
    assert (finished.code, finished.out) == (4, "")
    assert "there is no database" in last_error(finished.err)["message"]
    monkeypatch.setenv("TURKCTL_DATABASE_URL", "sqlite:///absent.db")
    assert turkctl(*argv).code == 4
    assert not (folder / "absent.db").exists()


def test_the_project_s_own_database_is_made_when_it_is_first_looked_at(folder: Path, turkctl: Run) -> None:
    assert turkctl("participants", "count").out == "0\n"
    assert (folder / "turkctl.db").exists()
    assert turkctl("db", "upgrade", "--database-url", "sqlite:///absent.db").code == 0
    assert turkctl("participants", "count", "--database-url", "sqlite:///absent.db").out == "0\n"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_bytes(b"not a database, whatever its name says" * 50), "is not an SQLite database"),
        (lambda path: path.mkdir(), "is a folder, not a database"),
    ],
)
def test_a_file_that_is_no_database_is_exit_4(
    make: Callable[[Path], Any], says: str, study: Path, turkctl: Run
) -> None:
    make(study / "turkctl.db")
    for argv in NEED_THE_DATABASE:
        finished = turkctl(*argv)
        assert finished.code == 4, argv
        assert says in finished.err, argv
        assert finished.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("sqlite:////nowhere/at/all/x.db", 4, "/nowhere/at/all"),
        ("sqlite://", 2, "in memory"),
        ("sqlite:///:memory:", 2, "in memory"),
        ("oracle://me:hush@127.0.0.1/x", 4, "no driver for oracle://me:***@127.0.0.1/x"),
        ("nonsense://x", 4, "no driver"),
        ("postgresql://me:hush@127.0.0.1:1/x", 4, "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line_without_its_password(
    url: str, code: int, says: str, study: Path, turkctl: Run
) -> None:
    for argv in NEED_THE_DATABASE[:2]:
        finished = turkctl(*argv, "--database-url", url)
        assert finished.code == code
        assert says in finished.err
        assert "hush" not in finished.err
        assert finished.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:////nowhere/at/all/x.db", 4),
        ("oracle://me:hush@127.0.0.1/x", None),
        ("nonsense://x", None),
        ("nonsense", 2),
        ("postgresql://me:hush@127.0.0.1:1/x", 4),
    ],
)
def test_a_market_s_address_that_leads_nowhere_is_one_line_without_its_password(
    url: str, code: int | None, configured: Path, turkctl: Run
) -> None:
    for argv in (["balance"], ["hits", "create", "--assignments", "1"], ["market", "clock"]):
        finished = turkctl(*argv, "--market-url", url)
        assert finished.code == code or (code is None and finished.code in (2, 4)), argv
        assert "hush" not in finished.err
        assert "fault in turkctl" not in finished.err
        assert finished.err.count("\n") == 1


def test_a_database_that_may_only_be_read_can_be_read(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "1", "-q").code == 0
    read_only = ["--database-url", f"sqlite:///file:{configured / 'turkctl.db'}?mode=ro&uri=true",
                 "--market-url", f"sqlite:///{configured / 'turkctl-market.db'}"]  # fmt: skip
    assert len(json.loads(turkctl("hits", "list", "--json", *read_only).out)) == 1
    for argv in (["hits", "create", "--assignments", "1"], ["hits", "expire", "--all"]):
        finished = turkctl(*argv, *read_only)
        assert finished.code == 4, argv
        assert "cannot be written" in finished.err
    assert len(json.loads(turkctl("hits", "list", "--json", "--all-studies").out)) == 1


def test_a_locked_database_is_exit_4_and_nothing_is_posted(
    configured: Path, turkctl: Run, posted: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turkctl.store.engine.WAIT_MS", 50)
    assert turkctl("balance").code == 0
    other = sqlite3.connect(configured / "turkctl.db")
    other.execute("BEGIN IMMEDIATE")
    finished = turkctl("hits", "create", "--assignments", "1", "--json")
    assert finished.code == 4
    assert "is locked by another program" in last_error(finished.err)["message"]
    other.rollback()
    other.close()
    assert posted() == []
    assert turkctl("hits", "create", "--assignments", "1").code == 0


def test_a_relative_database_is_meant_from_where_it_was_said(
    study: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'database_url = "sqlite:///data.db"\n' + (study / "turkctl.toml").read_text(encoding="utf-8")
    (study / "turkctl.toml").write_text(text, encoding="utf-8")
    below = study / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert turkctl("experiments", "configure").code == 0
    assert (study / "data.db").is_file()
    assert turkctl("experiments", "list", "--database-url", "sqlite:///data.db").code == 0
    assert (below / "data.db").is_file()


def test_everything_works_on_postgresql(study: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_database("postgres", study) as ours, new_database("postgres", study) as market:
        monkeypatch.setenv("TURKCTL_DATABASE_URL", ours)
        urls = ["--market-url", market]
        assert turkctl("doctor", *urls).code == 0
        assert turkctl("experiments", "configure", *urls).code == 0
        created = json.loads(turkctl("hits", "create", "--assignments", "12", "--json", *urls).out)
        first, second = (item["id"] for item in created["results"])
        assert turkctl("market", "crowd", "--workers", "3", "--max-submissions", "2", *urls).code == 0
        assert turkctl("hits", "extend", first, "--lifetime", "1h", *urls).code == 0
        listed = json.loads(turkctl("hits", "list", "--refresh", "--json", *urls).out)
        assert sum(row["submitted"] for row in listed) == 2
        assert turkctl("hits", "expire", "--all", *urls).code == 0
        assert json.loads(turkctl("hits", "show", second, "--json", *urls).out)["expired"] is True
        assert turkctl("db", "check", *urls).out == ""
        assert turkctl("market", "reset", "--yes", *urls).code == 0
        finished = turkctl("hits", "expire", first, *urls)
        assert finished.code == 3
        assert "belongs to the market local:" in finished.err
    assert list(study.glob("*.db")) == []


def test_both_may_live_in_one_postgresql_database(study: Path, turkctl: Run) -> None:
    with new_database("postgres", study) as url:
        urls = ["--database-url", url, "--market-url", url]
        assert turkctl("experiments", "configure", *urls).code == 0
        assert turkctl("hits", "create", "--assignments", "1", *urls).code == 0
        assert turkctl("db", "check", *urls).code == 0


def test_both_may_live_in_one_sqlite_file(study: Path, turkctl: Run) -> None:
    urls = ["--database-url", "sqlite:///all.db", "--market-url", "sqlite:///all.db"]
    assert turkctl("balance", *urls).code == 0
    assert turkctl("experiments", "configure", *urls).code == 0
    assert turkctl("hits", "create", "--assignments", "1", *urls).code == 0
    assert turkctl("hits", "expire", "--all", *urls).code == 0
    assert [path.name for path in study.glob("*.db")] == ["all.db"]


def test_a_new_database_is_made_once_by_programs_that_start_together(study: Path) -> None:
    command = [sys.executable, "-m", "turkctl", "experiments", "configure", "--json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) for _ in "ab"]
    finished = [(process.communicate(timeout=60), process.returncode) for process in running]
    assert [code for _, code in finished] == [0, 0], finished
    statuses = sorted(json.loads(out)[0]["status"] for (out, _), _ in finished)
    assert statuses in (["created", "unchanged"], ["created", "created"])
    connection = sqlite3.connect(study / "turkctl.db")
    assert connection.execute("SELECT count(*) FROM turkctl_experiment").fetchone() == (1,)
    connection.close()
