"""Ask the market while somebody waits for a page: with little patience, and without a line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkctl.dashboard.desk import desk
from turkctl.errors import TurkctlError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.hits.pages import LastLook, last_look
from turkctl.scheduler.worlds import ChildWorld

if TYPE_CHECKING:
    from turkctl.operations.engine.batch import Engine

PATIENCE = 4.0
"""Seconds for which a page retries a request to a market that does not answer."""


class LookingWorld(ChildWorld):
    """A world in which requests are retried for a few seconds only."""

    def engine(self, **options: Any) -> Engine:
        """Return an engine with little patience."""
        return super().engine(**{"patience": PATIENCE, **options})


def last_sync() -> LastLook | None:
    """Return when the last sync looked; None if none did, or if it cannot be read."""
    try:
        return last_look(desk().world)
    except TurkctlError:
        return None


def looking() -> LookingWorld:
    """Return the study of this request, for a look at the market; nothing of it is logged."""
    return LookingWorld(desk().world, CommandOrigin("dashboard"))
