"""The client: narrow, typed methods over the operations that turkctl needs. It knows nothing of campaigns."""

from __future__ import annotations

from turkctl.mturk.hits import HitCalls
from turkctl.mturk.qualifications import QualificationCalls
from turkctl.mturk.workers import WorkerCalls


class MTurk(HitCalls, WorkerCalls, QualificationCalls):
    """A market, spoken to in the Mechanical Turk Requester API; :func:`turkctl.mturk.connect.connect` makes one.

    Another crowdsourcing platform can stand behind the same methods. Lists are iterators that ask for the next page
    when they get to it. What is raised is listed at :class:`turkctl.mturk.caller.Caller`.
    """
