"""Say how long somebody must wait for another attempt to sign in, by how many attempts failed before.

The dashboard and the worker site share these rules; each keeps the attempts in a database of its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import Protocol

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""
PER_PAIR = 5
"""Failures of one name from one address: somebody who mistypes is held up alone, also among many behind one address."""
PER_ADDRESS = 20
"""Failures from one address, of whatever names: of one who tries many."""
PER_NAME = 50
"""Failures of one name, from wherever: of one who has many addresses."""
KNOWN_FOR = timedelta(days=30)
"""How long a success counts: to whom has signed in from an address, the failures of others are nothing there."""
ENTRANCES = 500
"""People sent by panels who come in from one address within :data:`WINDOW`: a class behind one address, not somebody
who tries all ids that there could be."""
_NETWORK = 64
"""Bits of an IPv6 address that count: whoever has one has all that begin with them."""


class Book(Protocol):
    """Where attempts are looked up."""

    def nth_failure(
        self, number: int, since: datetime, *, name: str | None = None, address: str | None = None
    ) -> datetime | None:
        """Return the time of the failure that is ``number``-th from the latest since then; None if there are fewer."""

    def has_succeeded(self, since: datetime, name: str, address: str) -> bool:
        """Return whether this name signed in from this address since then."""


def wait(book: Book, name: str, address: str, now: datetime) -> timedelta | None:
    """Return how long until another attempt is allowed; None if it is allowed now."""
    since = now - WINDOW
    newest = [book.nth_failure(PER_PAIR, since, name=name, address=address)]
    if not book.has_succeeded(now - KNOWN_FOR, name, address):
        newest.append(book.nth_failure(PER_ADDRESS, since, address=address))
        newest.append(book.nth_failure(PER_NAME, since, name=name))
    return max((min(at + WINDOW - now, WINDOW) for at in newest if at is not None), default=None)


def entrance_wait(book: Book, address: str, now: datetime) -> timedelta | None:
    """Return how long until somebody else may come in from this address by a panel's id; None if they may now."""
    at = book.nth_failure(ENTRANCES, now - WINDOW, address=address)
    return None if at is None else min(at + WINDOW - now, WINDOW)


def digest(text: str) -> str:
    """Return what is kept of a name, an address or a token."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def network(address: str) -> str:
    """Return what counts as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _NETWORK), strict=False))
