"""A market behind a raw socket that dies while it answers, at the byte that a test chooses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Self

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.wire import answer

Answer = tuple[bytes, bytes]
"""Head, with the empty line that ends it, and body."""


class RawServer:
    """Serves requests with exactly the bytes that ``says`` gives.

    Attributes:
        hangs_up: after each answer, as a market does that dies.
        url: where it listens, on this machine.
        asked: the operations that were asked for, in order.
        says: called with operation, path, headers (lower case) and body; gives the pieces to send.
    """

    def __init__(self, says: Callable[[str, str, dict[str, str], bytes], Iterable[bytes]]) -> None:
        self.hangs_up = True
        self._says = says
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []

    @property
    def says(self) -> Callable[[str, str, dict[str, str], bytes], Iterable[bytes]]:
        return self._says

    @says.setter
    def says(self, says: Callable[[str, str, dict[str, str], bytes], Iterable[bytes]]) -> None:
        self.wait_until_hung_up()
        self._says = says

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in (self._listening, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def wait_until_hung_up(self) -> None:
        """Wait until the connections that were answered are closed: a client would use one again until then."""
        for thread in self._threads[1:] if self.hangs_up else []:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            while (request := read_request(connection)) is not None:
                path, headers, body = request
                operation = headers["x-amz-target"].rpartition(".")[2]
                self.asked.append(operation)
                for piece in self._says(operation, path, headers, body):
                    if self._over.is_set():
                        return
                    connection.sendall(piece)
                if self.hangs_up:
                    return


def read_request(connection: socket.socket) -> tuple[str, dict[str, str], bytes] | None:
    """Read a whole request: path, headers with names in lower case, body; None where no other comes."""
    with connection.makefile("rb") as file:
        first = file.readline()
        if not first:
            return None
        path = first.split()[1].decode()
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return path, headers, file.read(int(headers["content-length"]))


class CuttingMarket:
    """What a :class:`RawServer` says for the built-in market: whole answers, but for those that are to be cut.

    Attributes:
        cut: by operation, what becomes of its answer, and how many answers it still becomes of.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.cut: dict[str, tuple[Callable[[bytes, bytes], bytes], int]] = {}

    def __call__(self, operation: str, path: str, headers: dict[str, str], body: bytes) -> Iterable[bytes]:
        head, content = whole(*answer(self._endpoint, path, headers, body))
        with self._lock:
            change, left = self.cut.get(operation, (bytes.__add__, 0))
            if left:
                self.cut[operation] = change, left - 1
        yield change(head, content) if left else head + content


def whole(status: int, headers: dict[str, str], content: bytes) -> Answer:
    """Return the bytes of an answer's head and of its body."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode(), content
