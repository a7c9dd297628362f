"""The state machines of HITs and assignments, and the market's fixed times. Pure functions.

Source: the Requester API's documentation of HIT life cycle, assignment counters and retention.
"""

from __future__ import annotations

SECOND = 1000
"""Milliseconds in a second; times are integer milliseconds."""
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

STATUSES = (ACCEPTED, RETURNED, ABANDONED, SUBMITTED, APPROVED, REJECTED)
"""All that an assignment can have."""
HELD = (ACCEPTED, SUBMITTED, APPROVED, REJECTED)
"""A worker has at most one assignment of a HIT in these states; in the other states the HIT may be taken again."""
VISIBLE = (SUBMITTED, APPROVED, REJECTED)
"""States of the assignments that the requester sees."""

TRANSITIONS = {
    (None, ACCEPTED),
    (ACCEPTED, SUBMITTED),
    (ACCEPTED, RETURNED),
    (ACCEPTED, ABANDONED),
    (SUBMITTED, APPROVED),
    (SUBMITTED, REJECTED),
    (REJECTED, APPROVED),
}
"""Every step that an assignment can take; any other is a bug in the market."""

TOKEN_LIFE = DAY
OVERRIDE_LIMIT = 30 * DAY
"""How long after its submission a rejected assignment may still be approved."""
RETENTION = 120 * DAY
"""Time after its last change until a HIT is disposed of, from then until its data are deleted, and time without use
until a HIT type or qualification type is deleted. (How long GetHIT still answers Disposed is not documented; the same
span is our choice.)"""
DEFAULT_AUTO_APPROVAL = 30 * 24 * 3600
"""Seconds after which submitted work is approved automatically, unless the HIT type says otherwise."""
FIRST_EXTENSIBLE = 1_437_523_200 * SECOND
"""2015-07-22: HITs created before it cannot get more assignments."""


def hit_status(status: str, *, available: int, pending: int, expired: bool) -> str:
    """Return the status that a HIT's counters give it, coming from ``status``.

    Reviewable is about submission, not review: nothing can be accepted any more and no accepted work is outstanding.
    Reviewing is the requester's own mark on it, which stays until the HIT can be worked on again. Expired with work
    outstanding counts as Unassignable (the documentation does not name it).
    """
    if status == DISPOSED:
        return DISPOSED
    if available > 0 and not expired:
        return ASSIGNABLE
    if pending > 0:
        return UNASSIGNABLE
    return REVIEWING if status == REVIEWING else REVIEWABLE


def hit_due(*, status: str, gone: bool, expired: bool, expires_at: int, touched_at: int, busy: bool) -> int | None:
    """Return when a HIT next changes by itself: its expiry, then its disposal, then the deletion of its data.

    Args:
        status: its current status.
        gone: whether its data are already deleted.
        expired: whether its expiry was processed.
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
    """Return a worker's approval rate in percent, rounded down: 100 until 100 submissions, then approved of reviewed.

    The documentation says "of submitted"; work not yet reviewed is left out here, so that fast workers do not look
    bad because a requester is slow.
    """
    reviewed = approved + rejected
    return 100 if submitted < 100 or reviewed == 0 else 100 * approved // reviewed
