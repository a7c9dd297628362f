"""Secrets are shown to nobody, and files that hold one are for their owner alone."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from turkctl.context import Context
from turkctl.operations.engine import health

Run = Callable[..., Any]

SECRET = "postgresql://db.invalid/x?user=lab&password=hush"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "argv",
    [
        ["config", "show"],
        ["config", "get", "database_url"],
        ["hits", "list"],
        ["doctor"],
        ["db", "upgrade"],
        ["participants", "count"],
        ["scheduler", "unit"],
        ["hits", "list", "-vv"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("flag", ["--database-url", "--market-url"])
def test_no_command_shows_a_password_in_an_address(flag: str, argv: list[str], study: Path, turkctl: Run) -> None:
    for url in (SECRET, "postgresql://lab:hush@db.invalid/x", "no-such-kind://db/x?password=hush", "lab:hush@db"):
        finished = turkctl(*argv, flag, url)
        assert "hush" not in finished.out + finished.err, finished


@pytest.mark.parametrize("verbose", ["-v", "-vv"])
@pytest.mark.parametrize(
    ("url", "flags"),
    [
        ("http://lab:hush@127.0.0.1:1/x?token=hush", ("-m", "live", "--endpoint-url")),
        ("http://hush-hush@127.0.0.1:1/", ("-m", "live", "--endpoint-url")),
        ("postgresql://lab:hu%73h@127.0.0.1:1/x?sslpassword=hush", ("--market-url",)),
        ("sqlite:///x.db?password=hush", ("--market-url",)),
    ],
)
def test_no_traceback_shows_a_secret_of_an_address(
    url: str, flags: tuple[str, ...], verbose: str, study: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "OUTAGE", -1.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    finished = turkctl("balance", verbose, *flags, url)
    assert "Traceback" in finished.err
    assert "hush" not in finished.err
    assert "hu%73h" not in finished.err


def test_no_log_shows_a_secret_however_it_is_quoted(study: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = Context.now

    def look(context: Context) -> datetime:
        logging.getLogger("turkctl.market").warning("cannot send to %s", ("x", "s3cret of", "http://a:b@c/?token=s"))
        return now(context)

    monkeypatch.setattr(Context, "now", look)
    monkeypatch.setenv("TURKCTL_DASHBOARD_SECRET_KEY", "s3cret of")
    assert "cannot send to ('x', '***', 'http://a:***@c/?token=***')" in turkctl("doctor", "-vv").err


def test_what_sqlite_would_ignore_in_an_address_is_refused(study: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "list", "--database-url", "sqlite:///x.db?password=hush")
    assert (finished.code, "SQLite does not know: password" in finished.err) == (2, True)
    assert not (study / "x.db").exists()


def test_a_unit_leaves_an_address_with_a_secret_to_the_environment(study: Path, turkctl: Run) -> None:
    finished = turkctl("scheduler", "unit", "--database-url", SECRET)
    assert (finished.code, "--database-url" in finished.out) == (0, False)
    assert "TURKCTL_DATABASE_URL" in finished.err


@pytest.mark.parametrize(
    ("argv", "private"),
    [
        (["database_url", SECRET], True),
        (["endpoints.live", "https://lab:hush@market.invalid"], True),
        (["output", "json"], False),
    ],
)
def test_settings_with_a_secret_become_their_owner_s_alone(
    argv: list[str], private: bool, study: Path, turkctl: Run
) -> None:
    (study / "turkctl.toml").chmod(0o644)
    finished = turkctl("config", "set", *argv)
    assert (finished.code, "hush" in finished.err) == (0, False)
    assert mode(study / "turkctl.toml") == (0o600 if private else 0o644)


def test_a_secret_is_not_set_by_a_command_line_which_says_where_else(study: Path, turkctl: Run) -> None:
    finished = turkctl("config", "set", "notify.urls", "json://user:hunter2secret@example.org")
    assert finished.code == 2
    assert "TURKCTL_NOTIFY_URLS, or write it into the project file with an editor" in finished.err
    assert "hunter2secret" not in finished.err
    with (study / "turkctl.toml").open("a", encoding="utf-8") as file:
        file.write('\n[notify]\nurls = ["json://user:hunter2secret@example.org"]\n')
    assert turkctl("config", "get", "notify.urls").out == "********\n"


def test_settings_that_hold_a_secret_stay_private_at_any_change(study: Path, turkctl: Run) -> None:
    file = study / "turkctl.toml"
    file.write_text('[dashboard]\nsecret_key = "hush"\n', encoding="utf-8")
    file.chmod(0o644)
    assert turkctl("config", "set", "mode", "sandbox").code == 0
    assert mode(file) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
def test_others_who_can_read_a_secret_are_warned_of(study: Path, turkctl: Run) -> None:
    file = study / "turkctl.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text('[dashboard]\nsecret_key = "hush"\n' + text, encoding="utf-8")
    file.chmod(0o644)
    warned = f"turkctl: warning: others can read the secret in {file}; run: chmod 600 {file}\n"
    assert warned in turkctl("hits", "list", "-q").err
    file.chmod(0o600)
    assert "others can read" not in turkctl("hits", "list").err
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)
    assert "others can read" not in turkctl("hits", "list").err


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
@pytest.mark.parametrize("exposed", [True, False])
def test_a_market_warns_of_keys_that_others_can_read(exposed: bool, study: Path) -> None:
    keys = study / "keys.toml"
    keys.write_text('AKIAONE = "secret"\n', encoding="utf-8")
    keys.chmod(0o640 if exposed else 0o600)
    server = subprocess.Popen(
        [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0"],
        cwd=study,
        env={**os.environ, "TURKCTL_MARKET_KEYS": "keys.toml"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline().startswith("the market is at")
    server.send_signal(signal.SIGTERM)
    _, told = server.communicate(timeout=30)
    assert (f"others can read the market's keys in {keys}; run: chmod 600 {keys}" in told) == exposed
