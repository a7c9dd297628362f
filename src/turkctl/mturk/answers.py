"""Convert the API's answers to :mod:`turkctl.mturk.types`. Pure.

If a required member is missing or has an invalid value, the functions raise KeyError, TypeError, ValueError or
ArithmeticError: the answer did not come from a market, and the client says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from turkctl.mturk.types import (
    Assignment,
    Balance,
    BonusPayment,
    Hit,
    NotifyFailure,
    Qualification,
    QualificationType,
    WorkerBlock,
)
from turkctl.own_market import MarketRules

Raw = Mapping[str, Any]

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,6})?")
MALFORMED = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What the functions here raise if the answer is not one of the API's."""


def balance(raw: Raw) -> Balance:
    """Convert the answer to GetAccountBalance."""
    on_hold = raw.get("OnHoldBalance")
    return Balance(_money(raw["AvailableBalance"]), None if on_hold is None else _money(on_hold))


def market_rules(raw: Raw) -> MarketRules:
    """Convert the answer to GetMarketRules."""
    return MarketRules(_text(raw["Fee"]), _text(raw["Unit"]), frozenset(map(_text, raw["Extensions"])))


def hit(raw: Raw) -> Hit:
    """Convert a HIT structure."""
    return Hit(
        hit_id=_text(raw["HITId"]),
        hit_type_id=raw.get("HITTypeId"),
        hit_group_id=raw.get("HITGroupId"),
        layout_id=raw.get("HITLayoutId"),
        title=raw.get("Title"),
        description=raw.get("Description"),
        keywords=_keywords(raw),
        question=raw.get("Question"),
        status=_text(raw["HITStatus"]),
        reward=_money(raw["Reward"]),
        duration=_seconds(raw.get("AssignmentDurationInSeconds")),
        auto_approval_delay=_seconds(raw.get("AutoApprovalDelayInSeconds")),
        created=_time(raw.get("CreationTime")),
        expires=_time(raw.get("Expiration")),
        annotation=raw.get("RequesterAnnotation"),
        requirements=tuple(raw.get("QualificationRequirements") or ()),
        max_assignments=int(raw["MaxAssignments"]),
        available=int(raw.get("NumberOfAssignmentsAvailable") or 0),
        pending=int(raw.get("NumberOfAssignmentsPending") or 0),
        completed=int(raw.get("NumberOfAssignmentsCompleted") or 0),
    )


def assignment(raw: Raw) -> Assignment:
    """Convert an Assignment structure."""
    return Assignment(
        assignment_id=_text(raw["AssignmentId"]),
        worker_id=_text(raw["WorkerId"]),
        hit_id=_text(raw["HITId"]),
        status=_text(raw["AssignmentStatus"]),
        accepted=_time(raw.get("AcceptTime")),
        submitted=_time(raw.get("SubmitTime")),
        auto_approval=_time(raw.get("AutoApprovalTime")),
        approved=_time(raw.get("ApprovalTime")),
        rejected=_time(raw.get("RejectionTime")),
        deadline=_time(raw.get("Deadline")),
        answer=raw.get("Answer"),
        feedback=raw.get("RequesterFeedback"),
    )


def bonus_payment(raw: Raw) -> BonusPayment:
    """Convert a BonusPayment structure."""
    return BonusPayment(
        worker_id=_text(raw["WorkerId"]),
        assignment_id=_text(raw["AssignmentId"]),
        amount=_money(raw["BonusAmount"]),
        reason=raw.get("Reason"),
        granted=_time(raw.get("GrantTime")),
    )


def qualification_type(raw: Raw) -> QualificationType:
    """Convert a QualificationType structure."""
    return QualificationType(
        type_id=_text(raw["QualificationTypeId"]),
        name=raw.get("Name"),
        description=raw.get("Description"),
        keywords=_keywords(raw),
        status=raw.get("QualificationTypeStatus"),
        created=_time(raw.get("CreationTime")),
        requestable=raw.get("IsRequestable"),
        auto_granted=raw.get("AutoGranted"),
        auto_granted_value=raw.get("AutoGrantedValue"),
        test=raw.get("Test"),
        test_duration=_seconds(raw.get("TestDurationInSeconds")),
        answer_key=raw.get("AnswerKey"),
        retry_delay=_seconds(raw.get("RetryDelayInSeconds")),
    )


def qualification(raw: Raw) -> Qualification:
    """Convert a Qualification structure."""
    locale = raw.get("LocaleValue")
    return Qualification(
        type_id=_text(raw["QualificationTypeId"]),
        worker_id=_text(raw["WorkerId"]),
        value=raw.get("IntegerValue"),
        locale="-".join(filter(None, (locale.get("Country"), locale.get("Subdivision")))) if locale else None,
        status=raw.get("Status"),
        granted=_time(raw.get("GrantTime")),
    )


def worker_block(raw: Raw) -> WorkerBlock:
    """Convert a WorkerBlock structure."""
    return WorkerBlock(_text(raw["WorkerId"]), raw.get("Reason"))


def notify_failure(raw: Raw) -> NotifyFailure:
    """Convert a NotifyWorkersFailureStatus structure."""
    return NotifyFailure(
        _text(raw["WorkerId"]), raw.get("NotifyWorkersFailureCode"), raw.get("NotifyWorkersFailureMessage")
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _money(value: Any) -> Decimal:
    if _AMOUNT.fullmatch(_text(value)) is None:  # Decimal would take "1\n", "1_0" and "NaN"
        raise ValueError(f"{value!r} is not an amount of money")
    return Decimal(value)


def _time(value: Any) -> datetime | None:
    """Return the same moment in UTC: botocore gives times in this computer's zone."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is not a time")
    return value.astimezone(UTC)


def _seconds(value: Any) -> timedelta | None:
    return None if value is None else timedelta(seconds=int(value))


def _keywords(raw: Raw) -> tuple[str, ...]:
    return tuple(word for part in (raw.get("Keywords") or "").split(",") if (word := part.strip()))
