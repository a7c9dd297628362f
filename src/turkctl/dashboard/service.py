"""Serve the dashboard until told to stop, with the scheduler inside if that is wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from turkctl.dashboard.app import ROOT, Dashboard
from turkctl.dashboard.jobs import STOP_SECONDS
from turkctl.errors import TurkctlError, UsageError
from turkctl.operations.intents.presence import DashboardPresence
from turkctl.scheduler.due import in_words
from turkctl.scheduler.lease import SchedulerKeeper
from turkctl.scheduler.logs import log
from turkctl.scheduler.runner import Runner
from turkctl.serving import HttpServer
from turkctl.web.app import MOST_BYTES

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.dashboard.access import Access

DEFAULT_THREADS = 4
LOGGERS = ("turkctl.dashboard", "waitress")
"""The logs with errors of pages, of acts and of the server."""
_CONNECTIONS = 500
_MOST_WAITING = 4 * 1024**3
"""Bytes of one answer that may wait in a temporary file for a slow reader, so that no thread waits for them."""


class DashboardServer:
    """The dashboard on an address, and perhaps the scheduler in a thread beside it.

    As a context manager: at the end of the block nobody is served, and acts and tasks finish what they have in hand. A
    study that was moved to another database is not served (MarkedError).
    """

    def __init__(self, context: Context, access: Access, host: str, port: int, threads: int) -> None:
        """Listen, and serve nobody yet; opens no database and no market.

        Raises:
            UsageError: the address cannot be used.
        """
        self.dashboard = Dashboard(context, access)
        self._context = context
        self._presence = DashboardPresence(context)
        self._server = HttpServer(
            self.dashboard.app.wsgi_app,
            host,
            port,
            threads,
            connection_limit=_CONNECTIONS,
            max_request_body_size=MOST_BYTES + 1,
            outbuf_high_watermark=_MOST_WAITING,
            # Behind a proxy the application believes the last hop alone; else nobody can say to be somebody else.
            clear_untrusted_proxy_headers=not context.settings["dashboard.behind_proxy"],
        )
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._server.port}{ROOT}"
        """Where browsers find it."""
        self._runner: SchedulerThread | None = None

    def begin_scheduler(self) -> None:
        """Run tasks when they are due, in a thread beside the server, until it stops.

        Raises:
            SchedulerRunningError: another process runs tasks.
            DatabaseUnreachableError: the database did not answer.
        """
        self._runner = SchedulerThread(self._context, self._warn)
        self._runner.begin()

    def run(self) -> None:
        """Serve in this thread until :meth:`close` or Ctrl-C."""
        self._server.run()

    def close(self) -> None:
        """Stop serving; may be called from any thread, or from a signal handler."""
        self._server.close()

    def __enter__(self) -> DashboardServer:
        try:
            self._presence.begin()
        except TurkctlError:
            self.close()
            self.dashboard.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
        if self._runner is not None:
            self._runner.stop()
        self._presence.end()
        self.dashboard.close()
        if self._runner is not None:
            self._runner.join()

    def _warn(self, words: str) -> None:
        self.dashboard.frames.warning = words


class SchedulerThread:
    """A scheduler in a thread, with a context of its own."""

    def __init__(self, context: Context, warn: Callable[[str], None]) -> None:
        """Prepare a scheduler that begins with :meth:`begin`.

        Args:
            context: whose settings it has.
            warn: called with what people should know, if an error ends the scheduler.
        """
        self._context = type(context)(context.settings)
        self._context.notice = context.notice
        self._warn = warn
        self._stop = threading.Event()
        self._keeper = SchedulerKeeper(self._context.database)
        self._thread = threading.Thread(target=self._run, name="turkctl-scheduler", daemon=True)

    def begin(self) -> None:
        """Take the lease, so that a second scheduler is refused at once, and begin."""
        try:
            self._keeper.acquire()
        except TurkctlError:
            self._context.close()
            raise
        self._thread.start()

    def stop(self) -> None:
        """Let the task in hand finish what it has in hand, and begin no other."""
        self._stop.set()

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Wait until it has stopped and given the lease back."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            Runner(self._context, stop=self._stop, keeper=self._keeper).run()
        except Exception as error:  # noqa: BLE001  # nobody runs what is due from now on: the log and every page say so
            unexpected = None if isinstance(error, TurkctlError) else error
            words = f"the scheduler of the dashboard stopped: {in_words(error)}"
            log("scheduler_failed", level=logging.ERROR, words=words, trace=unexpected)
            self._warn(f"{words[:1].upper()}{words[1:]}. Start the dashboard again.")
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
