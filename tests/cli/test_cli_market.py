"""market serve, crowd, reset, clock."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal
from worker_site_support import REQUESTER, external

from turkctl.market.service import Market
from turkctl.market.work import Sent
from turkctl.newcomers import NewInvitation

Run = Callable[..., Any]
NEW_HIT = {
    "Title": "Name the colour",
    "Description": "A short task.",
    "Reward": "0.50",
    "LifetimeInSeconds": 3600,
    "AssignmentDurationInSeconds": 600,
    "Question": external(),
}


def test_serve_says_where_it_is_answers_and_ends_with_a_signal(folder: Path) -> None:
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, (0, 130))):
        command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line
            with urllib.request.urlopen(f"{found[0]}/healthz", timeout=10) as answer:
                assert answer.read() == b"ok\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        assert process.returncode == code or process.returncode in (code if isinstance(code, tuple) else ())
        assert (out, "Traceback" in err) == ("", False)


def test_serve_on_a_port_that_is_taken_is_wrong_usage(turkctl: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = turkctl("market", "serve", "--port", str(taken.getsockname()[1]))
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--port", "99999"], "99999"),
        (["--port", "-1"], "-1"),
        (["--port", "http"], "--port must be a whole number, not 'http'"),
        (["--host", "no such host", "--no-site"], "no such host"),
        (["--threads", "0"], "--threads"),
    ],
)
def test_serve_on_no_address_is_wrong_usage(argv: list[str], says: str, turkctl: Run) -> None:
    finished = turkctl("market", "serve", *argv)
    assert (finished.code, finished.out) == (2, "")
    assert says in finished.err


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "AKIA = 3\n",
        "not toml",
        'AKIA = {secret = ""}\n',
        'AKIA = {account = "123456789012"}\n',
        'AKIA = {secret = "s", account = 123456789012}\n',
        'AKIA = {secret = "s", account = "not one"}\n',
        'AKIA = {secret = "s", acount = "123456789012"}\n',
    ],
)
def test_serve_with_a_file_of_keys_that_holds_none_is_bad_configuration(
    content: str | None, folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_KEYS", "keys.toml")
    if content is not None:
        (folder / "keys.toml").write_text(content, encoding="utf-8")
    finished = turkctl("market", "serve", "--port", "0")
    assert (finished.code, finished.out) == (2, "")
    assert "keys.toml" in finished.err


def test_a_crowd_does_the_hits_and_reports_it(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "9", "--hits", "2", "-q").code == 0
    finished = turkctl("market", "crowd", "--workers", "12", "--seed", "1", "--json")
    assert finished.code == 0
    report = json.loads(finished.out)
    listed = json.loads(turkctl("hits", "list", "--refresh", "--json").out)
    assert sum(row["submitted"] for row in listed) == report["submitted"] > 0


def test_the_same_seed_makes_the_same_crowd(study: Path, turkctl: Run, tmp_path: Path) -> None:
    reports = []
    for name in ("a", "b"):
        urls = [f"--database-url=sqlite:///{tmp_path / name}.db", f"--market-url=sqlite:///{tmp_path / name}-market.db"]
        turkctl("experiments", "configure", *urls)
        turkctl("hits", "create", "--assignments", "9", "-q", *urls)
        report = json.loads(turkctl("market", "crowd", "--workers", "6", "--seed", "7", "--json", *urls).out)
        reports.append({key: value for key, value in report.items() if isinstance(value, int)})
    assert reports[0] == reports[1]
    assert reports[0]["submitted"] > 0


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--workers", "-1"],
        ["--workers", "x"],
        ["--workers", "3", "--accuracy", "1.5"],
        ["--workers", "3", "--accuracy", "nan"],
        ["--workers", "3", "--speed", "0"],
        ["--workers", "3", "--locales", "??"],
        ["--workers", "3", "--until", "soon"],
        ["--workers", "3", "--max-submissions", "0"],
    ],
)
def test_a_crowd_that_cannot_be_is_wrong_usage(argv: list[str], turkctl: Run) -> None:
    finished = turkctl("market", "crowd", *argv)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("turkctl: error: ")


def test_reset_always_asks_or_needs_yes(configured: Path, turkctl: Run, posted: Callable[[], list[str]]) -> None:
    turkctl("hits", "create", "--assignments", "1")
    for mode in ("local", "sandbox", "live"):
        finished = turkctl("market", "reset", "--mode", mode)
        assert finished.code == 3
        assert "--yes" in finished.err
    assert len(posted()) == 1
    assert turkctl("market", "reset", "--yes").code == 0
    assert posted() == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("no\n", 3), ("", 3)])
def test_reset_at_a_terminal_does_what_the_answer_says(
    answer: str, code: int, configured: Path, turkctl: Run, posted: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    turkctl("hits", "create", "--assignments", "1")
    Terminal.take_over(monkeypatch, answer)
    assert turkctl("market", "reset").code == code
    assert len(posted()) == (0 if code == 0 else 1)


def test_what_was_posted_before_a_reset_belongs_to_another_market(configured: Path, turkctl: Run) -> None:
    created = json.loads(turkctl("hits", "create", "--assignments", "1", "--json").out)
    assert turkctl("market", "reset", "--yes").code == 0
    assert turkctl("hits", "list", "--json").out == "[]\n"
    finished = turkctl("hits", "expire", created["results"][0]["id"])
    assert finished.code == 3
    assert turkctl("balance").out.count("10000.00") == 1


def test_the_clock_is_shown_and_turned_forward(turkctl: Run) -> None:
    before = json.loads(turkctl("market", "clock", "--json").out)["now"]
    after = json.loads(turkctl("market", "clock", "--advance", "3d", "--json").out)["now"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", before)
    assert after[:10] > before[:10]
    assert json.loads(turkctl("market", "clock", "--json").out)["now"] >= after


@pytest.mark.parametrize("by", ["soon", "-1d", "", "9999999999999w"])
def test_the_clock_is_not_turned_by_nonsense(by: str, turkctl: Run) -> None:
    before = json.loads(turkctl("market", "clock", "--json").out)["now"]
    finished = turkctl("market", "clock", "--advance", by)
    assert (finished.code, finished.out) == (2, "")
    assert json.loads(turkctl("market", "clock", "--json").out)["now"][:10] == before[:10]


def test_the_environment_reaches_the_market_s_switches(turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_FAULT_BEFORE", "2")
    finished = turkctl("balance")
    assert finished.code == 2
    assert "TURKCTL_MARKET_FAULT_BEFORE" in finished.err
    assert "TURKCTL_MARKET_FAULT_BEFORE" in os.environ


def test_what_a_task_sent_is_printed_and_what_nobody_sent_is_not_found(turkctl: Run, folder: Path) -> None:
    assert turkctl("market", "clock").code == 0, "or there is no market yet"
    market = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    try:
        hit = market.create_hit(REQUESTER, NEW_HIT)["HIT"]["HITId"]
        worker = market.join("production", market.invite("production", NewInvitation())[0], None)
        assignment = market.accept("production", worker, hit)["AssignmentId"]
        sent = Sent({"a": "1"}, raw=b"POST /mturk/externalSubmit\n\na=1\xff")
        market.submit_from_page("production", assignment, worker, sent)
    finally:
        market.close()
    finished = turkctl("market", "submission", assignment)
    assert (finished.code, finished.out) == (0, "POST /mturk/externalSubmit\n\na=1\\xff\n")
    finished = turkctl("market", "submission", "3NONE")
    assert (finished.code, finished.out) == (2, "")


def test_html_tasks_are_shown_from_a_second_port_and_one_for_others_is_warned_of(folder: Path) -> None:
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", "--content-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
        found = re.search(r"HTML tasks are shown from port (\d+)", said[1])
        assert found, said
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/content/static/task-shim.js", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_second_port_that_is_taken_is_wrong_usage_and_frees_the_first(turkctl: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = turkctl("market", "serve", "--port", "0", "--content-port", str(taken.getsockname()[1]))
    assert (finished.code, finished.out) == (2, "")


def test_tasks_for_others_on_a_port_alone_are_warned_of(turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_SITE_SECRET_KEY", "k" * 64)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for more, warned in (([], True), (["--content-url", "https://tasks.example.org"], False)):
            monkeypatch.setenv("TURKCTL_MARKET_SITE_URL", "https://work.example.org")
            argv = ["--behind-proxy", "--port", port, "--content-port", "0", *more]
            said = turkctl("market", "serve", *argv).err
            assert ("cookies ignore ports" in said) is warned, said


def test_a_server_loads_nothing_that_only_requesters_need(turkctl: Run, folder: Path) -> None:
    assert turkctl("market", "clock").code == 0, "the first look at a new market asks the study's database about it"
    command = [sys.executable, "-X", "importtime", "-m", "turkctl", "market", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines() if line.startswith("import time:")}
    assert "flask" in loaded
    assert loaded & {"boto3", "sqlmodel", "pydantic", "numpy", "alembic", "apscheduler", "liquid", "rich"} == set()
