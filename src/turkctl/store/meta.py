"""Store facts about the database itself."""

from __future__ import annotations

import secrets

from sqlalchemy import Text, insert, select
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable

DATABASE_ID = "database_id"
"""Random, made with the tables: part of every token, so that no two databases ever send the same token."""
MADE_DATABASE = "made_database"
"""``yes`` where turkctl found the database empty; ``no`` where it added its tables to somebody's."""
MADE_PARTICIPANTS = "made_participants"
"""Name of the participants table that turkctl created; absent where it is psiTurk's."""
ERASURE_KEY = "erasure_key"
"""Key of the hashes that are kept of workers who were erased; made when the first one is."""


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


def erasure_key(session: Session, *, make: bool = False) -> str | None:
    """Return the key of the hashes of erased workers; None if nobody was erased and none is to be made."""
    key = _get(session, ERASURE_KEY)
    if key is None and make:
        key = secrets.token_hex(32)
        session.connection().execute(insert(_T).values(key=ERASURE_KEY, value=key))
    return key
