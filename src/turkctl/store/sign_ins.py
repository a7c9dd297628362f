"""Store attempts to sign in to the dashboard, and sessions that were ended, for all processes that serve it.

Names, addresses and tokens are kept as digests only: what somebody typed as a name may have been a password. All times
are of the real clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, and_, delete, or_, select
from sqlmodel import Field, Session

from turkctl.store.base import TurkctlTable, add, insert_ignoring
from turkctl.store.types import UtcTime


class SignInAttempt(TurkctlTable, table=True):
    """An attempt that failed, or the last ones of a name from an address that succeeded."""

    __tablename__ = "turkctl_sign_in_attempt"
    __table_args__ = (Index(None, "name", "at"), Index(None, "address", "at"))

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    """Digest of the login name that was given."""
    address: str = Field(max_length=64)
    """Digest of the address that it came from."""
    at: datetime = Field(sa_type=UtcTime)
    failed: bool


class EndedSession(TurkctlTable, table=True):
    """A session that was ended before its time."""

    __tablename__ = "turkctl_ended_session"

    token: str = Field(primary_key=True, max_length=64)
    """Digest of the session's token."""
    until: datetime = Field(sa_type=UtcTime, index=True)
    """When it would have ended by itself, and need not be remembered any more."""


ATTEMPTS = SignInAttempt.__table__
ENDED = EndedSession.__table__


def nth_failure(
    session: Session, number: int, since: datetime, *, name: str | None = None, address: str | None = None
) -> datetime | None:
    """Return when the newest failure but ``number`` - 1 was, of this name, from this address; None if there is none."""
    failures = select(ATTEMPTS.c.at).where(*_of(name, address), ATTEMPTS.c.failed, ATTEMPTS.c.at > since)
    found: datetime | None = (
        session.connection().execute(failures.order_by(ATTEMPTS.c.at.desc()).offset(number - 1).limit(1)).scalar()
    )
    return found


def has_succeeded(session: Session, since: datetime, name: str, address: str) -> bool:
    """Return whether this name has signed in from this address."""
    succeeded = (*_of(name, address), ATTEMPTS.c.failed.is_(False), ATTEMPTS.c.at > since)
    return session.connection().execute(select(ATTEMPTS.c.id).where(*succeeded).limit(1)).first() is not None


def note_failure(session: Session, name: str, address: str, now: datetime) -> None:
    """Store an attempt that failed."""
    add(session, SignInAttempt(name=name, address=address, at=now, failed=True))


def note_success(session: Session, name: str, address: str, now: datetime) -> None:
    """Store an attempt that succeeded in place of all others of this name from this address."""
    session.connection().execute(delete(ATTEMPTS).where(*_of(name, address)))
    add(session, SignInAttempt(name=name, address=address, at=now, failed=False))


def end_session(session: Session, token: str, until: datetime) -> None:
    """Store that a session was ended."""
    row = EndedSession(token=token, until=until)
    insert_ignoring(session, ENDED, ["token"], [row.checked()])


def is_ended(session: Session, token: str, now: datetime) -> bool:
    """Return whether a session was ended."""
    statement = select(ENDED.c.token).where(ENDED.c.token == token, ENDED.c.until > now)
    return session.connection().execute(statement).first() is not None


def forget(session: Session, now: datetime, failed_before: datetime, succeeded_before: datetime) -> None:
    """Remove failures that are that old, successes that are older still, and sessions that have ended by themselves."""
    old = or_(and_(ATTEMPTS.c.failed, ATTEMPTS.c.at <= failed_before), ATTEMPTS.c.at <= succeeded_before)
    session.connection().execute(delete(ATTEMPTS).where(old))
    session.connection().execute(delete(ENDED).where(ENDED.c.until <= now))


def _of(name: str | None, address: str | None) -> tuple[ColumnElement[bool], ...]:
    pairs: tuple[tuple[Any, str | None], ...] = ((ATTEMPTS.c.name, name), (ATTEMPTS.c.address, address))
    return tuple(column == value for column, value in pairs if value is not None)
