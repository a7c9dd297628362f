"""List the acts of the dashboard by name."""

from __future__ import annotations

from functools import cache

from turkctl.dashboard.acts import campaigns, content, experiments, hits, labels, participants, tasks, work, workers
from turkctl.dashboard.acts.base import PageAct
from turkctl.errors import NotFoundError

_MODULES = (campaigns, content, experiments, hits, labels, participants, tasks, work, workers)


@cache
def acts() -> dict[str, PageAct]:
    """Return the acts by the name in their address."""
    return {act.slug: act for module in _MODULES for act in module.ACTS}


def find_act(slug: str) -> PageAct:
    """Return the act with this name in its address; raise NotFoundError if there is none."""
    found = acts().get(slug)
    if found is None:
        raise NotFoundError(f"the dashboard has no act '{slug}'")
    return found
