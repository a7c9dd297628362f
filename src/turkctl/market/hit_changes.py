"""Change HITs: expire, extend, move to another type, mark as being reviewed, delete."""

from __future__ import annotations

from typing import Any

from turkctl.market import hit_rows, hit_types, limits, notifications, rules, tokens
from turkctl.market.errors import RequestError, already_processed, already_reviewed, invalid_hit_state
from turkctl.market.hit_rows import Hit
from turkctl.market.hit_types import HitType
from turkctl.market.parameter_limits import LIMITS
from turkctl.market.tx import Tx, to_ms

Request = dict[str, Any]
Answer = dict[str, Any]


def update_expiration_for_hit(tx: Tx, request: Request) -> Answer:
    """Answer UpdateExpirationForHIT: a past time expires at once; a future one may be earlier or later than before.

    With a past time, the expiry becomes the earlier of the old one and now: clients add to the expiry they read in
    order to extend a HIT. Expiring a disposed HIT succeeds and does nothing. Giving an expired HIT more time reserves
    the cost of its open slots again.
    """
    before = hit_rows.load(tx, request["HITId"])
    moment = to_ms(request["ExpireAt"])
    if moment <= tx.now:
        if before.status != rules.DISPOSED:
            hit = hit_rows.copy(before)
            hit.expires_at = min(before.expires_at, tx.now)
            expire(tx, before, hit)
        return {}
    _refuse_disposed(before)
    hit = hit_rows.copy(before)
    hit_type = hit_types.load(tx, hit.hit_type_id)
    hit.expires_at = moment
    hit.open_held = 1
    hit_rows.save(tx, before, hit, hit_type)
    if hit.expires_at > before.expires_at:
        notifications.emit(tx, hit_type, "HITExtended", hit.id)
    return {}


def expire(tx: Tx, before: Hit, hit: Hit) -> None:
    """Handle an expiry that has come: open slots are no longer held, and nobody may accept."""
    hit_type = hit_types.load(tx, hit.hit_type_id)
    if before.open_held:
        hit.open_held = 0
        notifications.emit(tx, hit_type, "HITExpired", hit.id)
    hit_rows.save(tx, before, hit, hit_type)


def _refuse_disposed(hit: Hit) -> None:
    if hit.status == rules.DISPOSED:
        raise invalid_hit_state(hit.status, rules.ASSIGNABLE, rules.UNASSIGNABLE, rules.REVIEWABLE, rules.REVIEWING)


def create_additional_assignments_for_hit(tx: Tx, request: Request) -> Answer:
    """Answer CreateAdditionalAssignmentsForHIT: never from below ten to ten or more, since the commission differs."""
    operation = "CreateAdditionalAssignmentsForHIT"
    earlier = tokens.seen(tx, operation, request)
    if earlier is not None:
        raise already_processed(request["UniqueRequestToken"], earlier)
    limits.check(request, "NumberOfAdditionalAssignments")
    before = hit_rows.load(tx, request["HITId"])
    _refuse_disposed(before)
    extend(tx, before, request["NumberOfAdditionalAssignments"], before.expires_at)
    tokens.remember(tx, operation, request, f"{tx.shared.rng.getrandbits(128):032x}")
    return {}


def extend(tx: Tx, before: Hit, more: int, expires_at: int) -> None:
    """Add slots to a HIT and move its expiry.

    Raises:
        RequestError: InvalidMaximumAssignmentsIncrease, HITTooOldForExtension, InsufficientFunds.
    """
    hit = hit_rows.copy(before)
    hit.max_assignments += more
    hit.available += more
    hit_type = hit_types.load(tx, hit.hit_type_id)
    _check_increase(before, hit, hit_type)
    if expires_at > max(before.expires_at, tx.now):
        hit.expires_at, hit.open_held = expires_at, 1
    hit_rows.save(tx, before, hit, hit_type)
    notifications.emit(tx, hit_type, "HITExtended", hit.id)


def _check_increase(before: Hit, hit: Hit, hit_type: HitType) -> None:
    if before.created_at < rules.FIRST_EXTENSIBLE:
        raise RequestError("HITTooOldForExtension", f"Hit {hit.id} was created before 2015-07-22.")
    dearer = before.fee_rule(hit_type).rises(before.max_assignments, hit.max_assignments)
    if dearer or hit.max_assignments > LIMITS["MaxAssignments"].high:
        raise RequestError(
            "InvalidMaximumAssignmentsIncrease",
            f"The number of assignments of Hit {hit.id} cannot be increased from {before.max_assignments} "
            f"to {hit.max_assignments}.",
        )


def update_hit_review_status(tx: Tx, request: Request) -> Answer:
    """Answer UpdateHITReviewStatus: Reviewable to Reviewing, with Revert the other way; not a toggle."""
    before = hit_rows.load(tx, request["HITId"])
    steps = (rules.REVIEWABLE, rules.REVIEWING)
    source, target = reversed(steps) if request.get("Revert") else steps
    if before.status == target == rules.REVIEWING:
        raise already_reviewed()
    if before.status != source:
        raise invalid_hit_state(before.status, source)
    hit = hit_rows.copy(before)
    hit.status = target
    hit_rows.save(tx, before, hit)
    return {}


def update_hit_type_of_hit(tx: Tx, request: Request) -> Answer:
    """Answer UpdateHITTypeOfHIT: refused once anybody accepted it; the new type's reward is reserved instead."""
    before = hit_rows.load(tx, request["HITId"])
    if before.status == rules.DISPOSED or before.available < before.max_assignments:
        raise invalid_hit_state(before.status, rules.ASSIGNABLE)
    hit_type = hit_types.owned(tx, request["HITTypeId"])
    hit = hit_rows.copy(before)
    hit.hit_type_id = hit_type.id
    fee = before.fee_rule(hit_types.load(tx, before.hit_type_id))
    hit.unit_cost = hit_type.unit_cost(hit.max_assignments, fee)
    hit_rows.save(tx, before, hit, hit_type)
    hit_types.touch(tx, hit_type)
    return {}


def delete_hit(tx: Tx, request: Request) -> Answer:
    """Answer DeleteHIT: it must be Reviewable or Reviewing, and all submitted work approved or rejected."""
    before = hit_rows.load(tx, request["HITId"])
    allowed = (rules.REVIEWING, rules.REVIEWABLE)
    if before.status not in allowed or before.submitted:  # the service has one text for both cases
        raise invalid_hit_state(before.status, *allowed)
    dispose(tx, before)
    return {}


def dispose(tx: Tx, before: Hit) -> None:
    """Remove the HIT from all listings; its data stay readable for the retention time."""
    hit = hit_rows.copy(before)
    hit.status, hit.listed, hit.open_held = rules.DISPOSED, 0, 0
    hit_type = hit_types.load(tx, hit.hit_type_id)
    hit_rows.save(tx, before, hit, hit_type)
    notifications.emit(tx, hit_type, "HITDisposed", hit.id)
