"""UniqueRequestToken: remembered for 24 hours of market time, per account, environment and operation.

A repeat is an error: it has no second effect and does not return the first answer; other parameters are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from turkctl.market import rules, tables
from turkctl.market.tx import Tx

_OWNED = (
    tables.token.c.environment == bindparam("b_environment"),
    tables.token.c.account == bindparam("b_account"),
    tables.token.c.operation == bindparam("b_operation"),
    tables.token.c.token == bindparam("b_token"),
)
_FIND = select(tables.token.c.result, tables.token.c.expires_at).where(*_OWNED)
_FORGET = tables.token.delete().where(*_OWNED)


def seen(tx: Tx, operation: str, request: Mapping[str, Any]) -> str | None:
    """Return the result of the request's token within the last 24 hours: a HIT id or a request id."""
    token = request.get("UniqueRequestToken")
    if token is None:
        return None
    key = _key(tx, operation, token)
    row = tx.first(_FIND, key)
    if row is None:
        return None
    if row.expires_at > tx.now:
        result: str = row.result
        return result
    tx.run(_FORGET, key)
    return None


def remember(tx: Tx, operation: str, request: Mapping[str, Any], result: str) -> None:
    """Remember the request's token, if it has one, together with its result."""
    token = request.get("UniqueRequestToken")
    if token is None:
        return
    row = {"environment": tx.environment, "account": tx.account, "operation": operation, "token": token}
    tx.run(tables.token.insert(), row | {"result": result, "expires_at": tx.now + rules.TOKEN_LIFE})


def forget_old(tx: Tx) -> None:
    """Delete expired tokens."""
    tx.run(tables.token.delete().where(tables.token.c.expires_at <= tx.now))


def _key(tx: Tx, operation: str, token: str) -> dict[str, Any]:
    return {
        "b_environment": tx.environment,
        "b_account": tx.account,
        "b_operation": operation,
        "b_token": token,
    }
