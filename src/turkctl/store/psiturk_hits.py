"""Track the HITs that psiTurk posted: the ids in its tables, and which of them were asked for on this market.

Those that the market has are rows of :mod:`turkctl.store.hits` with ``origin`` psiturk. For the others, this module
records that they were asked for, so that thousands of old HITs are not asked for again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, UniqueConstraint, column, inspect, or_, select, table, update
from sqlmodel import Field, Session

from turkctl.store import hits, participants, psiturk, psiturk_marks
from turkctl.store.base import Place, TurkctlTable, chunks, insert_ignoring
from turkctl.store.experiments import EXPERIMENTS, SETTINGS
from turkctl.store.hits import HITS, HitRow
from turkctl.store.participants import participants_table
from turkctl.store.psiturk_marks import Mark, Progress
from turkctl.store.types import UtcTime


class PsiturkId(TurkctlTable, table=True):
    """An id of psiTurk that is not a HIT of this mode and market, as far as the market has said."""

    __tablename__ = "turkctl_psiturk_id"
    __table_args__ = (UniqueConstraint("mode", "market", "hit_id"),)

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    hit_id: str = Field(max_length=128)
    asked: datetime = Field(sa_type=UtcTime)
    """When the market was first asked for it."""
    closed: bool = False
    """Whether it is no longer asked for: it is disposed, belongs to another market, or is invalid."""


IDS = PsiturkId.__table__
_AMT_HIT = table(psiturk.HITS, column("hitid"))


LOOKED = ""
"""Stands, as an id, for the first look at psiTurk's table of HITs on this market."""


@dataclass(frozen=True)
class NamedHits:
    """The ids in psiTurk's tables without a row of ours."""

    new: tuple[str, ...]
    """Never asked for on this market."""
    again: tuple[str, ...]
    """Asked for and not found, but too young for that to be certain."""
    first: bool
    """Whether nobody has looked at psiTurk's table of HITs on this market before."""
    searched: Progress = field(default=Progress(), compare=False)
    """Which part of the participants table was read for this."""


def _without_row(session: Session, mode: str, name: str, begin: Mark | None, *known: Select[Any]) -> set[str]:
    """Return the ids that psiTurk's tables name, the participants from the mark on, and no row of ours has.

    Its table of HITs names them whatever their mode; of the participants' rows those of this mode count. Rows of ours
    count whatever their mode and market: an id is given once.
    """

    def unknown(hit_id: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        return (hit_id.not_in(each) for each in (select(HITS.c.hit_id), *known))

    found: set[str] = set()
    if is_there(session):
        found |= _ids(session, select(_AMT_HIT.c.hitid).where(*unknown(_AMT_HIT.c.hitid)))
    if participants.exists(session, name):
        people = participants_table(name).c
        statement = select(people.hitid).where(*unknown(people.hitid), *psiturk_marks.beyond(begin)).distinct()
        if begin is None and _has_index(session, name):  # which answers without the mode, and without the table
            every = sorted(_ids(session, statement))
            in_mode = select(people.hitid).where(people.mode == mode).distinct()
            for part in chunks(every):
                found |= _ids(session, in_mode.where(people.hitid.in_(part)))
        else:
            found |= _ids(session, statement.where(people.mode == mode))
    return found


def _ids(session: Session, statement: Select[Any]) -> set[str]:
    return {str(each) for each in session.connection().execute(statement).scalars() if each}


def _has_index(session: Session, name: str) -> bool:
    indexes = inspect(session.connection()).get_indexes(name)
    return any(each["column_names"][:1] == ["hitid"] for each in indexes)


def names(session: Session, place: Place, participants_name: str, hit_ids: Sequence[str]) -> set[str]:
    """Return those of the ids, of which no row of ours has any, that psiTurk's tables name."""
    begin = psiturk_marks.progress(session, place, participants_name).begin
    found = _without_row(session, place.mode, participants_name, begin) & set(hit_ids)
    if begin is not None:  # what is named before the mark was asked for
        asked = select(IDS.c.hit_id).where(IDS.c.mode == place.mode, IDS.c.market == place.market)
        for part in chunks(hit_ids):
            found |= _ids(session, asked.where(IDS.c.hit_id.in_(part)))
    return found


def is_there(session: Session) -> bool:
    """Return whether the database has psiTurk's table of HITs, with its ids."""
    inspector = inspect(session.connection())
    if not inspector.has_table(psiturk.HITS):
        return False
    return "hitid" in {column["name"] for column in inspector.get_columns(psiturk.HITS)}


def named(session: Session, place: Place, participants_name: str, *, afresh: bool = False) -> NamedHits:
    """Return the ids that psiTurk's tables name, no row of ours has, and that are not known to be gone.

    Args:
        session: on turkctl's database.
        place: mode and market.
        participants_name: of the table.
        afresh: read the whole of it, also what was searched before.
    """
    searched = psiturk_marks.progress(session, place, participants_name, afresh=afresh)
    here = (IDS.c.mode == place.mode, IDS.c.market == place.market)
    closed = select(IDS.c.hit_id).where(*here, IDS.c.closed.is_(True))
    rest = _without_row(session, place.mode, participants_name, searched.begin, closed)
    missing = (IDS.c.closed.is_(False), IDS.c.hit_id.not_in(select(HITS.c.hit_id)))
    young = _ids(session, select(IDS.c.hit_id).where(*here, *missing))
    looked = session.connection().execute(select(IDS.c.id).where(*here, IDS.c.hit_id == LOOKED)).scalar()
    return NamedHits(
        new=tuple(sorted(rest - young)),
        again=tuple(sorted(young)),
        first=looked is None and is_there(session),
        searched=searched,
    )


def remember_absent(
    session: Session, place: Place, ids: Iterable[str], now: datetime, *, closed: Collection[str], before: datetime
) -> None:
    """Note that the market was asked for these ids and has no open HIT for them.

    Args:
        session: writes.
        place: mode and market.
        ids: what was asked for.
        now: when.
        closed: those of them that nobody need ask for again.
        before: ids that were first asked for at this time or earlier are closed as well.
    """
    values = {"mode": place.mode, "market": place.market, "asked": now}
    rows = [{**values, "hit_id": each, "closed": each in closed} for each in ids]
    for part in chunks(rows):
        insert_ignoring(session, IDS, ("mode", "market", "hit_id"), part)
    here = (IDS.c.mode == place.mode, IDS.c.market == place.market, IDS.c.closed.is_(False))
    for names in chunks([row["hit_id"] for row in rows]):
        final = or_(IDS.c.asked <= before, IDS.c.hit_id.in_([each for each in names if each in closed]))
        statement = update(IDS).where(*here, IDS.c.hit_id.in_(names), final).values(closed=True)
        session.connection().execute(statement)


def rows_of_psiturk(session: Session, place: Place, *, adopted: bool | None = None) -> list[HitRow]:
    """Return psiTurk's HITs of this place that are not disposed; ``adopted``: only those assigned by hand, or not."""
    conditions = [*hits.in_place(place), HITS.c.origin == hits.PSITURK, HITS.c.disposed_at.is_(None)]
    if adopted is not None:
        conditions.append(HITS.c.adopted.is_(adopted))
    return hits.select_where(session, *conditions)


def unassigned(session: Session, place: Place) -> list[str]:
    """Return the ids of psiTurk's HITs whose experiment is unknown and that are not disposed."""
    return [row.hit_id for row in rows_of_psiturk(session, place) if row.experiment is None]


def assign(
    session: Session, row: HitRow, experiment_id: int | None, code_version: str | None, *, adopted: bool = False
) -> None:
    """Assign a HIT of psiTurk to an experiment; ``adopted``: for good."""
    values = {"experiment_id": experiment_id, "code_version": code_version, "adopted": adopted}
    session.connection().execute(update(HITS).where(HITS.c.id == row.row).values(**values))


def first_versions(
    session: Session, name: str, mode: str, hit_ids: Sequence[str], begin: Mark | None = None
) -> dict[str, str]:
    """Return the code version of each HIT's first participant of this mode: the one it was posted with.

    Those without a participant are left out; ``begin``: those without one from that mark on.
    """
    if not hit_ids or not participants.exists(session, name):
        return {}
    people = participants_table(name)
    order = (people.c.hitid, people.c.beginhit.is_(None), people.c.beginhit, people.c.uniqueid)
    statement = select(people.c.hitid, people.c.codeversion).where(
        people.c.mode == mode, people.c.codeversion.is_not(None), *psiturk_marks.beyond(begin)
    )
    found: dict[str, str] = {}
    for part in chunks(hit_ids):
        for hit_id, version in session.connection().execute(statement.where(people.c.hitid.in_(part)).order_by(*order)):
            found.setdefault(hit_id, version)
    return found


def noted_versions(session: Session, rows: Sequence[HitRow]) -> dict[str, str | None]:
    """Return what :func:`note_versions` stored, by HIT; None if no look was made."""
    found: dict[str, str | None] = {}
    for part in chunks(rows):
        statement = select(HITS.c.hit_id, HITS.c.first_version).where(HITS.c.id.in_([row.row for row in part]))
        found.update((hit_id, version) for hit_id, version in session.connection().execute(statement))
    return found


def note_versions(session: Session, rows: Mapping[int, str]) -> None:
    """Store the version of each HIT's first participant, empty if it has none yet, by the number of its row."""
    for row, version in rows.items():
        here = [HITS.c.id == row, *([] if version else [HITS.c.first_version.is_(None)])]
        session.connection().execute(update(HITS).where(*here).values(first_version=version))


def versions(session: Session, name: str, mode: str, hit_id: str) -> set[str | None]:
    """Return the code versions of the participants of one HIT in this mode."""
    if not participants.exists(session, name):
        return set()
    people = participants_table(name)
    statement = select(people.c.codeversion).where(people.c.mode == mode, people.c.hitid == hit_id).distinct()
    return set(session.connection().execute(statement).scalars())


def past_owners(session: Session, code_version: str) -> list[int]:
    """Return the experiments, configured or not, that ever had this code version."""
    statement = select(SETTINGS.c.experiment_id).where(SETTINGS.c.code_version == code_version).distinct()
    return list(session.connection().execute(statement.order_by(SETTINGS.c.experiment_id)).scalars())


def imported_experiment(session: Session) -> int | None:
    """Return the experiment that psiTurk's study was imported as; None if none was."""
    done = psiturk.imported(session)
    slug = done.get(psiturk.EXPERIMENT)
    if slug is None:
        return _of_campaign(session, [int(value) for key, value in done.items() if key.startswith("campaign:")])
    found: int | None = (
        session.connection().execute(select(EXPERIMENTS.c.id).where(EXPERIMENTS.c.slug == slug)).scalar()
    )
    return found


def _of_campaign(session: Session, numbers: Sequence[int]) -> int | None:
    """Return the experiment of campaigns that were imported, if it is one."""
    from turkctl.store.campaigns import CAMPAIGNS

    statement = select(CAMPAIGNS.c.experiment_id).where(CAMPAIGNS.c.id.in_(numbers)).distinct()
    found = list(session.connection().execute(statement).scalars())
    return found[0] if len(found) == 1 else None
