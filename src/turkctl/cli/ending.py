"""The end of the program: once its result is out, no signal takes the exit code away while it closes what it opened.

Only the program itself ignores signals. Whoever calls the command line from Python gets its signal handlers back.
"""

from __future__ import annotations

import signal
import time

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


class Process:  # no dataclass: importing those takes a third of the time in which help is shown
    """What is known of this process.

    Attributes:
        own: it was started as this program, which may decide what signals do.
        started: when it was started, or its command line was given, by :func:`time.monotonic`.
        begun: a command began, so that something may have been done.
        settled: the result is out and signals are ignored, to the end of the process.
    """

    def __init__(self) -> None:
        self.own = False
        self.started: float | None = None
        self.begun = False
        self.settled = False

    def start(self, *, own: bool) -> None:
        """Note that a command line was given; ``own``: as this program, whose time until now counts."""
        self.own = own
        self.begun = False
        self.started = time.monotonic() - (time.process_time() if own else 0.0)

    def settle(self) -> None:
        """Ignore what would end the process; nothing happens where the process is another program's."""
        if not self.own or self.settled:
            return
        self.settled = True
        for name in _ENDING:
            if hasattr(signal, name):  # Windows has no SIGHUP
                signal.signal(getattr(signal, name), signal.SIG_IGN)


process = Process()
