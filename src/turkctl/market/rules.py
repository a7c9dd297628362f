"""The state machines of HITs and assignments, and the market's fixed times. Pure functions of what is given.

Source: the Requester API's documentation of HIT life cycle, assignment counters and retention.
"""

from __future__ import annotations

SECOND = 1000
"""Times are integer milliseconds."""
DAY = 24 * 3600 * SECOND

ASSIGNABLE = "Assignable"
UNASSIGNABLE = "Unassignable"
REVIEWABLE = "Reviewable"
REVIEWING = "Reviewing"
DISPOSED = "Disposed"

ACCEPTED = "Accepted"
RETURNED = "Returned"
ABANDONED = "Abandoned"
SUBMITTED = "Submitted"
APPROVED = "Approved"
REJECTED = "Rejected"

HELD = (ACCEPTED, SUBMITTED, APPROVED, REJECTED)
"""An assignment in one of these is the one that its worker has of its HIT; the others may be taken again."""
VISIBLE = (SUBMITTED, APPROVED, REJECTED)
"""What the requester gets to see."""

TRANSITIONS = {
    (None, ACCEPTED),
    (ACCEPTED, SUBMITTED),
    (ACCEPTED, RETURNED),
    (ACCEPTED, ABANDONED),
    (SUBMITTED, APPROVED),
    (SUBMITTED, REJECTED),
    (REJECTED, APPROVED),
}
"""Every step an assignment can take; any other is a fault of the market."""

TOKEN_LIFE = DAY
OVERRIDE_LIMIT = 30 * DAY
"""How long after its submission a rejected assignment may still be approved."""
RETENTION = 120 * DAY
"""A HIT is disposed of so long after it last changed, its data are thrown away so long after that, and a HIT type
or qualification type vanishes after so long without use. (How long GetHIT still answers Disposed is not documented;
the same span is our choice.)"""
DEFAULT_AUTO_APPROVAL = 30 * 24 * 3600
"""Seconds after which submitted work is approved by itself, unless the HIT type says otherwise."""
FIRST_EXTENSIBLE = 1_437_523_200 * SECOND
"""2015-07-22: HITs made before it cannot be given more assignments."""


def hit_status(status: str, *, available: int, pending: int, expired: bool) -> str:
    """The status that a HIT's counters give it, coming from ``status``.

    Reviewable is about submission, not review: nothing can be accepted any more and nothing is out. Reviewing is the
    requester's own marker on it and survives until the HIT can be worked on again. Expired with work outstanding is
    called Unassignable (the documentation does not name it).
    """
    if status == DISPOSED:
        return DISPOSED
    if available > 0 and not expired:
        return ASSIGNABLE
    if pending > 0:
        return UNASSIGNABLE
    return REVIEWING if status == REVIEWING else REVIEWABLE


def hit_due(*, status: str, gone: bool, expired: bool, expires_at: int, touched_at: int, busy: bool) -> int | None:
    """When a HIT next changes by itself: its expiry, then its disposal, then the end of its data.

    Args:
        status: its present status.
        gone: whether its data are thrown away already.
        expired: whether its expiry was dealt with.
        expires_at: its expiration.
        touched_at: when it last changed.
        busy: whether work is outstanding or waits for review; such a HIT is not disposed of.
    """
    if gone:
        return None
    if status == DISPOSED:
        return touched_at + RETENTION
    if not expired:
        return expires_at
    return None if busy else max(expires_at, touched_at) + RETENTION


def percent_approved(approved: int, rejected: int, submitted: int) -> int:
    """A worker's approval rate: 100 until 100 assignments were submitted, then approved of reviewed, rounded down.

    The documentation says "of submitted"; work not yet reviewed is left out here, so that a fast worker with a slow
    requester does not look bad.
    """
    reviewed = approved + rejected
    return 100 if submitted < 100 or reviewed == 0 else 100 * approved // reviewed
