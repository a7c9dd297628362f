"""Databases for the scheduler's tests, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
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
def database(url: str) -> Iterator[Database]:
    """A database with turkctl's tables."""
    made = connect(url)
    schema.ensure(made)
    yield made
    made.close()


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the scheduler logs."""
    caplog.set_level(logging.INFO, logger="turkctl.scheduler")
    return caplog
