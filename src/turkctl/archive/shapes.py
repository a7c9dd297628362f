"""Say what each call of the API gives: which items are in its answer, and which calls follow from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Answer = Mapping[str, Any]
Members = dict[str, Any]
Wanted = tuple[str, Members]
"""A call: the API's name of the operation, and the members of the request."""

START: tuple[Wanted, ...] = (
    ("GetAccountBalance", {}),
    ("ListHITs", {}),
    ("ListQualificationTypes", {"MustBeOwnedByCaller": True, "MustBeRequestable": False}),
    ("ListQualificationRequests", {}),
    ("ListWorkerBlocks", {}),
)
"""The calls that need no id; all others follow from their answers."""
OPERATIONS = (
    "ListHITs",
    "GetAccountBalance",
    "ListQualificationTypes",
    "ListQualificationRequests",
    "ListWorkerBlocks",
    "GetHIT",
    "GetQualificationType",
    "ListWorkersWithQualificationType",
    "ListAssignmentsForHIT",
    "ListBonusPayments",
    "ListReviewPolicyResultsForHIT",
)
"""All operations that are asked, the most urgent first."""
OF_A_HIT = ("ListAssignmentsForHIT", "ListBonusPayments", "ListReviewPolicyResultsForHIT")
STATUSES = ("Granted", "Revoked")

UNOBTAINABLE: tuple[tuple[str, str], ...] = (
    ("deleted HITs and their assignments", "no call lists a HIT once it was deleted"),
    ("HITs that nobody touched for 120 days", "Amazon deleted them, with their assignments and bonuses"),
    ("notification settings of HIT types", "they can be set, but no call reads them"),
    ("batches, projects and layouts of the requester site", "no call knows them; add downloaded files with add-csv"),
    ("files that workers uploaded", "tasks that take files ended in 2017"),
    ("work that was accepted but not submitted", "no call lists it"),
    ("messages to workers, payments for the account, invoices", "no call lists them"),
    ("reasons of revoked qualifications and of removed blocks", "no call lists them"),
)
"""What cannot be had from the API at all, and why."""


@dataclass(frozen=True, eq=False)
class ItemKind:
    """One kind of item, which is a row of a table.

    Attributes:
        table: the table's name.
        key: the columns that tell two items apart.
        columns: the column of each member that has one; the item itself is kept as well, whole.
        repeats: whether two items may be the same in all members, so that they are counted.
    """

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    repeats: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the table's own columns."""
        return (*self.columns, "ordinal") if self.repeats else tuple(self.columns)


HITS = ItemKind(
    "hits",
    ("hit_id",),
    {
        "hit_id": "HITId",
        "hit_type_id": "HITTypeId",
        "hit_group_id": "HITGroupId",
        "layout_id": "HITLayoutId",
        "title": "Title",
        "description": "Description",
        "keywords": "Keywords",
        "reward": "Reward",
        "status": "HITStatus",
        "created": "CreationTime",
        "expires": "Expiration",
        "annotation": "RequesterAnnotation",
        "duration_s": "AssignmentDurationInSeconds",
        "auto_approval_delay_s": "AutoApprovalDelayInSeconds",
        "max_assignments": "MaxAssignments",
        "available": "NumberOfAssignmentsAvailable",
        "pending": "NumberOfAssignmentsPending",
        "completed": "NumberOfAssignmentsCompleted",
    },
)
ASSIGNMENTS = ItemKind(
    "assignments",
    ("assignment_id",),
    {
        "assignment_id": "AssignmentId",
        "hit_id": "HITId",
        "worker_id": "WorkerId",
        "status": "AssignmentStatus",
        "accepted": "AcceptTime",
        "submitted": "SubmitTime",
        "auto_approval": "AutoApprovalTime",
        "approved": "ApprovalTime",
        "rejected": "RejectionTime",
        "deadline": "Deadline",
        "feedback": "RequesterFeedback",
    },
)
BONUSES = ItemKind(
    "bonuses",
    ("assignment_id", "worker_id", "amount", "granted", "reason", "ordinal"),
    {
        "assignment_id": "AssignmentId",
        "worker_id": "WorkerId",
        "amount": "BonusAmount",
        "granted": "GrantTime",
        "reason": "Reason",
        "hit_id": "HITId",
    },
    repeats=True,
)
QUALIFICATION_TYPES = ItemKind(
    "qualification_types",
    ("type_id",),
    {
        "type_id": "QualificationTypeId",
        "name": "Name",
        "description": "Description",
        "keywords": "Keywords",
        "status": "QualificationTypeStatus",
        "created": "CreationTime",
        "requestable": "IsRequestable",
        "auto_granted": "AutoGranted",
        "auto_granted_value": "AutoGrantedValue",
        "retry_delay_s": "RetryDelayInSeconds",
        "test_duration_s": "TestDurationInSeconds",
    },
)
TYPE_DETAILS = ItemKind(
    "qualification_type_details",
    ("type_id",),
    {"type_id": "QualificationTypeId", "name": "Name", "test": "Test", "answer_key": "AnswerKey"},
)
QUALIFICATIONS = ItemKind(
    "qualifications",
    ("type_id", "worker_id"),
    {
        "type_id": "QualificationTypeId",
        "worker_id": "WorkerId",
        "value": "IntegerValue",
        "status": "Status",
        "granted": "GrantTime",
    },
)
REQUESTS = ItemKind(
    "qualification_requests",
    ("request_id",),
    {
        "request_id": "QualificationRequestId",
        "type_id": "QualificationTypeId",
        "worker_id": "WorkerId",
        "submitted": "SubmitTime",
    },
)
BLOCKS = ItemKind("blocks", ("worker_id",), {"worker_id": "WorkerId", "reason": "Reason"})
BALANCES = ItemKind("balances", ("run",), {"run": "Run", "available": "AvailableBalance", "on_hold": "OnHoldBalance"})
POLICIES = ItemKind("review_policies", ("hit_id", "level"), {"hit_id": "HITId", "level": "Level", "name": "PolicyName"})
REVIEWS = ItemKind(
    "review_results",
    ("hit_id", "level", "kind", "action_id"),
    {
        "hit_id": "HITId",
        "level": "Level",
        "kind": "Kind",
        "action_id": "ActionId",
        "subject": "SubjectId",
        "question_id": "QuestionId",
        "key": "Key",
        "value": "Value",
        "action": "ActionName",
        "target": "TargetId",
        "status": "Status",
        "completed": "CompleteTime",
    },
)
KINDS = (
    HITS,
    ASSIGNMENTS,
    BONUSES,
    QUALIFICATION_TYPES,
    TYPE_DETAILS,
    QUALIFICATIONS,
    REQUESTS,
    BLOCKS,
    BALANCES,
    POLICIES,
    REVIEWS,
)
TIMES = frozenset(
    {
        *("CreationTime", "Expiration", "AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime"),
        *("RejectionTime", "Deadline", "GrantTime", "CompleteTime"),
    }
)
"""Members that are times."""
_MONEY = frozenset({"Reward", "BonusAmount", "AvailableBalance", "OnHoldBalance"})
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,2})?")


@dataclass(frozen=True)
class FoundItem:
    """An item of an answer.

    Attributes:
        kind: what it is.
        item: as it came.
        added: members that its table needs and that are not in the item.
    """

    kind: ItemKind
    item: Members
    added: Members

    def column(self, member: str) -> Any:
        """Return the value of a member for its column.

        Raises:
            ValueError: it should be a time and is not.
        """
        return value_of(member, self.added.get(member, self.item.get(member)))


_LISTS: Mapping[str, tuple[str, ItemKind]] = {
    "ListHITs": ("HITs", HITS),
    "ListAssignmentsForHIT": ("Assignments", ASSIGNMENTS),
    "ListBonusPayments": ("BonusPayments", BONUSES),
    "ListQualificationTypes": ("QualificationTypes", QUALIFICATION_TYPES),
    "ListWorkersWithQualificationType": ("Qualifications", QUALIFICATIONS),
    "ListQualificationRequests": ("QualificationRequests", REQUESTS),
    "ListWorkerBlocks": ("WorkerBlocks", BLOCKS),
}
LEVELS = ("Assignment", "HIT")
REVIEW_KINDS = (("result", "ReviewResults"), ("action", "ReviewActions"))


def items(operation: str, members: Members, answer: Answer) -> list[FoundItem]:
    """Return the items of an answer.

    Args:
        operation: the API's name.
        members: of the request.
        answer: as JSON has it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not an answer of the API.
    """
    if operation not in _LISTS:
        return list(_OTHERS[operation](answer))
    member, kind = _LISTS[operation]
    added = {"HITId": members["HITId"]} if kind is BONUSES else {}
    return [FoundItem(kind, _dict(each), added) for each in answer[member]]


def _balance(answer: Answer) -> Iterator[FoundItem]:
    yield FoundItem(BALANCES, dict(answer), {})


def _type(answer: Answer) -> Iterator[FoundItem]:
    yield FoundItem(TYPE_DETAILS, _dict(answer["QualificationType"]), {})


def _hit(answer: Answer) -> Iterator[FoundItem]:
    yield FoundItem(HITS, _dict(answer["HIT"]), {})


def _reviews(answer: Answer) -> Iterator[FoundItem]:
    for level in LEVELS:
        added = {"HITId": answer["HITId"], "Level": level}
        policy = answer.get(f"{level}ReviewPolicy")
        if policy is not None:
            yield FoundItem(POLICIES, _dict(policy), added)
        report = answer.get(f"{level}ReviewReport") or {}
        for kind, member in REVIEW_KINDS:
            for each in report.get(member) or ():
                yield FoundItem(REVIEWS, _dict(each), {**added, "Kind": kind})


_OTHERS: Mapping[str, Callable[[Answer], Iterator[FoundItem]]] = {
    "GetAccountBalance": _balance,
    "GetHIT": _hit,
    "GetQualificationType": _type,
    "ListReviewPolicyResultsForHIT": _reviews,
}


def following(found: list[FoundItem]) -> list[Wanted]:
    """Return the calls that an answer with these items leads to, besides its next page."""
    wanted: list[Wanted] = []
    for each in found:
        item = each.item
        if each.kind is HITS:
            of_this = OF_A_HIT if "Question" in item else ("GetHIT", *OF_A_HIT)  # a listing may leave it out
            wanted += [(operation, {"HITId": item["HITId"]}) for operation in of_this]
            named = (_dict(needed)["QualificationTypeId"] for needed in item.get("QualificationRequirements") or ())
            wanted += [("GetQualificationType", {"QualificationTypeId": name}) for name in named]
        elif each.kind is QUALIFICATION_TYPES:
            own = {"QualificationTypeId": item["QualificationTypeId"]}
            wanted.append(("GetQualificationType", own))
            wanted += [("ListWorkersWithQualificationType", {**own, "Status": status}) for status in STATUSES]
    return wanted


def value_of(member: str, value: Any) -> Any:
    """Return a member as its column has it: times in ISO 8601, lists and objects left out.

    Raises:
        ValueError: it should be a time or an amount, and is not.
    """
    if value is None or isinstance(value, dict | list):
        return None
    if member in TIMES:
        return time_text(value)
    if member in _MONEY and not (isinstance(value, str) and _AMOUNT.fullmatch(value)):
        raise ValueError(f"{value!r} is not an amount of money")
    return int(value) if isinstance(value, bool) else value


def time_text(value: Any) -> str:
    """Return a time of an answer, in seconds or already a text, in ISO 8601 with ``Z``.

    Raises:
        ValueError: it is not a time.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        else:
            moment = datetime.fromtimestamp(value, UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (TypeError, OverflowError, OSError):
        raise ValueError(f"{value!r} is not a time") from None


def _dict(value: Any) -> Members:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value
