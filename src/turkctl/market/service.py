"""The market: Mechanical Turk as data, one method for each operation of the Requester API and each worker action.

Requests and answers have the API's own members. Callers must already have checked what the service model says (types,
required members, patterns, maxima, enumerations); what the model does not say is checked here. Every method raises
:class:`~turkctl.market.errors.MarketError`, the worker actions :class:`~turkctl.market.errors.WorkError`.
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
    market_rules,
    notifications,
    own_ids,
    payments,
    qualifications,
    review,
    workers,
)
from turkctl.market.accounts_side import AccountsSide
from turkctl.market.books_side import BooksSide
from turkctl.market.entries_side import EntriesSide
from turkctl.market.errors import RequestError
from turkctl.market.limits import checked
from turkctl.market.requester import Environment, Notifier, Requester
from turkctl.market.roster_side import RosterSide
from turkctl.market.tx import Tx, to_ms
from turkctl.units import to_micros

log = logging.getLogger(__name__)

Request = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Tx, dict[str, Any]], Answer]

__all__ = ["Answer", "Environment", "Market", "Notifier", "Request", "Requester"]


class Market(AccountsSide, EntriesSide, BooksSide, RosterSide):
    """A market on one database: the Requester API, the workers' side, and extras for tests and benchmarks."""

    def _change(self, requester: Requester, request: Request, operation: Operation) -> Answer:
        return self._write(requester, lambda tx: operation(tx, checked(request)))

    def _ask(self, requester: Requester, request: Request, operation: Operation) -> Answer:
        return self._read(requester, lambda tx: operation(tx, checked(request)))

    def get_market_rules(self, requester: Requester, request: Request) -> Answer:
        """Answer GetMarketRules, which the API does not have: fee, unit of amounts, and extensions."""
        return self._ask(requester, request, market_rules.get_market_rules)

    def find_workers(self, requester: Requester, request: Request) -> Answer:
        """Answer FindWorkers, which the API does not have: workers by the lab's own ids; it can make new people."""
        if request.get("CreateMissing"):
            return self._change(requester, request, own_ids.find_workers)
        return self._ask(requester, request, own_ids.find_workers)

    def list_own_ids(self, requester: Requester, request: Request) -> Answer:
        """Answer ListOwnIds, which the API does not have: the lab's own ids and names of workers."""
        return self._ask(requester, request, own_ids.list_own_ids)

    def create_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateHIT: find or create the HIT type, then create the HIT."""
        return self._change(requester, request, hits.create_hit)

    def create_hit_with_hit_type(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateHITWithHITType."""
        return self._change(requester, request, hits.create_hit_with_hit_type)

    def get_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer GetHIT; a disposed HIT is returned as Disposed until its data are deleted."""
        return self._ask(requester, request, hits.get_hit)

    def list_hits(self, requester: Requester, request: Request) -> Answer:
        """Answer ListHITs: all but disposed ones, oldest first."""
        return self._ask(requester, request, hits.list_hits)

    def list_reviewable_hits(self, requester: Requester, request: Request) -> Answer:
        """Answer ListReviewableHITs: Reviewable ones, or those with the status given; latest expiration first."""
        return self._ask(requester, request, hits.list_reviewable_hits)

    def list_hits_for_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer ListHITsForQualificationType: HITs, except disposed ones, whose type requires that qualification."""
        return self._ask(requester, request, hits.list_hits_for_qualification_type)

    def update_expiration_for_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer UpdateExpirationForHIT: a past time expires at once; a future one may be earlier or later."""
        return self._change(requester, request, hit_changes.update_expiration_for_hit)

    def create_additional_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateAdditionalAssignmentsForHIT: never from below ten to ten or more, as the commission differs."""
        return self._write(
            requester, lambda tx: hit_changes.create_additional_assignments_for_hit(tx, checked(request))
        )

    def update_hit_review_status(self, requester: Requester, request: Request) -> Answer:
        """Answer UpdateHITReviewStatus: Reviewable to Reviewing, with Revert the other way; not a toggle."""
        return self._change(requester, request, hit_changes.update_hit_review_status)

    def update_hit_type_of_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer UpdateHITTypeOfHIT: refused once anybody accepted it; the new type's reward is reserved instead."""
        return self._change(requester, request, hit_changes.update_hit_type_of_hit)

    def delete_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer DeleteHIT: it must be Reviewable or Reviewing, and all submitted work approved or rejected."""
        return self._change(requester, request, hit_changes.delete_hit)

    def create_hit_type(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateHITType."""
        return self._change(requester, request, hit_types.create_hit_type)

    def list_review_policy_results_for_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer ListReviewPolicyResultsForHIT: policies, results and actions of the requested levels, oldest first."""
        return self._ask(requester, request, review.list_review_policy_results_for_hit)

    def get_assignment(self, requester: Requester, request: Request) -> Answer:
        """Answer GetAssignment; work that is not submitted yet is refused."""
        return self._ask(requester, request, assignments.get_assignment)

    def list_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        """Answer ListAssignmentsForHIT in the order of submission; the HIT need not be Reviewable."""
        return self._ask(requester, request, assignments.list_assignments_for_hit)

    def approve_assignment(self, requester: Requester, request: Request) -> Answer:
        """Answer ApproveAssignment for submitted work or, with OverrideRejection, work rejected in the last 30 days."""
        return self._change(requester, request, assignments.approve_assignment)

    def reject_assignment(self, requester: Requester, request: Request) -> Answer:
        """Answer RejectAssignment; only submitted work can be rejected, at no cost."""
        return self._change(requester, request, assignments.reject_assignment)

    def get_file_upload_url(self, requester: Requester, request: Request) -> Answer:
        """Answer GetFileUploadURL, always with a refusal: questions that take a file ended in 2017."""
        return self._ask(requester, request, assignments.get_file_upload_url)

    def get_account_balance(self, requester: Requester, request: Request) -> Answer:
        """Answer GetAccountBalance: what can be spent, and what is held for HITs; the sandbox leaves that out."""
        return self._change(requester, request, payments.get_account_balance)

    def send_bonus(self, requester: Requester, request: Request) -> Answer:
        """Answer SendBonus, to the worker of a submitted assignment; bonus and commission are charged at once."""
        return self._change(requester, request, payments.send_bonus)

    def list_bonus_payments(self, requester: Requester, request: Request) -> Answer:
        """Answer ListBonusPayments of a HIT or of an assignment, oldest first."""
        return self._ask(requester, request, payments.list_bonus_payments)

    def create_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateQualificationType: the name must be unique among the requester's own."""
        return self._change(requester, request, qualifications.create_qualification_type)

    def update_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer UpdateQualificationType: name and keywords stay; a new test without a key is graded by hand."""
        return self._change(requester, request, qualifications.update_qualification_type)

    def get_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer GetQualificationType, including the system's own; only owners see the answer key."""
        return self._ask(requester, request, qualifications.get_qualification_type)

    def list_qualification_types(self, requester: Requester, request: Request) -> Answer:
        """Answer ListQualificationTypes: each word of Query must occur in name, description or keywords."""
        return self._ask(requester, request, qualifications.list_qualification_types)

    def delete_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer DeleteQualificationType: pending requests are rejected, its HIT types deleted, grants stay."""
        return self._change(requester, request, qualifications.delete_qualification_type)

    def associate_qualification_with_worker(self, requester: Requester, request: Request) -> Answer:
        """Answer AssociateQualificationWithWorker: own types only; a repeat overwrites; pending requests stay."""
        return self._change(requester, request, grants.associate_qualification_with_worker)

    def disassociate_qualification_from_worker(self, requester: Requester, request: Request) -> Answer:
        """Answer DisassociateQualificationFromWorker; the worker is told only if a reason is given."""
        return self._change(requester, request, grants.disassociate_qualification_from_worker)

    def get_qualification_score(self, requester: Requester, request: Request) -> Answer:
        """Answer GetQualificationScore: own types only; never held and revoked give two different errors."""
        return self._ask(requester, request, grants.get_qualification_score)

    def list_workers_with_qualification_type(self, requester: Requester, request: Request) -> Answer:
        """Answer ListWorkersWithQualificationType: Granted unless Revoked is requested, in the order of grants."""
        return self._ask(requester, request, grants.list_workers_with_qualification_type)

    def list_qualification_requests(self, requester: Requester, request: Request) -> Answer:
        """Answer ListQualificationRequests: pending requests, for one type or for all of the requester's own."""
        return self._ask(requester, request, grants.list_qualification_requests)

    def accept_qualification_request(self, requester: Requester, request: Request) -> Answer:
        """Answer AcceptQualificationRequest: grant the value given, by default 1."""
        return self._change(requester, request, grants.accept_qualification_request)

    def reject_qualification_request(self, requester: Requester, request: Request) -> Answer:
        """Answer RejectQualificationRequest."""
        return self._change(requester, request, grants.reject_qualification_request)

    def create_worker_block(self, requester: Requester, request: Request) -> Answer:
        """Answer CreateWorkerBlock: blocking a blocked worker succeeds (and keeps the first reason)."""
        return self._change(requester, request, workers.create_worker_block)

    def delete_worker_block(self, requester: Requester, request: Request) -> Answer:
        """Answer DeleteWorkerBlock: unblocking a worker who is not blocked succeeds."""
        return self._change(requester, request, workers.delete_worker_block)

    def list_worker_blocks(self, requester: Requester, request: Request) -> Answer:
        """Answer ListWorkerBlocks, oldest first."""
        return self._ask(requester, request, workers.list_worker_blocks)

    def notify_workers(self, requester: Requester, request: Request) -> Answer:
        """Answer NotifyWorkers: reach those whose work this requester approved or rejected; list the others."""
        return self._change(requester, request, workers.notify_workers)

    def update_notification_settings(self, requester: Requester, request: Request) -> Answer:
        """Answer UpdateNotificationSettings: one specification per HIT type, to a permitted destination."""
        self._check_destination(requester, request)
        return self._change(requester, request, notifications.update_notification_settings)

    def send_test_event_notification(self, requester: Requester, request: Request) -> Answer:
        """Answer SendTestEventNotification: send at once, not through the outbox; drop it if there is no notifier."""
        self._check_destination(requester, request)
        test = self._ask(requester, request, notifications.prepare_test)
        if self._notify is not None:
            try:
                self._notify(test["destination"], test["body"])
            except Exception as error:
                # What a foreign host answered belongs in the log, not in the answer to the requester.
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
        """Store a HIT layout (HTML with ``${name}`` placeholders) and return its id; the API has no such operation."""
        return self._write(requester, lambda tx: layouts.register(tx, html, layout_id))

    def deposit(self, requester: Requester, amount: Decimal) -> None:
        """Add dollars to the requester's account; the API has no such operation."""
        self._write(requester, lambda tx: ledger.deposit(tx, requester, to_micros(amount)))

    def bulk_hits(self, requester: Requester, request: Request, count: int) -> list[str]:
        """Insert ``count`` HITs of one CreateHIT request in one transaction and return their ids.

        For benchmarks: no request token, no notifications.
        """
        return self._write(requester, lambda tx: hits.bulk(tx, checked(request), count))
