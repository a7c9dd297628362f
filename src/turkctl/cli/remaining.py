"""Say now and then how long a long command will still take, where no bar shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from turkctl.moments import span

EVERY = 60.0
"""Seconds between two notes."""


class TimeLeft:
    """Notes the progress of a command that has no terminal, as in a log of cron."""

    def __init__(self, clock: Callable[[], float], note: Callable[[str], None] | None) -> None:
        """Begin to measure.

        Args:
            clock: returns seconds.
            note: shows a line; None for nobody.
        """
        self._clock = clock
        self._note = note
        self._began = self._said = clock()
        self._first: int | None = None
        """What was done at the first look, perhaps by an earlier run."""

    def note(self, done: int, known: int) -> None:
        """Note the progress if the last note is long enough ago."""
        now = self._clock()
        first = self._first = done if self._first is None else self._first
        if self._note is None or now - self._said < EVERY or done == first:
            return
        self._said = now
        left = timedelta(seconds=(now - self._began) * (known - done) / (done - first))
        self._note(f"{done:,} of {known:,} calls known so far, {span(left)} left at this pace")
