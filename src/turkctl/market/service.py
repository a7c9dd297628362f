"""The market: Mechanical Turk as data, one method per operation of the Requester API and per worker action.

Requests and answers are the API's own members. A request is expected to be checked already for what the service model
says (types, required members, patterns, maxima, enumerations); what the model does not say is checked here.
Every method raises :class:`~turkctl.market.errors.MarketError`, the worker actions
:class:`~turkctl.market.errors.WorkError`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from turkctl.market import (
    assignments,
    grants,
    hit_changes,
    hit_types,
    hits,
    layouts,
    ledger,
    notifications,
    payments,
    qualifications,
    review,
    workers,
)
from turkctl.market.errors import RequestError
from turkctl.market.limits import checked
from turkctl.market.requester import Environment, Notifier, Requester
from turkctl.market.tx import Tx, to_ms
from turkctl.market.worker_side import WorkerSide
from turkctl.units import to_micros

log = logging.getLogger(__name__)

Request = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Tx, dict[str, Any]], Answer]

__all__ = ["Answer", "Environment", "Market", "Notifier", "Request", "Requester"]


class Market(WorkerSide):
    """A market on one database: the Requester API, the workers' side, and what a test bench needs besides."""

    def _change(self, requester: Requester, request: Request, operation: Operation) -> Answer:
        return self._write(requester, lambda tx: operation(tx, checked(request)))

    def _ask(self, requester: Requester, request: Request, operation: Operation) -> Answer:
        return self._read(requester, lambda tx: operation(tx, checked(request)))

    def create_hit(self, requester: Requester, request: Request) -> Answer:
        """CreateHIT: finds or makes the HIT type, then the HIT."""
        return self._change(requester, request, hits.create_hit)

    def create_hit_with_hit_type(self, requester: Requester, request: Request) -> Answer:
        """CreateHITWithHITType."""
        return self._change(requester, request, hits.create_hit_with_hit_type)

    def get_hit(self, requester: Requester, request: Request) -> Answer:
        """GetHIT; a disposed HIT is answered as Disposed until its data are thrown away."""
        return self._ask(requester, request, hits.get_hit)

    def list_hits(self, requester: Requester, request: Request) -> Answer:
        """ListHITs: all but disposed ones, oldest first."""
        return self._ask(requester, request, hits.list_hits)

    def list_reviewable_hits(self, requester: Requester, request: Request) -> Answer:
        """ListReviewableHITs: Reviewable ones, or those in the status asked for; latest expiration first."""
        return self._ask(requester, request, hits.list_reviewable_hits)

    def list_hits_for_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """ListHITsForQualificationType: HITs, in any status but disposed, whose type requires that qualification."""
        return self._ask(requester, request, hits.list_hits_for_qualification_type)

    def update_expiration_for_hit(self, requester: Requester, request: Request) -> Answer:
        """UpdateExpirationForHIT: a past time makes the expiry now; a future one may be earlier or later."""
        return self._change(requester, request, hit_changes.update_expiration_for_hit)

    def create_additional_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        """CreateAdditionalAssignmentsForHIT: never from below ten to ten or more, since the commission differs."""
        return self._write(
            requester, lambda tx: hit_changes.create_additional_assignments_for_hit(tx, checked(request))
        )

    def update_hit_review_status(self, requester: Requester, request: Request) -> Answer:
        """UpdateHITReviewStatus: Reviewable to Reviewing, with Revert the other way; not a toggle."""
        return self._change(requester, request, hit_changes.update_hit_review_status)

    def update_hit_type_of_hit(self, requester: Requester, request: Request) -> Answer:
        """UpdateHITTypeOfHIT: refused once anybody accepted it; the new type's reward is reserved instead."""
        return self._change(requester, request, hit_changes.update_hit_type_of_hit)

    def delete_hit(self, requester: Requester, request: Request) -> Answer:
        """DeleteHIT: Reviewable or Reviewing, and all submitted work approved or rejected."""
        return self._change(requester, request, hit_changes.delete_hit)

    def create_hit_type(self, requester: Requester, request: Request) -> Answer:
        """CreateHITType."""
        return self._change(requester, request, hit_types.create_hit_type)

    def list_review_policy_results_for_hit(self, requester: Requester, request: Request) -> Answer:
        """ListReviewPolicyResultsForHIT: policies, results and actions of the levels asked for, oldest first."""
        return self._ask(requester, request, review.list_review_policy_results_for_hit)

    def get_assignment(self, requester: Requester, request: Request) -> Answer:
        """GetAssignment: not for work that was accepted and not submitted."""
        return self._ask(requester, request, assignments.get_assignment)

    def list_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        """ListAssignmentsForHIT: in the order of submission; also before the HIT is Reviewable."""
        return self._ask(requester, request, assignments.list_assignments_for_hit)

    def approve_assignment(self, requester: Requester, request: Request) -> Answer:
        """ApproveAssignment: submitted work, or with OverrideRejection rejected work of the last 30 days."""
        return self._change(requester, request, assignments.approve_assignment)

    def reject_assignment(self, requester: Requester, request: Request) -> Answer:
        """RejectAssignment: submitted work only; costs nothing."""
        return self._change(requester, request, assignments.reject_assignment)

    def get_file_upload_url(self, requester: Requester, request: Request) -> Answer:
        """GetFileUploadURL: always refused in the end, since questions that take a file are gone since 2017."""
        return self._ask(requester, request, assignments.get_file_upload_url)

    def get_account_balance(self, requester: Requester, request: Request) -> Answer:
        """GetAccountBalance: what can be spent, and what is held for HITs. The sandbox holds nothing and says so."""
        return self._change(requester, request, payments.get_account_balance)

    def send_bonus(self, requester: Requester, request: Request) -> Answer:
        """SendBonus: to the worker of an assignment that was submitted; bonus and commission are charged at once."""
        return self._change(requester, request, payments.send_bonus)

    def list_bonus_payments(self, requester: Requester, request: Request) -> Answer:
        """ListBonusPayments of a HIT or of an assignment, oldest first."""
        return self._ask(requester, request, payments.list_bonus_payments)

    def create_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """CreateQualificationType: the name is unique among the requester's own."""
        return self._change(requester, request, qualifications.create_qualification_type)

    def update_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """UpdateQualificationType: name and keywords stay; a new test without a key means grading by hand."""
        return self._change(requester, request, qualifications.update_qualification_type)

    def get_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """GetQualificationType, the system's own included; the answer key is for the owner."""
        return self._ask(requester, request, qualifications.get_qualification_type)

    def list_qualification_types(self, requester: Requester, request: Request) -> Answer:
        """ListQualificationTypes: every word of Query must occur in name, description or keywords, in any case."""
        return self._ask(requester, request, qualifications.list_qualification_types)

    def delete_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """DeleteQualificationType: pending requests are rejected, its HIT types deleted, grants stay."""
        return self._change(requester, request, qualifications.delete_qualification_type)

    def associate_qualification_with_worker(self, requester: Requester, request: Request) -> Answer:
        """AssociateQualificationWithWorker: own types only; a repeat overwrites; pending requests stay."""
        return self._change(requester, request, grants.associate_qualification_with_worker)

    def disassociate_qualification_from_worker(self, requester: Requester, request: Request) -> Answer:
        """DisassociateQualificationFromWorker: the worker is told only where a reason is given."""
        return self._change(requester, request, grants.disassociate_qualification_from_worker)

    def get_qualification_score(self, requester: Requester, request: Request) -> Answer:
        """GetQualificationScore: own types only; an error when never held and another one when revoked."""
        return self._ask(requester, request, grants.get_qualification_score)

    def list_workers_with_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """ListWorkersWithQualificationType: granted ones unless revoked ones are asked for, in the order of grants."""
        return self._ask(requester, request, grants.list_workers_with_qualification_type)

    def list_qualification_requests(self, requester: Requester, request: Request) -> Answer:
        """ListQualificationRequests: pending ones, of one type or of all the requester's own."""
        return self._ask(requester, request, grants.list_qualification_requests)

    def accept_qualification_request(self, requester: Requester, request: Request) -> Answer:
        """AcceptQualificationRequest: grants the value given, 1 without one."""
        return self._change(requester, request, grants.accept_qualification_request)

    def reject_qualification_request(self, requester: Requester, request: Request) -> Answer:
        """RejectQualificationRequest."""
        return self._change(requester, request, grants.reject_qualification_request)

    def create_worker_block(self, requester: Requester, request: Request) -> Answer:
        """CreateWorkerBlock: blocking a blocked worker succeeds (and keeps the first reason)."""
        return self._change(requester, request, workers.create_worker_block)

    def delete_worker_block(self, requester: Requester, request: Request) -> Answer:
        """DeleteWorkerBlock: unblocking somebody who is not blocked succeeds."""
        return self._change(requester, request, workers.delete_worker_block)

    def list_worker_blocks(self, requester: Requester, request: Request) -> Answer:
        """ListWorkerBlocks, oldest first."""
        return self._ask(requester, request, workers.list_worker_blocks)

    def notify_workers(self, requester: Requester, request: Request) -> Answer:
        """NotifyWorkers: reaches those whose work this requester approved or rejected; the others are listed."""
        return self._change(requester, request, workers.notify_workers)

    def update_notification_settings(self, requester: Requester, request: Request) -> Answer:
        """UpdateNotificationSettings: one specification per HIT type, replaced whole; permitted destinations only."""
        self._check_destination(requester, request)
        return self._change(requester, request, notifications.update_notification_settings)

    def send_test_event_notification(self, requester: Requester, request: Request) -> Answer:
        """SendTestEventNotification: sent at once, past the outbox; dropped where the market has no notifier."""
        self._check_destination(requester, request)
        test = self._ask(requester, request, notifications.prepare_test)
        if self._notify is not None:
            try:
                self._notify(test["destination"], test["body"])
            except Exception as error:
                # What a stranger's host answered is for the log, not for whoever made the market ask it.
                log.warning("a test notification was not delivered: %s", error)
                raise self._not_delivered(requester, notifications.NOT_DELIVERED) from error
        return {}

    def _check_destination(self, requester: Requester, request: Request) -> None:
        asked = request.get("Notification")
        if asked and self._permit is not None and not self._permit(asked["Transport"], asked["Destination"]):
            raise self._not_delivered(requester, notifications.NOT_PERMITTED)

    def _not_delivered(self, requester: Requester, message: str) -> RequestError:
        refusal = RequestError("InvalidTransportEndpoint", message)
        refusal.stamp(to_ms(self.now()), requester.environment)
        return refusal

    def register_layout(self, requester: Requester, html: str, layout_id: str | None = None) -> str:
        """Keep a HIT layout (HTML with ``${name}`` placeholders); the API has no such operation."""
        return self._write(requester, lambda tx: layouts.register(tx, html, layout_id))

    def deposit(self, requester: Requester, amount: Decimal) -> None:
        """Put dollars into the requester's account; the API has no such operation."""
        self._write(requester, lambda tx: ledger.deposit(tx, requester, to_micros(amount)))

    def bulk_hits(self, requester: Requester, request: Request, count: int) -> list[str]:
        """Insert ``count`` HITs of one CreateHIT request in one transaction and return their ids.

        For benchmarks: no request token, no notifications.
        """
        return self._write(requester, lambda tx: hits.bulk(tx, checked(request), count))
