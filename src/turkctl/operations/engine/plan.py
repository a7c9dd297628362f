"""Define plans, their steps, and the results of items.

A plan is made by reading only. It lists the steps in the order in which they will be done, what each adds to the
bill, and what is skipped and why. :mod:`turkctl.operations.engine.batch` applies it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from turkctl.errors import ExitCode, TurkctlError
from turkctl.units import ZERO, format_money, money_text
from turkctl.words import counted

P = TypeVar("P")

ACTED_ON: Mapping[str, tuple[str, str]] = {
    "add outputs": ("item", "items"),
    "approve": ("assignment", "assignments"),
    "block": ("worker", "workers"),
    "bonus": ("assignment", "assignments"),
    "clear": ("item", "items"),
    "compensate": ("worker", "workers"),
    "create": ("HIT", "HITs"),
    "delete": ("HIT", "HITs"),
    "disable": ("HIT", "HITs"),
    "dispatch": ("HIT", "HITs"),
    "drop": ("index", "indexes"),
    "exclude": ("worker", "workers"),
    "expire": ("HIT", "HITs"),
    "extend": ("HIT", "HITs"),
    "grant": ("worker", "workers"),
    "import": ("person", "people"),
    "include": ("worker", "workers"),
    "message": ("worker", "workers"),
    "optimize": ("index", "indexes"),
    "reject": ("assignment", "assignments"),
    "relabel": ("answer", "answers"),
    "remove": ("item", "items"),
    "revoke": ("worker", "workers"),
    "set": ("item", "items"),
    "unblock": ("worker", "workers"),
}
"""What each action acts on: one, and several."""

_ANYTHING = ("item", "items")

PLANNED = "planned"
SKIPPED = "skipped"
FAILED = "failed"
ALREADY_DONE = "already_done"


def acted_on(action: str) -> tuple[str, str]:
    """Return the words for one and for several of what an action acts on."""
    return ACTED_ON.get(action, _ANYTHING)


@dataclass(frozen=True)
class ItemError:
    """Why one item failed: the code and the message of the market or of turkctl."""

    code: str
    message: str

    @classmethod
    def of(cls, error: TurkctlError) -> ItemError:
        """Return the error of an item for an exception."""
        return cls(error.code, error.message)

    def in_row(self, row: int | None) -> ItemError:
        """Return the error with the row of the file named, if the item came from one."""
        return self if row is None else ItemError(self.code, f"row {row:,}: {self.message}")


@dataclass(frozen=True)
class ItemResult:
    """The result of one item. ``status`` is a past participle, ``skipped`` or ``failed``; ``cost`` is in dollars."""

    id: str
    status: str
    detail: str | None = None
    error: ItemError | None = None
    cost: Decimal = ZERO
    assignments: int = 0
    """Assignments that it posted."""

    def as_dict(self) -> dict[str, Any]:
        """Return the item as the batch result shows it."""
        error = {"code": self.error.code, "message": self.error.message} if self.error else None
        return {"id": self.id, "status": self.status, "detail": self.detail, "error": error}


@dataclass(frozen=True)
class Step(Generic[P]):
    """One thing to do. ``id`` names the object of the action; ``cost`` is what it adds to the bill, in dollars."""

    id: str
    payload: P
    cost: Decimal = ZERO
    detail: str | None = None
    row: int | None = None
    """The row of the file that names it, counted from 1; a failure reports it."""
    wave: Hashable = None
    """Consecutive steps of one wave run at the same time; the next wave starts once all of them are answered. By
    default all steps are in one wave."""
    assignments: int = 0
    """Number of assignments that it posts."""


class RunKeeper(Protocol):
    """Keeps the row of a run while its plan is applied."""

    def kept(self, plan: Plan[Any]) -> AbstractContextManager[RunKeeper]:
        """Begin the run for the block, and store its state when the block ends."""
        ...

    def beat(self) -> None:
        """Raise unless this process still holds the run."""
        ...

    def close(self, result: BatchResult) -> None:
        """Record the result of the run."""
        ...


@dataclass(frozen=True)
class Plan(Generic[P]):
    """The steps of an action in order, with their costs, and the skipped items with reasons."""

    action: str
    mode: str
    steps: tuple[Step[P], ...]
    skipped: tuple[ItemResult, ...] = ()
    """Skipped items, and ids that are invalid or unknown, which count as failed before anything is done."""
    notes: tuple[str, ...] = ()
    """What the user should know before agreeing: for example what is resumed, or belongs to another market."""
    run: RunKeeper | None = None
    """The run of the plan, if the same command can later continue what it leaves undone."""

    @property
    def cost(self) -> Decimal:
        """Return the dollars that all steps add to the bill, commission included."""
        return sum((step.cost for step in self.steps), ZERO)

    def in_words(self) -> str:
        """Return what would be done to how many, as in ``create 2 HITs, 18 assignments``."""
        posted = sum(step.assignments for step in self.steps)
        more = f", {counted(posted, 'assignment')}" if posted else ""
        return f"{self.action} {counted(len(self.steps), *acted_on(self.action))}{more}"

    def preview(self) -> BatchResult:
        """Return the batch result of a dry run, which says what would be done."""
        planned = [
            ItemResult(step.id, PLANNED, step.detail, cost=step.cost, assignments=step.assignments)
            for step in self.steps
        ]
        return BatchResult(self.action, self.mode, [*planned, *self.skipped], dry_run=True)


@dataclass
class BatchResult:
    """The results of a plan: the object that every batch command prints."""

    action: str
    mode: str
    results: list[ItemResult] = field(default_factory=list)
    dry_run: bool = False
    interrupted: bool = False
    """Whether steps were left undone, or not retried, because the user asked to stop."""
    unstarted: int = 0
    """Number of steps left undone: by an interrupt, or because every request failed."""
    hopeless: ItemError | None = None
    """The error that the last items all failed with, if that ended the batch."""

    @property
    def skipped(self) -> int:
        """Return the number of skipped items."""
        return sum(item.status == SKIPPED for item in self.results)

    @property
    def failed(self) -> int:
        """Return the number of failed items."""
        return sum(item.status == FAILED for item in self.results)

    @property
    def succeeded(self) -> int:
        """Return the number of items done, now or before."""
        return 0 if self.dry_run else len(self.results) - self.skipped - self.failed

    @property
    def cost(self) -> Decimal:
        """Return the dollars added to the bill (in a dry run: the dollars that would be added)."""
        return sum((item.cost for item in self.results), ZERO)

    @property
    def exit_code(self) -> ExitCode:
        """Return 130 if interrupted, 1 if an item failed, else 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.FAILED if self.failed else ExitCode.OK

    def as_dict(self) -> dict[str, Any]:
        """Return the object that every batch command prints as JSON."""
        return {
            "action": self.action,
            "mode": self.mode,
            "dry_run": self.dry_run,
            "matched": len(self.results) + self.unstarted,
            "succeeded": self.succeeded,
            "skipped": self.skipped,
            "failed": self.failed,
            "cost": format_money(self.cost),
            "results": [item.as_dict() for item in self.results],
        }

    def outcome(self) -> str:
        """Return what became of the items, as in ``12 assignments approved, 1 failed``."""
        numbers = Counter(item.status for item in self.results)
        last = {SKIPPED: numbers.pop(SKIPPED, 0), FAILED: numbers.pop(FAILED, 0), "not begun": self.unstarted}
        found = [(number, status.replace("_", " ")) for status, number in {**numbers, **last}.items() if number]
        if not found:
            return ""
        (number, status), *others = found
        first = f"{counted(number, *acted_on(self.action))} {status}"
        return ", ".join([first, *(f"{number:,} {status}" for number, status in others)])

    def summary(self) -> str:
        """Return the result as one line of text."""
        number = len(self.results) + self.unstarted
        total, posted = counted(number, *acted_on(self.action)), sum(item.assignments for item in self.results)
        if self.dry_run:
            todo = number - self.skipped - self.failed
            parts = [f"would {self.action} {todo:,} of {total} (mode {self.mode})"]
        else:
            parts = [f"{self.action}: {self.succeeded:,} of {total} done (mode {self.mode})"]
        parts += [counted(posted, "assignment")] if posted else []
        parts += [f"{each:,} {word}" for each, word in ((self.skipped, "skipped"), (self.failed, "failed")) if each]
        if self.cost:
            parts.append(f"cost {money_text(self.cost)}")
        if self.interrupted:
            left = f" with {self.unstarted} not started" if self.unstarted else ""
            parts.append(f"interrupted{left}; run the same command to continue")
        elif self.unstarted:
            left = f"stopped with {self.unstarted} not started, because all requests failed in the same way"
            parts.append(f"{left}; run the same command for the rest")
        return ", ".join(parts)


@dataclass(frozen=True)
class Done:
    """The result of a performed step; ``value`` is for the act's :meth:`Act.record`."""

    status: str
    detail: str | None = None
    id: str | None = None
    """The id to report, if the step created an object."""
    value: Any = None
    cost: Decimal | None = None
    """The actual cost in dollars, if it differs from the plan."""


class Act(ABC, Generic[P]):
    """Does the steps of one action. The engine calls it; only ``perform`` runs in other threads.

    An act without intents needs no ``prepare``; an act whose results are not stored needs no ``record``.
    """

    def prepare(self, steps: Sequence[Step[P]]) -> None:
        """Commit what must be in the database before the requests are sent (intents). Called once per group."""

    @abstractmethod
    def perform(self, step: Step[P]) -> Done:
        """Send the request to the market. It may be called again after a retryable error, so "already done" is done.

        Raises:
            TurkctlError: the item failed; the engine retries retryable errors of the market.
        """

    def record(self, outcomes: Sequence[tuple[Step[P], Done | TurkctlError]]) -> None:
        """Store the outcomes of a group of steps, in one transaction."""


def skip(items: Iterable[tuple[str, str]]) -> tuple[ItemResult, ...]:
    """Return the results of skipped items from (id, reason) pairs."""
    return tuple(ItemResult(item, SKIPPED, reason) for item, reason in items)


def fail(name: str, error: TurkctlError, row: int | None = None) -> ItemResult:
    """Return the result of an item that fails before any request is sent; the others are still done."""
    shown = name or ("" if row is None else f"row {row:,}")
    return ItemResult(shown, FAILED, error=ItemError.of(error).in_row(row))
