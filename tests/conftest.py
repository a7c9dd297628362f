"""What every test stands on: a clean environment, no network but loopback, and the program run in process."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import compiled_once
import databases
import made_once
import pytest
from browser import browser as browser  # a fixture
from browser import started_browser as started_browser  # a fixture
from hypothesis import HealthCheck, settings

# A busy machine is slow, and that is no fault of the program.
settings.register_profile("turkctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("turkctl")
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# Looking for circles among the millions of objects that stay takes a fifth of the time; they are let go later.
gc.set_threshold(100_000, 20, 50)
compiled_once.share()
made_once.share()
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background has them ignore Ctrl-C, and all programs that they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_KEPT = {
    "TURKCTL_TEST_POSTGRES_URL",
    "TURKCTL_TEST_MYSQL_URL",
    "TURKCTL_TEST_AWS",
    "TURKCTL_TEST_CHROMIUM",
    "TURKCTL_TEST_PICTURES",
    "AWS_EC2_METADATA_DISABLED",
}
_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else "local"
    if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "::1", "localhost"):
        raise ConnectionRefusedError(f"tests reach no host but this one, not {host}")
    _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    socket.socket.connect = _loopback_only  # type: ignore[method-assign]  # the one patch: a wall around the tests
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]  # back as it was


@pytest.fixture(autouse=True, scope="session")
def no_databases_left() -> Iterator[None]:
    yield
    databases.drop_all()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("TURKCTL_", "AWS_")) and name not in _KEPT:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".local" / "state"))


@dataclass(frozen=True)
class Finished:
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one, with a project file that says nothing new."""
    path = tmp_path / "study"
    path.mkdir()
    (path / "turkctl.toml").write_text('mode = "local"\n', encoding="utf-8")
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def outside(folder: Path) -> Path:
    """The current folder, empty: no project is in it, or above it."""
    (folder / "turkctl.toml").unlink()
    return folder


@pytest.fixture
def turkctl(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Runs the program in this process, in the folder of the test."""
    from turkctl.cli import run

    def call(*argv: str) -> Finished:
        capsys.readouterr()
        code = run(list(argv))
        sys.stdout.flush()
        out, err = capsys.readouterr()
        return Finished(code, out, err)

    return call
