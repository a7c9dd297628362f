"""Define what operations need from their caller; :class:`turkctl.context.Context` provides it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from turkctl.operations.engine.tally import ActTally

if TYPE_CHECKING:
    from turkctl.mturk.client import MTurk
    from turkctl.operations.engine.batch import Engine
    from turkctl.settings import Settings
    from turkctl.store.base import Place
    from turkctl.store.engine import Database


@dataclass(frozen=True)
class CommandOrigin:
    """The origin of an act: the command line as it was typed, a task, which has a slot, or a form of the dashboard.

    Attributes:
        command: the command line, or the name of the task.
        slot: the slot of a task.
        since: when the command line was given, by :func:`time.monotonic`; None if there was none.
        act: what is done, for the log, as in ``hits create``; None if no line is left for it.
        tally: collects the results.
        account: who does it, for the log; None for the user whose process it is.
    """

    command: str
    slot: datetime | None = None
    since: float | None = None
    act: str | None = None
    tally: ActTally = field(default_factory=ActTally, compare=False)
    account: str | None = None


class World(Protocol):
    """Database, market and clock; each is opened when it is first used."""

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""

    @property
    def database(self) -> Database:
        """Return turkctl's database, at its schema."""

    @property
    def mturk(self) -> MTurk:
        """Return the client of the mode's market."""

    @property
    def place(self) -> Place:
        """Return the mode and the identity of the market, which rows store."""

    @property
    def listing_place(self) -> Place:
        """Return the place whose rows are listed; no credentials for the market are needed."""

    @property
    def origin(self) -> CommandOrigin:
        """Return the command or the task that this world is for."""

    def now(self) -> datetime:
        """Return the current time of the mode's market (aware, UTC)."""

    def engine(self, **options: Any) -> Engine:
        """Return a batch engine."""
