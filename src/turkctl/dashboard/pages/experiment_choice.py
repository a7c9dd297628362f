"""Offer the experiments of the study in forms."""

from __future__ import annotations

from turkctl.operations.engine.world import World
from turkctl.operations.experiments.lists import current_versions

Options = list[tuple[str, str]]


def experiment_options(world: World, first: str, named: str | None = None) -> Options:
    """Return the options of a menu of experiments.

    Args:
        world: the study.
        first: what the option for none of them says, as in ``all``.
        named: the experiment that is chosen now, which may be configured no longer.
    """
    names = [slug for slug, _version in current_versions(world)]
    return [("", first), *((each, each) for each in dict.fromkeys([*names, *([named] if named else [])]))]


def version_options(world: World) -> Options:
    """Return the configured experiments, each with its code version, as options of a menu."""
    return [(slug, f"{slug} {version}") for slug, version in current_versions(world)]


def chosen_experiment(world: World, asked: str | None) -> str | None:
    """Return the experiment that an address names, else the only one; None where there are none or several."""
    if asked:
        return asked
    versions = current_versions(world)
    return versions[0][0] if len(versions) == 1 else None
