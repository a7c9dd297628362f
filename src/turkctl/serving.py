"""Listen on an address of this machine, and serve a WSGI application with waitress until told to stop."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from turkctl.errors import UsageError
from turkctl.ids import is_text

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches."""
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
"""Hosts that mean every address of this machine."""
_STOP_SECONDS = 5


class HttpServer:
    """A listening server. :meth:`run` serves until :meth:`close` or Ctrl-C."""

    def __init__(self, app: WSGIApplication, host: str, port: int, threads: int, **options: Any) -> None:
        """Listen on ``host:port`` (0: any free port); ``options`` are waitress's own.

        Raises:
            UsageError: the address cannot be used.
        """
        from waitress import create_server  # type: ignore[import-untyped]  # it ships no types

        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        """The port that it listens on; if 0 was requested, the port that the system chose."""
        # Requests that wait for a thread are no reason to warn: clients with many connections always have some.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._connections: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._connections,
            sockets=[self._socket],
            threads=threads,
            asyncore_use_poll=True,  # select() cannot wait on many connections
            ident="turkctl",
            **options,
        )
        self._lock = threading.RLock()  # a signal handler may call close() in the thread that holds it
        self._running = False
        self._closed = False

    def run(self) -> None:
        """Serve in this thread. Requests in progress at the end get five seconds to finish."""
        with self._lock:
            if self._closed:
                return
            self._running = True
        try:
            self._server.run()
        finally:
            self._stop()

    def close(self) -> None:
        """Stop listening and serving; may be called from any thread, any number of times."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._running:
                # Sockets must be closed in the thread that waits on them. A thread that answers may wake it first;
                # then the trigger is closed before it is pulled here.
                with suppress(OSError):
                    self._server.trigger.pull_trigger(self._stop)
                return
        self._stop()

    def _stop(self) -> None:
        from waitress import wasyncore

        with self._lock:
            self._closed = True
        self._server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()  # closes what waits in files for a slow reader, too
        wasyncore.close_all(self._connections, ignore_all=True)


def check_host(host: str, port: int) -> None:
    """Raise UsageError if a text cannot be an address to listen on."""
    if not host:  # which would mean every address of this machine
        raise UsageError("the host to listen on is empty", hint="give an address, as in --host 127.0.0.1")
    if not is_text(host):
        raise UsageError(f"cannot listen on {host}:{port}: this is no text", hint="give another --host")


def check_free(host: str, port: int) -> None:
    """Raise UsageError if nobody could listen on an address now, before something is made for it."""
    _listen(host, port).close()


def address_for_others(host: str) -> str:
    """Return a host by which other devices reach a server that listens on ``host``, which may be every address."""
    if host not in EVERY_ADDRESS:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError):
        asking.connect(("192.0.2.1", 9))  # nothing is sent: the system only chooses the address that it would use
        found: str = asking.getsockname()[0]
        return found
    return LOOPBACK[0]


def _listen(host: str, port: int) -> socket.socket:
    check_host(host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {reason}", hint="give another --host or --port") from None
