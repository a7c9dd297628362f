"""Plan and apply: what would be done, and the outcome item by item.

A plan is made by reading only. It lists the steps in the order in which they will be taken, what each adds to the
bill, and what is left out and why. :mod:`turkctl.operations.engine.batch` applies it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from turkctl.errors import ExitCode, TurkctlError
from turkctl.units import ZERO, format_money
from turkctl.words import counted

P = TypeVar("P")

PLANNED = "planned"
SKIPPED = "skipped"
FAILED = "failed"
ALREADY_DONE = "already_done"


_THINGS = {
    **dict.fromkeys(("create", "delete", "disable", "dispatch", "expire", "extend"), ("HIT",)),
    **dict.fromkeys(("approve", "bonus", "reject"), ("assignment",)),
    **dict.fromkeys(
        ("block", "compensate", "exclude", "grant", "include", "message", "revoke", "unblock"), ("worker",)
    ),
    **dict.fromkeys(("drop", "optimize"), ("index", "indexes")),
}
"""What actions act on, one and many; the others, on items."""


@dataclass(frozen=True)
class ItemError:
    """Why one item failed: the market's own code, or ours, and its words."""

    code: str
    message: str

    @classmethod
    def of(cls, error: TurkctlError) -> ItemError:
        """The item's share of an exception."""
        return cls(error.code, error.message)

    def in_row(self, row: int | None) -> ItemError:
        """Return the same, naming the row of a file where it came from one."""
        return self if row is None else ItemError(self.code, f"row {row:,}: {self.message}")


@dataclass(frozen=True)
class ItemResult:
    """What became of one item. ``status`` is a past participle, ``skipped`` or ``failed``; ``cost`` in dollars."""

    id: str
    status: str
    detail: str | None = None
    error: ItemError | None = None
    cost: Decimal = ZERO

    def as_dict(self) -> dict[str, Any]:
        """The item as the batch result shows it."""
        error = {"code": self.error.code, "message": self.error.message} if self.error else None
        return {"id": self.id, "status": self.status, "detail": self.detail, "error": error}


@dataclass(frozen=True)
class Step(Generic[P]):
    """One thing to do. ``id`` is what is acted on; ``cost`` is what it adds to the bill, in dollars."""

    id: str
    payload: P
    cost: Decimal = ZERO
    detail: str | None = None
    row: int | None = None
    """Where a file names it, counted from 1: a failure says so."""
    wave: Hashable = None
    """Steps of one wave that follow each other run side by side; the next wave starts once all of them are answered.
    By default all steps are of one wave."""


class RunKeeper(Protocol):
    """What keeps the row of a run while its plan is applied."""

    def kept(self, plan: Plan[Any]) -> AbstractContextManager[RunKeeper]:
        """Begin the run for the block, and leave it in the state it is in at its end."""
        ...

    def beat(self) -> None:
        """See that the run is still this process's, or raise."""
        ...

    def close(self, result: BatchResult) -> None:
        """Take what the run came to."""
        ...


@dataclass(frozen=True)
class Plan(Generic[P]):
    """What would be done to what, in which order, at what cost; what is skipped and why."""

    action: str
    mode: str
    steps: tuple[Step[P], ...]
    skipped: tuple[ItemResult, ...] = ()
    """What is left out, and ids that stand for nothing: those have failed before anything is done."""
    notes: tuple[str, ...] = ()
    """What the user should know before agreeing: what is resumed, what belongs to another market."""
    run: RunKeeper | None = None
    """The run that the plan is for, where the same command takes up what it leaves undone."""

    @property
    def cost(self) -> Decimal:
        """Dollars that all steps together add to the bill, commission included."""
        return sum((step.cost for step in self.steps), ZERO)

    def preview(self) -> BatchResult:
        """The dry run: the batch result that says what would be done."""
        planned = [ItemResult(step.id, PLANNED, step.detail, cost=step.cost) for step in self.steps]
        return BatchResult(self.action, self.mode, [*planned, *self.skipped], dry_run=True)


@dataclass
class BatchResult:
    """A plan with its results: the object that every batch command prints."""

    action: str
    mode: str
    results: list[ItemResult] = field(default_factory=list)
    dry_run: bool = False
    interrupted: bool = False
    """Steps were left undone, or not tried again, because the user wanted an end."""
    unstarted: int = 0
    """Steps that were left undone: by an interrupt, or because the market failed at everything."""
    hopeless: ItemError | None = None
    """How the last items all failed, where that ended the batch."""

    @property
    def skipped(self) -> int:
        """Items left out on purpose."""
        return sum(item.status == SKIPPED for item in self.results)

    @property
    def failed(self) -> int:
        """Items that could not be done."""
        return sum(item.status == FAILED for item in self.results)

    @property
    def succeeded(self) -> int:
        """Items done, now or before."""
        return 0 if self.dry_run else len(self.results) - self.skipped - self.failed

    @property
    def cost(self) -> Decimal:
        """Dollars added to the bill (in a dry run: that would be)."""
        return sum((item.cost for item in self.results), ZERO)

    @property
    def exit_code(self) -> ExitCode:
        """130 when interrupted, 1 when something failed, else 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.FAILED if self.failed else ExitCode.OK

    def as_dict(self) -> dict[str, Any]:
        """The object of the contract."""
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
        first = f"{counted(number, *_THINGS.get(self.action, ('item',)))} {status}"
        return ", ".join([first, *(f"{number:,} {status}" for number, status in others)])

    def summary(self) -> str:
        """One line for people."""
        total = len(self.results) + self.unstarted
        if self.dry_run:
            todo = total - self.skipped - self.failed
            parts = [f"would {self.action} {todo} of {total} (mode {self.mode})"]
        else:
            parts = [f"{self.action}: {self.succeeded} of {total} done (mode {self.mode})"]
        parts += [f"{number} {word}" for number, word in ((self.skipped, "skipped"), (self.failed, "failed")) if number]
        if self.cost:
            parts.append(f"cost ${format_money(self.cost)}")
        if self.interrupted:
            left = f" with {self.unstarted} to go" if self.unstarted else ""
            parts.append(f"interrupted{left}; the same command goes on")
        elif self.unstarted:
            parts.append(f"stopped with {self.unstarted} to go, because all failed alike; run it again for the rest")
        return ", ".join(parts)


@dataclass(frozen=True)
class Done:
    """What a performed step came to; ``value`` is for the act's own record."""

    status: str
    detail: str | None = None
    id: str | None = None
    """The id to report when the step made something that had none before."""
    value: Any = None
    cost: Decimal | None = None
    """What it cost after all, where that differs from the plan."""


class Act(Protocol[P]):
    """How the steps of one action are done. The engine calls it; ``perform`` alone runs in other threads."""

    def prepare(self, steps: Sequence[Step[P]]) -> None:
        """Commit what has to be in the database before the requests go out (intents). Called once per group."""
        ...

    def perform(self, step: Step[P]) -> Done:
        """Ask the market. May be called again after a retryable error, so it reads "already done" as done.

        Raises:
            TurkctlError: the item failed; retryable market errors are retried by the engine.
        """
        ...

    def record(self, outcomes: Sequence[tuple[Step[P], Done | TurkctlError]]) -> None:
        """Write the outcomes of a group of steps down, in one transaction."""
        ...


def skip(items: Iterable[tuple[str, str]]) -> tuple[ItemResult, ...]:
    """Results of what is left out, from (id, reason) pairs."""
    return tuple(ItemResult(item, SKIPPED, reason) for item, reason in items)


def fail(name: str, error: TurkctlError, row: int | None = None) -> ItemResult:
    """Return the result of an item that is known to fail before anything is asked for; the others go on."""
    shown = name or ("" if row is None else f"row {row:,}")
    return ItemResult(shown, FAILED, error=ItemError.of(error).in_row(row))
