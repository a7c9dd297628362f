"""The market's core: transactions, the virtual clock, settling what is due, delivering notifications."""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from turkctl.copying import marks
from turkctl.market import notifications, review_actions, settle, system_types, tables
from turkctl.market.errors import MarketError
from turkctl.market.flushes import Wait
from turkctl.market.requester import Notifier, Permit, Requester
from turkctl.market.servers import MarketPresence
from turkctl.market.state import MarketDatabase
from turkctl.market.tx import LOCKED_ON_POSTGRES, META, META_LOCKED, Event, Shared, Tx, when
from turkctl.own_market import DOLLARS, EXTENSIONS, MTURK_FEE, MarketRules

T = TypeVar("T")

Courier = Callable[[], None]
_NOBODY = Requester("", "production")
_THREADS_ON_SQLITE, _THREADS_ON_POSTGRES = 4, 8


class MarketCore:
    """One open database, safe for many threads and several processes.

    Attributes:
        listing_lag: how long new HITs, new qualification types and fresh submissions are missing from listings
            (and cannot be approved). Zero by default.
    """

    listing_lag: timedelta = timedelta()

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        opening_balance: Decimal = Decimal("10000.00"),
        fee: str | None = None,
        unit: str | None = None,
        notify: Notifier | None = None,
        permit: Permit | None = None,
        before_making: Callable[[], None] = lambda: None,
    ) -> None:
        """Open the market at ``url`` and create it if it is missing.

        Args:
            url: an SQLAlchemy address: an SQLite file or memory, or PostgreSQL through psycopg.
            clock: epoch seconds; the market's time is this plus an offset kept in the database.
            rng: the source of ids; the system's own by default.
            opening_balance: dollars that each account of the production environment starts with.
            fee: rule of the commission, which the market keeps for all processes; None leaves it as it is.
            unit: what amounts are counted in; None leaves it as it is.
            notify: delivers notifications; without it they wait for a process that has one.
            permit: decides whether notifications may go to a destination; without it any destination is allowed.
            before_making: called before a database without a market gets one; it may raise.

        Raises:
            DatabaseUnreachableError: the database cannot be opened.
            SchemaError: the market was created by a newer turkctl.
        """
        self._clock = clock
        self._notify = notify
        self._permit = permit
        self._courier: Courier | None = None
        self._shared = Shared(rng or random.SystemRandom(), opening_balance)
        self._database = MarketDatabase(url, before_making)
        self._named = {name: value for name, value in (("fee", fee), ("unit", unit)) if value is not None}
        self._keep_rules()

    def _keep_rules(self) -> None:
        """Write the rules that this process was given into the market's row, if it has others."""
        if not self._named:
            return
        with self._database.read() as connection:
            kept = connection.execute(META).one()
        acts = kept.mark is None or marks.acts(kept.mark)
        if acts and any(getattr(kept, name) != value for name, value in self._named.items()):
            with self._database.write() as connection:
                connection.execute(tables.meta.update().values(self._named))

    def identity(self) -> str:
        """Return the random id that was made with the market; :meth:`reset` makes a new one."""
        with self._database.read() as connection:
            found: str = connection.execute(select(tables.meta.c.identity)).scalar_one()
            return found

    def prompt_threads(self) -> int:
        """Return how many requests a process should answer at once.

        Threads share one interpreter. With more of them, each waits longer, also while it holds the market's turn:
        with 16 on SQLite, accepting takes ten times as long as with 4 when two hundred people are at work. On
        PostgreSQL they spend half of their time waiting for it.
        """
        return _THREADS_ON_SQLITE if self._database.sqlite else _THREADS_ON_POSTGRES

    def now(self) -> datetime:
        """Return the market's time: the clock's time plus the offset set by :meth:`advance`."""
        with self._database.read() as connection:
            return when(self._tx(connection, _NOBODY, locked=False).now)

    def advance(self, by: timedelta) -> datetime:
        """Move the market's time forward for every process that uses it, and settle what becomes due.

        Raises:
            ValueError: ``by`` is negative.
        """
        if by < timedelta():
            raise ValueError("the market's clock cannot go back")
        with self._database.write() as connection:
            tx = self._tx(connection, _NOBODY, locked=True)
            moved = tables.meta.c.clock_offset + by // timedelta(milliseconds=1)
            tx.run(tables.meta.update().values(clock_offset=moved))
        self.settle()
        return self.now()

    def reset(self) -> None:
        """Delete everything: accounts, HITs, workers, the clock's offset and the identity."""
        with self._database.write() as connection:
            tx = self._tx(connection, _NOBODY, locked=True)
            for table in reversed(tables.metadata.sorted_tables):
                if table is not tables.meta:
                    tx.run(table.delete())
            tx.run(tables.qualification_type.insert(), system_types.rows())
            anew = {"clock_offset": 0, "identity": secrets.token_hex(16), "fee": None, "unit": None}
            tx.run(tables.meta.update().values(anew | self._named))
            tx.next_generation()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def settle(self) -> None:
        """Process all that is due by now and retry undelivered notifications. Every operation does this first."""
        more = True
        while more:
            with self._database.write(Wait.NEVER) as connection:  # what is due would be due again
                tx = self._tx(connection, _NOBODY, locked=True)
                more = settle.batch(tx)
            self._hand_over(tx.events)
        if self._courier is None:
            self.deliver_waiting()

    def refuse_marked(self) -> None:
        """Raise MarkedError if the market was moved to another database, or is a copy that does not act."""
        with self._database.read() as connection:
            self._database.refuse_marked(connection)

    def presence(self) -> MarketPresence:
        """Return what says that this process serves the market."""
        return MarketPresence(self._database)

    def next_due(self) -> tuple[float, float]:
        """Return the seconds until something happens by itself, and until a notification is tried again.

        Infinite if nothing is to come, negative if something is overdue. It costs a look at five indexes.
        """
        with self._database.read() as connection:
            tx = self._tx(connection, _NOBODY, locked=False)
            times = settle.next_times(tx)
        first, outbox = (math.inf if time is None else (time - tx.now) / 1000 for time in times)
        return first, outbox if self._notify is not None else math.inf

    def employ(self, courier: Courier | None) -> None:
        """Tell ``courier`` of events once they are committed; it calls :meth:`deliver_waiting` when it likes.

        With None, events are delivered before an operation answers.
        """
        self._courier = courier

    def _deliver(self, events: list[Event]) -> None:
        """Deliver events, after what other processes left to be told before them; what was taken leaves the outbox."""
        if self._notify is None or not events:
            return
        with self._database.read() as connection:
            tx = self._tx(connection, _NOBODY, locked=False)
            now, (_, due) = tx.now, settle.next_times(tx)
        if due is not None and due <= now:
            self._deliver_earlier(events[0].seq)
        self._send(events, now)

    def _deliver_earlier(self, seq: int) -> None:
        """Deliver what was written before an event and waits for its turn, which has come."""
        while True:
            with self._database.write(Wait.NEVER) as connection:
                tx = self._tx(connection, _NOBODY, locked=True)
                earlier = notifications.waiting(tx, before=seq)
            if not earlier:
                return
            self._send(earlier, tx.now)

    def _send(self, events: list[Event], now: int) -> None:
        assert self._notify is not None
        if events:
            self._database.flush(Wait.ALWAYS)  # nobody is told of what could be lost yet
        done = notifications.deliver(self._notify, events, now)
        if done:
            with self._database.write(Wait.NEVER) as connection:
                connection.execute(tables.outbox.delete().where(tables.outbox.c.seq.in_(done)))

    def deliver_waiting(self) -> bool:
        """Deliver the first events whose time has come, in the order in which they were written.

        Returns:
            Whether there were any, so that there may be more.
        """
        if self._notify is None:
            return False
        with self._database.write(Wait.NEVER) as connection:
            tx = self._tx(connection, _NOBODY, locked=True)
            events = notifications.waiting(tx)
        self._send(events, tx.now)
        return bool(events)

    def _read(self, requester: Requester, work: Callable[[Tx], T]) -> T:
        return self._run(requester, work, write=False)

    def _write(self, requester: Requester, work: Callable[[Tx], T], wait: Wait = Wait.USUALLY) -> T:
        return self._run(requester, work, write=True, wait=wait)

    def _run(self, requester: Requester, work: Callable[[Tx], T], *, write: bool, wait: Wait = Wait.NEVER) -> T:
        """Run ``work`` in a transaction in which nothing is due."""
        while True:
            transaction = self._database.write(wait) if write else self._database.read()
            with transaction as connection:
                # On PostgreSQL a writer's look must come after its wait for the lock.
                seen = None if write and not self._database.sqlite else connection.execute(settle.META_AND_TIMES).one()
                tx = self._tx(connection, requester, locked=write, meta=seen)
                due, waiting = settle.look(tx, seen)
                if not write and seen is not None and seen.mark is not None and not marks.acts(seen.mark):
                    due, waiting = None, False  # nothing happens here any more
                waiting = waiting and self._notify is not None and self._courier is None
                if due is None and not waiting:
                    try:
                        answer = work(tx)
                        review_actions.carry_out(tx)
                    except MarketError as error:
                        error.stamp(tx.now, requester.environment)
                        raise
                    break
            self.settle()
        self._hand_over(tx.events)
        return answer

    def _tx(self, connection: Connection, requester: Requester, *, locked: bool, meta: Row[Any] | None = None) -> Tx:
        # Take the lock before reading the clock, so that writers see times in the order of their turns.
        if meta is None:
            taking = META_LOCKED if self._database.sqlite else LOCKED_ON_POSTGRES
            meta = connection.execute(taking if locked else META).one()
        if locked:
            self._database.refuse_marked(connection, meta)
        return Tx(
            connection=connection,
            now=int(self._clock() * 1000) + meta.clock_offset,
            generation=meta.generation,
            requester=requester,
            rules=MarketRules(meta.fee or MTURK_FEE, meta.unit or DOLLARS, EXTENSIONS),
            shared=self._shared,
            lag=self.listing_lag // timedelta(milliseconds=1),
            delivers=self._notify is not None and self._courier is None,
        )

    def _hand_over(self, events: list[Event]) -> None:
        if events and self._courier is not None:
            self._courier()
        elif events:
            self._deliver(events)
