"""Store facts about the database itself."""

from __future__ import annotations

from sqlalchemy import Text, select
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable

DATABASE_ID = "database_id"
"""Random, made with the tables: part of every token, so that no two databases ever send the same token."""
MADE_DATABASE = "made_database"
"""``yes`` where turkctl found the database empty; ``no`` where it added its tables to somebody's."""
MADE_PARTICIPANTS = "made_participants"
"""Name of the participants table that turkctl created; absent where it is psiTurk's."""


class Meta(TurkctlTable, table=True):
    """One fact."""

    __tablename__ = "turkctl_meta"

    key: str = Field(primary_key=True, max_length=64)
    value: str = Field(sa_type=Text)


_T = Meta.__table__


def _get(session: Session, key: str) -> str | None:
    value: str | None = session.connection().execute(select(_T.c.value).where(_T.c.key == key)).scalar()
    return value


def database_id(session: Session) -> str:
    """Return the random id of the database."""
    value = _get(session, DATABASE_ID)
    assert value is not None, "schema.ensure comes before everything else"
    return value


def participants_made(session: Session, table_name: str) -> bool:
    """Return whether turkctl created the participants table of this name, and so may insert into it."""
    return _get(session, MADE_PARTICIPANTS) == table_name
