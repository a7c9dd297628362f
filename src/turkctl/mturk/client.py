"""The client: narrow, typed methods for the operations that turkctl needs. It knows nothing about campaigns."""

from __future__ import annotations

from turkctl.mturk.hits import HitCalls
from turkctl.mturk.qualifications import QualificationCalls
from turkctl.mturk.raw import RawCalls
from turkctl.mturk.workers import WorkerCalls


class MTurk(HitCalls, WorkerCalls, QualificationCalls, RawCalls):
    """A market that speaks the Mechanical Turk Requester API; :func:`turkctl.mturk.connect.connect` creates one.

    Another crowdsourcing platform can offer the same methods. Lists are iterators that request the next page when they
    reach it. The errors raised are listed at :class:`turkctl.mturk.caller.Caller`.
    """
