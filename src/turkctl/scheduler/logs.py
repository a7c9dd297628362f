"""The scheduler's log on standard error: a sentence a line for people, a JSON object a line for machines.

An event has a name and fields, and, if people should hear of it, a sentence. Machines get every event, people those
with a sentence; with ``--verbose`` people get the others as ``key=value``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from turkctl.units import format_time

LOGGER = logging.getLogger("turkctl.scheduler")
EVENT = logging.INFO + 5
"""Level of what people should hear of although nothing went wrong, ``--quiet`` or not."""
_LEVELS = {EVENT: "notice"}
_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f]+")


def log(event: str, *, level: int = logging.INFO, words: str | None = None, trace: Any = None, **fields: Any) -> None:
    """Log one event; fields that are None are left out.

    Args:
        event: its name.
        level: of Python's logging.
        words: what people read of it; None if only machines want it.
        trace: an exception whose traceback helps to find a fault of turkctl.
        fields: what machines read of it.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    text = pairs(event=event, **given) if words is None else " ".join(words.split())
    LOGGER.log(level, "%s", text, exc_info=trace, extra={"event": event, "fields": given, "for_people": bool(words)})


def pairs(**fields: Any) -> str:
    """Return ``key=value`` for each field; a value with blanks, quotes or line ends becomes a JSON string."""
    return " ".join(f"{key}={_shown(value)}" for key, value in fields.items() if value is not None)


def _shown(value: Any) -> str:
    text = f"{value.total_seconds():.3f}" if isinstance(value, timedelta) else str(_plain(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times in ISO 8601, durations in seconds."""
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    return value if isinstance(value, int | float | str) else str(value)


class _ForPeople(logging.Formatter):
    """Writes the sentence alone; with ``traces`` a traceback, if there is one, follows on further lines."""

    def __init__(self, *, traces: bool) -> None:
        super().__init__()
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        line = record.getMessage()
        traced = self._traces and record.exc_info is not None
        return f"{line}\n{self.formatException(record.exc_info)}" if traced and record.exc_info else line


class _ForMachines(logging.Formatter):
    """Writes a JSON object with time, level and event first."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).replace(microsecond=int(record.msecs) * 1000)
        level = _LEVELS.get(record.levelno, record.levelname.lower())
        message = {"message": record.getMessage()}
        own = getattr(record, "for_people", True)  # APScheduler's records have a message only
        line: dict[str, Any] = {
            "time": format_time(moment),
            "level": level,
            "event": getattr(record, "event", record.name.partition(".")[0]),
            **(message if own else {}),
            **{key: _plain(value) for key, value in getattr(record, "fields", {}).items()},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def shown(
    level: int,
    stream: TextIO | None = None,
    *,
    machines: bool = False,
    verbose: bool = False,
    also: Sequence[str] = (),
) -> Iterator[None]:
    """Send the scheduler's log to a stream for the length of the block.

    Args:
        level: below which events are left out.
        stream: standard error by default.
        machines: write JSON objects instead of sentences.
        verbose: show people the events without a sentence, and tracebacks.
        also: other logs whose warnings and errors are shown, by the names of their loggers.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_ForMachines() if machines else _ForPeople(traces=verbose))
    if not machines and not verbose:
        handler.addFilter(lambda record: getattr(record, "for_people", True))
    theirs = [logging.getLogger(name) for name in ("apscheduler", *also)]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in (LOGGER, *theirs)]
    levels = [(LOGGER, level), *((each, max(level, logging.WARNING)) for each in theirs)]
    for logger, least in levels:
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
