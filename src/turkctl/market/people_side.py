"""The people of the market: accounts and invitations, and what the worker site shows them.

As on the workers' side, each method names its environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from turkctl.attempt_limits import KNOWN_FOR, WINDOW, digest, network
from turkctl.market import attempts, invitations, my_work, open_work, people, work
from turkctl.market.flushes import Wait
from turkctl.market.invitations import Invitation
from turkctl.market.people import Member
from turkctl.market.requester import Environment
from turkctl.market.tx import Tx
from turkctl.market.worker_side import Answer, WorkerSide
from turkctl.newcomers import NewInvitation, NewPerson


class PeopleSide(WorkerSide):
    """People, and what they see; none of it is part of the Requester API."""

    def add_person(self, environment: Environment, new: NewPerson) -> str:
        """Add a person, and return their new worker id.

        Raises:
            UsageError: a text is not usable, or the name or the own id is taken.
        """
        return self._act(environment, lambda tx: people.add(tx, new))

    def person(self, environment: Environment, worker_id: str) -> Member | None:
        """Return the person with this worker id, or None."""
        return self._look(environment, lambda tx: people.by_worker(tx, worker_id))

    def person_named(self, environment: Environment, name: str) -> Member | None:
        """Return the person with this login name, or None."""
        return self._look(environment, lambda tx: people.by_name(tx, name))

    def find_person(self, environment: Environment, who: str) -> Member:
        """Return the person with this worker id, own id or login name.

        Raises:
            NotFoundError: there is nobody.
        """
        return self._look(environment, lambda tx: people.named(tx, who))

    def people(self, environment: Environment, group: str | None = None) -> list[Member]:
        """Return all people, or those of a group, in the order in which they came."""
        return self._look(environment, lambda tx: people.everybody(tx, group))

    def set_password(self, environment: Environment, worker_id: str, name: str, password_hash: str) -> None:
        """Give a person who has none a login name and a password.

        Raises:
            UsageError: the name is not usable or taken, or they have one already.
        """
        self._act(environment, lambda tx: people.set_password(tx, worker_id, name, password_hash))

    def invite(self, environment: Environment, new: NewInvitation, count: int = 1) -> list[str]:
        """Make invitations, and return their tokens, which can never be read again.

        Raises:
            UsageError: there are too many, or a text is not usable.
        """
        return self._act(environment, lambda tx: invitations.invite(tx, new, count))

    def record_of(self, environment: Environment, worker_id: str) -> Answer:
        """Return where a person lives, and how many of their assignments were submitted, approved and rejected.

        Raises:
            WorkError: UnknownWorker.
        """
        return self._look(environment, lambda tx: people.record(tx, worker_id))

    def invitation(self, environment: Environment, token: str) -> Invitation:
        """Return the invitation with this token, if it can be used.

        Raises:
            WorkError: NoInvitation, whatever is wrong with it.
        """
        return self._look(environment, lambda tx: invitations.find(tx, token))

    def invitations(self, environment: Environment) -> list[Invitation]:
        """Return all invitations in the order in which they were made."""
        return self._look(environment, invitations.every)

    def join(
        self, environment: Environment, token: str, worker_id: str | None = None, own_id: str | None = None
    ) -> str:
        """Come in by an invitation, and return the worker id.

        Args:
            environment: the one that they come into.
            token: of the invitation.
            worker_id: of somebody who is signed in.
            own_id: what they typed, if the invitation asks for it.

        Raises:
            WorkError: see :func:`turkctl.market.invitations.join`.
        """
        return self._act(environment, lambda tx: invitations.join(tx, token, worker_id, own_id))

    def join_as(
        self, environment: Environment, token: str, name: str, password_hash: str, own_id: str | None = None
    ) -> str:
        """Come in by an invitation with a login name and a password of one's choice; return the worker id.

        Raises:
            WorkError: see :func:`turkctl.market.invitations.join`.
            UsageError: the name is not usable or taken; then the invitation is not used.
        """

        def come(tx: Tx) -> str:
            worker_id = invitations.join(tx, token, None, own_id)
            people.set_password(tx, worker_id, name, password_hash)
            return worker_id

        return self._act(environment, come)

    def revoke_invitations(self, environment: Environment, ids: Sequence[str]) -> int:
        """End invitations, by id or by token, and return how many were not ended before.

        Raises:
            NotFoundError: there is no such invitation; then none is ended.
        """
        return self._act(environment, lambda tx: invitations.revoke(tx, ids))

    # Attempts to sign in, which all processes that serve one market share. Times are of the real clock.

    def sign_in_wait(self, name: str, address: str, now: datetime) -> timedelta | None:
        """Return how long this name must wait for its next attempt from this address; None if it need not."""
        return self._look("production", lambda tx: attempts.wait_of(tx, digest(name), digest(network(address)), now))

    def note_sign_in(self, name: str, address: str, now: datetime, *, failed: bool) -> None:
        """Remember an attempt to sign in, whether there is such a name or not."""

        def note(tx: Tx) -> None:
            attempts.forget_attempts(tx, now - WINDOW, now - KNOWN_FOR)
            attempts.note_attempt(tx, digest(name), digest(network(address)), now, failed=failed)

        self._act("production", note, Wait.NEVER)

    def end_session(self, token: str, until: datetime, now: datetime) -> None:
        """Remember that a session was ended, until the time when it would have ended by itself."""
        self._act("production", lambda tx: attempts.end_session(tx, digest(token), until, now))

    def person_of_session(self, environment: Environment, worker_id: str, token: str, now: datetime) -> Member | None:
        """Return the person with this worker id, or None if the session with this token was ended."""
        return people.of_session(self._database, environment, worker_id, digest(token), now)

    def is_session_ended(self, token: str, now: datetime) -> bool:
        """Return whether a session was ended."""
        return self._look("production", lambda tx: attempts.is_ended(tx, digest(token), now))

    # What a worker sees

    def groups(self, environment: Environment, worker_id: str) -> list[open_work.Group]:
        """Return the groups of HITs with something left for the worker, newest first."""
        return self._look(environment, lambda tx: open_work.groups(tx, worker_id))

    def with_pay(self, environment: Environment, groups: Sequence[open_work.Group]) -> list[open_work.Group]:
        """Return groups with what they pay an hour, as measured."""
        return self._look(environment, lambda tx: open_work.with_pay(tx, groups))

    def look_at(self, environment: Environment, worker_id: str, hit_id: str) -> Answer:
        """Return a HIT that the worker may see, with ``WhyNot``, ``RequesterId``, ``MyAssignmentId`` and ``Open``.

        Raises:
            WorkError: NotFound, DoesNotMeetRequirements.
        """
        return self._look(environment, lambda tx: open_work.look(tx, worker_id, hit_id))

    def question_of(self, environment: Environment, hit_id: str) -> str | None:
        """Return the question of a HIT for whoever knows its id, which nobody can guess; None if there is none."""
        return self._look(environment, lambda tx: open_work.question(tx, hit_id))

    def first_of_group(self, environment: Environment, worker_id: str, group_id: str) -> str | None:
        """Return the HIT of a group that the worker gets next, or None if there is none for them."""
        return self._look(environment, lambda tx: open_work.first_of_group(tx, worker_id, group_id))

    def hit_after(self, environment: Environment, worker_id: str, hit_id: str) -> str | None:
        """Return the HIT of the same group that comes after this one for the worker, or None.

        Raises:
            WorkError: NotFound.
        """
        return self._look(environment, lambda tx: open_work.after(tx, worker_id, hit_id))

    def accept_like(self, environment: Environment, worker_id: str, hit_id: str) -> Answer:
        """Accept a HIT, or another one of its group where it cannot be had; return the assignment with its ``HIT``.

        Raises:
            WorkError: NotFound, NoHITsAvailable, Blocked, DoesNotMeetRequirements.
        """
        return self._act(environment, lambda tx: open_work.accept_like(tx, worker_id, hit_id), Wait.NEVER)

    def submit_from_page(
        self, environment: Environment, assignment_id: str, visitor: str | None, sent: work.Sent
    ) -> None:
        """Submit what a task's page sent; ``visitor`` is the worker id of whoever is known to have sent it.

        It returns when the submission outlives a loss of power.

        Raises:
            WorkError: NotFound, OwnPage, AlreadySubmitted, DeadlinePassed, Returned.
        """
        self._act(environment, lambda tx: work.submit_from_page(tx, assignment_id, visitor, sent), Wait.ALWAYS)

    def submit_form(self, environment: Environment, worker_id: str, assignment_id: str, sent: work.Sent) -> None:
        """Submit the answers to a QuestionForm; it returns when the submission outlives a loss of power.

        Raises:
            WorkError: NotFound, AlreadySubmitted, DeadlinePassed, Returned.
        """
        self._act(environment, lambda tx: work.submit(tx, worker_id, assignment_id, sent), Wait.ALWAYS)

    def work_of(self, environment: Environment, worker_id: str) -> list[my_work.Piece]:
        """Return the worker's latest assignments in any status, newest first."""
        return self._look(environment, lambda tx: my_work.pieces(tx, worker_id))

    def earnings_of(self, environment: Environment, worker_id: str) -> list[my_work.Earned]:
        """Return what the worker earned on each of the last days on which they earned something, latest first."""
        return self._look(environment, lambda tx: my_work.earnings(tx, worker_id))

    def qualifications_of(self, environment: Environment, worker_id: str) -> list[my_work.Held]:
        """Return the qualifications that the worker holds, asked for, or can request."""
        return self._look(environment, lambda tx: my_work.qualifications(tx, worker_id))
