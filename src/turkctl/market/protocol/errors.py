"""What the service's front end answers before the market itself is asked: who signed, and can the request be read."""

from __future__ import annotations

from turkctl.market.errors import MarketError


class FrontEndError(MarketError):
    """A refusal by AWS's front end: ``message`` in lower case, no TurkErrorCode, HTTP 400."""

    capital = False


class SerializationException(FrontEndError):  # noqa: N818  its name on the wire
    """The body is not JSON, or a value has the wrong JSON type."""

    type = "SerializationException"


class UnknownOperationException(FrontEndError):  # noqa: N818  its name on the wire
    """X-Amz-Target names no operation, or the path no market."""

    type = "UnknownOperationException"


class MissingAuthenticationTokenException(FrontEndError):  # noqa: N818  its name on the wire
    """Not signed, where signatures are checked."""

    type = "MissingAuthenticationTokenException"


class IncompleteSignatureException(FrontEndError):  # noqa: N818  its name on the wire
    """A signature that cannot be read."""

    type = "IncompleteSignatureException"


class UnrecognizedClientException(FrontEndError):  # noqa: N818  its name on the wire
    """Signed with a key that nobody knows here."""

    type = "UnrecognizedClientException"


class InvalidSignatureException(FrontEndError):  # noqa: N818  its name on the wire
    """A wrong signature, or one that is too old."""

    type = "InvalidSignatureException"
