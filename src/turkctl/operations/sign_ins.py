"""Limit attempts to sign in to the dashboard, and remember sessions that were ended, for all processes that serve it.

Both are in the database. Where turkctl has no tables or cannot write (psiTurk's database before ``turkctl db upgrade``,
one that is read only, MySQL), they are in the memory of this process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from turkctl.attempt_limits import KNOWN_FOR, WINDOW, digest, network, wait
from turkctl.errors import SchemaError, UnreachableError
from turkctl.operations.engine.world import World
from turkctl.store import sign_ins

MOST = 10_000
"""Attempts, and ended sessions, that are kept in memory; the oldest are forgotten first."""

_CANNOT_KEEP = (SchemaError, UnreachableError)


class SignIns:
    """Attempts to sign in, and ended sessions. Threads can share it. Times are of the real clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._memory = _Memory()

    def wait(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Return how long this name must wait for its next attempt from this address; None if it need not.

        Ask before the password is looked at, and do not look at it while there is something to wait for.
        """
        who, where = digest(name), digest(network(address))
        waits = [wait(self._memory, who, where, now)]
        with suppress(*_CANNOT_KEEP), self._world.database.read() as session:
            waits.append(wait(_Stored(session), who, where, now))
        return max((each for each in waits if each is not None), default=None)

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Count an attempt that failed, whether there is such a name or not."""
        who, where = digest(name), digest(network(address))

        def keep(session: Session) -> None:
            _forget(session, now)
            sign_ins.note_failure(session, who, where, now)

        self._keep(keep, lambda: self._memory.note_failure(who, where, now))

    def succeeded(self, name: str, address: str, now: datetime) -> None:
        """Forget the failures of this name from this address, and remember that it is known there."""
        who, where = digest(name), digest(network(address))

        def keep(session: Session) -> None:
            _forget(session, now)
            sign_ins.note_success(session, who, where, now)

        self._memory.note_success(who, where, now)  # failures may be there since the database did not answer
        self._keep(keep, lambda: None)

    def end_session(self, token: str, until: datetime) -> None:
        """Remember that a session was ended, until the time when it would have ended by itself."""
        hashed = digest(token)
        self._keep(
            lambda session: sign_ins.end_session(session, hashed, until),
            lambda: self._memory.end_session(hashed, until),
        )

    def is_ended(self, token: str, now: datetime) -> bool:
        """Return whether the session was ended."""
        hashed = digest(token)
        if self._memory.is_ended(hashed, now):
            return True
        with suppress(*_CANNOT_KEEP), self._world.database.read() as session:
            return sign_ins.is_ended(session, hashed, now)
        return False

    def _keep(self, in_database: Callable[[Session], None], in_memory: Callable[[], None]) -> None:
        try:
            with self._world.database.write() as session:
                in_database(session)
        except _CANNOT_KEEP:
            in_memory()


def _forget(session: Session, now: datetime) -> None:
    sign_ins.forget(session, now, now - WINDOW, now - KNOWN_FOR)


@dataclass(frozen=True)
class _Stored:
    """The attempts in the database."""

    session: Session

    def nth_failure(
        self, number: int, since: datetime, *, name: str | None = None, address: str | None = None
    ) -> datetime | None:
        return sign_ins.nth_failure(self.session, number, since, name=name, address=address)

    def has_succeeded(self, since: datetime, name: str, address: str) -> bool:
        return sign_ins.has_succeeded(self.session, since, name, address)


@dataclass(frozen=True)
class _Attempt:
    name: str
    address: str
    at: datetime
    failed: bool


@dataclass
class _Memory:
    """The same in memory, of this process alone."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    attempts: deque[_Attempt] = field(default_factory=lambda: deque(maxlen=MOST))
    ended: dict[str, datetime] = field(default_factory=dict)

    def nth_failure(
        self, number: int, since: datetime, *, name: str | None = None, address: str | None = None
    ) -> datetime | None:
        with self.lock:
            times = [
                each.at
                for each in self.attempts
                if each.failed and each.at > since and name in (None, each.name) and address in (None, each.address)
            ]
        return sorted(times)[-number] if len(times) >= number else None

    def has_succeeded(self, since: datetime, name: str, address: str) -> bool:
        with self.lock:
            return any(
                not each.failed and each.at > since and (each.name, each.address) == (name, address)
                for each in self.attempts
            )

    def note_failure(self, name: str, address: str, now: datetime) -> None:
        with self.lock:
            self.attempts.append(_Attempt(name, address, now, failed=True))

    def note_success(self, name: str, address: str, now: datetime) -> None:
        with self.lock:
            others = [each for each in self.attempts if (each.name, each.address) != (name, address)]
            self.attempts.clear()
            self.attempts.extend(others)
            self.attempts.append(_Attempt(name, address, now, failed=False))

    def end_session(self, token: str, until: datetime) -> None:
        with self.lock:
            self.ended[token] = until
            while len(self.ended) > MOST:
                del self.ended[min(self.ended, key=self.ended.__getitem__)]

    def is_ended(self, token: str, now: datetime) -> bool:
        with self.lock:
            return token in self.ended and self.ended[token] > now
