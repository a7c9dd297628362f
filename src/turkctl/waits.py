"""Waits that the first Ctrl-C has to end: for somebody who reads what is written to a pipe.

A command that lets what is in hand finish has a signal handler that only sets an event, and Python goes on with a call
that a signal interrupted. So such waits are short ones, repeated, with a look at the event in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from turkctl.errors import InterruptedByUserError

LOOK_S = 0.05
"""Seconds between two looks at the event."""


@dataclass
class _Command:
    """What is known of the command that this process carries out."""

    stop: threading.Event | None = None


_command = _Command()


@contextmanager
def heeding(stop: threading.Event) -> Iterator[None]:
    """Let waits end when ``stop`` is set."""
    before, _command.stop = _command.stop, stop
    try:
        yield
    finally:
        _command.stop = before


def go_on() -> None:
    """Raise InterruptedByUserError if the user wants an end; call it before each part of a wait."""
    if _command.stop is not None and _command.stop.is_set():
        raise InterruptedByUserError("interrupted; nobody read what was to be written")
