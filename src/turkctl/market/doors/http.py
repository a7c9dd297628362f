"""The market over HTTP: the Requester API for any MTurk client, as plain WSGI on waitress."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected, HTTPChannel  # type: ignore[import-untyped]  # it ships no types
from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]  # as above
from waitress.task import ErrorTask, Task, WSGITask  # type: ignore[import-untyped]  # as above

from turkctl import own_market
from turkctl.copying.marks import MarkedError
from turkctl.market.archived import ArchivedMarket
from turkctl.market.protocol.endpoint import CutAnswerError, Endpoint
from turkctl.market.protocol.sigv4 import is_host
from turkctl.market.protocol.wire import PRODUCTION_PATH, SANDBOX_PATH, answer
from turkctl.market.timekeeper import Timekeeper
from turkctl.serving import HttpServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 1_048_576
"""Room for two of the largest documents that the API allows, with every character escaped."""
DEFAULT_THREADS = 4
_MAX_HEADER_BYTES = 65_536
_MAX_CONNECTIONS = 1_000
_BESIDE_THREADS = 4
LINGER_BYTES = 16 * MAX_BODY_BYTES
"""How much of a refused request is read and thrown away at most."""
LINGER_SECONDS = 20.0
"""For how long at most."""
_SITE = "/worker"
"""Where browsers are sent if there are applications beside the API."""

_ABOUT = f"""This is a market that speaks the Amazon Mechanical Turk Requester API (2017-01-17).

Point any MTurk client at it: production is {PRODUCTION_PATH}, the sandbox {SANDBOX_PATH}. For example
    aws mturk get-account-balance --endpoint-url http://HOST:PORT{SANDBOX_PATH} --region us-east-1

GET /healthz answers ok while the server is up.
"""

_REASONS = {
    HTTPStatus.BAD_REQUEST: "The request needs one Host header, which names this host and perhaps its port.",
    HTTPStatus.NOT_FOUND: "There is nothing here.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    HTTPStatus.LENGTH_REQUIRED: "The header Content-Length is missing or not a number.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is longer than {MAX_BODY_BYTES} bytes.",
}


class _RefusedError(Exception):
    """A request that is not part of the Requester API."""

    def __init__(self, status: HTTPStatus, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def make_app(endpoint: Endpoint, mounts: Mapping[str, WSGIApplication] | None = None) -> WSGIApplication:
    """Return a WSGI application: the API at ``/`` and ``/sandbox`` (POST), a page about it (GET), and ``/healthz``.

    Args:
        endpoint: answers the API's requests.
        mounts: other applications by path, as in ``{"/worker": site}``; for them, the path moves from PATH_INFO to
            SCRIPT_NAME. The longest matching path wins; the API's own paths come first.
    """
    by_length = sorted((mounts or {}).items(), key=lambda mount: len(mount[0]), reverse=True)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO") or "/"
        if not _names_host(environ):
            return _tell(_refusal(_RefusedError(HTTPStatus.BAD_REQUEST)), environ, start_response)
        if by_length and path == "/" and _is_browser(environ):
            return _tell(_lead_to_site(), environ, start_response)
        if path not in _HANDLERS:
            for prefix, mounted in by_length:
                if path == prefix or path.startswith(f"{prefix.rstrip('/')}/"):
                    return mounted(_shifted(environ, prefix.rstrip("/")), start_response)
        return _answer_own(endpoint, path, environ, start_response)

    return app


def _names_host(environ: WSGIEnvironment) -> bool:
    """Return whether the Host header is valid; only HTTP/1.0 may omit it."""
    if "HTTP_HOST" not in environ:
        return bool(environ.get("SERVER_PROTOCOL") != "HTTP/1.1")
    return is_host(environ["HTTP_HOST"])


def _is_browser(environ: WSGIEnvironment) -> bool:
    """Return whether somebody looks at the address, who can do nothing with the API."""
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and "text/html" in environ.get("HTTP_ACCEPT", "")


def _lead_to_site() -> _Answer:
    return _plain("The worker site is at /worker.\n", HTTPStatus.FOUND, Location=_SITE)


def _shifted(environ: WSGIEnvironment, prefix: str) -> WSGIEnvironment:
    return {
        **environ,
        "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + prefix,
        "PATH_INFO": environ.get("PATH_INFO", "")[len(prefix) :],
    }


def _answer_own(
    endpoint: Endpoint, path: str, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    try:
        answered = _handler(path, environ["REQUEST_METHOD"])(endpoint, path, environ)
    except _RefusedError as refused:
        answered = _refusal(refused)
    return _tell(answered, environ, start_response)


def _refusal(refused: _RefusedError) -> _Answer:
    return _plain(_REASONS[refused.status] + "\n", refused.status, **refused.headers)


def _tell(answered: _Answer, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, headers, content = answered
    headers = {**headers, own_market.HEADER: own_market.VERSION}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


_Answer = tuple[int, dict[str, str], bytes]
_Handler = Callable[[Endpoint, str, "WSGIEnvironment"], _Answer]


def _handler(path: str, method: str) -> _Handler:
    handlers = _HANDLERS.get(path)
    if handlers is None:
        raise _RefusedError(HTTPStatus.NOT_FOUND)
    handler = handlers.get("GET" if method == "HEAD" else method)
    if handler is None:
        raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, Allow=", ".join(["HEAD", *handlers]))
    return handler


def _call(endpoint: Endpoint, path: str, environ: WSGIEnvironment) -> _Answer:
    body = _read_body(environ)
    try:
        return answer(endpoint, path, _request_headers(environ), body)
    except CutAnswerError:
        # Waitress treats this as a client that went away: it closes the connection and sends nothing.
        raise ClientDisconnected from None
    except MarkedError as error:
        return _plain(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _about(_endpoint: Endpoint, _path: str, _environ: WSGIEnvironment) -> _Answer:
    return _plain(_ABOUT)


def _healthy(_endpoint: Endpoint, _path: str, _environ: WSGIEnvironment) -> _Answer:
    return _plain("ok\n")


_API = {"POST": _call, "GET": _about}
_HANDLERS: Mapping[str, Mapping[str, _Handler]] = {
    PRODUCTION_PATH: _API,
    SANDBOX_PATH: _API,
    f"{SANDBOX_PATH}/": _API,
    "/healthz": {"GET": _healthy},
}


def _plain(text: str, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> _Answer:
    content = text.encode()
    return (
        status,
        {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content)), **headers},
        content,
    )


def _read_body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()):
        raise _RefusedError(HTTPStatus.LENGTH_REQUIRED)
    if int(length) > MAX_BODY_BYTES:
        raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


def _request_headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-length"] = environ.get("CONTENT_LENGTH", "")
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


class _Together:
    """A channel that keeps what is written, so that it can be sent in one piece."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.kept: list[bytes] = []

    def write_soon(self, data: bytes) -> None:
        self.kept.append(data)


class _OneWrite(Task):  # type: ignore[misc]  # waitress ships no types
    """Sends the headers together with the first part of the body: who has the headers has what they promise.

    Some clients take headers that arrive alone, before the server goes away, for a complete and empty answer.
    """

    channel: Any

    def write(self, data: bytes) -> None:
        if self.wrote_header:
            super().write(data)
            return
        channel = self.channel
        together = _Together(channel.server)
        self.channel = together
        try:
            super().write(data)
        finally:
            self.channel = channel
        channel.write_soon(b"".join(together.kept))


class _Answering(_OneWrite, WSGITask):  # type: ignore[misc]  # as above
    pass


class _Refusing(_OneWrite, ErrorTask):  # type: ignore[misc]  # as above
    pass


class _RequestParser(HTTPRequestParser):  # type: ignore[misc]  # as above
    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # an address that cannot be parsed
            raise ParsingError(str(error)) from None


class _MarketChannel(HTTPChannel):  # type: ignore[misc]  # as above
    """A connection that, when it refuses a request unread, reads on for a while and throws away what comes.

    A connection that is closed with something unread is reset, and its client, a proxy for example, loses the answer
    (RFC 9112, section 9.6). The server's own loop reads, so that no thread waits.
    """

    parser_class = _RequestParser
    task_class = _Answering
    error_task_class = _Refusing
    clock: Callable[[], float] = staticmethod(time.monotonic)
    _unread = False
    """Whether the request was refused before it had come whole."""
    _until: float | None = None
    """Until when to read on; None before the answer is sent."""
    _room = LINGER_BYTES

    def service(self) -> None:
        self._unread = self.requests[0].error is not None
        super().service()

    def readable(self) -> bool:
        if self._until is None:
            return bool(super().readable())
        if self.clock() >= self._until:
            self.will_close = True
        return not self.will_close

    def handle_write(self) -> None:
        if not (self._unread and self.close_when_flushed) or self.will_close:
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            self._linger()

    def _linger(self) -> None:
        """Say that the answer is complete, and wait for the client to have sent the rest."""
        self._unread = self.close_when_flushed = False
        self._until = self.clock() + LINGER_SECONDS
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def handle_read(self) -> None:
        if self._until is None:
            super().handle_read()
            return
        try:
            self._room -= len(self.recv(self.adj.recv_bytes))  # closes the connection if the client has closed it
        except OSError:
            self._room = 0
        if self._room <= 0 and self.connected:
            self.handle_close()


class _Door(HttpServer):
    """Listens for whoever comes, and refuses what is no request."""

    def __init__(self, app: WSGIApplication, host: str, port: int, threads: int, **options: Any) -> None:
        super().__init__(
            app,
            host,
            port,
            threads,
            connection_limit=_MAX_CONNECTIONS,
            max_request_header_size=_MAX_HEADER_BYTES,
            **options,
        )
        self._server.channel_class = _MarketChannel


class Server(_Door):
    """A listening market, whose time is kept while it serves, unless it is an archive."""

    def __init__(
        self,
        app: WSGIApplication,
        timekeeper: Timekeeper | None,
        host: str,
        port: int,
        threads: int,
        *,
        behind_proxy: bool = False,
    ) -> None:
        super().__init__(
            app,
            host,
            port,
            threads,
            # Waitress refuses what is as long as its limit; the application has a limit of its own.
            max_request_body_size=MAX_BODY_BYTES + 1,
            clear_untrusted_proxy_headers=not behind_proxy,
        )
        self._timekeeper = timekeeper
        self._beside: HttpServer | None = None

    def add(self, app: WSGIApplication, host: str, port: int) -> int:
        """Listen on another port too (0: any free one) while this server runs, for ``app``; return the port.

        Raises:
            UsageError: the address cannot be used.
        """
        self._beside = _Door(app, host, port, _BESIDE_THREADS, max_request_body_size=1)
        return self._beside.port

    @property
    def second_port(self) -> int | None:
        """Return the other port that it listens on, if there is one."""
        return None if self._beside is None else self._beside.port

    def run(self) -> None:
        """Serve in this thread, and keep the market's time meanwhile; see :meth:`HttpServer.run`."""
        if self._closed:
            return
        if self._timekeeper is not None:
            self._timekeeper.start()
        beside = None if self._beside is None else threading.Thread(target=self._beside.run, name="turkctl-beside")
        try:
            if beside is not None:
                beside.start()
            super().run()
        finally:
            self._close_beside()
            if beside is not None:
                beside.join()
            if self._timekeeper is not None:
                self._timekeeper.stop()

    def close(self) -> None:
        """Stop listening and serving, on the other port too; see :meth:`HttpServer.close`."""
        self._close_beside()
        super().close()

    def _close_beside(self) -> None:
        if self._beside is not None:
            self._beside.close()


def serve(
    endpoint: Endpoint,
    host: str = "127.0.0.1",
    port: int = 8800,
    threads: int = DEFAULT_THREADS,
    mounts: Mapping[str, WSGIApplication] | None = None,
    *,
    behind_proxy: bool = False,
) -> Server:
    """Listen on ``host:port`` (0: any free port) and return the server, which the caller runs.

    Args:
        endpoint: answers the requests.
        host: a name or an address of this machine.
        port: 0 to 65535.
        threads: number of requests answered at once.
        mounts: see :func:`make_app`.
        behind_proxy: what is mounted may trust the headers of a proxy in front.

    Raises:
        UsageError: the address cannot be used.
    """
    timekeeper = None if isinstance(endpoint.market, ArchivedMarket) else Timekeeper(endpoint.market)
    return Server(make_app(endpoint, mounts), timekeeper, host, port, threads, behind_proxy=behind_proxy)
