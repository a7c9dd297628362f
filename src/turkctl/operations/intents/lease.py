"""Hold a lease: acquired once, renewed from a small thread and between the groups of a batch, given back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlmodel import Session

from turkctl.errors import DatabaseReplacedError, RefusedError, UnreachableError
from turkctl.operations.intents import processes
from turkctl.store import leases
from turkctl.store.engine import Database
from turkctl.store.leases import Claimant, Clock, LeaseGrant, LeaseRow

RENEW_EVERY = 20.0
"""Seconds between renewals by the thread: a lease survives three that fail."""
BEAT_EVERY = 5.0
"""Seconds for which a renewal is taken for granted between the groups of a batch."""
RETRY_EVERY = 5.0
"""Seconds until a renewal is tried again that the database did not answer."""
SURE_FOR = leases.LASTS.total_seconds() - 15.0
"""Seconds after a renewal for which the lease is ours without asking."""


class LeaseLostError(RefusedError):
    """The lease ran out or was taken over meanwhile; nothing more may be done under it."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__(
            "the lease of the scheduler was lost: this process was held up for longer than the lease lasts",
            hint="see who has it now with: turkctl scheduler status",
        )


class HeldError(RefusedError):
    """Another process holds the lease."""

    code = "lease_held"

    def __init__(self, held_by: LeaseRow) -> None:
        super().__init__(f"{in_words(held_by)} is at work", hint="wait for it, or stop it")
        self.held_by = held_by


def in_words(row: LeaseRow) -> str:
    """Return who holds a lease, as in ``process 4711 on lab-server``."""
    return processes.in_words({"pid": row.pid, "host": row.host})


def is_gone(row: LeaseRow) -> bool:
    """Return whether a holder is proven dead: a process of this boot and process namespace that is no more."""
    owner = {"pid": row.pid, "boot": row.boot_id, "namespace": row.pid_namespace, "started": row.started}
    return processes.is_gone(owner)


def living_holder(session: Session, name: str) -> LeaseRow | None:
    """Return who holds a lease; None where it is free, has run out, or its holder is proven dead."""
    row = leases.holder(session, leases.machine_clock(session), name)
    return None if row is None or is_gone(row) else row


def this_process() -> Claimant:
    """Return a claimant for this process, new each time."""
    me: dict[str, Any] = processes.myself()
    owner = secrets.token_hex(16)
    return Claimant(owner, me["host"], me["pid"], me["boot"], me["namespace"], me["started"])


class Keeper:
    """One process's hold on a lease. Its thread of renewals and the caller's need no lock: the database has it.

    Attributes:
        name: of the lease.
        epoch: of the lease as it was acquired last; 0 before.
        claimant: who asks for it.
    """

    def __init__(
        self,
        database: Database,
        *,
        name: str = leases.SCHEDULER,
        clock: Clock = leases.machine_clock,
        seconds: Callable[[], float] = time.time,
        claimant: Claimant | None = None,
        dead: Callable[[LeaseRow], bool] = is_gone,
    ) -> None:
        """Prepare to ask for the lease.

        Args:
            database: where the lease is.
            name: of the lease.
            clock: tells the time of the lease, which all who ask for it must share.
            seconds: the machine's own clock, which goes on while a process is frozen.
            claimant: who asks; this process.
            dead: whether the holder of a lease is proven to be gone.
        """
        self.name = name
        self.claimant = claimant or this_process()
        self.epoch = 0
        self._database = database
        self._clock = clock
        self._seconds = seconds
        self._dead = dead
        self._grant: LeaseGrant | None = None
        self._renewed = 0.0

    def refusal(self, row: LeaseRow) -> RefusedError:
        """Return the error for a lease that another process has."""
        return HeldError(row)

    def loss(self) -> RefusedError:
        """Return the error for a lease that does not hold any more."""
        return LeaseLostError()

    def note(self, event: str, error: str | None = None) -> None:
        """Hear of what happens to the lease: nothing is said of it here."""

    def acquire(self) -> None:
        """Take the lease; one that is ours and still holds is prolonged.

        Raises:
            RefusedError: another process has it (see :meth:`refusal`).
            DatabaseUnreachableError: the database did not answer.
        """
        with self._database.write() as session:
            taken = self.acquire_in(session)
        if taken:
            self.note("lease_acquired")

    def acquire_in(self, session: Session) -> bool:
        """Take the lease within a transaction; False where it was ours and is prolonged.

        Raises:
            RefusedError: another process has it (see :meth:`refusal`).
        """
        started = self._seconds()
        now = self._clock(session)
        if self._grant is not None and leases.renew(session, self._grant, now):
            self._renewed = started
            return False
        found = leases.acquire(session, self.claimant, now, self._free, self.name)
        if isinstance(found, LeaseRow):
            raise self.refusal(found)
        self._renewed = started
        self._grant, self.epoch = found, found.epoch
        return True

    def renew_in(self, session: Session) -> None:
        """Prolong the lease within a transaction, which so happens only while the lease holds.

        Raises:
            RefusedError: it does not hold any more (see :meth:`loss`).
        """
        started = self._seconds()
        if self._grant is None or not leases.renew(session, self._grant, self._clock(session)):
            raise self.loss()
        self._renewed = started

    def renew(self) -> None:
        """Prolong the lease.

        Raises:
            RefusedError: it does not hold any more (see :meth:`loss`).
            DatabaseUnreachableError: the database did not answer.
        """
        with self._database.write() as session:
            self.renew_in(session)

    def beat(self) -> None:
        """See that the lease holds; what a batch calls between its groups.

        Raises:
            RefusedError: it does not hold, or cannot be seen to while it may have run out (see :meth:`loss`).
            DatabaseReplacedError: the file with the lease was replaced or removed.
        """
        age = self._seconds() - self._renewed
        if 0 <= age < BEAT_EVERY:
            return
        try:
            self.renew()
        except DatabaseReplacedError:
            raise
        except UnreachableError:
            if not 0 <= age < SURE_FOR:
                raise self.loss() from None

    def release(self) -> None:
        """Give the lease back, so that the next process need not wait for it to run out."""
        grant, self._grant = self._grant, None
        if grant is None:
            return
        with self._database.write() as session:
            leases.release(session, grant, self._clock(session))
        self.note("lease_released")

    def drop_in(self, session: Session) -> None:
        """Give the lease back for good, with the end of what it was for."""
        grant, self._grant = self._grant, None
        if grant is not None:
            leases.drop(session, grant)

    def _free(self, row: LeaseRow) -> bool:
        return row.owner == self.claimant.owner or self._dead(row)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease for the block, renewed by a thread; given back at its end.

        Raises:
            RefusedError: another process has it (see :meth:`refusal`).
            DatabaseUnreachableError: the database did not answer.
        """
        self.acquire()
        try:
            with self.renewed():
                yield
        finally:
            with suppress(UnreachableError):  # then it runs out by itself
                self.release()

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Have a thread renew the lease, which is held already, for the block."""
        leaving = threading.Event()
        thread = threading.Thread(target=self._heartbeat, args=(leaving,), name="turkctl-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join()

    def _heartbeat(self, leaving: threading.Event) -> None:
        wait = RENEW_EVERY
        while not leaving.wait(wait):
            wait = RENEW_EVERY
            try:
                self.renew()
            except RefusedError:  # the batch's next beat finds the same and acts on it
                self.note("heartbeat_lost")
            except UnreachableError as error:
                self.note("heartbeat_failed", error.message)
                wait = RETRY_EVERY
