"""What operations need of the outside; :class:`turkctl.context.Context` is it."""

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
    """Where an act comes from: the command line as it was typed, or a task, which has a slot.

    Attributes:
        command: the command line, or the task.
        slot: of a task.
        since: when the command line was given, by :func:`time.monotonic`; None where nobody gave one.
        act: what is done, for the log, as in ``hits create``; None where nobody leaves a line for it.
        tally: collects what comes of it.
    """

    command: str
    slot: datetime | None = None
    since: float | None = None
    act: str | None = None
    tally: ActTally = field(default_factory=ActTally, compare=False)


class World(Protocol):
    """Database, market and clock; each is opened when it is first asked for."""

    @property
    def settings(self) -> Settings:
        """The resolved settings."""

    @property
    def database(self) -> Database:
        """Turkctl's database, at its schema."""

    @property
    def mturk(self) -> MTurk:
        """The client of the mode's market."""

    @property
    def place(self) -> Place:
        """Mode and identity of the market: what rows carry."""

    @property
    def listing_place(self) -> Place:
        """The place whose rows are listed: known without asking the market for credentials."""

    @property
    def origin(self) -> CommandOrigin:
        """The command or the task that this is for."""

    def now(self) -> datetime:
        """The time that studies live in."""

    def engine(self, **options: Any) -> Engine:
        """A batch engine."""
