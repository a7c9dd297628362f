"""A study's folder, the market in the program's own process, and one behind HTTP as Amazon's stand-in."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_support import listening

from turkctl.context import Context
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

STUDY = """\
[experiments.stroop]
code_version = "1.0"
title = "Name the colour of a word"
description = "A ten-minute reading task."
keywords = ["psychology", "reading"]
reward = "0.50"
duration = "30m"
lifetime = "24h"
external_url = "https://example.org/task"
"""

DATABASES = ("turkctl.db", "turkctl-market.db")


@pytest.fixture
def study(folder: Path) -> Path:
    """The current folder, with a project file that describes one experiment."""
    (folder / "turkctl.toml").write_text(STUDY, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was configured, its market, and a second market: made once, for copies of its files."""
    from turkctl.cli import run

    folder = tmp_path_factory.mktemp("made")
    (folder / "turkctl.toml").write_text(STUDY, encoding="utf-8")
    config = ["--config", str(folder / "turkctl.toml"), "--output", "json", "--quiet"]
    with pytest.MonkeyPatch.context() as environment, contextlib.redirect_stdout(io.StringIO()):
        for name in [name for name in os.environ if name.startswith("TURKCTL_")]:
            environment.delenv(name)
        environment.setenv("TURKCTL_USER_DIR", str(folder))
        for argv in (["experiments", "configure"], ["market", "clock"]):
            assert run([*argv, *config]) == 0
    Market(f"sqlite:///{folder / 'served.db'}").close()
    return folder


@pytest.fixture
def configured(study: Path, made: Path) -> Path:
    """The study with its experiment in the database."""
    for name in DATABASES:
        shutil.copy(made / name, study / name)
    return study


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[Any, ...], Path]]:
    """A folder, and what is in it: studies by their project file and the commands that were run in them."""
    return tmp_path_factory.mktemp("prepared"), {}


@pytest.fixture
def prepare(
    configured: Path, turkctl: Callable[..., Any], prepared: tuple[Path, dict[tuple[Any, ...], Path]]
) -> Callable[..., None]:
    """Runs commands in the study; where the same were run before, it copies the study that they left."""
    folder, made = prepared

    def run_or_copy(*commands: Sequence[str]) -> None:
        key = (configured / "turkctl.toml").read_bytes(), *map(tuple, commands)
        if key not in made:
            for argv in commands:
                finished = turkctl(*argv)
                assert finished.code == 0, finished.err
            assert not list(configured.glob("*-wal")), "a copy would lack what is in there"
            made[key] = folder / str(len(made))
            shutil.copytree(configured, made[key])
        else:
            shutil.copytree(made[key], configured, dirs_exist_ok=True)

    return run_or_copy


@dataclass
class Asked:
    """Every endpoint of the built-in market that the program made, and hooks for those to come."""

    endpoints: list[Endpoint] = field(default_factory=list)
    before: Callable[[str], None] | None = None
    after: Callable[[str], None] | None = None

    def count(self, operation: str) -> int:
        """How often an operation was asked for since the last :meth:`forget`."""
        return sum(endpoint.requests[operation] for endpoint in self.endpoints)

    @property
    def changes(self) -> set[str]:
        """The operations asked for that do more than read."""
        return {
            name for endpoint in self.endpoints for name in endpoint.requests if not name.startswith(("Get", "List"))
        }

    def forget(self) -> None:
        """Count afresh."""
        self.endpoints.clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the program asks of the market in its own process."""
    seen = Asked()
    make = Context._new_endpoint

    def spying(self: Context, *args: Any) -> Endpoint:
        endpoint = make(self, *args)
        endpoint.before, endpoint.after = seen.before, seen.after
        seen.endpoints.append(endpoint)
        return endpoint

    monkeypatch.setattr(Context, "_new_endpoint", spying)
    return seen


@pytest.fixture
def posted(folder: Path) -> Callable[[], list[str]]:
    """Reads the annotations of all HITs that the built-in market has, past the program and its database."""

    def read() -> list[str]:
        with sqlite3.connect(folder / "turkctl-market.db") as connection:
            return [row[0] for row in connection.execute("SELECT annotation FROM market_hit")]

    return read


@dataclass(frozen=True)
class Served:
    """A market behind HTTP, which modes live and sandbox of the project file are pointed at."""

    endpoint: Endpoint
    url: str


@pytest.fixture
def served(study: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Credentials, and a market in a thread of its own at the addresses of modes live and sandbox."""
    shutil.copy(made / "served.db", tmp_path)
    market = Market(f"sqlite:///{tmp_path / 'served.db'}")
    endpoint = Endpoint(market)
    with listening(endpoint) as url:
        with (study / "turkctl.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[endpoints]\nlive = "{url}/"\nsandbox = "{url}/sandbox"\n')
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield Served(endpoint, url)
    market.close()
