"""Say in the database that this process serves the dashboard, so that nobody moves the study meanwhile."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from turkctl.copying.marks import MarkedError
from turkctl.errors import TurkctlError
from turkctl.operations.engine.world import World
from turkctl.operations.intents.lease import RENEW_EVERY, Keeper, this_process
from turkctl.store import leases

log = logging.getLogger(__name__)


class DashboardPresence:
    """A lease of this process's own, which it holds while it serves; any number of processes may."""

    def __init__(self, world: World) -> None:
        """Prepare; the database is opened by :meth:`begin`."""
        self._world = world
        self._keeper: Keeper | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="turkctl-presence", daemon=True)

    def begin(self) -> None:
        """Hold the lease from now on; where the database does not answer, as soon as it does.

        Raises:
            MarkedError: the study was moved to another database, or this is a copy that does not act.
        """
        self._say()
        self._thread.start()

    def end(self) -> None:
        """Give the lease back."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        keeper = self._keeper
        if keeper is not None:
            with suppress(TurkctlError), self._world.database.write() as session:  # else it runs out by itself
                keeper.drop_in(session)

    def _say(self) -> None:
        try:
            if self._keeper is None:
                database, me = self._world.database, this_process()
                with database.write() as session:
                    leases.forget_dashboards(session, leases.machine_clock(session))
                self._keeper = Keeper(database, name=leases.of_dashboard(me.owner), claimant=me)
            self._keeper.acquire()
        except MarkedError:
            raise
        except TurkctlError as error:  # its pages say the same
            log.debug("the database cannot be told that the dashboard is served: %s", error.message)

    def _go_on(self) -> None:
        while not self._ending.wait(RENEW_EVERY):
            with suppress(MarkedError):  # its acts are refused
                self._say()
