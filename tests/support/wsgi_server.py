"""A WSGI app served on this machine for the time of a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from waitress import create_server


@contextmanager
def serve_wsgi(app: Callable[..., Any], *, threads: int = 4) -> Iterator[str]:
    """Serve the app on a free port of 127.0.0.1; yield the address of its root, without a slash at the end."""
    connections: dict[int, Any] = {}
    server = create_server(app, map=connections, host="127.0.0.1", port=0, threads=threads)
    thread = threading.Thread(target=server.run, name="serve_wsgi")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # The server's own thread closes everything: its loop ends when nothing is left to wait for. A thread that
        # answers may wake it first; then the trigger is closed before it is pulled here.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: [each.close() for each in list(connections.values())])  # type: ignore[attr-defined]
        thread.join(timeout=10)
        server.task_dispatcher.shutdown(timeout=10)
        assert not thread.is_alive(), "the server did not stop"
