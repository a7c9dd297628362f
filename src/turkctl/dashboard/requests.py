"""Sign what a confirming page asks for, so that exactly what was shown is done, once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from turkctl.errors import RefusedError
from turkctl.web.sign_in import LASTS, now_utc


@dataclass(frozen=True)
class ActRequest:
    """What one confirming page asks for.

    Attributes:
        act: the act's name in addresses.
        fields: what was asked for.
        mode: of the page; in another one nothing is done.
        user: who was shown the page.
        digest: of the plan that was shown.
        form: random; the same however often the page is sent.
    """

    act: str
    fields: Mapping[str, Any]
    mode: str
    user: str
    digest: str
    form: str

    @classmethod
    def new(cls, act: str, fields: Mapping[str, Any], mode: str, user: str, digest: str) -> ActRequest:
        """Return a request with a new id."""
        return cls(act, fields, mode, user, digest, secrets.token_urlsafe(24))


class StalePageError(RefusedError):
    """The confirming page cannot be used any more."""

    code = "stale_page"

    def __init__(self) -> None:
        super().__init__(
            "this page is too old, or is not yours; nothing was done", hint="go back and ask for the plan again"
        )


class RequestSigner:
    """Signs requests with the application's key, and with the time."""

    def __init__(self, secret_key: str, clock: Callable[[], datetime] = now_utc) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="turkctl-act")
        self._clock = clock

    def sign(self, request: ActRequest) -> str:
        """Return the request as signed text."""
        return str(self._serializer.dumps([asdict(request), self._clock().timestamp()]))

    def read(self, text: str, user: str) -> tuple[ActRequest, float]:
        """Return the request, and how many seconds ago it was signed.

        Raises:
            StalePageError: it was not signed here, is older than a session, or was shown to somebody else.
        """
        try:
            values, signed = self._serializer.loads(text)
            request, age = ActRequest(**values), self._clock().timestamp() - signed
        except (BadData, TypeError, ValueError):
            raise StalePageError from None
        if request.user != user or age >= LASTS.total_seconds():
            raise StalePageError
        return request, max(0.0, age)  # another process's clock may be ahead
