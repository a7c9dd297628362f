"""What ``turkctl status`` knows, as plain values; their names are the keys of its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.units import ZERO


@dataclass(frozen=True)
class MoneyStatus:
    """Dollars of an experiment, or of all."""

    paid: Decimal = ZERO
    """Rewards, bonuses, compensation and fees."""
    rewards: Decimal = ZERO
    bonuses: Decimal = ZERO
    compensation: Decimal = ZERO
    """Paid to those who could not submit."""
    fees: Decimal = ZERO
    """Commission on what was paid."""
    on_hold: Decimal = ZERO
    """Promised for work that is open, at work, unreviewed or requested, commission included."""
    committed: Decimal = ZERO
    """Paid and on hold together: what counts against the budget."""
    budget: Decimal | None = None
    left: Decimal | None = None
    """What the budget still allows; None where there is no budget."""

    @classmethod
    def of(
        cls,
        *,
        rewards: Decimal = ZERO,
        bonuses: Decimal = ZERO,
        compensation: Decimal = ZERO,
        fees: Decimal = ZERO,
        on_hold: Decimal = ZERO,
        budget: Decimal | None = None,
    ) -> MoneyStatus:
        """Return the value with its sums."""
        paid = rewards + bonuses + compensation + fees
        committed = paid + on_hold
        left = None if budget is None else budget - committed
        return cls(paid, rewards, bonuses, compensation, fees, on_hold, committed, budget, left)

    @classmethod
    def total(cls, parts: Iterable[MoneyStatus]) -> MoneyStatus:
        """Return the sum of several, which has no budget."""
        names = ("rewards", "bonuses", "compensation", "fees", "on_hold")
        parts = list(parts)
        return cls.of(**{name: sum((getattr(part, name) for part in parts), ZERO) for name in names})


@dataclass(frozen=True)
class PeopleStatus:
    """People of the current code version, and what may still bring some."""

    completed: int = 0
    """Distinct people who are done."""
    open: int = 0
    """Assignments that nobody has taken."""
    at_work: int = 0
    unread: int = 0
    """Submissions that the market counts and that were not read yet: `turkctl sync` reads them."""
    hits: int = 0
    """HITs that workers can start on."""


@dataclass(frozen=True)
class ReviewStatus:
    """Submitted work that waits for a decision."""

    assignments: int = 0
    oldest: datetime | None = None
    approves: datetime | None = None
    """When the market approves the first of it automatically."""


@dataclass(frozen=True)
class OwedStatus:
    """Bonuses in participants' rows that `workers bonus --auto` would pay."""

    bonuses: int = 0
    """One for each assignment."""
    amount: Decimal = ZERO
    """Dollars, without commission."""
    unclear: int = 0
    """Bonuses that are no amount in cents, and so cannot be paid."""


@dataclass(frozen=True)
class QuietStatus:
    """Nobody takes what a campaign has open."""

    since: datetime
    """When somebody last took an assignment, or when what is open now was posted."""
    looked: datetime
    """When the market last told so."""
    rounds: int
    """Whole intervals between rounds in that time."""


@dataclass(frozen=True)
class CampaignStatus:
    """The campaign that an experiment has, or had last."""

    id: int
    status: str
    reason: str | None
    created: datetime
    ended: datetime | None
    goal: int
    completed: int
    outstanding: int
    rounds: int
    budget: Decimal | None
    spent: Decimal | None
    """Dollars committed on its HITs."""
    left: Decimal | None
    """What its own budget still allows."""
    next_round: Mapping[str, Any] | None
    """As ``campaigns show`` has it; None where there is none to come."""
    quiet: QuietStatus | None = None
    """Set where people who may take its assignments seem to have run out."""
    workers: int | None = None
    """Workers of the built-in market, looked up where nobody took what is open for an interval; else None."""
    eligible: int | None = None
    """Those of them who could take an assignment now. 0: nobody is left."""


@dataclass(frozen=True)
class ContentStatus:
    """How far the items of an experiment are."""

    items: int
    finished: int
    answers: int
    wanted: int
    per_hour: float | None
    """Answers per hour over the last day, or since the first item was posted; None before that."""
    expected_end: datetime | None
    """When all answers are there at the pace of ``per_day``; None where nothing is missing, or nothing came in the last
    7 days."""
    today: int = 0
    """Answers that count, as in ``answers``, since midnight UTC."""
    last_7_days: int = 0
    per_day: float | None = None
    """Answers a day over the last 7 days with answers; None before the first."""


@dataclass(frozen=True)
class ExperimentStatus:
    """Where one experiment stands. Without a name: HITs that belong to none."""

    experiment: str | None
    codeversion: str | None
    active: bool
    people: PeopleStatus
    money: MoneyStatus
    campaign: CampaignStatus | None
    content: ContentStatus | None
    to_review: ReviewStatus
    bonuses_owed: OwedStatus
    deletable_hits: int
    closed: datetime | None = None
    """Since when it is being ended."""
    ended: datetime | None = None

    @property
    def idle(self) -> bool:
        """Return whether there is nothing to tell about it: never posted, no campaign, no items."""
        nothing = (self.people, self.money.committed, self.to_review, self.bonuses_owed, self.deletable_hits)
        blank = (PeopleStatus(), ZERO, ReviewStatus(), OwedStatus(), 0)
        return nothing == blank and self.campaign is None and self.content is None


@dataclass(frozen=True)
class UnknownStatus:
    """HITs of the account that this database does not know, as the last sync saw them."""

    hits: int
    looked: datetime


@dataclass(frozen=True)
class RunStatus:
    """A command that did not come to its end and that nobody works on: giving it again does the rest."""

    run: int
    command: str
    begun: datetime
    matched: int
    succeeded: int
    failed: int


@dataclass(frozen=True)
class DecisionsStatus:
    """What waits for a person, of all experiments together."""

    to_review: ReviewStatus
    bonuses_owed: OwedStatus
    deletable_hits: int
    unknown: UnknownStatus | None
    """None where no sync has listed the account yet."""
    incomplete_runs: tuple[RunStatus, ...]


@dataclass(frozen=True)
class DeadlineStatus:
    """Something that happens automatically within a day."""

    what: str
    """``auto_approval``, ``expiry`` or ``final_rejection``, as ``hits deadlines`` says."""
    number: int
    """Assignments; of an expiry, HITs."""
    open: int
    """Assignments that go with HITs that expire."""
    first: datetime


@dataclass(frozen=True)
class TaskStatus:
    """A task that is to run."""

    name: str
    kind: str
    next_run: datetime
    overdue: bool
    """Whether it should have been run, and no scheduler is there to do it."""
    failures: int
    """Failures in a row."""


@dataclass(frozen=True)
class SchedulerStatus:
    """Who runs tasks."""

    running: bool
    host: str | None
    pid: int | None
    since: datetime | None
    heartbeat: datetime | None
    overdue: tuple[str, ...]
    """Tasks that should have been run, and no scheduler is there to do it."""


@dataclass(frozen=True)
class DayStatus:
    """How many people first handed in work on a day."""

    experiment: str
    day: str
    """In UTC, as in ``2026-05-04``."""
    people: int


@dataclass(frozen=True)
class Status:
    """Where the study stands at one moment."""

    mode: str
    now: datetime
    experiments: tuple[ExperimentStatus, ...]
    money: MoneyStatus
    decisions: DecisionsStatus
    deadlines: tuple[DeadlineStatus, ...]
    tasks: tuple[TaskStatus, ...]
    scheduler: SchedulerStatus
    days: tuple[DayStatus, ...] = field(default=())
    """Filled in where it was asked for."""
    ended: tuple[str, ...] = ()
    """Experiments that have ended and are left out of ``experiments``; sums have them."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; money stays Decimal, times stay aware."""
        return asdict(self)


DAY = timedelta(days=1)
"""How far ahead deadlines are looked for, and how far back answers are counted."""
