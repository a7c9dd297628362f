"""Remember which ids were erased, as hashes, so that none of them comes back by accident.

The hashes have a key that the market keeps. Whoever has the market's database can still try ids one by one: the hashes
say of an id that they already know that it was erased, and nothing about who has it now.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import select

from turkctl.errors import UsageError
from turkctl.market import tables
from turkctl.market.tx import Tx

WORKER = "worker id"
OWN = "own id"


def refuse(tx: Tx, kind: str, text: str) -> None:
    """Raise UsageError if this id was erased."""
    if is_erased(tx, kind, text):
        raise UsageError(
            f"this {kind} was erased, with the person who had it", hint=f"give another {kind}, if they agree to return"
        )


def is_erased(tx: Tx, kind: str, text: str) -> bool:
    """Return whether this id was erased."""
    key = _key(tx)
    if key is None:
        return False
    found = tables.erased.c
    same = (found.environment == tx.environment, found.digest == _digest(key, kind, text))
    return tx.first(select(found.at).where(*same)) is not None


def remember(tx: Tx, kind: str, text: str) -> None:
    """Remember that this id is erased."""
    key = _key(tx)
    if key is None:
        key = secrets.token_hex(32)
        tx.run(tables.meta.update().values(erasure_key=key))
    row = {"environment": tx.environment, "digest": _digest(key, kind, text), "at": tx.now}
    tx.run(tables.erased.insert(), row)


def _key(tx: Tx) -> str | None:
    row = tx.first(select(tables.meta.c.erasure_key))
    return None if row is None else row.erasure_key


def _digest(key: str, kind: str, text: str) -> str:
    return hmac.new(bytes.fromhex(key), f"{kind} {text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
