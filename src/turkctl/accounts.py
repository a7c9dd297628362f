"""Find the account of an access key id, as far as the id itself tells. Pure; the client and the market share it.

Source: access key ids that AWS has issued since 2019 (``AKIA``/``ASIA`` and then a letter from Q on) contain the number
of their account, base32-encoded, shifted by seven bits; ``sts get-access-key-info`` gives the same. Older ones don't.
The built-in market gives every other id an account of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

_CARRIES_ACCOUNT = re.compile(r"A[KS]IA[Q-Z2-7][A-Z2-7]{15}")
_SHIFT = 7


def aws_account(key_id: str) -> str | None:
    """Return the 12-digit AWS account in an access key id, or None if the id does not contain it."""
    if not _CARRIES_ACCOUNT.fullmatch(key_id):
        return None
    try:
        raw = base64.b32decode(key_id[4:])
    except binascii.Error:
        return None
    number = (int.from_bytes(raw[:6], "big") & (2**47 - 1)) >> _SHIFT
    return f"{number:012d}"


def told_apart(other: str, here: str) -> str:
    """Return how to name another market beside this one: by its account alone if both have the same address.

    Args:
        other: the identity of the other market: its address, then ``#`` and the account if it is known.
        here: the identity of this one.
    """
    address, _, account = other.partition("#")
    return f"account {account}" if account and address == here.partition("#")[0] else other


def account_number(text: str | None) -> str | None:
    """Return ``text`` if it is a 12-digit account number, else None."""
    return text if text and re.fullmatch(r"[0-9]{12}", text) else None


def market_account(key_id: str) -> str:
    """Return the 12-digit account that the built-in market gives an access key id, always the same for an id."""
    number = int.from_bytes(hashlib.sha256(key_id.encode()).digest()[:8], "big")
    return aws_account(key_id) or f"{number % 10**12:012d}"


def with_market(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return a list's columns, plus the market (which names the account) if the rows come from several."""
    several = len({row["market"] for row in rows}) > 1
    return (*columns, "market") if several else tuple(columns)
