"""Explain why there is no secure connection to a market: usually a certificate that this machine does not trust."""

from __future__ import annotations

import os
import ssl
from typing import Any, Final

OWN = (
    "a certificate that you made yourself, or your institution's, is trusted once AWS_CA_BUNDLE names its file "
    "(AWS_CA_BUNDLE=/path/to/certificate.pem)"
)
BUNDLE = "check AWS_CA_BUNDLE, or ca_bundle in ~/.aws/config: a file of certificates in PEM"
PLAIN = "write http:// instead of https:// if it speaks plain HTTP, as `turkctl market serve` does"

_HINTS: Final[tuple[tuple[str, str], ...]] = (
    ("expired", "have it renewed, and check this machine's clock"),
    ("not yet valid", "check this machine's clock"),
    ("match", "write the host as the certificate names it"),
    ("valid for", "write the host as the certificate names it"),
)


def explain(error: Any, endpoint: str) -> tuple[str, str]:
    """Return why the secure connection failed, and what to do.

    Args:
        error: botocore's SSLError, which wraps urllib3's, which wraps the ssl module's or the file's.
        endpoint: the market's address, as shown to the user.
    """
    cause = _innermost(error)
    told = str(getattr(cause, "verify_message", "") or getattr(cause, "strerror", "") or cause)
    if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
        advice = [hint for part, hint in _HINTS if part in told]
        return f"the certificate of {endpoint} is not trusted: {told}", "; ".join([*advice[:1], OWN])
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
        return f"{_bundle()} cannot be read: {told}", BUNDLE
    if getattr(cause, "library", None) in ("X509", "PEM"):
        return f"{_bundle()} contains no certificate: {_words(cause)}", BUNDLE
    return f"no market at {endpoint}: no secure connection could be made ({_words(cause)})", PLAIN


def _bundle() -> str:
    return f"the file of trusted certificates {os.environ.get('AWS_CA_BUNDLE', 'in the configuration of AWS')}"


def _innermost(error: Any) -> Any:
    cause = error.kwargs.get("error", error)
    while isinstance(cause, Exception) and cause.args and isinstance(cause.args[0], Exception):
        cause = cause.args[0]
    return cause


def _words(cause: Any) -> str:
    return str(getattr(cause, "reason", None) or cause).replace("_", " ").lower()
