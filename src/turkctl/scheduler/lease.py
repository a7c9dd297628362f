"""Holding the lease: acquired once, renewed from a small thread and between the groups of a batch, given back."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.errors import DatabaseReplacedError, RefusedError, UnreachableError
from turkctl.operations.engine import processes
from turkctl.operations.tasks.scheduler import is_gone
from turkctl.scheduler.logs import log
from turkctl.store import leases
from turkctl.store.engine import Database
from turkctl.store.leases import Claimant, Clock, Grant, LeaseRow
from turkctl.units import format_time

RENEW_EVERY = 20.0
"""Seconds between renewals by the thread: a lease survives three that fail."""
BEAT_EVERY = 5.0
"""Seconds for which a renewal is taken for granted between the groups of a batch."""
RETRY_EVERY = 5.0
"""Seconds until a renewal is tried again that the database did not answer."""
SURE_FOR = leases.LASTS.total_seconds() - 15.0
"""Seconds after a renewal for which the lease is ours without asking."""


class SchedulerRunningError(RefusedError):
    """Another process holds the scheduler's lease."""

    code = "scheduler_running"

    def __init__(self, held_by: LeaseRow) -> None:
        super().__init__(
            f"a scheduler is running: {in_words(held_by)}, since {_second(held_by.since)},"
            f" last heard of at {_second(held_by.heartbeat)}",
            hint=f"stop that one first; if it is dead, its lease ends at {_second(held_by.expires)}",
        )
        self.held_by = held_by


class LeaseLostError(RefusedError):
    """The lease ran out or was taken over while a task ran; nothing more may be done under it."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__(
            "the scheduler's lease was lost: this process was held up for longer than the lease lasts",
            hint="see who runs tasks now with: turkctl scheduler status",
        )


def in_words(row: LeaseRow) -> str:
    """``process 4711 on lab-server``."""
    return processes.in_words({"pid": row.pid, "host": row.host})


def _second(moment: datetime) -> str:
    return format_time(moment.replace(microsecond=0))


def this_process() -> Claimant:
    """A claimant for this process, new each time."""
    me: dict[str, Any] = processes.myself()
    owner = secrets.token_hex(16)
    return Claimant(owner, me["host"], me["pid"], me["boot"], me["namespace"], me["started"])


class Keeper:
    """One process's hold on the lease. Its thread of renewals and the caller's need no lock: the database has it.

    Attributes:
        epoch: of the lease as it was acquired last; 0 before.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock = leases.machine_clock,
        seconds: Callable[[], float] = time.time,
        claimant: Claimant | None = None,
        dead: Callable[[LeaseRow], bool] = is_gone,
    ) -> None:
        """Prepare to ask for the lease.

        Args:
            database: where the lease is.
            clock: tells the time of the lease, which all who ask for it must share.
            seconds: the machine's own clock, which goes on while a process is frozen.
            claimant: who asks; this process.
            dead: whether the holder of a lease is proven to be gone.
        """
        self._database = database
        self._clock = clock
        self._seconds = seconds
        self._claimant = claimant or this_process()
        self._dead = dead
        self._grant: Grant | None = None
        self._renewed = 0.0
        self.epoch = 0

    def acquire(self) -> None:
        """Take the lease; one that is ours and still holds is prolonged.

        Raises:
            SchedulerRunningError: another process has it.
            DatabaseUnreachableError: the database did not answer.
        """
        started = self._seconds()
        with self._database.write() as session:
            now = self._clock(session)
            if self._grant is not None and leases.renew(session, self._grant, now):
                found: Grant | LeaseRow = self._grant
            else:
                found = leases.acquire(session, self._claimant, now, self._free)
        if isinstance(found, LeaseRow):
            raise SchedulerRunningError(found)
        self._renewed = started
        if found is self._grant:
            return
        self._grant, self.epoch = found, found.epoch
        log("lease_acquired", epoch=self.epoch, pid=self._claimant.pid, host=self._claimant.host)

    def renew_in(self, session: Session) -> None:
        """Prolong the lease within a transaction, which so happens only while the lease holds.

        Raises:
            LeaseLostError: it does not hold any more.
        """
        started = self._seconds()
        if self._grant is None or not leases.renew(session, self._grant, self._clock(session)):
            raise LeaseLostError
        self._renewed = started

    def renew(self) -> None:
        """Prolong the lease.

        Raises:
            LeaseLostError: it does not hold any more.
            DatabaseUnreachableError: the database did not answer.
        """
        with self._database.write() as session:
            self.renew_in(session)

    def beat(self) -> None:
        """See that the lease holds; what a batch calls between its groups.

        Raises:
            LeaseLostError: it does not hold, or cannot be seen to while it may have run out.
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
                raise LeaseLostError from None

    def release(self) -> None:
        """Give the lease back, so that the next process need not wait for it to run out."""
        grant, self._grant = self._grant, None
        if grant is None:
            return
        with self._database.write() as session:
            leases.release(session, grant, self._clock(session))
        log("lease_released", epoch=grant.epoch)

    def _free(self, row: LeaseRow) -> bool:
        return row.owner == self._claimant.owner or self._dead(row)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease for the block, renewed by a thread; given back at its end.

        Raises:
            SchedulerRunningError: another process has it.
            DatabaseUnreachableError: the database did not answer.
        """
        self.acquire()
        leaving = threading.Event()
        thread = threading.Thread(target=self._heartbeat, args=(leaving,), name="turkctl-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join()
            with suppress(UnreachableError):  # then it runs out by itself
                self.release()

    def _heartbeat(self, leaving: threading.Event) -> None:
        wait = RENEW_EVERY
        while not leaving.wait(wait):
            wait = RENEW_EVERY
            try:
                self.renew()
            except LeaseLostError:  # the tick, or the batch's next beat, finds the same and acts on it
                log("heartbeat_lost", level=logging.WARNING, epoch=self.epoch)
            except UnreachableError as error:
                log("heartbeat_failed", level=logging.WARNING, error=error.message)
                wait = RETRY_EVERY
