"""End waits for the reader of a pipe at the first Ctrl-C.

In a command that finishes what it has begun, the signal handler only sets an event, and Python resumes an interrupted
call. So such a wait is a series of short ones, with a look at the event in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from turkctl.errors import InterruptedByUserError

LOOK_S = 0.05
"""Seconds between looks at the event."""


@dataclass
class _Command:
    """The event that stops the command of this process, if it has one."""

    stop: threading.Event | None = None


_command = _Command()


@contextmanager
def heeding(stop: threading.Event) -> Iterator[None]:
    """Let waits in the block end when ``stop`` is set."""
    before, _command.stop = _command.stop, stop
    try:
        yield
    finally:
        _command.stop = before


def go_on() -> None:
    """Raise InterruptedByUserError if the user has asked to stop; call it before each part of a wait."""
    if _command.stop is not None and _command.stop.is_set():
        raise InterruptedByUserError("interrupted while waiting for a program that reads the output")
