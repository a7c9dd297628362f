"""The market: Mechanical Turk as data, one method per operation and per worker action."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.market.requester import Environment, Notifier, Requester

Request = Mapping[str, Any]
Answer = dict[str, Any]

__all__ = ["Answer", "Environment", "Market", "Notifier", "Request", "Requester"]


class Market:
    """A market on one database."""

    listing_lag: timedelta = timedelta()

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        opening_balance: Decimal = Decimal("10000.00"),
        notify: Notifier | None = None,
    ) -> None:
        raise NotImplementedError

    def now(self) -> datetime:
        raise NotImplementedError

    def advance(self, by: timedelta) -> datetime:
        raise NotImplementedError

    def reset(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def identity(self) -> str:
        raise NotImplementedError

    def settle(self) -> None:
        raise NotImplementedError

    def register_layout(self, requester: Requester, html: str, layout_id: str | None = None) -> str:
        raise NotImplementedError

    def bulk_hits(self, requester: Requester, request: Request, count: int) -> list[str]:
        raise NotImplementedError

    def register_worker(
        self,
        environment: Environment,
        worker_id: str | None = None,
        *,
        locale: str = "US",
        approved: int = 0,
        rejected: int = 0,
        masters: bool = False,
        adult: bool = False,
    ) -> str:
        raise NotImplementedError

    def available_hits(
        self, environment: Environment, worker_id: str, limit: int = 100, after: str | None = None
    ) -> list[Answer]:
        raise NotImplementedError

    def preview(self, environment: Environment, worker_id: str | None, hit_id: str) -> Answer:
        raise NotImplementedError

    def accept(self, environment: Environment, worker_id: str, hit_id: str) -> Answer:
        raise NotImplementedError

    def submit(
        self,
        environment: Environment,
        worker_id: str,
        assignment_id: str,
        answers: Mapping[str, str | Sequence[str]],
    ) -> None:
        raise NotImplementedError

    def return_assignment(self, environment: Environment, worker_id: str, assignment_id: str) -> None:
        raise NotImplementedError

    def request_qualification(
        self,
        environment: Environment,
        worker_id: str,
        type_id: str,
        answers: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Answer:
        raise NotImplementedError

    def accept_qualification_request(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def approve_assignment(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def associate_qualification_with_worker(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_additional_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_hit_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_hit_with_hit_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def create_worker_block(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def delete_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def delete_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def delete_worker_block(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def disassociate_qualification_from_worker(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_account_balance(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_assignment(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_file_upload_url(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_qualification_score(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def get_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_assignments_for_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_bonus_payments(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_hits(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_hits_for_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_qualification_requests(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_qualification_types(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_review_policy_results_for_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_reviewable_hits(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_worker_blocks(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def list_workers_with_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def notify_workers(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def reject_assignment(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def reject_qualification_request(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def send_bonus(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def send_test_event_notification(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def update_expiration_for_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def update_hit_review_status(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def update_hit_type_of_hit(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def update_notification_settings(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError

    def update_qualification_type(self, requester: Requester, request: Request) -> Answer:
        raise NotImplementedError
