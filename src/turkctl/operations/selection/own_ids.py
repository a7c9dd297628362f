"""Find the workers that a lab means by ids of its own, where the market is turkctl's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from turkctl.errors import TurkctlError
from turkctl.harmless import hides_characters
from turkctl.ids import can_be_worker, is_text, looks_like_markets
from turkctl.mturk.workers import MAX_OWN_IDS
from turkctl.operations.engine.world import World
from turkctl.own_market import OWN_IDS
from turkctl.paths import is_lost
from turkctl.settings import sqlite_path

_LONGEST = 200
"""Characters of an own id at most."""

Who = tuple[str | None, str | None]
"""Own id and name."""


def worker_ids(world: World, ids: Sequence[str]) -> dict[str, str]:
    """Return the workers by those of these ids that are own ids; other ids are not in the answer.

    The market is asked only about what does not look like an id of its own.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    asked = [each for each in dict.fromkeys(ids) if _can_be_own(each)]
    return _found(world, asked, create=False) if asked and _has_own_ids(world) else {}


def meant_by_lists(world: World, ids: Sequence[str]) -> dict[str, str]:
    """Return what :func:`worker_ids` does, for lists: nothing where the market is not there or does not answer."""
    settings = world.settings
    place = sqlite_path(settings.market_url) if settings.mode == "local" and settings.has_market else None
    if settings.mode == "local" and (not settings.has_market or (place is not None and is_lost(place))):
        return {}
    try:
        return worker_ids(world, ids)
    except TurkctlError:
        return {}


def meant(world: World, ids: Sequence[str]) -> list[str]:
    """Return the same ids in their order, with worker ids in the place of own ids.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    found = worker_ids(world, ids)
    return list(dict.fromkeys(found.get(each, each) for each in ids))


@dataclass(frozen=True)
class Newcomers:
    """Workers by own id, and the own ids of those who were not there yet."""

    workers: dict[str, str]
    new: tuple[str, ...] = ()


def meant_or_new(world: World, ids: Sequence[str], *, make: bool) -> Newcomers:
    """Return the workers by own id; people who are not there yet are made, unless an id looks like a mistyped one.

    Args:
        world: the market.
        ids: as users typed them.
        make: make them; else only say who is not there yet.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    asked = [each for each in dict.fromkeys(ids) if _can_be_own(each)]
    if not asked or not _has_own_ids(world):
        return Newcomers({})
    found = _found(world, asked, create=False)
    new = [each for each in asked if each not in found and not can_be_worker(each) and not _is_mistyped(each)]
    if not make or not new:
        return Newcomers(found, tuple(new))
    made = _found(world, new, create=True)
    return Newcomers({**found, **made}, tuple(each for each in new if each in made))


def _is_mistyped(text: str) -> bool:
    """Return whether a text looks like a worker id in small letters."""
    return looks_like_markets(text.upper()) and any(each.isdigit() for each in text)


def who_is(world: World, workers: Sequence[str]) -> dict[str, Who]:
    """Return own id and name by worker, of those who have any.

    Raises:
        UnreachableError: the market cannot be reached.
    """
    if not workers or not _has_own_ids(world):
        return {}
    found: dict[str, Who] = {}
    for part in _parts(list(dict.fromkeys(workers))):
        found |= world.engine().call(partial(world.mturk.own_ids, part))
    return found


def _has_own_ids(world: World) -> bool:
    """Return whether the market knows own ids; Amazon's is not asked, and needs no credentials for this."""
    if world.settings.mode != "local" and world.settings.endpoint_url is None:
        return False
    return OWN_IDS in world.engine().call(world.mturk.market_rules).extensions


def _can_be_own(text: str) -> bool:
    usable = 0 < len(text) <= _LONGEST and text == text.strip() and is_text(text) and not hides_characters(text)
    return usable and not looks_like_markets(text)


def _found(world: World, ids: Sequence[str], *, create: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _parts(ids):
        found |= world.engine().call(partial(world.mturk.find_workers, part, create=create))
    return found


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    return (list(ids[start : start + MAX_OWN_IDS]) for start in range(0, len(ids), MAX_OWN_IDS))
