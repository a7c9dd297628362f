"""List experiments, and show one with the history of its settings."""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest
from typing import Any

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment, variant_of, whole_settings
from turkctl.operations.project.differences import changed_keys, shown
from turkctl.store import contents, experiments, hits
from turkctl.store.experiments import Version

KEYS = (
    "experiment",
    "variant",
    "codeversion",
    "title",
    "reward",
    "hits",
    "contents",
    "active",
    "version",
    "configured",
    "source",
    "closed",
    "ended",
)
"""All keys of a row."""


def list_experiments(session: Session, mode: str, *, ended: bool = False) -> list[dict[str, Any]]:
    """Return a row per experiment, with the number of its HITs in this mode; with ``ended``, of ended ones too."""
    counts = hits.counts_by_experiment(session, mode)
    items = contents.numbers(session)
    return [
        _row(version, counts.get(version.experiment_id, {}), items.get(version.experiment_id, 0))
        for version in experiments.list_all(session, ended=ended)
    ]


def current_versions(world: World) -> list[tuple[str, str]]:
    """Return the experiments that are configured, each with its code version, by name."""
    with world.database.read() as session:
        return sorted((each.slug, each.code_version) for each in experiments.list_all(session, inactive=False))


def _row(version: Version, counts: dict[str, int], items: int) -> dict[str, Any]:
    return {
        "experiment": version.slug,
        "variant": variant_of(version.slug),
        "codeversion": version.code_version,
        "title": version.settings["title"],
        "reward": Decimal(version.settings["reward"]),
        "hits": sum(counts.values()),
        "contents": items,
        "active": version.active,
        "version": version.version,
        "configured": version.created,
        "source": version.source,
        "closed": version.closed,
        "ended": version.ended,
    }


def show_experiment(session: Session, slug: str, mode: str) -> dict[str, Any]:
    """Return an experiment with its settings and their history.

    Raises:
        NotFoundError: the experiment was never configured.
    """
    version = find_experiment(session, slug)
    counts = hits.counts_by_experiment(session, mode).get(version.experiment_id, {})
    items = contents.numbers(session).get(version.experiment_id, 0)
    history = _history(experiments.history(session, slug))
    settings = {key: value for key, value in whole_settings(version).items() if key != "template"}
    return {
        **_row(version, counts, items),
        "mode": mode,
        "hits_by_status": counts,
        "settings": settings,
        "history": history,
    }


def experiment_rows(world: World, *, ended: bool = False) -> list[dict[str, Any]]:
    """Return what :func:`list_experiments` does, for the world's mode."""
    with world.database.read() as session:
        return list_experiments(session, world.settings.mode, ended=ended)


def read_experiment(world: World, slug: str) -> dict[str, Any]:
    """Return what :func:`show_experiment` does, for the world's mode; raise as it does."""
    with world.database.read() as session:
        return show_experiment(session, slug, world.settings.mode)


def _history(versions: list[Version]) -> list[dict[str, Any]]:
    """Return a row per version, newest first, with its changes to the version before."""
    rows = []
    for version, before in zip_longest(versions, versions[1:]):
        differences = changed_keys(whole_settings(before), whole_settings(version)) if before is not None else {}
        rows.append(
            {
                "version": version.version,
                "codeversion": version.code_version,
                "configured": version.created,
                "changed": ", ".join(differences),
                "changes": shown(differences),
                "source": version.source,
            }
        )
    return rows
