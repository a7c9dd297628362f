"""Mark how far the participants table has been searched for psiTurk's HITs, so that earlier rows are not read again.

Without an index on its HITs the table can only be read as a whole, half a second for 200,000 rows. SQLite numbers rows
as they are added, each one higher than all that are there (https://www.sqlite.org/autoinc.html). So a row can come in
below the highest one that was searched only after that one was deleted, with the whole table written anew, or by a
statement that names its number, which psiTurk has none of. A mark therefore holds while its last row has the same key,
and as many rows lie up to it: else everything is searched again.

A row's HIT and mode are taken to stay what they were when it was added: psiTurk changes neither. ``sync --full``
searches everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, UniqueConstraint, func, literal_column, select, text
from sqlmodel import Field, Session

from turkctl.store.base import Place, TurkctlTable, insert_into
from turkctl.store.participants import participants_table

WORTH_SAVING = 500
"""Number of rows beyond a mark that make it worth a write to move it."""


class PsiturkMark(TurkctlTable, table=True):
    """Up to where a participants table was searched for a mode and market."""

    __tablename__ = "turkctl_psiturk_mark"
    __table_args__ = (UniqueConstraint("mode", "market", "participants"),)

    id: int | None = Field(default=None, primary_key=True)
    mode: str = Field(max_length=16)
    market: str = Field(max_length=512)
    participants: str = Field(max_length=128)
    """The name of the table."""
    last: int = Field(sa_type=BigInteger)
    """SQLite's number of the last row that was searched."""
    rows: int = Field(sa_type=BigInteger)
    """How many rows there were up to it."""
    uniqueid: str = Field(max_length=128)
    """The key of that row."""


MARKS = PsiturkMark.__table__
_ROWID: ColumnElement[int] = literal_column("rowid")


@dataclass(frozen=True)
class Mark:
    """The last row that was searched: its number, how many rows lie up to it, and its key."""

    last: int
    rows: int
    uniqueid: str


@dataclass(frozen=True)
class Progress:
    """Where a search may begin, and where it ends."""

    begin: Mark | None = None
    """None: at the first row."""
    end: Mark | None = None
    """None where the table has no numbered rows."""

    @property
    def worth_saving(self) -> bool:
        """Return whether the end is so far from the beginning that the next search is to begin there."""
        if self.end is None:
            return False
        return self.begin is None or self.end.last - self.begin.last >= WORTH_SAVING


def progress(session: Session, place: Place, name: str, *, afresh: bool = False) -> Progress:
    """Return where a search of the participants table begins and ends; ``afresh``: at its first row."""
    end = _last(session, name)
    if end is None or afresh:
        return Progress(None, end)
    begin = _stored(session, place, name)
    return Progress(begin if begin is not None and _holds(session, name, begin, end) else None, end)


def beyond(mark: Mark | None) -> tuple[ColumnElement[bool], ...]:
    """Return the rows that a search which begins at the mark reads, as conditions."""
    return () if mark is None else (mark.last < _ROWID,)


def save(session: Session, place: Place, name: str, mark: Mark) -> None:
    """Remember that all HITs named up to there are known; in the transaction that enters them."""
    values = {"last": mark.last, "rows": mark.rows, "uniqueid": mark.uniqueid}
    key = {"mode": place.mode, "market": place.market, "participants": name}
    statement = insert_into(session, MARKS).values(**key, **values)
    session.connection().execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _stored(session: Session, place: Place, name: str) -> Mark | None:
    here = (MARKS.c.mode == place.mode, MARKS.c.market == place.market, MARKS.c.participants == name)
    row = session.connection().execute(select(MARKS.c.last, MARKS.c.rows, MARKS.c.uniqueid).where(*here)).one_or_none()
    return None if row is None else Mark(*row)


def _last(session: Session, name: str) -> Mark | None:
    """Return the last row of the table as it is now; None without a row, or without numbers on them."""
    if not _numbers_rows(session, name):
        return None
    table = participants_table(name)
    top: int | None = _one(session, select(func.max(_ROWID)).select_from(table))
    if top is None:
        return None
    return Mark(top, _count(session, name), _key(session, name, top) or "")


def _holds(session: Session, name: str, mark: Mark, end: Mark) -> bool:
    """Return whether the rows up to the mark are those that were searched."""
    return (
        mark.last <= end.last
        and mark.rows == end.rows - _count(session, name, *beyond(mark))
        and mark.uniqueid == _key(session, name, mark.last)
    )


def _numbers_rows(session: Session, name: str) -> bool:
    """Return whether it is a table of SQLite with row numbers, not a view or a table without them."""
    if session.connection().dialect.name != "sqlite":
        return False
    made = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(:name)")
    found = session.connection().execute(made, {"name": name}).scalar()
    return found is not None and "WITHOUT ROWID" not in " ".join(str(found).upper().split())


def _count(session: Session, name: str, *conditions: ColumnElement[bool]) -> int:
    return int(_one(session, select(func.count()).select_from(participants_table(name)).where(*conditions)))


def _key(session: Session, name: str, number: int) -> str | None:
    found: str | None = _one(session, select(participants_table(name).c.uniqueid).where(_ROWID.in_([number])))
    return found


def _one(session: Session, statement: Any) -> Any:
    return session.connection().execute(statement).scalar()
