"""The addresses at which moto reaches the market. moto finds this module by its name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionClosedError

from turkctl.market.doors.moto.models import current_backend
from turkctl.market.protocol.endpoint import CutAnswerError
from turkctl.market.protocol.wire import Answer, answer


def reply(request: Any, full_url: str, headers: Any) -> Answer:
    """Answer a request that moto hands over; its host or path tells production from sandbox.

    Raises:
        ConnectionClosedError: the switches lost the answer.
    """
    parts = urlsplit(full_url)
    known = {"Host": parts.netloc, **dict(headers.items())}
    try:
        return answer(current_backend().endpoint, parts.path or "/", known, request.get_data())
    except CutAnswerError:
        raise ConnectionClosedError(endpoint_url=full_url) from None


url_bases = [r"https?://mturk-requester(?:-sandbox)?\.(.+)\.amazonaws\.com"]
url_paths = {"{0}/$": reply, "{0}/sandbox/?$": reply}
