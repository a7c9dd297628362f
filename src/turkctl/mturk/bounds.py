"""Limit the time, bytes and depth of an answer.

botocore limits only the wait for each piece of an answer. A server that sends a byte now and then would hold a request
forever, and one that never stops sending would fill the memory. The connections made here limit time and bytes of the
whole answer, headers included.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

MEGABYTE = 2**20


@dataclass(frozen=True)
class Bounds:
    """Limits for the answer to one request.

    Attributes:
        seconds: from the connection, or from the request if a connection exists already, to the answer's last byte.
        size: bytes, headers included.
        depth: levels of nested documents; the API's own answers have at most eight.
        clock: seconds, never going back.
    """

    seconds: float = 60.0
    size: int = 32 * MEGABYTE
    depth: int = 64
    clock: Callable[[], float] = time.monotonic


class OutOfBoundsError(Exception):
    """An answer takes more time or more bytes than allowed."""


def bound(client: Any, bounds: Bounds) -> None:
    """Keep the answers to a botocore client's requests within ``bounds``.

    botocore offers no public way to choose the class of its connections: its HTTP session has one table of pools for
    direct connections and for those through a proxy.
    """
    client._endpoint.http_session._pool_classes_by_scheme.update(_pools(bounds))  # noqa: SLF001  # see above


def _pools(bounds: Bounds) -> dict[str, Any]:
    from botocore.awsrequest import (
        AWSHTTPConnection,
        AWSHTTPConnectionPool,
        AWSHTTPSConnection,
        AWSHTTPSConnectionPool,
    )

    plain = type("BoundedConnection", (_Bounded, AWSHTTPConnection), {"bounds": bounds})
    secure = type("BoundedSecureConnection", (_Bounded, AWSHTTPSConnection), {"bounds": bounds})
    return {
        "http": type("BoundedPool", (AWSHTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("BoundedSecurePool", (AWSHTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class _Bounded:
    """Adds the bounds to one of botocore's connections, which serves one request at a time."""

    bounds: Bounds
    _ends = 0.0

    def connect(self) -> None:
        self._ends = self.bounds.clock() + self.bounds.seconds
        super().connect()  # type: ignore[misc]  # of the connection class that this is mixed into

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self._ends = self.bounds.clock() + self.bounds.seconds
        return super().request(*args, **kwargs)  # type: ignore[misc]  # as above

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        """Return the response that http.client reads; it asks the socket only for a file."""
        guarded: Any = _Guarded(sock, self.bounds, self._ends)
        return HTTPResponse(guarded, *args, **kwargs)


class _Guarded:
    """The part of a socket that an answer needs."""

    def __init__(self, sock: socket.socket, bounds: Bounds, ends: float) -> None:
        self._file = io.BufferedReader(_BoundsReader(sock, bounds, ends))

    def makefile(self, _mode: str) -> Any:
        return self._file


class _BoundsReader(io.RawIOBase):
    """Reads a socket until the time is over or there are too many bytes."""

    def __init__(self, sock: socket.socket, bounds: Bounds, ends: float) -> None:
        self._socket = sock
        self._source = sock.makefile("rb", buffering=0)
        self._patience = sock.gettimeout()
        self._bounds = bounds
        self._ends = ends
        self._came = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._left()
        self._socket.settimeout(left if self._patience is None else min(left, self._patience))
        try:
            count = self._source.readinto(buffer)
        except TimeoutError:
            self._left()  # raises if the time for the whole answer is over
            raise
        except ssl.SSLError as error:
            # botocore would take this for a failed handshake, although the request was sent.
            raise ConnectionAbortedError(str(error)) from error
        self._came += count or 0
        if self._came > self._bounds.size:
            raise OutOfBoundsError(f"it is larger than {self._bounds.size / MEGABYTE:g} MB")
        return count

    def _left(self) -> float:
        left = self._ends - self._bounds.clock()
        if left <= 0:
            raise OutOfBoundsError(f"it took longer than {self._bounds.seconds:g} s")
        return left

    def close(self) -> None:
        self._source.close()
        super().close()
