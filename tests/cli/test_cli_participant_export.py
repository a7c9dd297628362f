"""participants export on the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
COLUMNS = (
    "uniqueid PRIMARY KEY, assignmentid, workerid, hitid, ipaddress, browser, platform, language, cond INTEGER,"
    " counterbalance INTEGER, codeversion, beginhit, beginexp, endhit, bonus, status INTEGER, mode, datastring"
)
RECORDED = {
    "data": [{"uniqueid": "W0:A0", "current_trial": 0, "dateTime": 5, "trialdata": {"rt": 512}}],
    "eventdata": [{"eventtype": "focus", "value": "on", "timestamp": 5, "interval": 0}],
    "questiondata": {"age": "31"},
}


@pytest.fixture
def psiturk(folder: Path) -> str:
    """A database of psiTurk's with one participant whose data can be read and one whose cannot; its address."""
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute(f"CREATE TABLE assignments ({COLUMNS})")
        for number, recorded in enumerate((json.dumps(RECORDED), "[]")):
            values = (f"W{number}:A{number}", f"A{number}", f"W{number}", "H", recorded)
            plain.execute(
                "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, mode, datastring)"
                " VALUES (?, ?, ?, ?, 'debug', ?)",
                values,
            )
        plain.commit()
    return f"sqlite:///{folder / 'participants.db'}"


def test_rows_go_to_standard_output_and_what_cannot_be_read_to_standard_error(psiturk: str, turkctl: Run) -> None:
    here = ("participants", "export", "--data", "trial", "--database-url", psiturk)
    shown = turkctl(*here)
    assert shown.code == 0
    assert shown.out == (
        "uniqueid,assignment_id,worker_id,hit_id,condition,counterbalance,codeversion,status,mode,current_trial,"
        "dateTime,rt,trialdata\nW0:A0,A0,W0,H,,,,,debug,0,5,512,\n"
    )
    assert "participants with data that cannot be read: 1" in shown.err
    assert "W1:A1: not an object but a list" in shown.err
    assert turkctl(*here, "--mode", "live").out.count("\n") == 1
    assert turkctl(*here, "--file", "-", "-q").out == shown.out


def test_json_gives_json_lines_and_what_cannot_be_read_in_the_last_line(psiturk: str, turkctl: Run) -> None:
    for flags in (("--json",), ("-o", "jsonl"), ("-o", "json")):
        shown = turkctl("participants", "export", "--data", "question", "--database-url", psiturk, *flags)
        (row,) = [json.loads(line) for line in shown.out.splitlines()]
        assert (row["worker_id"], row["question"], row["value"]) == ("W0", "age", "31")
        told = json.loads(shown.err.splitlines()[-1])
        assert (told["unreadable"], told["unreadable_participants"]) == (
            1,
            [{"uniqueid": "W1:A1", "reason": "not an object but a list"}],
        )


def test_all_on_standard_output_is_json_lines_with_a_kind(psiturk: str, turkctl: Run) -> None:
    shown = turkctl("participants", "export", "--data", "all", "--database-url", psiturk)
    assert [json.loads(line)["kind"] for line in shown.out.splitlines()] == ["trial", "event", "question"]


def test_a_file_is_written_and_its_summary_shown(psiturk: str, turkctl: Run, folder: Path) -> None:
    here = ("participants", "export", "--database-url", psiturk, "--file", "out.csv")
    summary = json.loads(turkctl(*here, "--data", "all", "--json").out)
    names = ["out-trialdata.csv", "out-eventdata.csv", "out-questiondata.csv"]
    assert summary == {
        "files": [str(folder.resolve() / name) for name in names],
        "participants": 1,
        "rows": {"trial": 1, "event": 1, "question": 1},
        "unreadable": 1,
        "unreadable_participants": [{"uniqueid": "W1:A1", "reason": "not an object but a list"}],
    }
    assert all((folder / name).read_text().count("\n") == 2 for name in names)
    shown = turkctl(*here, "--data", "trial")
    assert (shown.code, "out.csv" in shown.out, "not an object" in shown.out) == (0, True, False)


def test_a_key_is_made_and_named_and_one_that_others_can_read_is_warned_of(
    psiturk: str, turkctl: Run, folder: Path
) -> None:
    here = ("participants", "export", "--data", "trial", "--database-url", psiturk, "--anonymize", "key")
    first = turkctl(*here)
    assert "made the key key" in first.err
    words = set(re.split(r"[^A-Za-z0-9_-]+", first.out + first.err))
    assert words.isdisjoint({"W0", "A0"}), "whole words: a random pseudonym may hold these two letters"
    (folder / "key").chmod(0o640)
    second = turkctl(*here)
    assert "others can read the key key" in second.err
    assert second.out == first.out


@pytest.mark.parametrize(
    ("argv", "fix"),
    [
        (("--data", "trials"), "did you mean 'trial'"),
        (("--data", "trial", "--format", "xls"), "give one of: csv"),
        (("--data", "all", "--format", "csv"), "--file"),
        (("--data", "trial", "--format", "parquet"), "--file"),
        (("--data", "trial", "--file", "none/x.csv"), "create the folder"),
        (("--data", "trial", "--file", "participants.db"), "another"),
        (("--data", "trial", "--status", "done"), "one of"),
        ((), "--wide"),
        (("--wide", "--data", "trial"), "leave out --data"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_the_fix_for_an_export(
    psiturk: str, turkctl: Run, argv: tuple[str, ...], fix: str
) -> None:
    shown = turkctl("participants", "export", *argv, "--database-url", psiturk, "--json")
    assert (shown.code, shown.out) == (2, "")
    assert fix in (last_error(shown.err)["hint"] or "")


def test_parquet_without_pyarrow_ends_with_2_and_the_command_that_installs_it(
    psiturk: str, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    here = ("participants", "export", "--data", "trial", "--database-url", psiturk, "--file", "x.parquet", "--json")
    shown = turkctl(*here)
    assert shown.code == 2
    assert "pip install 'turkctl[parquet]'" in last_error(shown.err)["hint"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_file_and_ends_with_130(psiturk: str, folder: Path, number: signal.Signals) -> None:
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        row = plain.execute("SELECT datastring FROM assignments").fetchone()[0]
        plain.executemany(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, datastring)"
            " VALUES (?, 'A', 'W', 'H', ?)",
            ((f"X{each}", row) for each in range(60_000)),
        )
        plain.commit()
    (folder / "out.jsonl").write_text("as it was")
    before = sorted(folder.iterdir())
    argv = [sys.executable, "-m", "turkctl", "participants", "export", "--data", "trial", "--file", "out.jsonl"]
    running = subprocess.Popen(
        [*argv, "--database-url", psiturk], cwd=folder, stderr=subprocess.PIPE, env=os.environ, text=True
    )
    while running.poll() is None and sorted(folder.iterdir()) == before:
        pass  # until the file beside it is there
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, "interrupted; no file was written" in err) == (130, True)
    assert sorted(folder.iterdir()) == before
    assert (folder / "out.jsonl").read_text() == "as it was"
