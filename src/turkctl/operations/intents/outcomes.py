"""Find out what an error says about a request: whether it may have happened, and whether to repeat it."""

from __future__ import annotations

from datetime import datetime, timedelta

from turkctl.errors import TurkctlError
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import AlreadyExistsError, InvalidStateError, MarketRefusedError, ParameterError
from turkctl.mturk.types import Hit, HitRequest
from turkctl.store.intents import TOKEN_TRUSTED, Intent


def posted_before(mturk: MTurk, error: AlreadyExistsError, token: str) -> Hit:
    """Return the HIT that was created when a token was first used.

    Raises:
        AlreadyExistsError: the market does not name the HIT, or the HIT does not carry the token.
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
    """Return whether the market refused the request, so that nothing happened; after other errors it may have."""
    return isinstance(error, MarketRefusedError) and not error.uncertain


def for_good(error: TurkctlError) -> bool:
    """Return whether the same request would be refused again, because the request itself is invalid."""
    return refused(error) and isinstance(error, ParameterError | InvalidStateError)


RESEND_WITHIN = TOKEN_TRUSTED - timedelta(hours=1)
"""The age up to which an unanswered request is sent again with its token; settling looks for older ones."""


LISTED_WITHIN = timedelta(minutes=10)
"""The time after which a posted HIT is certainly listed, so that settling would have found it."""


def certain(intent: Intent, error: TurkctlError, now: datetime) -> bool:
    """Return whether a request certainly had no effect, neither now nor when it was sent before."""
    if isinstance(error, AlreadyExistsError) or not refused(error):
        return False
    return intent.sent is None or now - intent.sent > LISTED_WITHIN
