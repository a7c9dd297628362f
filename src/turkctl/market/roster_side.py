"""The market for a lab's own people: its list, its own ids, new passwords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from turkctl.attempt_limits import KNOWN_FOR, WINDOW, digest, network
from turkctl.market import attempts, erasure, invitations, people, profiles, resets, roster
from turkctl.market.attempts import AttemptBook
from turkctl.market.erasure import Erasure, ErasurePlan
from turkctl.market.flushes import Wait
from turkctl.market.people import Member
from turkctl.market.people_side import PeopleSide
from turkctl.market.requester import Environment
from turkctl.market.roster import RosterPlan
from turkctl.market.tx import Tx
from turkctl.newcomers import NewInvitation, PersonChange, RosterRow

MOST_ENTRIES = 200
"""How many times people can come in by an own id from one address within :data:`~turkctl.attempt_limits.WINDOW`: more
than a class has, and few of the numbers that somebody could try."""
_ENTRIES = "entries by own id"


class RosterSide(PeopleSide):
    """People whom a lab knows by ids of its own."""

    def plan_import(self, environment: Environment, rows: Sequence[RosterRow]) -> RosterPlan:
        """Return what importing a list would do."""
        return self._look(environment, lambda tx: roster.plan(tx, rows))

    def import_people(self, environment: Environment, rows: Sequence[RosterRow]) -> RosterPlan:
        """Import a list, unless one of its rows has a problem; return what was done."""
        return self._act(environment, lambda tx: roster.take_over(tx, rows))

    def edit_person(self, environment: Environment, who: str, change: PersonChange) -> str:
        """Change a person, and return their worker id.

        Raises:
            NotFoundError: there is nobody of this id or name.
            UsageError: nothing is to be changed, or something of it is not usable.
        """
        return self._act(environment, lambda tx: profiles.edit(tx, who, change))

    def person_of(self, environment: Environment, own_id: str) -> Member | None:
        """Return the person of whom this is the own id, or None."""
        return self._look(environment, lambda tx: people.by_own_id(tx, own_id))

    def invite_each(self, environment: Environment, new: NewInvitation, ids: Sequence[str]) -> list[str]:
        """Make a personal invitation for each of these people, who are made if they are not there; return the tokens.

        Raises:
            UsageError: an id is not usable, or names somebody again; then none is made.
        """
        return self._act(environment, lambda tx: invitations.invite_each(tx, new, ids))

    def make_reset(self, environment: Environment, who: str, lasts: timedelta) -> str:
        """Return the token by which somebody can choose a new password once.

        Raises:
            NotFoundError: there is nobody of this id or name.
            UsageError: they have no password.
        """
        return self._act(environment, lambda tx: resets.make(tx, who, lasts))

    def reset_for(self, environment: Environment, token: str) -> Member:
        """Return the person who may choose a new password by this token.

        Raises:
            WorkError: NoReset.
        """
        return self._look(environment, lambda tx: resets.find(tx, token))

    def reset_password(self, environment: Environment, token: str, password_hash: str) -> str:
        """Set a new password, which ends all sessions of the old one; return the worker id.

        Raises:
            WorkError: NoReset.
        """
        return self._act(environment, lambda tx: resets.use(tx, token, password_hash))

    def plan_erasure(self, environment: Environment, who: str) -> ErasurePlan:
        """Return who would be erased, and what is in the way.

        Raises:
            NotFoundError: there is and was nobody.
        """
        return self._look(environment, lambda tx: erasure.look(tx, who))

    def erase(self, environment: Environment, plan: ErasurePlan, *, answers_too: bool, unpaid: bool = False) -> Erasure:
        """Put a random pseudonym in the place of a person everywhere; then :meth:`clean` the database's files.

        Raises:
            RefusedError: work of theirs is open or undecided, or not paid, unless ``unpaid`` says that this may be.
        """
        return self._act(environment, lambda tx: erasure.erase(tx, plan, answers_too=answers_too, unpaid=unpaid))

    def clean(self) -> str | None:
        """Write the database's files anew without what was deleted; return in words what this cannot reach."""
        return self._database.clean(erasure.EVERY_TABLE)

    # Guesses of own ids, which are limited as attempts to sign in are, but counted apart from them: a class that comes
    # in through one address must not keep anybody from signing in there.

    def own_id_wait(self, own_id: str, address: str, now: datetime) -> timedelta | None:
        """Return how long until somebody at this address may give this own id; None if they may now."""

        def look(tx: Tx) -> timedelta | None:
            place = _place(address)
            asked = attempts.wait_of(tx, digest(own_id), place, now)
            entered = AttemptBook(tx).nth_failure(
                MOST_ENTRIES, now - WINDOW, name=digest(_ENTRIES), address=_entries_at(address)
            )
            waits = [asked, None if entered is None else min(entered + WINDOW - now, WINDOW)]
            return max((each for each in waits if each is not None), default=None)

        return self._look("production", look)

    def note_own_id(self, own_id: str, address: str, now: datetime, *, failed: bool) -> None:
        """Remember that somebody gave an own id, and whether it let them in."""

        def note(tx: Tx) -> None:
            attempts.forget_attempts(tx, now - WINDOW, now - KNOWN_FOR)
            attempts.note_attempt(tx, digest(own_id), _place(address), now, failed=failed)
            attempts.note_attempt(tx, digest(_ENTRIES), _entries_at(address), now, failed=True)

        self._act("production", note, Wait.NEVER)


def _place(address: str) -> str:
    return digest(f"own ids at {network(address)}")


def _entries_at(address: str) -> str:
    return digest(f"entries at {network(address)}")
