"""The client's requests about assignments, payments and workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from turkctl.errors import UsageError
from turkctl.mturk import answers
from turkctl.mturk.caller import Caller, dollars
from turkctl.mturk.types import Assignment, Balance, BonusPayment, NotifyFailure, WorkerBlock

MAX_NOTIFIED = 100
"""Maximum number of recipients of one message."""
MAX_OWN_IDS = 100
"""Maximum number of own ids, or of workers, that are asked about at once."""
MAX_SUBJECT = 200
MAX_MESSAGE = 4096


class WorkerCalls(Caller):
    """Review and pay work, message and block workers."""

    def balance(self) -> Balance:
        """Return the account's balance in dollars."""
        return self._read("get_account_balance", answers.balance)

    def list_assignments(self, hit_id: str, statuses: Sequence[str] = ()) -> Iterator[Assignment]:
        """Yield submitted work of a HIT: all of it, or with these statuses: Submitted, Approved, Rejected."""
        return self._pages(
            "list_assignments_for_hit",
            "Assignments",
            answers.assignment,
            HITId=hit_id,
            AssignmentStatuses=list(statuses) or None,
        )

    def get_assignment(self, assignment_id: str) -> Assignment:
        """Return one submitted assignment.

        Raises:
            DoesNotExistError: it does not exist, or its HIT was deleted.
            InvalidStateError: it is accepted but not submitted yet.
        """
        return self._read(
            "get_assignment", lambda raw: answers.assignment(raw["Assignment"]), AssignmentId=assignment_id
        )

    def approve(self, assignment_id: str, feedback: str | None = None, *, override_rejection: bool = False) -> None:
        """Approve and pay submitted work; with ``override_rejection`` also work rejected in the last 30 days.

        Raises:
            InvalidStateError: it is already approved or rejected.
            InsufficientFundsError: the balance is too low.
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
            InvalidStateError: it is already approved or rejected.
        """
        self._ask("reject_assignment", AssignmentId=assignment_id, RequesterFeedback=feedback)

    def send_bonus(self, worker_id: str, assignment_id: str, amount: Decimal, reason: str, token: str) -> None:
        """Pay a bonus. ``token`` (at most 64 characters) makes a repeat within 24 hours an error.

        Raises:
            AlreadyExistsError: the token was used.
            InsufficientFundsError: the balance is too low for bonus and commission.
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
        """Yield bonuses paid for a HIT or for an assignment; give exactly one of the two."""
        if (hit_id is None) == (assignment_id is None):
            raise ValueError("name a HIT or an assignment")
        return self._pages(
            "list_bonus_payments", "BonusPayments", answers.bonus_payment, HITId=hit_id, AssignmentId=assignment_id
        )

    def find_workers(self, own_ids: Sequence[str], *, create: bool = False) -> dict[str, str]:
        """Return the workers who have these own ids, at most 100, on a market of turkctl's; repeating changes nothing.

        Args:
            own_ids: the lab's own ids.
            create: make people who are not there yet.
        """
        return self._read(
            "find_workers",
            lambda raw: {each["OwnId"]: each["WorkerId"] for each in raw["Workers"]},
            OwnIds=list(own_ids),
            CreateMissing=create or None,
        )

    def own_ids(self, worker_ids: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
        """Return own id and name of these workers, at most 100, of those who have any on a market of turkctl's."""
        return self._read(
            "list_own_ids",
            lambda raw: {each["WorkerId"]: (each.get("OwnId"), each.get("Name")) for each in raw["Workers"]},
            WorkerIds=list(worker_ids),
        )

    def block(self, worker_id: str, reason: str) -> None:
        """Block a worker from this account; blocking again changes nothing."""
        self._ask("create_worker_block", WorkerId=worker_id, Reason=reason)

    def unblock(self, worker_id: str, reason: str | None = None) -> None:
        """Remove a block, if there is one."""
        self._ask("delete_worker_block", WorkerId=worker_id, Reason=reason)

    def list_blocks(self) -> Iterator[WorkerBlock]:
        """Yield all blocked workers."""
        return self._pages("list_worker_blocks", "WorkerBlocks", answers.worker_block)

    def notify(self, worker_ids: Sequence[str], subject: str, text: str) -> tuple[NotifyFailure, ...]:
        """Send a message to at most 100 workers; return those whom it did not reach, without raising for them.

        Raises:
            UsageError: the subject has more than 200 characters, or the text more than 4,096.
        """
        if len(worker_ids) > MAX_NOTIFIED:
            raise ValueError(f"at most {MAX_NOTIFIED} workers per request")
        for name, value, most in (("subject", subject, MAX_SUBJECT), ("text", text, MAX_MESSAGE)):
            if len(value) > most:
                raise UsageError(
                    f"the {name} of a message can have at most {most} characters, not {len(value)}", hint="shorten it"
                )
        return self._read(
            "notify_workers",
            lambda raw: tuple(
                answers.notify_failure(failure) for failure in raw.get("NotifyWorkersFailureStatuses") or ()
            ),
            WorkerIds=list(worker_ids),
            Subject=subject,
            MessageText=text,
        )
