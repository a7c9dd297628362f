"""The entries by which panels send people: make them, let people in, and show them their way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from turkctl.attempt_limits import KNOWN_FOR, WINDOW, digest, entrance_wait, network
from turkctl.market import attempts, entries
from turkctl.market.attempts import AttemptBook
from turkctl.market.entries import CodeRow, Entry, PanelMember, WayBack
from turkctl.market.flushes import Wait
from turkctl.market.requester import Environment
from turkctl.market.tx import Tx
from turkctl.market.worker_side import WorkerSide
from turkctl.newcomers import NewEntry


class EntriesSide(WorkerSide):
    """Entries; none of it is part of the Requester API."""

    def add_entry(self, environment: Environment, new: NewEntry) -> Entry:
        """Make an entry.

        Raises:
            UsageError: something of it is not usable, or the name is taken.
        """
        return self._act(environment, lambda tx: entries.add(tx, new))

    def entries(self, environment: Environment) -> list[Entry]:
        """Return all entries in the order in which they were made."""
        return self._look(environment, entries.listed)

    def entry(self, environment: Environment, name: str) -> Entry:
        """Return the entry with this name.

        Raises:
            NotFoundError: there is none.
        """
        return self._look(environment, lambda tx: entries.named(tx, name))

    def remove_entries(self, environment: Environment, names: Sequence[str]) -> int:
        """End entries, and return how many were not ended before.

        Raises:
            NotFoundError: there is no such entry; then none is ended.
        """
        return self._act(environment, lambda tx: entries.remove(tx, names))

    def entry_codes(self, environment: Environment, name: str) -> list[CodeRow]:
        """Return the codes of what was handed in by people who came by an entry.

        Raises:
            NotFoundError: there is no such entry.
        """
        return self._look(environment, lambda tx: entries.codes(tx, name))

    def panel_member(self, environment: Environment, panel: str, key: str, given: Mapping[str, str]) -> PanelMember:
        """Return who comes by an entry with these parameters.

        Raises:
            WorkError: NoEntry, NoParameter.
        """
        return self._look(environment, lambda tx: entries.look(tx, panel, key, given))

    def enter(
        self, environment: Environment, panel: str, key: str, given: Mapping[str, str], worker_id: str | None = None
    ) -> str:
        """Come in by an entry, and return the worker id; ``worker_id`` is of somebody who is signed in.

        Raises:
            WorkError: NoEntry, NoParameter, SignIn.
        """
        return self._act(environment, lambda tx: entries.enter(tx, panel, key, given, worker_id))

    def is_made_by_panel(self, environment: Environment, worker_id: str) -> bool:
        """Return whether a worker was made when a panel sent them."""
        return self._look(environment, lambda tx: entries.is_made_by_panel(tx, worker_id))

    def way_back(self, environment: Environment, assignment_id: str) -> WayBack | None:
        """Return the code and the way back of an assignment that was handed in; None if its worker came otherwise."""
        return self._look(environment, lambda tx: entries.way_back(tx, assignment_id))

    def note_entrance(self, address: str, now: datetime) -> timedelta | None:
        """Count an attempt to come in by an entry, with a right key or a wrong one; all processes share the count.

        Returns:
            How long this address must wait; None if it need not, and only then the attempt counts.
        """
        place = digest(f"entry {network(address)}")

        def note(tx: Tx) -> timedelta | None:
            wait = entrance_wait(AttemptBook(tx), place, now)
            if wait is None:
                attempts.forget_attempts(tx, now - WINDOW, now - KNOWN_FOR)
                attempts.note_attempt(tx, place, place, now, failed=True)
            return wait

        return self._act("production", note, Wait.NEVER)
