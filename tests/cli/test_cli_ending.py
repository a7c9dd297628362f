"""Signals in the last moments of a command: its result is out, and its exit code is settled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import turkctl.cli.root
from turkctl import outputs
from turkctl.cli import main
from turkctl.context import Context

Run = Callable[..., Any]

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

STRUCK = """
import atexit, os, sys
from turkctl.cli import main
from turkctl.cli.output import Output
from turkctl.context import Context

number, sys.argv = int(sys.argv[1]), sys.argv[1:]

def strike(*_):
    os.kill(os.getpid(), number)

def struck(function):
    def call(*args):
        done = function(*args)
        strike()
        return done
    return call

Output.batch = struck(Output.batch)
Context.close = struck(Context.close)
atexit.register(strike)
main()
"""


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_after_a_batch_s_result_changes_nothing(
    number: signal.Signals, configured: Path, posted: Callable[[], list[str]]
) -> None:
    command = [sys.executable, "-c", STRUCK, str(int(number)), "hits", "create", "--assignments", "1", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr
    assert "interrupted" not in ended.stderr
    assert (ended.returncode, json.loads(ended.stdout)["succeeded"], len(posted())) == (0, 1, 1)


def test_a_signal_between_the_last_item_and_the_result_does_not_keep_the_result_back(configured: Path) -> None:
    early = STRUCK.replace(
        "        done = function(*args)\n        strike()\n", "        strike()\n        done = function(*args)\n"
    )
    command = [sys.executable, "-c", early, str(int(signal.SIGINT)), "hits", "create", "--assignments", "1", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "interrupted" not in ended.stderr
    assert (ended.returncode, json.loads(ended.stdout)["succeeded"]) == (0, 1)


def test_who_calls_the_command_line_from_python_keeps_the_signal_handlers(configured: Path, turkctl: Run) -> None:
    before = [signal.getsignal(number) for number in ENDING]
    assert turkctl("hits", "create", "--assignments", "1").code == 0
    assert [signal.getsignal(number) for number in ENDING] == before


def test_an_interrupt_while_closing_does_not_say_that_nothing_was_done(
    configured: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Context, "close", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["hits", "create", "--assignments", "1"])
    assert ended.value.code == 130
    assert capsys.readouterr().err.endswith("turkctl: error: interrupted\n")

    monkeypatch.setattr(turkctl.cli.root, "make_root", interrupted)
    with pytest.raises(SystemExit):
        main(["hits", "create", "--assignments", "1"])
    assert capsys.readouterr().err == "turkctl: error: interrupted; nothing was done\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_wait_for_somebody_who_reads_a_pipe(
    number: signal.Signals, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(configured / "pipe")
    monkeypatch.setattr(outputs.time, "sleep", lambda _seconds: os.kill(os.getpid(), number))
    finished = turkctl("participants", "export", "--data", "trial", "--file", "pipe")
    assert (finished.code, finished.out) == (130, "")
    assert "interrupted while waiting for a program that reads the output" in finished.err
