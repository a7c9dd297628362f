"""Accounts to archive, made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_support import Account, ArchiveWorld, make_account

from turkctl.market.service import Market


@pytest.fixture(scope="session")
def small_account(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Account]:
    """A market's file with 11 HITs and some 50 assignments."""
    path = tmp_path_factory.mktemp("account") / "market.db"
    market = Market(f"sqlite:///{path}")
    account = make_account(market, 10, 5)
    market.close()
    return path, account


@pytest.fixture
def market(small_account: tuple[Path, Account], tmp_path: Path) -> Iterator[Market]:
    """A market of its own with the small account."""
    shutil.copy(small_account[0], tmp_path / "source.db")
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    yield market
    market.close()


@pytest.fixture
def account(small_account: tuple[Path, Account]) -> Account:
    return small_account[1]


@pytest.fixture
def world(market: Market) -> ArchiveWorld:
    return ArchiveWorld(market)
