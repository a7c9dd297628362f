"""Read what the frame of every page shows: balance, code versions, and whether a scheduler runs what is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turkctl.errors import SchemaError, TurkctlError
from turkctl.operations.experiments.lists import current_versions
from turkctl.operations.tasks.scheduler import unattended_tasks
from turkctl.own_market import DOLLARS
from turkctl.units import unit_in_use

if TYPE_CHECKING:
    from turkctl.context import Context

BALANCE_LASTS = 60.0
"""Seconds for which a balance that was read is shown."""
FACTS_LAST = 2.0


@dataclass(frozen=True)
class FrameFacts:
    """What the frame shows besides the mode.

    Attributes:
        versions: experiment and code version of what is configured.
        overdue: names of tasks that are due although no scheduler runs.
        trouble: why they cannot be read.
        bare: whether the database has no tables of turkctl's own.
        unit: what the mode's amounts are counted in.
    """

    versions: tuple[tuple[str, str], ...] = ()
    overdue: tuple[str, ...] = ()
    trouble: str | None = None
    bare: bool = False
    unit: str = DOLLARS


class Frames:
    """Facts and balances by mode, kept for a short time.

    Attributes:
        warning: what every page warns of until the server is started again; None if all is well.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.warning: str | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._facts: dict[str, tuple[float, FrameFacts]] = {}
        self._balances: dict[str, tuple[float, str]] = {}

    def facts(self, world: Context) -> FrameFacts:
        """Return the facts of the world's mode; they are read again after two seconds."""
        mode, now = world.settings.mode, self._clock()
        with self._lock:
            kept = self._facts.get(mode)
        if kept is not None and now - kept[0] < FACTS_LAST:
            return kept[1]
        found = read_facts(world)
        with self._lock:
            self._facts[mode] = (now, found)
        return found

    def forget(self) -> None:
        """Read everything again at the next page, because something was changed."""
        with self._lock:
            self._facts.clear()
            self._balances.clear()

    def balance(self, world: Context) -> str:
        """Return the balance of the world's mode, in words; it is asked for again after a minute."""
        from turkctl.web.filters import money

        mode, now = world.settings.mode, self._clock()
        with self._lock:
            kept = self._balances.get(mode)
        if kept is not None and now - kept[0] < BALANCE_LASTS:
            return kept[1]
        try:
            words = money(world.mturk.balance().available, unit_in_use())
        except TurkctlError as error:
            words = f"unknown ({error.message})"
        with self._lock:
            self._balances[mode] = (now, words)
        return words


def read_facts(world: Context) -> FrameFacts:
    """Read the facts of a frame; a database that does not answer, or has no tables of ours, is told of."""
    try:
        unit = world.known_unit(world.database)
        return FrameFacts(tuple(current_versions(world)), tuple(unattended_tasks(world)), unit=unit)
    except SchemaError as error:
        return FrameFacts(trouble=f"{error.message}; {error.hint}" if error.hint else error.message, bare=True)
    except TurkctlError as error:
        return FrameFacts(trouble=error.message)
