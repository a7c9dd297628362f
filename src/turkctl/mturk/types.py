"""The market's data as values. Times are aware and in UTC, money is in dollars, missing values are None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

Requirement = Mapping[str, Any]
"""One qualification requirement in the API's own form; :mod:`turkctl.mturk.requirements` creates them."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A prepaid balance; ``on_hold`` is None if the market does not report it."""

    available: Decimal
    on_hold: Decimal | None


@dataclass(frozen=True, slots=True)
class HitRequest:
    """A HIT to be posted. Exactly one of ``question`` (XML) and ``layout_id`` is given.

    Attributes:
        duration: how long a worker has, from accepting to submitting.
        lifetime: how long the HIT can be accepted.
        auto_approval_delay: time after which a submission is approved automatically; None: the market's own (30 days).
        annotation: returned with the HIT, at most 255 bytes; workers do not see it.
        items: names of what it shows, for a market that gives nobody an item twice (``Caller.keeps_items_apart``).
        known_items: names of those of them whose answer is known.
    """

    title: str
    description: str
    reward: Decimal
    duration: timedelta
    lifetime: timedelta
    max_assignments: int = 1
    auto_approval_delay: timedelta | None = None
    keywords: Sequence[str] = ()
    question: str | None = None
    layout_id: str | None = None
    layout_parameters: Mapping[str, str] | None = None
    annotation: str | None = None
    requirements: Sequence[Requirement] = ()
    items: Sequence[str] = ()
    known_items: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A HIT. ``completed`` counts approved and rejected assignments only, as the market does."""

    hit_id: str
    hit_type_id: str | None
    hit_group_id: str | None
    layout_id: str | None
    title: str | None
    description: str | None
    keywords: tuple[str, ...]
    question: str | None
    status: str
    reward: Decimal
    duration: timedelta | None
    auto_approval_delay: timedelta | None
    created: datetime | None
    expires: datetime | None
    annotation: str | None
    requirements: tuple[Requirement, ...]
    max_assignments: int
    available: int
    pending: int
    completed: int

    def expired(self, now: datetime) -> bool:
        """Return whether its time is over. It is not while the market calls it Assignable, whatever this clock says."""
        return self.status != "Assignable" and self.expires is not None and self.expires <= now

    @property
    def submitted(self) -> int:
        """Return the number of assignments that wait for review, which no counter of the market shows."""
        return max(0, self.max_assignments - self.available - self.pending - self.completed)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A submitted assignment; ``answer`` is QuestionFormAnswers XML (:mod:`turkctl.mturk.questions` reads it)."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    accepted: datetime | None
    submitted: datetime | None
    auto_approval: datetime | None
    approved: datetime | None
    rejected: datetime | None
    deadline: datetime | None
    answer: str | None
    feedback: str | None


@dataclass(frozen=True, slots=True)
class BonusPayment:
    """A bonus that was paid."""

    worker_id: str
    assignment_id: str
    amount: Decimal
    reason: str | None
    granted: datetime | None


@dataclass(frozen=True, slots=True)
class QualificationType:
    """A qualification type."""

    type_id: str
    name: str | None
    description: str | None
    keywords: tuple[str, ...]
    status: str | None
    created: datetime | None
    requestable: bool | None
    auto_granted: bool | None
    auto_granted_value: int | None
    test: str | None
    test_duration: timedelta | None
    answer_key: str | None
    retry_delay: timedelta | None


@dataclass(frozen=True, slots=True)
class Qualification:
    """A worker's qualification; for locale types, ``locale`` is ``US`` or ``US-CA`` and ``value`` is None."""

    type_id: str
    worker_id: str
    value: int | None
    locale: str | None
    status: str | None
    granted: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerBlock:
    """A worker who may not work for this account."""

    worker_id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class NotifyFailure:
    """A worker whom a message did not reach; ``code`` is SoftFailure or HardFailure."""

    worker_id: str
    code: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    """Where events of a HIT type are sent.

    Attributes:
        destination: an SQS queue's URL or an SNS topic's ARN.
        transport: ``SQS`` or ``SNS``.
    """

    destination: str
    events: Sequence[str]
    transport: str = "SQS"
