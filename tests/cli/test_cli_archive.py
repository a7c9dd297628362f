"""``turkctl archive``: an account is taken home whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from archive_support import KEY_ID, Account, make_account
from cli_support import listening

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Account]:
    """A market with a small account, made once, for copies."""
    path = tmp_path_factory.mktemp("account") / "market.db"
    market = Market(f"sqlite:///{path}")
    account = make_account(market, 10, 5)
    market.close()
    return path, account


@dataclass(frozen=True)
class Source:
    """A market behind HTTP with the account."""

    endpoint: Endpoint
    url: str
    account: Account


@pytest.fixture
def source(
    filled: tuple[Path, Account], outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Source]:
    shutil.copy(filled[0], tmp_path / "source.db")
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    endpoint = Endpoint(market)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with listening(endpoint) as url:
        yield Source(endpoint, url, filled[1])
    market.close()


def test_an_account_is_archived_whole_and_verified(source: Source, turkctl: Run) -> None:
    finished = turkctl("archive", "create", "home", "--endpoint-url", source.url, "--json")
    assert finished.code == 0, finished.err
    told = json.loads(finished.out)
    assert told["items"]["hits"] == len(source.account.hits)
    assert told["items"]["assignments"] == len(source.account.assignments)
    verified = turkctl("archive", "verify", "home", "--json")
    assert verified.code == 0, verified.err + verified.out
