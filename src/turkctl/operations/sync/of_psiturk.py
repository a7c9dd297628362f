"""Enter the HITs that psiTurk posts on a shared database, so that they count like our own.

psiTurk stores only the id of a HIT. Its mode and market are those for which GetHIT finds it in this account. Ids
without a HIT there are stored, so that the ids of an old study are asked for once and not at every round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from turkctl.errors import TurkctlError
from turkctl.ids import can_be_id
from turkctl.mturk.errors import DoesNotExistError, ParameterError
from turkctl.mturk.types import Hit
from turkctl.operations.engine.batch import read_each
from turkctl.operations.engine.world import World
from turkctl.operations.intents.posts import found_row
from turkctl.operations.intents.settle import enter_posts
from turkctl.operations.sync.enter import GONE_AFTER
from turkctl.store import experiments, hits, intents, market_rules, psiturk_hits, psiturk_marks
from turkctl.store.base import Place, Scope
from turkctl.store.hits import DISPOSED, HitRow
from turkctl.store.psiturk_hits import NamedHits
from turkctl.store.psiturk_marks import Mark

_SHOWN = 3
"""Most HITs that a warning lists."""


def enter_psiturk(
    world: World, now: datetime, listed: Mapping[str, Hit] | None = None, *, afresh: bool = False
) -> dict[str, Hit]:
    """Enter the HITs that psiTurk posted and that have no row yet; return them as the market has them, by id.

    Their counters are the market's; their work is read afterwards, as for any other HIT, and counts as outstanding
    until then. Their experiment is determined anew each time, unless a user has given it.

    Args:
        world: database and market.
        now: the current time.
        listed: HITs that were just read from the market; each other one is asked for.
        afresh: search all participants, including those that were searched before.

    Raises:
        UnreachableError: the market cannot be reached.
        MarketRefusedError: the market refused, for another reason than that there is no such HIT.
    """
    name: str = world.settings["participants_table"]
    with world.database.read() as session:
        wanted = psiturk_hits.named(session, world.place, name, afresh=afresh)
    found = _ask(world, [*wanted.new, *wanted.again], listed or {})
    entered = _store(world, wanted, found, now) if found or wanted.first else {}
    _assign(world, wanted.searched.begin, afresh=afresh)
    if (
        wanted.searched.end is not None and wanted.searched.worth_saving
    ):  # last, when everything up to that row is stored
        with world.database.write() as session:
            psiturk_marks.save(session, world.place, name, wanted.searched.end)
    return entered


def posted_meanwhile(session: Session, world: World) -> bool:
    """Return whether psiTurk's tables name HITs that this market was never asked for."""
    return bool(psiturk_hits.named(session, world.place, world.settings["participants_table"]).new)


def _ask(world: World, ids: Sequence[str], listed: Mapping[str, Hit]) -> dict[str, Hit | None]:
    """Return the market's answer for each id; None if it has no such HIT."""
    found: dict[str, Hit | None] = {each: listed.get(each) for each in ids}
    unlisted = [each for each in ids if found[each] is None and can_be_id(each)]
    for hit_id, answer in read_each(world.engine(), unlisted, world.mturk.get_hit):
        if isinstance(answer, TurkctlError):
            if not isinstance(answer, DoesNotExistError | ParameterError):
                raise answer
        else:
            found[hit_id] = answer
    return found


def _store(world: World, wanted: NamedHits, found: Mapping[str, Hit | None], now: datetime) -> dict[str, Hit]:
    """Enter the HITs that the market has, and store the ids that it does not have; return the new HITs."""
    place = world.place
    open_ = {hit_id: hit for hit_id, hit in found.items() if hit is not None and hit.status != DISPOSED}
    absent = [hit_id for hit_id in found if hit_id not in open_]
    # Ids found at the first look are old; a newer one may be missing on the market for a minute.
    closed = {each for each in absent if wanted.first or found[each] is not None or not can_be_id(each)}
    if wanted.first:
        absent.append(psiturk_hits.LOOKED)
        closed.add(psiturk_hits.LOOKED)
    with world.database.write() as session:
        psiturk_hits.remember_absent(session, place, absent, now, closed=closed, before=now - GONE_AFTER)
        theirs = [hit_id for hit_id, hit in open_.items() if not _enter_ours(session, place, hit, now)]
        fresh = hits.unknown_ids(session, place, theirs)
        fee = market_rules.fee_at(session, place)
        for hit_id in fresh:
            hits.insert(session, found_row(open_[hit_id], place, now, fee, origin=hits.PSITURK))
    return {hit_id: open_[hit_id] for hit_id in fresh}


def _enter_ours(session: Session, place: Place, hit: Hit, now: datetime) -> bool:
    """Enter a HIT that one of our requests posted, if its answer got lost; return whether it is such a HIT."""
    intent = None if hit.annotation is None else intents.get(session, hit.annotation)
    if intent is None or intent.kind not in (intents.CREATE_HIT, intents.COMPENSATE):
        return False
    enter_posts(Scope(session, place, now), [(intent, hit)])
    return True


@dataclass(frozen=True)
class Owners:
    """Facts that tell which experiment psiTurk's HITs belong to."""

    by_version: Mapping[str, Sequence[int]]
    """Configured experiments by code version."""
    current: Mapping[int, str]
    """The code version of each experiment, configured or not."""
    configured: Sequence[int]
    imported: int | None
    """The experiment that psiTurk's study was imported as, if any."""

    def of(self, code_version: str | None, past: Sequence[int] = ()) -> tuple[int | None, str | None]:
        """Return the experiment and the code version of a HIT.

        The experiment is the one with the participants' code version, else the imported one, else the only configured
        one; the code version is the participants', else the experiment's current one.

        Args:
            code_version: that of the HIT's first participant; None if the HIT has none.
            past: experiments that had this code version at any time.
        """
        experiment = None if code_version is None else self._of_version(code_version, past)
        if experiment is None and not self._shared(code_version):
            experiment = self._the_one()
        if code_version is None and experiment is not None:
            code_version = self.current[experiment]
        return experiment, code_version

    def _of_version(self, code_version: str, past: Sequence[int]) -> int | None:
        have_it = self.by_version.get(code_version) or past
        if self.imported in have_it:
            return self.imported
        return have_it[0] if len(have_it) == 1 else None

    def _shared(self, code_version: str | None) -> bool:
        """Return whether several configured experiments have this code version, so that it does not identify one."""
        return code_version is not None and len(self.by_version.get(code_version, ())) > 1

    def _the_one(self) -> int | None:
        if self.imported is not None:
            return self.imported
        return self.configured[0] if len(self.configured) == 1 else None


def _owners(session: Session) -> Owners:
    every = experiments.list_all(session)
    configured = [each for each in every if each.active]
    by_version: dict[str, list[int]] = defaultdict(list)
    for each in configured:
        by_version[each.code_version].append(each.experiment_id)
    return Owners(
        by_version=by_version,
        current={each.experiment_id: each.code_version for each in every},
        configured=[each.experiment_id for each in configured],
        imported=psiturk_hits.imported_experiment(session),
    )


def _assign(world: World, begin: Mark | None, *, afresh: bool) -> None:
    """Determine the experiments of psiTurk's HITs for which no user has given one; write only the changes.

    Args:
        world: database.
        begin: where the participants begin that were not searched before.
        afresh: look for the first participant of every HIT, even if one is known.
    """
    with world.database.read() as session:
        rows = psiturk_hits.rows_of_psiturk(session, world.place, adopted=False)
        if not rows:
            return
        owners = _owners(session)
        noted = {} if afresh else psiturk_hits.noted_versions(session, rows)
        versions = _versions(session, world, rows, noted, begin)
        past = {version: psiturk_hits.past_owners(session, version) for version in {*versions.values()} - {""}}
        slugs = {each.experiment_id: each.slug for each in experiments.list_all(session)}
    changed: list[tuple[HitRow, int | None, str | None]] = []
    for row in rows:
        version = versions[row.hit_id] or None
        experiment, code = owners.of(version, past.get(version or "", ()))
        slug = None if experiment is None else slugs[experiment]
        if (row.experiment, row.code_version) != (slug, code):
            changed.append((row, experiment, code))
    learned = {row.row: versions[row.hit_id] for row in rows if versions[row.hit_id] != noted.get(row.hit_id)}
    if changed or learned:
        with world.database.write() as session:
            psiturk_hits.note_versions(session, learned)
            for row, experiment, code in changed:
                psiturk_hits.assign(session, row, experiment, code)


def _versions(
    session: Session, world: World, rows: Sequence[HitRow], noted: Mapping[str, str | None], begin: Mark | None
) -> dict[str, str]:
    """Return the code version of each HIT's first participant; empty if it has none.

    All participants are searched the first time, later only new ones.
    """
    table = (world.settings["participants_table"], world.place.mode)
    never = [row.hit_id for row in rows if noted.get(row.hit_id) is None]
    waiting = [row.hit_id for row in rows if noted.get(row.hit_id) == ""]
    return (
        {row.hit_id: noted.get(row.hit_id) or "" for row in rows}
        | psiturk_hits.first_versions(session, *table, never)
        | psiturk_hits.first_versions(session, *table, waiting, begin)
    )


def unassigned_warning(hit_ids: Sequence[str]) -> str:
    """Return a warning about psiTurk's HITs whose experiment is unknown, with the command that sets it."""
    more = f" and {len(hit_ids) - _SHOWN} more" if len(hit_ids) > _SHOWN else ""
    what = "a HIT" if len(hit_ids) == 1 else f"{len(hit_ids)} HITs"
    return (
        f"psiTurk posted {what} of an unknown experiment, which every active campaign counts:"
        f" {', '.join(hit_ids[:_SHOWN])}{more}; to set it, run: turkctl sync --adopt --experiment SLUG --codeversion V"
    )
