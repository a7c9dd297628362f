"""Sign what a confirming page asks for, so that exactly what was shown is done, once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from turkctl.errors import RefusedError
from turkctl.web.sign_in import LASTS


@dataclass(frozen=True)
class ActRequest:
    """What one confirming page asks for.

    Attributes:
        act: the act's name in addresses.
        fields: what was asked for.
        mode: of the page; it does not change where the session's mode does.
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
    """Signs requests with the application's key."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="turkctl-act")

    def sign(self, request: ActRequest) -> str:
        """Return the request as signed text."""
        return str(self._serializer.dumps(asdict(request)))

    def read(self, text: str, user: str) -> tuple[ActRequest, float]:
        """Return the request, and when it was signed, in seconds of the epoch.

        Raises:
            StalePageError: it was not signed here, is older than a session, or was shown to somebody else.
        """
        try:
            values, signed = self._serializer.loads(text, max_age=int(LASTS.total_seconds()), return_timestamp=True)
            request = ActRequest(**values)
        except (BadData, TypeError):
            raise StalePageError from None
        if request.user != user:
            raise StalePageError
        return request, signed.timestamp()
