"""A market's identity and time without opening it: what a list of HITs needs, at a tenth of the imports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_META = text("SELECT identity, clock_offset FROM market_meta WHERE id = 1")


@dataclass(frozen=True)
class Glance:
    """What :meth:`turkctl.market.service.Market.identity` and ``now`` would answer."""

    identity: str
    now: datetime


def glance(url: str, *, clock: Callable[[], float] = time.time) -> Glance | None:
    """Look at the market at ``url``; None when there is none yet, or it has to be opened properly to say why not."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
            return None  # a look must not make the file
        engine = create_engine(parsed)
        try:
            with engine.connect() as connection:
                row = connection.execute(_META).one_or_none()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError):  # no driver for it, in the second case
        return None
    if row is None:
        return None
    return Glance(row.identity, EPOCH + timedelta(milliseconds=int(clock() * 1000) + row.clock_offset))
