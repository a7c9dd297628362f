"""Databases that a test makes and drops: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from turkctl.store.engine import parse_url

KINDS = ("sqlite", "postgres")
POSTGRES_VARIABLE = "TURKCTL_TEST_POSTGRES_URL"
WHY_SKIPPED = f"{POSTGRES_VARIABLE} is not set: there is no PostgreSQL to test on"


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database: a file in the folder (not yet made), or one on the PostgreSQL server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'turkctl.db'}"
        return
    given = os.environ.get(POSTGRES_VARIABLE)
    if not given:
        pytest.skip(WHY_SKIPPED)
    server = parse_url(given)
    name = f"turkctl_test_{secrets.token_hex(6)}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def empty_again(url: str) -> None:
    """Drops everything in a PostgreSQL database: several times as fast as another database."""
    _administer(parse_url(url), "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def _administer(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()
