"""Tell what became of a request whose answer was lost or a repeat."""

from __future__ import annotations

from datetime import datetime, timedelta

from turkctl.errors import TurkctlError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AlreadyExistsError, InvalidStateError, MarketRefusedError, ParameterError
from turkctl.mturk.types import Hit, HitRequest
from turkctl.store.intents import TOKEN_TRUSTED, Intent


def posted_before(mturk: MTurk, error: AlreadyExistsError, token: str) -> Hit:
    """The HIT that a token made when it was first used.

    Raises:
        AlreadyExistsError: the market does not say which, or it does not carry the token.
    """
    if error.hit_id is None:
        raise error
    hit = mturk.get_hit(error.hit_id)
    if hit.annotation != token:
        raise error
    return hit


def post_once(mturk: MTurk, request: HitRequest, token: str) -> Hit:
    """Post a HIT; a token that was used means that it is posted, once the HIT proves to carry it.

    Raises:
        TurkctlError: the market refused, or did not answer.
    """
    try:
        return mturk.create_hit(request, token)
    except AlreadyExistsError as error:
        return posted_before(mturk, error, token)


def refused(error: TurkctlError) -> bool:
    """Whether the market said no, so that nothing happened; after any other error it may have."""
    return isinstance(error, MarketRefusedError) and not error.uncertain


def for_good(error: TurkctlError) -> bool:
    """Return whether the same request would be refused again: what it asks for is wrong, not the moment."""
    return refused(error) and isinstance(error, ParameterError | InvalidStateError)


RESEND_WITHIN = TOKEN_TRUSTED - timedelta(hours=1)
"""Age up to which a request without an answer is sent again with its token; settling looks for older ones."""


LISTED_WITHIN = timedelta(minutes=10)
"""After so long a HIT that was posted would have been listed, and settling would have found it."""


def certain(intent: Intent, error: TurkctlError, now: datetime) -> bool:
    """Whether nothing can have come of a request, neither now nor when it was sent before."""
    if isinstance(error, AlreadyExistsError) or not refused(error):
        return False
    return intent.sent is None or now - intent.sent > LISTED_WITHIN
