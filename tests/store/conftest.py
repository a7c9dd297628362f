"""Every test of the store runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, empty_again, new_database

from turkctl.store import schema
from turkctl.store.engine import Database, connect


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL database for all tests of this process, who empty it."""
    with new_database("postgres", tmp_path_factory.getbasetemp()) as address:
        yield address


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "postgres":
        address = request.getfixturevalue("postgres_url")
        yield address
        empty_again(address)
        return
    with new_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture
def empty(url: str) -> Iterator[Database]:
    """A database without a table."""
    database = connect(url)
    yield database
    database.close()


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with turkctl's tables."""
    schema.ensure(empty)
    return empty
