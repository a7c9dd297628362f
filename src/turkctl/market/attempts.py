"""Remember attempts to sign in and sessions that were ended, for all processes that serve one market.

Times are of the real clock, as nobody waits for the market's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from turkctl import attempt_limits
from turkctl.market import tables
from turkctl.market.tx import Tx, to_ms, when

# Each page asks this, so it is built once.
_ENDED = select(tables.ended_session.c.token).where(
    tables.ended_session.c.token == bindparam("b_token"), tables.ended_session.c.ends_at > bindparam("b_now")
)


def note_attempt(tx: Tx, name: str, address: str, now: datetime, *, failed: bool) -> None:
    """Remember an attempt; a success forgets the failures of this name from this address."""
    tried = tables.sign_in_attempt
    if not failed:
        tx.run(tried.delete().where(tried.c.name == name, tried.c.address == address))
    tx.run(tried.insert(), {"name": name, "address": address, "failed": int(failed), "at": to_ms(now)})


def forget_attempts(tx: Tx, failures_before: datetime, all_before: datetime) -> None:
    """Forget attempts that count no more."""
    tried = tables.sign_in_attempt
    old = (tried.c.at <= to_ms(failures_before)) & (tried.c.failed == 1)
    tx.run(tried.delete().where(old | (tried.c.at <= to_ms(all_before))))


def end_session(tx: Tx, token: str, until: datetime, now: datetime) -> None:
    """Remember that a session was signed out; forget those that are over anyway."""
    ended = tables.ended_session
    tx.run(ended.delete().where(ended.c.ends_at <= to_ms(now)))
    if tx.first(select(ended.c.token).where(ended.c.token == token)) is None:
        tx.run(ended.insert(), {"token": token, "ends_at": to_ms(until)})


def is_ended(tx: Tx, token: str, now: datetime) -> bool:
    """Return whether a session was signed out."""
    return tx.first(_ENDED, {"b_token": token, "b_now": to_ms(now)}) is not None


def wait_of(tx: Tx, name: str, address: str, now: datetime) -> timedelta | None:
    """Return how long this name must wait for its next attempt from this address; None if it need not."""
    return attempt_limits.wait(AttemptBook(tx), name, address, now)


class AttemptBook:
    """The attempts in the market's database."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def nth_failure(
        self, number: int, since: datetime, *, name: str | None = None, address: str | None = None
    ) -> datetime | None:
        """Return the time of the failure that is ``number``-th from the latest since then; None if there are fewer."""
        tried = tables.sign_in_attempt.c
        wanted = [tried.failed == 1, tried.at > to_ms(since)]
        wanted += [tried.name == name] if name is not None else []
        wanted += [tried.address == address] if address is not None else []
        row = self._tx.first(select(tried.at).where(*wanted).order_by(tried.at.desc()).offset(number - 1).limit(1))
        return None if row is None else when(row.at)

    def has_succeeded(self, since: datetime, name: str, address: str) -> bool:
        """Return whether this name signed in from this address since then."""
        tried = tables.sign_in_attempt.c
        same = (tried.failed == 0, tried.name == name, tried.address == address, tried.at > to_ms(since))
        return self._tx.first(select(tried.seq).where(*same).limit(1)) is not None
