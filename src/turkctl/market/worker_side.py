"""The workers' side of the market: what workers do, and what the market knows about them.

The two environments have separate workers, so each method names its environment. All methods raise
:class:`~turkctl.market.errors.WorkError` if the worker may not do this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from turkctl.market import consents, corrections, eligible, grants, open_work, work, workers
from turkctl.market.answers import Fields
from turkctl.market.consents import ConsentAsked
from turkctl.market.core import MarketCore
from turkctl.market.flushes import Wait
from turkctl.market.requester import Environment, Requester
from turkctl.market.tx import Tx

Answer = dict[str, Any]
T = TypeVar("T")


class WorkerSide(MarketCore):
    """Worker actions, none of which is part of the Requester API."""

    def _act(self, environment: Environment, act: Callable[[Tx], T], wait: Wait = Wait.USUALLY) -> T:
        return self._write(Requester("", environment), act, wait)

    def _look(self, environment: Environment, look: Callable[[Tx], T]) -> T:
        return self._read(Requester("", environment), look)

    def register_worker(
        self,
        environment: Environment,
        worker_id: str | None = None,
        *,
        locale: str = "US",
        approved: int = 0,
        rejected: int = 0,
        submitted: int | None = None,
        masters: bool = False,
        adult: bool = False,
    ) -> str:
        """Add a worker, or replace the record of an existing one, and return the id.

        Args:
            environment: the worker's environment.
            worker_id: ``A`` and capital letters or digits; created if left out.
            locale: a country, or a state of the US as in ``US-NY``.
            approved: assignments approved so far.
            rejected: assignments rejected so far.
            submitted: assignments submitted so far; by default, those approved and rejected.
            masters: whether the worker holds the Masters qualification.
            adult: whether they agreed to see adult content.

        Raises:
            UsageError: the id or the locale has another form.
        """
        record = {
            "approved": approved,
            "rejected": rejected,
            "submitted": approved + rejected if submitted is None else submitted,
            "masters": int(masters),
            "adult": int(adult),
        }
        return self._act(environment, lambda tx: workers.register(tx, worker_id, record, locale))

    def available_hits(
        self, environment: Environment, worker_id: str, limit: int = 100, after: str | None = None
    ) -> list[Answer]:
        """Return HITs that the worker may discover, oldest first, starting after the HIT ``after``.

        Each is the HIT as the API describes it, with ``Qualified`` (whether they may accept it) and ``RequesterId``.
        """
        return self._look(environment, lambda tx: work.available_hits(tx, worker_id, limit, after))

    def preview(self, environment: Environment, worker_id: str | None, hit_id: str) -> Answer:
        """Return the HIT as the API describes it, if this worker (None: a visitor) may preview it."""
        return self._look(environment, lambda tx: work.preview(tx, worker_id, hit_id))

    def accept(self, environment: Environment, worker_id: str, hit_id: str) -> Answer:
        """Take one of the HIT's slots; return the assignment (status Accepted) with its ``HIT``."""
        return self._act(environment, lambda tx: work.accept(tx, worker_id, hit_id), Wait.NEVER)

    def submit(
        self,
        environment: Environment,
        worker_id: str,
        assignment_id: str,
        answers: Fields,
        correct: timedelta = timedelta(),
    ) -> None:
        """Submit the answers: form field to value or values. Reserved names are left out.

        The requester is told after ``correct``; until then the worker can :meth:`reopen` it.
        """
        self._act(environment, lambda tx: work.submit(tx, worker_id, assignment_id, work.Sent(answers, correct)))

    def reopen(self, environment: Environment, worker_id: str, assignment_id: str) -> None:
        """Open a submission again that its requester was not told of yet. Left unfinished, its first answers count.

        Raises:
            WorkError: NotFound, TooLate.
        """
        self._act(environment, lambda tx: corrections.reopen(tx, worker_id, assignment_id))

    def consent_asked(self, environment: Environment, worker_id: str, hit_id: str) -> ConsentAsked | None:
        """Return what the worker must agree to before they may accept a HIT; None if nothing.

        Raises:
            WorkError: NotFound, DoesNotMeetRequirements.
        """
        return self._look(environment, lambda tx: open_work.consent_asked(tx, worker_id, hit_id))

    def agree(self, environment: Environment, worker_id: str, hit_id: str, type_id: str) -> None:
        """Note that the worker agrees to the consent that they were shown.

        Raises:
            WorkError: NotFound, DoesNotMeetRequirements, ConsentNeeded (it asks for another consent by now).
        """
        self._act(environment, lambda tx: open_work.agree(tx, worker_id, hit_id, type_id))

    def consent_page(self, environment: Environment, type_id: str) -> str | None:
        """Return the HTML of a consent for whoever knows its id; None if there is none."""
        return self._look(environment, lambda tx: consents.page(tx, type_id))

    def as_sent(self, environment: Environment, assignment_id: str) -> bytes | None:
        """Return the request that submitted an assignment as it came: first line, type, body; None if none did."""
        return self._look(environment, lambda tx: work.as_sent(tx, assignment_id))

    def return_assignment(self, environment: Environment, worker_id: str, assignment_id: str) -> None:
        """Return the HIT, so that its slot is open again. To abandon it, let its deadline pass."""
        self._act(environment, lambda tx: work.return_assignment(tx, worker_id, assignment_id), Wait.NEVER)

    def agree_to_terms(self, environment: Environment, worker_id: str, version: str) -> None:
        """Note that the person agrees to a version of the worker site's own terms."""
        self._act(environment, lambda tx: consents.agree_to_terms(tx, worker_id, version))

    def next_like(self, environment: Environment, worker_id: str, hit_id: str) -> Answer:
        """Return the worker's open assignment of the HIT's group; accept the next one if they have none.

        Raises:
            WorkError: as :meth:`PeopleSide.accept_like`.
        """
        return self._act(environment, lambda tx: open_work.next_like(tx, worker_id, hit_id), Wait.NEVER)

    def request_qualification(
        self, environment: Environment, worker_id: str, type_id: str, answers: Fields | None = None
    ) -> Answer:
        """Request a qualification, with answers to its test; return QualificationRequestId, Status, IntegerValue."""
        return self._act(environment, lambda tx: grants.request_qualification(tx, worker_id, type_id, answers))

    def eligible(self, environment: Environment, hit_ids: Sequence[str]) -> tuple[int, int] | None:
        """Return how many workers there are, and how many could accept one of these HITs; None if none is open."""
        with self._database.read() as connection:
            return eligible.count(self._tx(connection, Requester("", environment), locked=False), hit_ids)

    def messages(self, environment: Environment, worker_id: str, limit: int = 100) -> list[Answer]:
        """Return the worker's latest messages, newest first: Subject, MessageText, SendTime, RequesterId."""
        return self._look(environment, lambda tx: work.messages(tx, worker_id, limit))

    def worker_assignments(self, environment: Environment, worker_id: str, limit: int = 100) -> list[Answer]:
        """Return the worker's latest assignments in any status, newest first."""
        return self._look(environment, lambda tx: work.my_assignments(tx, worker_id, limit))

    def assignment(self, environment: Environment, assignment_id: str) -> Answer:
        """Return an assignment in any status, with its ``HIT``, to anybody who knows its id (the worker's page)."""
        return self._look(environment, lambda tx: work.assignment(tx, assignment_id))
