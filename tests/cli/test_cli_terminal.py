"""What strangers write does not command the terminal of whoever reads it; colours of our own do."""

from __future__ import annotations

import io
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal

from turkctl.cli import run

Run = Callable[..., Any]

EVIL = "A\x1b[2J\u202eB\x9b"
SHOWN = "A\\x1b[2J\\u202eB\\x9b"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def visited(configured: Path, turkctl: Run) -> Path:
    """A study with a participant whose worker id came from a browser."""
    with closing(sqlite3.connect(configured / "turkctl.db")) as connection, connection:
        connection.execute(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, ipaddress, browser, platform, language,"
            " cond, counterbalance, codeversion, beginhit, status, mode, datastring)"
            " VALUES (?, '3A', ?, '3H', '', '', '', '', 1, 0, '1.0', '2026-01-01 00:00:00', 4, 'live', ?)",
            (f"{EVIL}:3A", EVIL, f"[broken {EVIL}"),
        )
    return configured


@pytest.mark.parametrize(
    "argv",
    [
        ["participants", "list"],
        ["participants", "list", "--json"],
        ["participants", "list", "-o", "csv"],
        ["participants", "show", "3A"],
        ["participants", "export", "--data", "trial"],
        ["participants", "show", EVIL + "x"],
        ["hits", "show", EVIL],
        ["experiments", "preview", EVIL],
        [EVIL],
        ["hits", "list", "--" + EVIL],
        ["workers", "approve", EVIL, "-vv"],
    ],
)
def test_nothing_that_strangers_write_commands_the_terminal(
    argv: list[str], visited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    run(argv)
    shown = _COLOUR.sub("", out.getvalue() + err.getvalue())
    assert shown
    assert not set(shown) & set("\x1b\x9b\u202e")


def test_colours_of_a_table_reach_the_terminal(visited: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    assert run(["participants", "list", "--columns", "worker_id"]) == 0
    assert "\x1b[1mWORKER ID" in out.getvalue()
    assert SHOWN in out.getvalue()


def test_a_program_that_reads_the_output_gets_it_as_it_is(visited: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    assert run(["participants", "list", "-o", "csv", "--columns", "worker_id"]) == 0
    assert out.getvalue() == f"worker_id\n{EVIL}\n"


def test_a_report_shows_them_as_escapes(folder: Path, turkctl: Run) -> None:
    rows = "".join(f"item{number}{EVIL},{worker}{EVIL},{number % 2}\n" for number in range(3) for worker in "abc")
    (folder / "labels.csv").write_text(f"item,worker,label\n{rows}", encoding="utf-8")
    finished = turkctl("labels", "aggregate", "labels.csv", "--min-votes", "1", "--report", "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert (finished.code, SHOWN in page) == (0, True), finished.err
    assert not set(page) & set("\x1b\x9b\u202e")
