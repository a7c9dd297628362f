from __future__ import annotations

import configparser
import io
import logging
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from scheduler_support import NOW

from turkctl.scheduler.logs import log, pairs, shown
from turkctl.scheduler.units import crontab_line, systemd_unit

ODD = Path("/home/lab/50% of $tudies")
COMMAND = ["/opt/venv/bin/python", "-m", "turkctl", "--mode", "live", "--config", "/home/lab/my study/turkctl.toml"]


def _parse(unit: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive
    parser.read_string(unit)
    return parser


def test_a_systemd_unit_runs_the_scheduler_in_the_projects_folder() -> None:
    unit = _parse(systemd_unit(COMMAND, Path("/home/lab/study")))
    assert unit["Service"]["WorkingDirectory"] == "/home/lab/study"
    assert unit["Service"]["ExecStart"] == (
        '/opt/venv/bin/python -m turkctl --mode live --config "/home/lab/my study/turkctl.toml" scheduler run'
    )
    assert unit["Service"]["KillSignal"] == "SIGTERM"
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Install"]["WantedBy"] == "default.target"


def test_what_means_something_to_systemd_is_doubled() -> None:
    unit = _parse(systemd_unit(["/usr/bin/turkctl", "--config", "/home/$x/50%.toml"], ODD))
    assert unit["Service"]["WorkingDirectory"] == "/home/lab/50%% of $tudies"
    assert unit["Service"]["ExecStart"] == "/usr/bin/turkctl --config /home/$$x/50%%.toml scheduler run"


def test_a_crontab_line_survives_the_shell_and_cron() -> None:
    line = crontab_line(COMMAND, ODD)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    minute, hour, day, month, weekday, command = line.rstrip("\n").split(" ", 5)
    assert (minute, hour, day, month, weekday) == ("*/5", "*", "*", "*", "*")
    assert r"50\%" in command
    assert shlex.split(command.replace(r"\%", "%")) == [
        "cd", str(ODD), "&&", *COMMAND, "scheduler", "run", "--once", "--quiet",
    ]  # fmt: skip


def test_the_unit_command_prints_both_with_the_flags_it_was_given(turkctl: Callable[..., Any], folder: Path) -> None:
    printed = turkctl("scheduler", "unit", "--mode", "sandbox")
    assert printed.code == 0
    assert f"WorkingDirectory={folder}" in printed.out
    assert "-m turkctl --mode sandbox scheduler run\n" in printed.out
    assert "*/5 * * * * cd " in printed.out
    alone = turkctl("scheduler", "unit", "--cron")
    assert alone.out.startswith("*/5 * * * * cd ")
    assert "[Service]" not in alone.out


def test_a_log_line_is_keys_and_values_whatever_they_hold() -> None:
    line = pairs(event="x", task="sync", error='says "no"\nand more', at=NOW, took=timedelta(seconds=1.5), left=None)
    assert line == 'event=x task=sync error="says \\"no\\"\\nand more" at=2026-11-22T09:00:00Z took=1.500'
    assert pairs(empty="", equals="a=b") == 'empty="" equals="a=b"'


def test_the_log_goes_to_one_stream_with_time_and_level() -> None:
    stream, later = io.StringIO(), io.StringIO()
    with shown(logging.INFO, stream):
        log("run_started", task="sync")
        log("detail", level=logging.DEBUG)
        logging.getLogger("apscheduler.scheduler").warning("it was %s", "late")
    with shown(logging.WARNING, later):
        log("run_finished", task="sync")
    first, second = stream.getvalue().splitlines()
    assert first.startswith("time=20")
    assert first.endswith("Z level=info event=run_started task=sync")
    assert second.endswith('level=warning event=apscheduler message="it was late"')
    assert later.getvalue() == ""
