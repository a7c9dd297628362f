"""Databases that a test makes and drops: SQLite always, PostgreSQL where there is one.

To make a database on PostgreSQL costs more than most tests, so a process empties those that it has made, and uses
them again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_once import put_aside
from sqlalchemy import URL, create_engine, text

from turkctl.store.engine import parse_url

KINDS = ("sqlite", "postgres")
POSTGRES_VARIABLE = "TURKCTL_TEST_POSTGRES_URL"
WHY_SKIPPED = f"{POSTGRES_VARIABLE} is not set: there is no PostgreSQL to test on"
_free: list[URL] = []


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database: a file in the folder (not yet made), or one on the PostgreSQL server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'turkctl.db'}"
        return
    given = os.environ.get(POSTGRES_VARIABLE)
    if not given:
        pytest.skip(WHY_SKIPPED)
    url = _free.pop() if _free else _made(parse_url(given))
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        empty_again(url.render_as_string(hide_password=False))
        _free.append(url)


def empty_again(url: str) -> None:
    """Leave nothing in a PostgreSQL database, and nobody connected with it."""
    engine = create_engine(parse_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            )
            put_aside(connection)
    finally:
        engine.dispose()


def drop_all() -> None:
    """Drop the databases that this process made."""
    while _free:
        url = _free.pop()
        _administer(parse_url(os.environ[POSTGRES_VARIABLE]), f"DROP DATABASE {url.database} WITH (FORCE)")


def _made(server: URL) -> URL:
    name = f"turkctl_test_{secrets.token_hex(6)}"
    _administer(server, f"CREATE DATABASE {name}")
    return server.set(database=name)


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
