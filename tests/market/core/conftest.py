"""Markets for the tests of the core: in memory, and on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, new_database
from market_support import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A market in memory."""
    made = Bench()
    yield made
    made.market.close()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on SQLite and on PostgreSQL."""
    with new_database(request.param, tmp_path) as address:
        yield address
