"""The client's requests about assignments, payments and workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from turkctl.errors import UsageError
from turkctl.mturk import answers
from turkctl.mturk.caller import Caller, dollars
from turkctl.mturk.types import Assignment, Balance, BonusPayment, NotifyFailure, WorkerBlock

MAX_NOTIFIED = 100
"""Workers that one message reaches."""
MAX_SUBJECT = 200
MAX_MESSAGE = 4096


class WorkerCalls(Caller):
    """Review, pay, write to, block."""

    def balance(self) -> Balance:
        """The account's balance: dollars."""
        return self._read("get_account_balance", answers.balance)

    def list_assignments(self, hit_id: str, statuses: Sequence[str] = ()) -> Iterator[Assignment]:
        """Submitted work of a HIT, all of it or with these statuses: Submitted, Approved, Rejected."""
        return self._pages(
            "list_assignments_for_hit",
            "Assignments",
            answers.assignment,
            HITId=hit_id,
            AssignmentStatuses=list(statuses) or None,
        )

    def get_assignment(self, assignment_id: str) -> Assignment:
        """One submitted assignment.

        Raises:
            DoesNotExistError: there is none, or its HIT is gone.
            InvalidStateError: it is accepted and not submitted yet.
        """
        return self._read(
            "get_assignment", lambda raw: answers.assignment(raw["Assignment"]), AssignmentId=assignment_id
        )

    def approve(self, assignment_id: str, feedback: str | None = None, *, override_rejection: bool = False) -> None:
        """Approve and pay submitted work; with ``override_rejection`` work rejected in the last 30 days, too.

        Raises:
            InvalidStateError: it is approved or rejected already.
            InsufficientFundsError: the balance does not cover it.
        """
        self._ask(
            "approve_assignment",
            AssignmentId=assignment_id,
            RequesterFeedback=feedback,
            OverrideRejection=override_rejection or None,
        )

    def reject(self, assignment_id: str, feedback: str) -> None:
        """Reject submitted work; the worker reads the feedback.

        Raises:
            InvalidStateError: it is approved or rejected already.
        """
        self._ask("reject_assignment", AssignmentId=assignment_id, RequesterFeedback=feedback)

    def send_bonus(self, worker_id: str, assignment_id: str, amount: Decimal, reason: str, token: str) -> None:
        """Pay a bonus. ``token`` (at most 64 characters) makes a repeat within 24 hours an error.

        Raises:
            AlreadyExistsError: the token was used.
            InsufficientFundsError: the balance does not cover bonus and commission.
        """
        self._ask(
            "send_bonus",
            WorkerId=worker_id,
            AssignmentId=assignment_id,
            BonusAmount=dollars(amount),
            Reason=reason,
            UniqueRequestToken=token,
        )

    def list_bonuses(self, *, hit_id: str | None = None, assignment_id: str | None = None) -> Iterator[BonusPayment]:
        """Bonuses paid for a HIT or for an assignment; exactly one of the two is given."""
        if (hit_id is None) == (assignment_id is None):
            raise ValueError("name a HIT or an assignment")
        return self._pages(
            "list_bonus_payments", "BonusPayments", answers.bonus_payment, HITId=hit_id, AssignmentId=assignment_id
        )

    def block(self, worker_id: str, reason: str) -> None:
        """Let a worker do no more work for this account; blocking again changes nothing."""
        self._ask("create_worker_block", WorkerId=worker_id, Reason=reason)

    def unblock(self, worker_id: str, reason: str | None = None) -> None:
        """Take a block away; where there is none, nothing happens."""
        self._ask("delete_worker_block", WorkerId=worker_id, Reason=reason)

    def list_blocks(self) -> Iterator[WorkerBlock]:
        """All blocked workers."""
        return self._pages("list_worker_blocks", "WorkerBlocks", answers.worker_block)

    def notify(self, worker_ids: Sequence[str], subject: str, text: str) -> tuple[NotifyFailure, ...]:
        """Write to at most 100 workers; gives those whom the message did not reach. The market raises for none.

        Raises:
            UsageError: more than 200 characters of subject or 4,096 of text.
        """
        if len(worker_ids) > MAX_NOTIFIED:
            raise ValueError(f"at most {MAX_NOTIFIED} workers per request")
        for name, value, most in (("subject", subject, MAX_SUBJECT), ("text", text, MAX_MESSAGE)):
            if len(value) > most:
                raise UsageError(f"the {name} of a message has at most {most} characters, this one {len(value)}")
        return self._read(
            "notify_workers",
            lambda raw: tuple(
                answers.notify_failure(failure) for failure in raw.get("NotifyWorkersFailureStatuses") or ()
            ),
            WorkerIds=list(worker_ids),
            Subject=subject,
            MessageText=text,
        )
