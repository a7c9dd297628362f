"""Structured log lines on standard error: ``key=value``, one line per event, in real time."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from turkctl.units import format_time

LOGGER = logging.getLogger("turkctl.scheduler")
_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f]+")


def log(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event with its fields; those that are None are left out."""
    LOGGER.log(level, "%s", pairs(event=event, **fields))


def pairs(**fields: Any) -> str:
    """Return ``key=value`` for each field; a value with blanks, quotes or line ends becomes a JSON string."""
    return " ".join(f"{key}={_shown(value)}" for key, value in fields.items() if value is not None)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        text = format_time(value)
    elif isinstance(value, timedelta):
        text = f"{value.total_seconds():.3f}"
    else:
        text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _Formatter(logging.Formatter):
    """Puts time and level first; a traceback, if there is one, follows on further lines."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if not message.startswith("event="):  # APScheduler's own
            message = pairs(event="apscheduler", message=message)
        moment = datetime.fromtimestamp(record.created, UTC).replace(microsecond=int(record.msecs) * 1000)
        line = f"{pairs(time=moment, level=record.levelname.lower())} {message}"
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


@contextmanager
def shown(level: int, stream: TextIO | None = None) -> Iterator[None]:
    """Send the scheduler's log to ``stream`` (standard error) for the length of the block."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_Formatter())
    theirs = logging.getLogger("apscheduler")
    before = [(each, each.handlers[:], each.level, each.propagate) for each in (LOGGER, theirs)]
    for logger, least in ((LOGGER, level), (theirs, max(level, logging.WARNING))):
        logger.handlers[:] = [handler]
        logger.setLevel(least)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, handlers, old, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(old)
            logger.propagate = propagate
