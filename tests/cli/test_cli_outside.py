"""Outside a project: commands that need a database say so and create nothing; the others work."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error, listening
from command_tree import ALL

from turkctl.cli.help_pages import examples
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

Run = Callable[..., Any]

NEED_NONE = {
    "turkctl init": "makes the project",
    "turkctl archive create": "is about a folder",
    "turkctl archive verify": "is about a folder",
    "turkctl archive show": "is about a folder",
    "turkctl archive serve": "is about a folder",
    "turkctl archive add-csv": "is about a folder",
    "turkctl archive export": "is about a folder",
    "turkctl demo": "makes one of its own",
    "turkctl doctor": "says what is missing, with exit code 4",
    "turkctl help": "is about turkctl",
    "turkctl config show": "shows settings of other origins, too",
    "turkctl config get": "shows settings of other origins, too",
    "turkctl hits cost": "calculates",
    "turkctl dashboard hash-password": "calculates",
    "turkctl db import-psiturk": "makes the project out of psiTurk's file",
}
"""Commands that work outside a project, and why."""
INPUTS = (
    *("photos.csv", "votes.csv", "passed.txt", "bonuses.csv", "people.csv", "class.csv"),
    *("decided.csv", "answers.csv", "review.csv", "codes.csv", "robots.csv", "pilots.csv"),
)
"""Files that the examples read."""


OTHERS = {
    "labels aggregate votes.csv": "is about a file",
    "labels workers votes.csv": "is about a file",
    "labels agreement votes.csv": "is about a file",
    "balance --all-modes": "says in each row what is wrong with that mode",
    "participants list --current --group-by condition --watch": "needs a terminal",
}
"""Examples that need no database, or fail earlier, and why."""
NEEDING = [
    line
    for path, command in ALL.items()
    if path not in NEED_NONE
    for line in examples(command)
    if not any(line.startswith(f"turkctl {other}") for other in OTHERS)
]


def below(folder: Path) -> list[str]:
    """Everything in a folder and the folders in it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def inputs(outside: Path) -> Path:
    """A folder without a project, in which the files are that the examples read."""
    (outside / "photos.csv").write_text("key,url,votes,age\np1,https://example.org/1.jpg,4,2\n", encoding="utf-8")
    (outside / "votes.csv").write_text("item,worker,label\np1,anna,yes\np1,ben,yes\np1,carl,no\n", encoding="utf-8")
    (outside / "passed.txt").write_text("A1EXAMPLEWORKER\n", encoding="utf-8")
    (outside / "bonuses.csv").write_text(
        "id,amount,reason\n3EXAMPLEASSIGNMENT000000000001,0.25,Careful work\n", encoding="utf-8"
    )
    (outside / "people.csv").write_text("own_id,name\n1234567,Anna\n", encoding="utf-8")
    (outside / "class.csv").write_text("student_number\n1234567\n", encoding="utf-8")
    (outside / "decided.csv").write_text("item,label\np1,true\n", encoding="utf-8")
    (outside / "answers.csv").write_text("answer,label\nperhaps,yes\n", encoding="utf-8")
    assignment = "3EXAMPLEASSIGNMENT000000000001"
    (outside / "review.csv").write_text(f"AssignmentId,Approve,Reject\n{assignment},x,\n", encoding="utf-8")
    (outside / "codes.csv").write_text("worker_id,text\nA1EXAMPLEWORKER,K-7\n", encoding="utf-8")
    for name in ("robots.csv", "pilots.csv"):
        (outside / name).write_text("worker_id\nA1EXAMPLEWORKER\n", encoding="utf-8")
    assert sorted(INPUTS) == below(outside)
    return outside


@pytest.fixture
def amazon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A market behind HTTP where the environment has mode live look for Amazon's, and credentials for it."""
    market = Market(f"sqlite:///{tmp_path / 'served.db'}")
    endpoint = Endpoint(market)
    with listening(endpoint) as url:
        monkeypatch.setenv("TURKCTL_MODE", "live")
        monkeypatch.setenv("TURKCTL_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield endpoint
    market.close()


def test_every_command_is_tried_or_needs_no_project() -> None:
    tried = {path for path, command in ALL.items() for line in examples(command) if line in NEEDING}
    assert tried | set(NEED_NONE) == set(ALL)
    assert tried.isdisjoint(NEED_NONE)


@pytest.mark.parametrize("line", NEEDING)
def test_a_command_that_needs_a_database_names_init_and_creates_nothing(
    line: str, inputs: Path, tmp_path: Path, turkctl: Run
) -> None:
    before = below(tmp_path)
    finished = turkctl(*shlex.split(line)[1:])
    assert finished.code == 2, finished.err
    (error,) = [each for each in finished.err.splitlines() if each.startswith("turkctl: error: ")]
    assert "turkctl init" in error
    assert finished.out == ""
    assert below(tmp_path) == before


@pytest.mark.parametrize("line", [line for line in NEEDING if " --mode" not in line and "turkctl balance" not in line])
def test_in_mode_live_it_changes_nothing_on_the_market_either(
    line: str, inputs: Path, amazon: Endpoint, turkctl: Run
) -> None:
    finished = turkctl(*shlex.split(line)[1:], "--yes") if "--dry-run" not in line else turkctl(*shlex.split(line)[1:])
    assert (finished.code, finished.out) == (2, "")
    assert [name for name in amazon.requests if not name.startswith(("Get", "List"))] == []
    assert below(inputs) == sorted(INPUTS)


def test_the_error_says_where_one_is_and_what_to_type_and_has_a_code_of_its_own(outside: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "list", "--json")
    assert (finished.code, finished.out) == (2, "")
    error = last_error(finished.err)
    assert error["code"] == "no_project"
    assert str(outside) in error["message"]
    assert all(word in error["hint"] for word in ("turkctl init", "--config", "--database-url"))
    (outside / "below").mkdir()
    assert turkctl("init").code == 0
    assert turkctl("hits", "list").code == 0


def test_a_database_or_market_that_lies_in_the_folder_by_chance_is_not_used(outside: Path, turkctl: Run) -> None:
    assert turkctl("init").code == 0
    assert turkctl("market", "clock").code == 0
    (outside / "turkctl.toml").unlink()
    for argv in (["hits", "list"], ["market", "clock"], ["balance"], ["scheduler", "status"]):
        assert (turkctl(*argv).code, turkctl(*argv).out) == (2, ""), argv
    assert turkctl("market", "clock", "--market-url", "sqlite:///turkctl-market.db").code == 0


@pytest.mark.parametrize("named", ["--config", "--database-url", "TURKCTL_CONFIG", "TURKCTL_DATABASE_URL", "user file"])
def test_a_database_counts_as_given_by(
    named: str, outside: Path, tmp_path: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turkctl("init", str(tmp_path / "there")).code == 0
    project, database = tmp_path / "there" / "turkctl.toml", f"sqlite:///{tmp_path / 'there' / 'turkctl.db'}"
    value = str(project) if "config" in named.lower() else database
    if named == "user file":
        monkeypatch.setenv("TURKCTL_USER_DIR", str(tmp_path))
        (tmp_path / "config.toml").write_text(f'database_url = "{database}"\n', encoding="utf-8")
    elif named.isupper():
        monkeypatch.setenv(named, value)
    options = [named, value] if named.startswith("--") else []
    assert turkctl("hits", "list", *options).code == 0
    assert turkctl("balance", *options).code == 0
    assert below(outside) == []


@pytest.mark.parametrize(
    "argv", [["balance"], ["market", "clock"], ["market", "crowd", "--workers", "2"], ["market", "reset", "--yes"]]
)
@pytest.mark.parametrize("by", ["flag", "environment"])
def test_the_built_in_market_alone_needs_its_own_address_only(
    argv: list[str], by: str, outside: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outside / "turkctl.db").write_bytes(b"of somebody else")
    options = ["--market-url", "sqlite:///market.db"] if by == "flag" else []
    if by == "environment":
        monkeypatch.setenv("TURKCTL_MARKET_URL", "sqlite:///market.db")
    finished = turkctl(*argv, *options)
    assert (finished.code, finished.err) == (0, "")
    assert {"market.db", "turkctl.db"} <= set(below(outside))
    assert "turkctl-market.db" not in below(outside)
    assert (outside / "turkctl.db").read_bytes() == b"of somebody else"


def test_a_market_is_served_by_its_own_address(outside: Path) -> None:
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", "--market-url", "sqlite:///market.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("the market is at http://127.0.0.1:")
        running.terminate()
        assert running.wait(30) == 0
    assert "market.db" in below(outside)
    assert "turkctl.db" not in below(outside)


@pytest.mark.parametrize(
    "line",
    [
        "config show",
        "config get mode",
        "help hits create",
        "hits cost --assignments 9 --reward 0.50",
        "labels aggregate votes.csv --min-votes 2",
        "labels workers votes.csv --min-votes 2",
    ],
)
def test_what_needs_no_database_works_and_creates_nothing(
    line: str, inputs: Path, tmp_path: Path, turkctl: Run
) -> None:
    before = below(tmp_path)
    finished = turkctl(*line.split())
    assert finished.code == 0, finished.err
    assert finished.out
    assert below(tmp_path) == before


def test_commands_that_are_about_the_project_file_name_init(outside: Path, turkctl: Run) -> None:
    for argv in (["config", "path"], ["config", "set", "mode", "sandbox"]):
        finished = turkctl(*argv)
        assert finished.code == 2
        assert "turkctl init" in finished.err


def test_doctor_says_once_that_there_is_no_project_with_its_fix(outside: Path, turkctl: Run) -> None:
    finished = turkctl("doctor", "--json")
    assert finished.code == 4
    rows = {row["check"]: row for row in json.loads(finished.out)}
    assert [name for name, row in rows.items() if row["ok"]] == ["configuration", "credentials"]
    assert "no turkctl.toml" in rows["database"]["detail"]
    assert "turkctl init" in rows["database"]["mend"]
    for name in ("schema", "market", "clock"):
        assert (rows[name]["detail"], rows[name]["mend"]) == ("not checked: needs database", "fix database first")
    assert below(outside) == []


def test_doctor_checks_amazon_outside_a_project_all_the_same(outside: Path, amazon: Endpoint, turkctl: Run) -> None:
    finished = turkctl("doctor", "--json")
    assert finished.code == 4
    assert [row["check"] for row in json.loads(finished.out) if not row["ok"]] == ["database", "schema", "scheduler"]
    assert below(outside) == []


def test_the_balance_of_amazons_market_needs_no_project(outside: Path, amazon: Endpoint, turkctl: Run) -> None:
    finished = turkctl("balance", "--json")
    assert (finished.code, json.loads(finished.out)["mode"]) == (0, "live")
    assert below(outside) == []
