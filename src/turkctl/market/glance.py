"""Read a market's identity and time without opening it: enough for a list of HITs, at a tenth of the imports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, TextClause, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from turkctl.paths import is_file

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_META = text("SELECT identity, clock_offset FROM market_meta WHERE id = 1")
_WORKERS = text("SELECT id FROM market_worker LIMIT 1")


@dataclass(frozen=True)
class MarketGlance:
    """What :meth:`turkctl.market.service.Market.identity` and ``now`` would return."""

    identity: str
    now: datetime


def has_workers(url: str) -> bool:
    """Return whether any worker is registered on the market at ``url``; it is not opened."""
    return _first(url, _WORKERS) is not None


def glance(url: str, *, clock: Callable[[], float] = time.time) -> MarketGlance | None:
    """Read the market at ``url``; return None if there is none, or if opening it properly would fail."""
    row = _first(url, _META)
    if row is None:
        return None
    return MarketGlance(row.identity, EPOCH + timedelta(milliseconds=int(clock() * 1000) + row.clock_offset))


def _first(url: str, statement: TextClause) -> Row[Any] | None:
    """Return the first row; None if there is none, or no market that could be opened."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and not is_file(Path(parsed.database or "")):
            return None  # reading must not create the file
        engine = create_engine(parsed)
        try:
            with engine.connect() as connection:
                return connection.execute(statement).first()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError):  # ImportError: the driver is not installed
        return None
