"""Offer the experiments of the study in forms."""

from __future__ import annotations

from turkctl.operations.engine.world import World
from turkctl.operations.experiments.lists import current_versions


def experiment_names(world: World) -> list[str]:
    """Return the names of the configured experiments."""
    return [slug for slug, _version in current_versions(world)]


def chosen_experiment(world: World, asked: str | None) -> str | None:
    """Return the experiment that an address names, else the only one; None where there are none or several."""
    if asked:
        return asked
    names = experiment_names(world)
    return names[0] if len(names) == 1 else None
