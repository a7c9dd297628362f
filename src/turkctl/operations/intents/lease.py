"""Hold a lease: acquire it once, renew it from a thread and between the groups of a batch, and release it."""

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
"""Seconds between renewals by the thread: a lease survives three failed renewals."""
BEAT_EVERY = 5.0
"""Seconds after a renewal during which a batch does not renew again between its groups."""
RETRY_EVERY = 5.0
"""Seconds until a renewal is retried after the database did not answer."""
SURE_FOR = leases.LASTS.total_seconds() - 15.0
"""Seconds after a renewal for which the lease certainly holds, even if the database does not answer."""


class LeaseLostError(RefusedError):
    """The lease ran out or was taken over by another process, so this process stopped."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__(
            "this process lost the lease of the scheduler, because it paused for longer than the lease lasts",
            hint="to see which process holds it now, run: turkctl scheduler status",
        )


class HeldError(RefusedError):
    """Another process holds the lease."""

    code = "lease_held"

    def __init__(self, held_by: LeaseRow) -> None:
        super().__init__(f"{in_words(held_by)} holds the lease", hint="wait until it is done, or stop it")
        self.held_by = held_by


def in_words(row: LeaseRow) -> str:
    """Return the holder of a lease in words, as in ``process 4711 on lab-server``."""
    return processes.in_words({"pid": row.pid, "host": row.host})


def is_gone(row: LeaseRow) -> bool:
    """Return whether a holder is certainly dead: a process of this boot and process namespace that has ended."""
    owner = {"pid": row.pid, "boot": row.boot_id, "namespace": row.pid_namespace, "started": row.started}
    return processes.is_gone(owner)


def living_holder(session: Session, name: str) -> LeaseRow | None:
    """Return the holder of a lease; None if it is free, has run out, or its holder is certainly dead."""
    row = leases.holder(session, leases.machine_clock(session), name)
    return None if row is None or is_gone(row) else row


def this_process() -> Claimant:
    """Return a claimant for this process, new each time."""
    me: dict[str, Any] = processes.myself()
    owner = secrets.token_hex(16)
    return Claimant(owner, me["host"], me["pid"], me["boot"], me["namespace"], me["started"])


class Keeper:
    """Keeps a lease for one process. Its renewing thread and the caller's need no lock: the database serializes them.

    Attributes:
        name: the name of the lease.
        epoch: the epoch of the lease when it was last acquired; 0 before.
        claimant: the process that asks for it.
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
            database: the database with the lease.
            name: the name of the lease.
            clock: returns the time for the lease; all processes that ask for it must share this clock.
            seconds: the machine's own clock, which continues while a process is frozen.
            claimant: the process that asks; by default this one.
            dead: returns whether the holder of a lease is certainly dead.
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
        """Return the error for a lease that another process holds."""
        return HeldError(row)

    def loss(self) -> RefusedError:
        """Return the error for a lease that no longer holds."""
        return LeaseLostError()

    def note(self, event: str, error: str | None = None) -> None:
        """Do nothing; subclasses can log what happens to the lease."""

    def acquire(self) -> None:
        """Acquire the lease, or renew it if this process still holds it.

        Raises:
            RefusedError: another process holds it (see :meth:`refusal`).
            DatabaseUnreachableError: the database did not answer.
        """
        with self._database.write() as session:
            taken = self.acquire_in(session)
        if taken:
            self.note("lease_acquired")

    def acquire_in(self, session: Session) -> bool:
        """Acquire the lease within a transaction; return False if this process already held it and it was renewed.

        Raises:
            RefusedError: another process holds it (see :meth:`refusal`).
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
        """Renew the lease within a transaction, so that the transaction only succeeds while the lease holds.

        Raises:
            RefusedError: the lease no longer holds (see :meth:`loss`).
        """
        started = self._seconds()
        if self._grant is None or not leases.renew(session, self._grant, self._clock(session)):
            raise self.loss()
        self._renewed = started

    def renew(self) -> None:
        """Renew the lease.

        Raises:
            RefusedError: the lease no longer holds (see :meth:`loss`).
            DatabaseUnreachableError: the database did not answer.
        """
        with self._database.write() as session:
            self.renew_in(session)

    def beat(self) -> None:
        """Raise unless the lease still holds; a batch calls this between its groups.

        Raises:
            RefusedError: the lease no longer holds, or may have run out while the database does not answer (see
                :meth:`loss`).
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
        """Release the lease, so that the next process need not wait until it runs out."""
        grant, self._grant = self._grant, None
        if grant is None:
            return
        with self._database.write() as session:
            leases.release(session, grant, self._clock(session))
        self.note("lease_released")

    def drop_in(self, session: Session) -> None:
        """Delete the lease within the transaction that ends the work it was for."""
        grant, self._grant = self._grant, None
        if grant is not None:
            leases.drop(session, grant)

    def _free(self, row: LeaseRow) -> bool:
        return row.owner == self.claimant.owner or self._dead(row)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease for the block, with a thread that renews it, and release it at the end.

        Raises:
            RefusedError: another process holds it (see :meth:`refusal`).
            DatabaseUnreachableError: the database did not answer.
        """
        self.acquire()
        try:
            with self.renewed():
                yield
        finally:
            with suppress(UnreachableError):  # the lease then runs out by itself
                self.release()

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease, which is already held, from a thread during the block."""
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
