"""The market inside the caller's process: a botocore client's requests are answered before they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError

from turkctl.market.protocol.endpoint import AnswerLostError, Endpoint
from turkctl.market.protocol.wire import answer

EVENT = "before-send.mturk"


def attach(events: Any, endpoint: Endpoint) -> None:
    """Let ``endpoint`` answer every MTurk request; nothing reaches the network. Safe for many threads.

    Args:
        events: a client's ``client.meta.events``, or a session's (``boto3.Session().events``) for all clients that
            it makes from now on.
        endpoint: what answers. The path or host of the client's endpoint URL tells production from sandbox.
    """

    def reply(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return _reply(request, endpoint)

    events.register_first(EVENT, reply)


def _reply(request: AWSPreparedRequest, endpoint: Endpoint) -> AWSResponse:
    parts = urlsplit(request.url)
    headers = {"Host": parts.netloc, **request.headers}
    try:
        status, answer_headers, content = answer(endpoint, parts.path or "/", headers, _body(request))
    except AnswerLostError:
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
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()
