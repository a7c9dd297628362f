"""Errors of the service's front end, raised before the market is asked: bad signatures and unreadable requests."""

from __future__ import annotations

from turkctl.market.errors import MarketError


class FrontEndError(MarketError):
    """A refusal by AWS's front end: ``message`` in lower case, no TurkErrorCode, HTTP 400."""

    capital = False


class SerializationException(FrontEndError):  # noqa: N818  its name on the wire
    """The body is not JSON, or a value has the wrong JSON type."""

    type = "SerializationException"


class UnknownOperationException(FrontEndError):  # noqa: N818  its name on the wire
    """X-Amz-Target does not name an operation, or the path does not name a market."""

    type = "UnknownOperationException"


class MissingAuthenticationTokenException(FrontEndError):  # noqa: N818  its name on the wire
    """The request is not signed, but signatures are checked."""

    type = "MissingAuthenticationTokenException"


class IncompleteSignatureException(FrontEndError):  # noqa: N818  its name on the wire
    """The signature cannot be read."""

    type = "IncompleteSignatureException"


class UnrecognizedClientException(FrontEndError):  # noqa: N818  its name on the wire
    """The request is signed with an unknown key."""

    type = "UnrecognizedClientException"


class InvalidSignatureException(FrontEndError):  # noqa: N818  its name on the wire
    """The signature is wrong, or too old."""

    type = "InvalidSignatureException"
