"""Adopt HITs of the account that other programs posted, so that they belong to this database (``sync --adopt``).

An adopted HIT of an experiment and code version counts for its campaigns. A HIT posted by psiTurk has a row already
(:mod:`turkctl.operations.sync.of_psiturk`): adopting it settles which experiment it belongs to. Its participants must
keep counting as before, so it is adopted only with the code version in their rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from turkctl.errors import UsageError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.intents.posts import found_row
from turkctl.operations.sync.unknown import unknown_hits
from turkctl.store import experiments, hits, market_rules, psiturk_hits
from turkctl.store.experiments import Version
from turkctl.store.hits import HitRow


@dataclass(frozen=True)
class Adoption:
    """The arguments of ``sync --adopt``; without an experiment, unknown HITs are adopted for none."""

    experiment: str | None = None
    code_version: str | None = None


@dataclass(frozen=True)
class Adopted:
    """The result of adopting: ids of adopted HITs, and (id, reason) of those left out."""

    hit_ids: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def adopt(world: World, listed: Sequence[Hit], wanted: Adoption, now: datetime) -> Adopted:
    """Enter the HITs of the account that have no row, with counters as listed; their work must be read afterwards.

    Raises:
        NotFoundError: the experiment is unknown.
        UsageError: a code version is given without an experiment.
    """
    if wanted.code_version is not None and wanted.experiment is None:
        raise UsageError("--codeversion needs --experiment", hint="add --experiment SLUG")
    taken: list[str] = []
    left: list[tuple[str, str]] = []
    with world.database.write() as session:
        version = None if wanted.experiment is None else find_experiment(session, wanted.experiment)
        code = wanted.code_version or (None if version is None else version.code_version)
        taken += [_enter(session, world, hit, version, code, now) for hit in unknown_hits(session, world, listed)]
        for row in psiturk_hits.rows_of_psiturk(session, world.place, adopted=False):
            named = _versions(session, world, row, wanted, code)
            owner, reason = _owner(session, version, named)
            if owner is None:
                left.append((row.hit_id, reason))
            else:
                psiturk_hits.assign(session, row, owner.experiment_id, next(iter(named)), adopted=True)
                taken.append(row.hit_id)
    return Adopted(tuple(taken), tuple(left))


def _versions(
    session: Session, world: World, row: HitRow, wanted: Adoption, code: str | None
) -> Collection[str | None]:
    """Return the possible code versions of a HIT of psiTurk: the one given, its participants', or the current one."""
    if wanted.code_version is not None:
        return [wanted.code_version]
    theirs = psiturk_hits.versions(session, world.settings["participants_table"], world.place.mode, row.hit_id)
    return theirs or [code or row.code_version]


def _owner(session: Session, version: Version | None, codes: Collection[str | None]) -> tuple[Version | None, str]:
    """Return the experiment of a HIT whose participants have these code versions; or None and the reason."""
    if len(codes) != 1:
        return None, f"its participants have {len(codes)} code versions; give --experiment and --codeversion"
    if version is not None:
        return version, ""
    (code,) = codes
    found = [each for each in experiments.list_all(session, inactive=False) if each.code_version == code]
    if len(found) != 1:
        return None, f"{len(found)} configured experiments have its code version {code}; give --experiment"
    return found[0], ""


def _enter(session: Session, world: World, hit: Hit, version: Version | None, code: str | None, now: datetime) -> str:
    experiment_id = None if version is None else version.experiment_id
    fee = market_rules.fee_at(session, world.place)
    hits.insert(session, found_row(hit, world.place, now, fee, experiment_id=experiment_id, code_version=code))
    return hit.hit_id
