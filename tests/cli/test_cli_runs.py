"""The same command in two terminals, after a crash, with --new and with --resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

from turkctl.cli.ending import Process

Run = Callable[..., Any]
CREATE = ["hits", "create", "--assignments", "1", "--hits", "4", "--json"]


class DiedError(BaseException):
    """Stands for the end of the process."""


def interrupt(asked: Any, turkctl: Run, *argv: str) -> None:
    """Let a command end at its first CreateHIT."""

    def die(operation: str) -> None:
        if operation == "CreateHIT":
            raise DiedError

    asked.before = die
    with pytest.raises(DiedError):
        turkctl(*argv)
    asked.before = None


def test_two_terminals_that_give_the_same_command_at_once_post_one_batch(
    configured: Path, turkctl: Run, asked: Any, posted: Callable[[], list[str]]
) -> None:
    told: list[subprocess.CompletedProcess[str]] = []
    first = threading.Lock()

    def meanwhile(operation: str) -> None:
        if operation == "CreateHIT" and first.acquire(blocking=False):
            command = [sys.executable, "-m", "turkctl", *CREATE]
            told.append(subprocess.run(command, capture_output=True, text=True, timeout=100, check=False))

    asked.before = meanwhile
    assert turkctl(*CREATE).code == 0
    (other,) = told
    assert (other.returncode, other.stdout) == (3, "")
    assert last_error(other.stderr)["code"] == "run_at_work"
    assert f"process {os.getpid()} on " in last_error(other.stderr)["message"]
    assert len(posted()) == 4


def test_a_command_killed_with_sigkill_is_finished_by_the_same_command(
    configured: Path, turkctl: Run, posted: Callable[[], list[str]]
) -> None:
    code = (
        "import os, signal, sys; from turkctl.cli import run; from turkctl.context import Context\n"
        "make = Context._new_endpoint\n"
        "def killing(self, *args):\n"
        "    endpoint = make(self, *args)\n"
        "    endpoint.after = lambda name: name == 'CreateHIT' and os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return endpoint\n"
        "Context._new_endpoint = killing\n"
        "run(sys.argv[1:])"
    )
    killed = subprocess.run([sys.executable, "-c", code, *CREATE], capture_output=True, timeout=100, check=False)
    assert killed.returncode == -signal.SIGKILL
    reached = len(posted())
    assert 0 < reached <= 4
    finished = turkctl(*CREATE)
    results = json.loads(finished.out)["results"]
    listed = json.loads(turkctl("hits", "list", "--json").out)
    assert (finished.code, {item["id"] for item in results}) == (0, {row["hit_id"] for row in listed})
    assert [item["status"] for item in results].count("already_done") == reached
    assert len(posted()) == 4


def test_a_run_whose_settings_changed_waits_for_new_or_resume(
    configured: Path, turkctl: Run, asked: Any, posted: Callable[[], list[str]]
) -> None:
    interrupt(asked, turkctl, *CREATE)
    settings = configured / "turkctl.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("0.50", "0.60"), encoding="utf-8")
    assert turkctl("experiments", "configure").code == 0
    refused = turkctl(*CREATE)
    assert (refused.code, refused.out) == (3, "")
    assert last_error(refused.err)["code"] == "run_stale"
    assert posted() == []
    assert json.loads(turkctl(*CREATE, "--resume").out)["succeeded"] == 4
    listed = json.loads(turkctl("hits", "list", "--json").out)
    assert {row["reward"] for row in listed} == {"0.50"}


def test_another_command_names_the_one_that_was_interrupted(configured: Path, turkctl: Run, asked: Any) -> None:
    interrupt(asked, turkctl, *CREATE)
    note = turkctl("hits", "expire", "--regex", "nothing").err
    assert (
        "of the interrupted `turkctl hits create --assignments 1 --hits 4 --json` may not have reached the market"
        in note
    )
    assert "repeat" not in note


def test_a_password_in_the_command_line_is_not_kept(folder: Path) -> None:
    from turkctl.cli.invocation import Invocation

    typed = Invocation(["hits", "create", "--database-url", "postgresql://lab:secret@db/study"])
    assert "secret" not in typed._typed()
    assert "lab:***@db" in typed._typed()


def test_a_command_that_was_given_while_the_same_one_was_at_work_does_not_post_again(
    configured: Path, turkctl: Run, posted: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = time.monotonic()
    assert turkctl(*CREATE).code == 0
    before = len(posted())
    with monkeypatch.context() as slow:  # a start that took longer than the whole of the other one
        slow.setattr(Process, "start", lambda process, **_: setattr(process, "started", given))
        refused = turkctl(*CREATE)
        assert (refused.code, last_error(refused.err)["code"]) == (3, "run_overtaken")
    assert len(posted()) == before
    assert turkctl(*CREATE).code == 0
    assert len(posted()) == 2 * before
