"""Every test of the store runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, new_database

from turkctl.store import schema
from turkctl.store.engine import Database, connect


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
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
