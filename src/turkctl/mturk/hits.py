"""The client's requests about HITs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from turkctl.mturk import answers
from turkctl.mturk.caller import Caller, dollars
from turkctl.mturk.types import Hit, HitRequest, Notification

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
"""An expiration in the past ends a HIT at once, however far the two clocks differ."""
NOTIFICATION_VERSION = "2014-08-15"


class HitCalls(Caller):
    """Create, read, extend, expire and delete HITs."""

    def create_hit(self, request: HitRequest, token: str) -> Hit:
        """Post a HIT. ``token`` (at most 64 characters) makes a repeat within 24 hours an error.

        Raises:
            AlreadyExistsError: the token was used; the error's ``hit_id`` names the HIT.
            InsufficientFundsError: the balance does not cover reward and commission of all assignments.
        """
        return self._read(
            "create_hit", lambda raw: answers.hit(raw["HIT"]), UniqueRequestToken=token, **_members(request)
        )

    def extend_hit(self, hit_id: str, assignments: int, token: str) -> None:
        """Add assignments to a HIT.

        Raises:
            AlreadyExistsError: the token was used.
            MarketRefusedError: for example when going from nine or fewer to ten or more assignments.
        """
        self._ask(
            "create_additional_assignments_for_hit",
            HITId=hit_id,
            NumberOfAdditionalAssignments=assignments,
            UniqueRequestToken=token,
        )

    def get_hit(self, hit_id: str) -> Hit:
        """Return a HIT; a deleted one is returned with status Disposed for some time.

        Raises:
            DoesNotExistError: the market does not know it (any more).
        """
        return self._read("get_hit", lambda raw: answers.hit(raw["HIT"]), HITId=hit_id)

    def list_hits(self) -> Iterator[Hit]:
        """Yield all HITs of the account except disposed ones, in any order; new ones may be missing for a minute."""
        return self._pages("list_hits", "HITs", answers.hit)

    def list_reviewable_hits(self, hit_type_id: str | None = None, status: str | None = None) -> Iterator[Hit]:
        """Yield HITs with status Reviewable, or with status ``Reviewing`` if requested."""
        return self._pages("list_reviewable_hits", "HITs", answers.hit, HITTypeId=hit_type_id, Status=status)

    def expire_hit(self, hit_id: str) -> None:
        """Let no new worker start; those at work may finish."""
        self.set_expiration(hit_id, LONG_AGO)

    def set_expiration(self, hit_id: str, moment: datetime) -> None:
        """Let the HIT be accepted until ``moment`` (aware; whole seconds are sent)."""
        self._ask("update_expiration_for_hit", HITId=hit_id, ExpireAt=moment)

    def delete_hit(self, hit_id: str) -> None:
        """Delete a reviewable HIT whose assignments are all approved or rejected.

        Raises:
            InvalidStateError: it is not reviewable, is already deleted, or has unreviewed assignments.
        """
        self._ask("delete_hit", HITId=hit_id)

    def set_notifications(self, hit_type_id: str, notification: Notification | None, *, active: bool = True) -> None:
        """Set where the events of a HIT type are sent; without a notification, switch the existing one on or off."""
        specification = None if notification is None else _specification(notification)
        self._ask("update_notification_settings", HITTypeId=hit_type_id, Notification=specification, Active=active)


def _specification(notification: Notification) -> Mapping[str, Any]:
    return {
        "Destination": notification.destination,
        "Transport": notification.transport,
        "Version": NOTIFICATION_VERSION,
        "EventTypes": list(notification.events),
    }


def _members(request: HitRequest) -> dict[str, Any]:
    """Return the request's members; those not given are None and left out."""
    delay = request.auto_approval_delay
    layout = request.layout_parameters
    return {
        "Title": request.title,
        "Description": request.description,
        "Keywords": ", ".join(request.keywords) or None,
        "Reward": dollars(request.reward),
        "MaxAssignments": request.max_assignments,
        "AssignmentDurationInSeconds": int(request.duration.total_seconds()),
        "LifetimeInSeconds": int(request.lifetime.total_seconds()),
        "AutoApprovalDelayInSeconds": None if delay is None else int(delay.total_seconds()),
        "Question": request.question,
        "HITLayoutId": request.layout_id,
        "HITLayoutParameters": [{"Name": name, "Value": value} for name, value in layout.items()] if layout else None,
        "RequesterAnnotation": request.annotation,
        "QualificationRequirements": [dict(requirement) for requirement in request.requirements] or None,
        "Items": list(request.items) or None,
        "KnownItems": list(request.known_items) or None,
    }
