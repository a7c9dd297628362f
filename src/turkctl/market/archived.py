"""A market that can only be read: it answers from items that were archived, as they came.

It has the methods of :class:`turkctl.market.service.Market` for the operations that get and list; all others are
refused. Whoever signs sees everything, in production and in the sandbox.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NoReturn, Protocol

from turkctl.market.errors import (
    RequestError,
    assignment_does_not_exist,
    hit_does_not_exist,
    invalid_value,
    not_valid,
    permission_denied,
    qualification_type_does_not_exist,
)
from turkctl.market.names import method_name
from turkctl.market.paging import DEFAULT_SIZE
from turkctl.market.requester import Requester
from turkctl.model import own_parts, service_model
from turkctl.own_market import AMAZONS

Request = Mapping[str, Any]
Answer = dict[str, Any]
_PREFIX = "archive."
_LONGEST_OFFSET = 12
_REVIEWS_PAGE = 100


class ArchiveSource(Protocol):
    """Where the items are."""

    def one(self, table: str, **equal: Any) -> Answer | None:
        """Return the item whose columns have these values."""

    def page(
        self, table: str, first: int, most: int, *, latest_expiration_first: bool = False, **equal: Any
    ) -> list[tuple[Answer, Mapping[str, Any]]]:
        """Return items with their columns, in the order in which the market listed them."""

    def requiring(self, type_id: str, first: int, most: int) -> list[Answer]:
        """Return HITs that require a qualification."""

    def types(self, *, own: bool) -> list[Answer]:
        """Return qualification types."""

    def close(self) -> None:
        """Close it."""


class ArchivedMarket:
    """An archive as a market.

    Attributes:
        listing_lag: not used; an endpoint sets it.
    """

    listing_lag: timedelta = timedelta()

    def __init__(self, source: ArchiveSource, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._clock = clock

    def now(self) -> datetime:
        """Return the present."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def close(self) -> None:
        """Close the archive."""
        self._source.close()

    def __getattr__(self, name: str) -> Callable[[Requester, Request], NoReturn]:
        """Return the refusal of an operation that changes something."""
        if name not in _changing():
            raise AttributeError(name)

        def refuse(_requester: Requester, _request: Request) -> NoReturn:
            raise permission_denied(f"call {name} here: this market is an archive, which can only be read")

        return refuse

    def get_market_rules(self, _requester: Requester, _request: Request) -> Answer:
        """Answer GetMarketRules with Amazon's: an archive does nothing beyond its API."""
        return {"Fee": AMAZONS.fee, "Unit": AMAZONS.unit, "Extensions": []}

    def get_account_balance(self, _requester: Requester, _request: Request) -> Answer:
        """Answer GetAccountBalance with the last one that was seen."""
        found = self._source.one("balances")
        if found is None:
            raise invalid_value("The archive has no balance.")
        return found

    def get_hit(self, _requester: Requester, request: Request) -> Answer:
        """Answer GetHIT."""
        return {"HIT": self._hit(request["HITId"])}

    def list_hits(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListHITs."""
        return self._listed(request, "HITs", "hits")

    def list_reviewable_hits(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListReviewableHITs: latest expiration first."""
        equal = {"status": request.get("Status") or "Reviewable"}
        if request.get("HITTypeId") is not None:
            equal["hit_type_id"] = request["HITTypeId"]
        return self._listed(request, "HITs", "hits", latest_expiration_first=True, **equal)

    def list_hits_for_qualification_type(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListHITsForQualificationType."""
        type_id = request["QualificationTypeId"]
        self._type(type_id)
        first, most = _range(request)
        return _paged("HITs", self._source.requiring(type_id, first, most), first)

    def list_assignments_for_hit(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListAssignmentsForHIT."""
        self._hit(request["HITId"])
        statuses = sorted(set(request.get("AssignmentStatuses") or ("Submitted", "Approved", "Rejected")))
        return self._listed(request, "Assignments", "assignments", hit_id=request["HITId"], status=statuses)

    def get_assignment(self, _requester: Requester, request: Request) -> Answer:
        """Answer GetAssignment."""
        found = self._assignment(request["AssignmentId"])
        return {"Assignment": found, "HIT": self._hit(found["HITId"])}

    def list_bonus_payments(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListBonusPayments of a HIT or of an assignment."""
        equal: dict[str, Any] = {}
        if request.get("HITId") is not None:
            self._hit(request["HITId"])
            equal["hit_id"] = request["HITId"]
        if request.get("AssignmentId") is not None:
            self._assignment(request["AssignmentId"])
            equal["assignment_id"] = request["AssignmentId"]
        if not equal:
            raise invalid_value("One of HITId and AssignmentId must be given.")
        return self._listed(request, "BonusPayments", "bonuses", **equal)

    def list_review_policy_results_for_hit(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListReviewPolicyResultsForHIT: policies and reports of the requested levels."""
        hit_id, answer = request["HITId"], {"HITId": request["HITId"]}
        self._hit(hit_id)
        kinds = {"result": ("RetrieveResults", "ReviewResults"), "action": ("RetrieveActions", "ReviewActions")}
        wanted = {kind: member for kind, (asked, member) in kinds.items() if request.get(asked, True)}
        reports: dict[str, Answer] = {}
        for level in request.get("PolicyLevels") or ("Assignment", "HIT"):
            policy = self._source.one("review_policies", hit_id=hit_id, level=level)
            if policy is not None:
                reports[level] = {member: [] for member in wanted.values()}
                answer |= {f"{level}ReviewPolicy": policy, f"{level}ReviewReport": reports[level]}
        first, most = _range({"MaxResults": _REVIEWS_PAGE, **request})
        rows = self._source.page("review_results", first, most, hit_id=hit_id, level=list(reports), kind=list(wanted))
        for item, columns in rows:
            reports[columns["level"]][wanted[columns["kind"]]].append(item)
        return answer | ({"NextToken": _token(first + len(rows))} if rows else {})

    def get_qualification_type(self, _requester: Requester, request: Request) -> Answer:
        """Answer GetQualificationType."""
        return {"QualificationType": self._type(request["QualificationTypeId"])}

    def list_qualification_types(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListQualificationTypes: own ones, and those of others that HITs require."""
        found = self._source.types(own=bool(request.get("MustBeOwnedByCaller")))
        if request["MustBeRequestable"]:
            found = [
                each for each in found if each.get("IsRequestable") and each.get("QualificationTypeStatus") == "Active"
            ]
        for word in (request.get("Query") or "").lower().split():
            found = [each for each in found if any(word in text for text in _texts(each))]
        first, most = _range(request)
        return _paged("QualificationTypes", found[first : first + most], first)

    def get_qualification_score(self, _requester: Requester, request: Request) -> Answer:
        """Answer GetQualificationScore: own types only; never held and revoked give two different errors."""
        type_id, worker_id = self._own_type(request["QualificationTypeId"]), request["WorkerId"]
        found = self._source.one("qualifications", type_id=type_id, worker_id=worker_id)
        if found is None:
            text = f"Qualification of type {type_id} for worker {worker_id} does not exist."
            raise RequestError("QualificationDoesNotExist", text)
        if found.get("Status") != "Granted":
            raise RequestError("InvalidQualificationState", "This operation can be called with a status of: Granted")
        return {"Qualification": found}

    def list_workers_with_qualification_type(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListWorkersWithQualificationType."""
        type_id, status = self._own_type(request["QualificationTypeId"]), request.get("Status") or "Granted"
        return self._listed(request, "Qualifications", "qualifications", type_id=type_id, status=status)

    def list_qualification_requests(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListQualificationRequests."""
        type_id = request.get("QualificationTypeId")
        equal = {} if type_id is None else {"type_id": self._own_type(type_id)}
        return self._listed(request, "QualificationRequests", "qualification_requests", **equal)

    def list_worker_blocks(self, _requester: Requester, request: Request) -> Answer:
        """Answer ListWorkerBlocks."""
        return self._listed(request, "WorkerBlocks", "blocks")

    def get_file_upload_url(self, _requester: Requester, request: Request) -> Answer:
        """Answer GetFileUploadURL, always with a refusal."""
        self._assignment(request["AssignmentId"])
        raise invalid_value(f"The question {request['QuestionIdentifier']} has no file in the archive.")

    def _hit(self, hit_id: str) -> Answer:
        found = self._source.one("hits", hit_id=hit_id)
        if found is None:
            raise hit_does_not_exist(hit_id)
        return found

    def _assignment(self, assignment_id: str) -> Answer:
        found = self._source.one("assignments", assignment_id=assignment_id)
        if found is None:
            raise assignment_does_not_exist(assignment_id)
        return found

    def _type(self, type_id: str) -> Answer:
        for table in ("qualification_type_details", "qualification_types"):
            found = self._source.one(table, type_id=type_id)
            if found is not None:
                return found
        raise qualification_type_does_not_exist(type_id)

    def _own_type(self, type_id: str) -> str:
        self._type(type_id)
        if self._source.one("qualification_types", type_id=type_id) is None:
            raise permission_denied(f"use the QualificationType {type_id} in this way")
        return type_id

    def _listed(self, request: Request, member: str, table: str, **options: Any) -> Answer:
        first, most = _range(request)
        return _paged(member, [item for item, _ in self._source.page(table, first, most, **options)], first)


@cache
def _changing() -> frozenset[str]:
    """Return the names of the methods that do more than read, or that only a market of turkctl has."""
    names = {name for name in service_model()["operations"] if not name.startswith(("Get", "List"))}
    return frozenset(map(method_name, names | own_parts()["operations"].keys()))


def _paged(member: str, items: Sequence[Answer], first: int) -> Answer:
    """Return a page. As in the service, every page that is not empty comes with a token."""
    answer: Answer = {"NumResults": len(items), member: list(items)}
    return answer | ({"NextToken": _token(first + len(items))} if items else {})


def _range(request: Request) -> tuple[int, int]:
    """Return how many items are before the page, and how many are on it at most."""
    token = request.get("NextToken")
    return 0 if token is None else _first(token), request.get("MaxResults") or DEFAULT_SIZE


def _token(first: int) -> str:
    return base64.urlsafe_b64encode(f"{_PREFIX}{first}".encode()).decode().rstrip("=")


def _first(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise not_valid(token, "NextToken") from None
    number = text.removeprefix(_PREFIX)
    if number == text or not (number.isascii() and number.isdigit()) or len(number) > _LONGEST_OFFSET:
        raise not_valid(token, "NextToken")
    return int(number)


def _texts(item: Answer) -> list[str]:
    return [str(item.get(name) or "").lower() for name in ("Name", "Description", "Keywords")]
