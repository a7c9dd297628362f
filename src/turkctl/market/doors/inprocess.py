"""The market inside the caller's process: a botocore client's requests are answered before they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError

from turkctl.market.protocol.endpoint import CutAnswerError, Endpoint
from turkctl.market.protocol.wire import answer

EVENT = "before-send.mturk"


def attach(events: Any, endpoint: Endpoint) -> None:
    """Let ``endpoint`` answer every MTurk request, without network traffic. Safe for many threads.

    Args:
        events: a client's ``client.meta.events``, or a session's (``boto3.Session().events``) for all clients that
            it creates from now on.
        endpoint: answers the requests. Path or host of the client's endpoint URL tell production from sandbox.
    """

    def reply(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return _reply(request, endpoint)

    events.register_first(EVENT, reply)


def _reply(request: AWSPreparedRequest, endpoint: Endpoint) -> AWSResponse:
    parts = urlsplit(request.url)
    headers = {"Host": parts.netloc, **request.headers}
    try:
        status, answer_headers, content = answer(endpoint, parts.path or "/", headers, _body(request))
    except CutAnswerError:
        raise ConnectionClosedError(endpoint_url=request.url) from None
    return AWSResponse(request.url, status, answer_headers, _Raw(content))


def _body(request: AWSPreparedRequest) -> bytes:
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    content: bytes = body.read()
    return content


class _Raw(BytesIO):
    """The part of urllib3's response that botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()
