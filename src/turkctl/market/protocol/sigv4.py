"""Who is asking: the requester's account from the SigV4 credential scope, and the signature check if keys are set.

The Authorization header of a signed request reads ``AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request,
SignedHeaders=a;b, Signature=hex``. The region is not checked: botocore signs for a region "sandbox" if a user chose
that one. Errors and their texts are those of AWS's front end.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from turkctl.accounts import market_account
from turkctl.market.protocol.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)

ANONYMOUS_ACCOUNT = "000000000000"
"""The account of requests that are not signed."""
SIGNING_NAME = "mturk-requester"
MAX_CLOCK_SKEW = timedelta(minutes=15)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key_id>[^/,\s]{1,128})/(?P<date>[0-9]{8})/(?P<region>[^/,\s]{1,64})"
    r"/(?P<service>[^/,\s]{1,64})/aws4_request"
    r"\s*,\s*SignedHeaders=(?P<signed>[^,\s]{1,4096})\s*,\s*Signature=(?P<signature>[0-9a-f]{64})\s*"
)
_KEY_ID = re.compile(r"Credential=([^/,\s]{1,128})/")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~%-]{1,253})(?::[0-9]{1,5})?")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True)
class _Signature:
    key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


def account(headers: Mapping[str, str], named: Mapping[str, str]) -> str:
    """Return the account of whoever signed, without checking the signature.

    Args:
        headers: the request's headers, names in lower case.
        named: account number by access key id, for keys that do not have their own account.
    """
    match = _KEY_ID.search(headers.get("authorization", ""))
    if match is None:
        return ANONYMOUS_ACCOUNT
    return named.get(match[1]) or market_account(match[1])


def is_host(text: str) -> bool:
    """Return whether this is a valid Host header: a name or an address, and perhaps a port."""
    return _HOST.fullmatch(text) is not None


def verify(
    path: str, headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], now: Callable[[], float]
) -> None:
    """Check the signature of a ``POST``.

    Args:
        path: as in the request line, without a query.
        headers: names in lower case.
        body: as it was sent.
        keys: secret by access key id.
        now: the real time in epoch seconds, not the market's.

    Raises:
        MissingAuthenticationTokenException: the request is not signed.
        IncompleteSignatureException: the signature cannot be read.
        UnrecognizedClientException: the key is not in ``keys``.
        InvalidSignatureException: the signature is wrong, or more than 15 minutes off.
    """
    given = _parse(headers)
    if given.key_id not in keys:
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    if given.service != SIGNING_NAME:
        raise InvalidSignatureException(f"Credential should be scoped to correct service: '{SIGNING_NAME}'.")
    timestamp = headers["x-amz-date"]
    _check_time(timestamp, datetime.fromtimestamp(now(), UTC))
    if given.date != timestamp[:8]:
        raise InvalidSignatureException(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date."
        )
    # A hash that the client states is signed instead of the body, so it must be the body's.
    stated = headers.get("x-amz-content-sha256", "")
    if stated and stated != hashlib.sha256(body).hexdigest():
        raise InvalidSignatureException(_MISMATCH)
    expected = _sign(given, timestamp, path, headers, body, keys[given.key_id])
    if not hmac.compare_digest(expected, given.signature):
        raise InvalidSignatureException(_MISMATCH)


def _parse(headers: Mapping[str, str]) -> _Signature:
    authorization = headers.get("authorization", "").strip()
    if not authorization:
        raise MissingAuthenticationTokenException("Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise IncompleteSignatureException("The Authorization header is not a complete AWS4-HMAC-SHA256 signature.")
    parts = match.groupdict()
    signed = tuple(parts.pop("signed").lower().split(";"))
    if "x-amz-date" not in headers or not {"host", "x-amz-target"} <= {*signed}:
        raise IncompleteSignatureException("A signed request has an X-Amz-Date and signs Host and X-Amz-Target.")
    if not is_host(headers.get("host", "")):
        raise IncompleteSignatureException("A signed request has a Host header that names a host.")
    return _Signature(signed=signed, **parts)


def _check_time(timestamp: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{timestamp[:40]}'."
        ) from None
    first, last = now - MAX_CLOCK_SKEW, now + MAX_CLOCK_SKEW
    if signed_at < first:
        raise InvalidSignatureException(
            f"Signature expired: {timestamp} is now earlier than {first.strftime(_TIMESTAMP)} "
            f"({now.strftime(_TIMESTAMP)} - 15 min.)"
        )
    if signed_at > last:
        raise InvalidSignatureException(
            f"Signature not yet current: {timestamp} is still later than {last.strftime(_TIMESTAMP)} "
            f"({now.strftime(_TIMESTAMP)} + 15 min.)"
        )


def _sign(given: _Signature, timestamp: str, path: str, headers: Mapping[str, str], body: bytes, secret: str) -> str:
    """Return the expected signature, computed by botocore."""
    signer = SigV4Auth(Credentials(given.key_id, secret), given.service, given.region)
    signed = {name: headers[name] for name in given.signed if name in headers}
    request = AWSRequest(method="POST", url=f"http://{headers.get('host', '')}{path}", headers=signed, data=body)
    request.context["timestamp"] = timestamp
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))
