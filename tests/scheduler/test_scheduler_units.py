from __future__ import annotations

import configparser
import io
import json
import logging
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from scheduler_support import NOW

from turkctl.scheduler.logs import EVENT, log, pairs, shown
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
        '/opt/venv/bin/python -m turkctl --mode live --config "/home/lab/my study/turkctl.toml" scheduler run --quiet'
    )
    assert unit["Service"]["KillSignal"] == "SIGTERM"
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Install"]["WantedBy"] == "default.target"


def test_what_means_something_to_systemd_is_doubled() -> None:
    unit = _parse(systemd_unit(["/usr/bin/turkctl", "--config", "/home/$x/50%.toml"], ODD))
    assert unit["Service"]["WorkingDirectory"] == "/home/lab/50%% of $tudies"
    assert unit["Service"]["ExecStart"] == "/usr/bin/turkctl --config /home/$$x/50%%.toml scheduler run --quiet"


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
    assert "-m turkctl --mode sandbox scheduler run --quiet\n" in printed.out
    assert "*/5 * * * * cd " in printed.out
    alone = turkctl("scheduler", "unit", "--cron")
    assert alone.out.startswith("*/5 * * * * cd ")
    assert "[Service]" not in alone.out


def test_a_log_line_is_keys_and_values_whatever_they_hold() -> None:
    line = pairs(event="x", task="sync", error='says "no"\nand more', at=NOW, took=timedelta(seconds=1.5), left=None)
    assert line == 'event=x task=sync error="says \\"no\\"\\nand more" at=2026-11-22T09:00:00Z took=1.500'
    assert pairs(empty="", equals="a=b") == 'empty="" equals="a=b"'


def events(stream: io.StringIO, level: int = logging.INFO, **options: bool) -> None:
    """Log a few events on a stream."""
    with shown(level, stream, **options):
        log("run_started", task="sync", slot=NOW)
        log("run_finished", words="sync: checked\n2 HITs", task="sync", took=timedelta(seconds=1.5), error=None)
        log("campaign_met", level=EVENT, words="campaign 1 has met its goal")
        log("detail", level=logging.DEBUG)
        log("tick_failed", level=logging.ERROR, words="it failed", trace=ZeroDivisionError())
        logging.getLogger("apscheduler.scheduler").warning("it was %s", "late")


def test_people_read_sentences_and_with_verbose_all_events_and_tracebacks() -> None:
    plain, quiet, verbose = io.StringIO(), io.StringIO(), io.StringIO()
    events(plain)
    sentences = ["sync: checked 2 HITs", "campaign 1 has met its goal", "it failed", "it was late"]
    assert plain.getvalue().splitlines() == sentences
    events(quiet, EVENT)
    assert quiet.getvalue().splitlines() == sentences[1:]
    events(verbose, logging.DEBUG, verbose=True)
    lines = verbose.getvalue().splitlines()
    assert lines[:2] == ["event=run_started task=sync slot=2026-11-22T09:00:00Z", "sync: checked 2 HITs"]
    assert {"event=detail", "ZeroDivisionError"} <= set(lines)


def test_machines_read_an_object_a_line_with_time_level_and_event() -> None:
    stream = io.StringIO()
    events(stream, machines=True)
    started, finished, met, failed, late = (json.loads(line) for line in stream.getvalue().splitlines())
    time = started.pop("time")
    assert time.endswith("Z")
    assert started == {"level": "info", "event": "run_started", "task": "sync", "slot": "2026-11-22T09:00:00Z"}
    assert (finished["message"], finished["took"], "error" in finished) == ("sync: checked 2 HITs", 1.5, False)
    assert (met["level"], failed["level"]) == ("notice", "error")
    assert "ZeroDivisionError" in failed["traceback"]
    assert (late["event"], late["message"]) == ("apscheduler", "it was late")


def test_the_log_is_as_before_after_its_block() -> None:
    stream, later = io.StringIO(), io.StringIO()
    with shown(logging.INFO, stream):
        log("run_started", words="one")
    with shown(logging.WARNING, later):
        log("run_finished", words="two")
    assert (stream.getvalue(), later.getvalue()) == ("one\n", "")
