"""Serve the dashboard until told to stop, with the scheduler inside if that is wanted."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from turkctl.dashboard.app import ROOT, Dashboard
from turkctl.errors import TurkctlError, UsageError
from turkctl.scheduler.lease import SchedulerKeeper
from turkctl.scheduler.logs import log
from turkctl.scheduler.runner import Runner
from turkctl.serving import HttpServer
from turkctl.web.app import MOST_BYTES

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.dashboard.access import Access

DEFAULT_THREADS = 4
_CONNECTIONS = 500
_MOST_WAITING = 4 * 1024**3
"""Bytes of one answer that may wait in a temporary file for a slow reader, so that no thread waits for them."""
_JOIN_SECONDS = 30.0


class DashboardServer:
    """The dashboard on an address, and perhaps the scheduler in a thread beside it."""

    def __init__(self, context: Context, access: Access, host: str, port: int, threads: int) -> None:
        """Listen, and serve nobody yet.

        Raises:
            UsageError: the address cannot be used.
        """
        self.dashboard = Dashboard(context, access)
        self._context = context
        self._server = HttpServer(
            self.dashboard.app.wsgi_app,
            host,
            port,
            threads,
            connection_limit=_CONNECTIONS,
            max_request_body_size=MOST_BYTES + 1,
            outbuf_high_watermark=_MOST_WAITING,
            clear_untrusted_proxy_headers=False,  # the application trusts them only behind a proxy
        )
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._server.port}{ROOT}"
        """Where browsers find it."""
        self._runner: _SchedulerThread | None = None

    def begin_scheduler(self) -> None:
        """Run tasks when they are due, in a thread beside the server, until it stops.

        Raises:
            SchedulerRunningError: another process runs tasks.
            DatabaseUnreachableError: the database did not answer.
        """
        self._runner = _SchedulerThread(self._context)
        self._runner.begin()

    def run(self) -> None:
        """Serve in this thread until :meth:`close`; then acts and tasks finish what they have in hand."""
        try:
            self._server.run()
        finally:
            self.dashboard.close()
            if self._runner is not None:
                self._runner.end()

    def close(self) -> None:
        """Stop serving; may be called from any thread, or from a signal handler."""
        self._server.close()


class _SchedulerThread:
    """A scheduler in a thread, with a context of its own."""

    def __init__(self, context: Context) -> None:
        self._context = type(context)(context.settings)
        self._context.notice = context.notice
        self._stop = threading.Event()
        self._keeper = SchedulerKeeper(self._context.database)
        self._thread = threading.Thread(target=self._run, name="turkctl-scheduler", daemon=True)

    def begin(self) -> None:
        """Take the lease, so that a second scheduler is refused at once, and begin."""
        self._keeper.acquire()
        self._thread.start()

    def end(self) -> None:
        """Let the task in hand finish, and give the lease back."""
        self._stop.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            Runner(self._context, stop=self._stop, keeper=self._keeper).run()
        except TurkctlError as error:  # every page warns from now on, because nobody runs what is due
            log("scheduler_failed", level=logging.ERROR, words=f"the scheduler stopped: {error.message}")
        finally:
            self._context.close()


def thread_count(asked: int | None, set_to: int | None, *, with_scheduler: bool) -> int:
    """Return the number of threads: as asked for, else as set, else one with the scheduler inside, else four.

    Raises:
        UsageError: more than one is asked for with the scheduler inside, or none at all.
    """
    chosen = asked if asked is not None else set_to
    if chosen is None:
        return 1 if with_scheduler else DEFAULT_THREADS
    if not 1 <= chosen <= 64:
        raise UsageError(f"{chosen} threads cannot serve the dashboard", hint="give 1 to 64")
    if with_scheduler and chosen > 1:
        raise UsageError(
            f"the dashboard cannot run the scheduler and have {chosen} threads",
            hint="leave out --threads, or run the scheduler by itself: turkctl scheduler run",
        )
    return chosen
