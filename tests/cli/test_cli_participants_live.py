"""``participants list`` on a real terminal: bars beside groups, and the list that is watched; ``db optimize``."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl.store.participants import participants_table

Run = Callable[..., Any]
WAIT_S = 60
"""For a line to appear, at most."""


def sql(file: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(file)) as plain:
        plain.execute(statement, values)
        plain.commit()


def begin(file: Path, number: int, status: int) -> None:
    sql(
        file,
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, status) VALUES (?, ?, ?, 'H', ?)",
        f"W{number}:A{number}", f"A{number}", f"W{number}", status,
    )  # fmt: skip


@pytest.fixture
def psiturk(folder: Path) -> Path:
    """A database of psiTurk's with three participants; its file."""
    file = folder / "participants.db"
    columns = ", ".join(f"{column.name} {column.type}" for column in participants_table("assignments").columns)
    sql(file, f"CREATE TABLE assignments ({columns}, PRIMARY KEY (uniqueid))")
    for number, status in enumerate((3, 3, 2)):
        begin(file, number, status)
    (folder / "turkctl.toml").write_text('database_url = "sqlite:///participants.db"\n')
    return file


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, argv: list[str], *, columns: int, lines: int) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {
            name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "turkctl", *argv],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        self._ours = ours
        self.seen = ""

    def see(self, text: str) -> None:
        """Reads until the text has been drawn since the last look."""
        deadline = time.monotonic() + WAIT_S
        seen = ""
        while text not in seen:
            assert time.monotonic() < deadline, self.seen + seen
            ready, _, _ = select.select([self._ours], [], [], 1)
            if ready:
                seen += os.read(self._ours, 65536).decode()
        self.seen += seen

    def end(self) -> int:
        """Reads the rest; the exit code."""
        with suppress(OSError):  # what Linux says when the other side is closed
            while chunk := os.read(self._ours, 65536):
                self.seen += chunk.decode()
        os.close(self._ours)
        return self.process.wait(WAIT_S)


@pytest.fixture
def on_terminal(psiturk: Path) -> Iterator[Callable[..., Terminal]]:
    started: list[Terminal] = []

    def start(*argv: str, columns: int = 100, lines: int = 20) -> Terminal:
        started.append(Terminal(list(argv), columns=columns, lines=lines))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def test_a_watched_list_shows_who_began_meanwhile_and_ends_at_ctrl_c_with_130(
    psiturk: Path, on_terminal: Callable[..., Terminal]
) -> None:
    terminal = on_terminal("participants", "list", "--group-by", "status", "--watch")
    terminal.see("Ctrl-C ends it")
    assert "█" in terminal.seen
    begin(psiturk, 7, 6)
    terminal.see("quit_early")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert "error" not in terminal.seen


def test_groups_have_bars_on_a_terminal_and_nowhere_else(on_terminal: Callable[..., Terminal], turkctl: Run) -> None:
    wide = on_terminal("participants", "list", "--group-by", "status", columns=60)
    assert wide.end() == 0
    lengths = {line.split()[0]: line.count("█") for line in wide.seen.splitlines() if "█" in line}
    assert lengths["completed"] == pytest.approx(2 * lengths["started"], abs=1)
    for options in ((), ("-o", "csv"), ("--json",)):
        assert "█" not in turkctl("participants", "list", "--group-by", "status", *options).out


@pytest.mark.parametrize("options", [(), ("--json",), ("--group-by", "status")])
def test_watching_without_a_terminal_ends_with_2(psiturk: Path, turkctl: Run, options: tuple[str, ...]) -> None:
    finished = turkctl("participants", "list", "--watch", *options)
    assert (finished.code, finished.out) == (2, "")
    assert "--watch" in finished.err


def test_indexes_are_made_reported_and_dropped(psiturk: Path, turkctl: Run) -> None:
    before = psiturk.read_bytes()
    planned = json.loads(turkctl("db", "optimize", "--dry-run", "--json").out)
    assert (planned["dry_run"], planned["matched"], planned["succeeded"]) == (True, 10, 0)
    assert {item["status"] for item in planned["results"]} == {"planned"}
    assert psiturk.read_bytes() == before
    made = turkctl("db", "optimize", "--json")
    assert {item["status"] for item in json.loads(made.out)["results"]} == {"created"}
    assert "turkctl db optimize --drop" in made.err
    with closing(sqlite3.connect(psiturk)) as plain:
        names = {row[0] for row in plain.execute("SELECT name FROM sqlite_master WHERE name LIKE 'turkctl%'")}
    assert names == {item["id"] for item in planned["results"]}
    dropped = json.loads(turkctl("db", "optimize", "--drop", "--json").out)
    assert (dropped["action"], {item["status"] for item in dropped["results"]}) == ("drop", {"dropped"})
    assert turkctl("participants", "count").out == "3\n"


def test_indexes_of_a_database_in_use_are_reported_as_failed(psiturk: Path, turkctl: Run) -> None:
    with closing(sqlite3.connect(psiturk)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("turkctl.store.engine.WAIT_MS", 10)
            finished = turkctl("db", "optimize", "--json")
    result = json.loads(finished.out)
    assert (finished.code, result["failed"]) == (1, 10)
    assert "locked" in result["results"][0]["error"]["message"]


def test_a_database_of_a_newer_turkctl_ends_with_2(psiturk: Path, turkctl: Run) -> None:
    sql(psiturk, "CREATE TABLE turkctl_alembic_version (version_num VARCHAR(32) NOT NULL)")
    sql(psiturk, "INSERT INTO turkctl_alembic_version VALUES ('9999')")
    for argv in (["list"], ["count"], ["show", "W1"], ["list", "--group-by", "status"]):
        finished = turkctl("participants", *argv, "--json")
        assert (finished.code, finished.out) == (2, "")
        assert last_error(finished.err)["code"] == "schema"
