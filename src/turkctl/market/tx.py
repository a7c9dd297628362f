"""A transaction of the market: the connection, the time, the requester."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Row, func, select
from sqlalchemy.sql.dml import Delete, Insert, Update

from turkctl.fees import FeeRule, rule_of
from turkctl.market import tables
from turkctl.market.marks import Marks
from turkctl.market.requester import Environment, Requester
from turkctl.own_market import AMAZONS, MarketRules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MILLISECOND = timedelta(milliseconds=1)


def when(milliseconds: int) -> datetime:
    """Return an aware datetime from epoch milliseconds."""
    return EPOCH + milliseconds * _MILLISECOND


def to_ms(moment: datetime) -> int:
    """Return epoch milliseconds from an aware datetime, rounded down."""
    return (moment - EPOCH) // _MILLISECOND


def members(row: Row[Any]) -> dict[str, Any]:
    """Return a row's columns by name."""
    return dict(row._mapping)  # noqa: SLF001  public by SQLAlchemy's documentation, whatever its name


def is_id(text: str) -> bool:
    """Return whether this can be an id; a worker's browser may send anything."""
    return text.isascii() and text.isalnum()


class TypeCache:
    """HIT types kept in memory. They change only together with the market's generation."""

    _LIMIT = 10_000

    def __init__(self) -> None:
        self._generation = -1
        self._entries: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def get(self, generation: int, key: tuple[str, ...]) -> Any | None:
        """Return the value stored under ``key`` in this generation, or None."""
        with self._lock:
            return self._entries.get(key) if generation == self._generation else None

    def put(self, generation: int, key: tuple[str, ...], value: object) -> None:
        """Store a value read from a committed row."""
        with self._lock:
            if generation != self._generation or len(self._entries) >= self._LIMIT:
                self._entries = {}
                self._generation = generation
            self._entries[key] = value


@dataclass(frozen=True)
class Shared:
    """Values shared by all transactions of one open market."""

    rng: random.Random
    opening_balance: Decimal
    types: TypeCache = field(default_factory=TypeCache)
    marks: Marks = field(default_factory=Marks)


@dataclass(frozen=True)
class Event:
    """A notification in the outbox, to be delivered once the transaction is committed."""

    seq: int
    destination: dict[str, Any]
    body: str
    written_at: int


@dataclass
class Tx:
    """One transaction. ``now`` is in virtual epoch milliseconds; while due events are settled, it is their own time."""

    connection: Connection
    now: int
    generation: int
    requester: Requester
    shared: Shared
    rules: MarketRules = AMAZONS
    """The market's rules of money, and what it does beyond the API."""
    lag: int = 0
    """Milliseconds for which new rows are missing from listings."""
    delivers: bool = False
    """Whether its events are delivered right after it; else they are for whoever looks into the outbox next."""
    events: list[Event] = field(default_factory=list)
    reviews: list[tuple[str, str]] = field(default_factory=list)
    """Assignments that were submitted and HITs that became reviewable (``Assignment`` or ``HIT``, id), whose review
    policies have not been applied yet."""
    started: int = field(init=False)
    """When it began, in virtual epoch milliseconds; equal to ``now`` except while due events are settled."""

    def __post_init__(self) -> None:
        """Record the start time."""
        self.started = self.now

    @property
    def fee(self) -> FeeRule:
        """Return the rule of the commission on new HITs and bonuses; older HITs keep theirs."""
        return rule_of(self.rules.fee)

    @property
    def environment(self) -> Environment:
        """Return the requester's environment."""
        return self.requester.environment

    @property
    def account(self) -> str:
        """Return the requester's account."""
        return self.requester.account

    def first(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """Return the first row, or None."""
        return self.connection.execute(statement, values).first()

    def all(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows."""
        return self.connection.execute(statement, values).all()

    def run(
        self,
        statement: Insert | Update | Delete,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Change rows and return the result."""
        result = self.connection.execute(statement, values)
        assert isinstance(result, CursorResult)
        return result

    def random_id(self, length: int, prefix: str) -> str:
        """Return a new id of ``length`` characters from A-Z and 0-9, starting with ``prefix``.

        The time is part of it, so that a seeded random source may be reused on a later day of the same market.
        """
        seed = f"{self.shared.rng.getrandbits(192)} {self.now}"
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
        letters = []
        for _ in range(length - len(prefix)):
            number, digit = divmod(number, 36)
            letters.append(_ALPHABET[digit])
        return prefix + "".join(letters)

    def new_id(self) -> str:
        """Return a new id for a HIT, an assignment or a type: 30 characters starting with 3, like the service's."""
        return self.random_id(30, "3")

    def next_generation(self) -> None:
        """Make every process forget the HIT types that it keeps in memory."""
        self.run(tables.meta.update().values(generation=tables.meta.c.generation + 1))


META = select(tables.meta).where(tables.meta.c.id == 1)
_NO_WAIT = func.set_config("synchronous_commit", "off", True).label("no_wait")
META_LOCKED = META.with_for_update()
LOCKED_ON_POSTGRES = META.add_columns(_NO_WAIT).with_for_update()
"""Takes the lock, and makes this transaction give it back without a wait for the disk: that comes after it, where it
must (:mod:`turkctl.market.flushes`). One message for both, and nothing that outlasts the transaction."""
