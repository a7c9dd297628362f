"""Pages by key. As in the service, every page that is not empty comes with a token, which names the page's last row.

So a client that asks until the token is missing gets one empty page at the end. Tokens are opaque and valid only for
the query they came from; they do not expire (their lifetime is not documented).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, tuple_

from turkctl.market.errors import not_valid
from turkctl.market.tx import Tx

DEFAULT_SIZE = 10
"""The old API's page size; the current one is not documented."""


def fetch(
    tx: Tx,
    request: Mapping[str, Any],
    query: Sequence[object],
    statement: Select[Any],
    keys: Sequence[ColumnElement[int]],
    *,
    descending: bool = False,
) -> tuple[Sequence[Row[Any]], dict[str, Any]]:
    """Return one page of ``statement`` ordered by ``keys`` (which must be unique together, and selected).

    Args:
        tx: the transaction.
        request: with NextToken and MaxResults.
        query: what the token is bound to: the operation and its filters.
        statement: the rows, without order.
        keys: the columns to order by.
        descending: order all keys from large to small.

    Returns:
        The rows, and the answer's NumResults and NextToken.

    Raises:
        ParameterValidationError: the token does not belong to this query.
    """
    fingerprint = _fingerprint([tx.environment, tx.account, *query])
    token = request.get("NextToken")
    if token is not None:
        last = _decode(token, fingerprint, len(keys))
        edge, mark = (keys[0], last[0]) if len(keys) == 1 else (tuple_(*keys), tuple_(*last))
        statement = statement.where(edge < mark if descending else edge > mark)
    order = [key.desc() if descending else key.asc() for key in keys]
    rows = tx.all(statement.order_by(*order).limit(request.get("MaxResults") or DEFAULT_SIZE))
    answer: dict[str, Any] = {"NumResults": len(rows)}
    if rows:
        answer["NextToken"] = _encode(fingerprint, [getattr(rows[-1], str(key.key)) for key in keys])
    return rows, answer


def listed(
    page: tuple[Sequence[Row[Any]], dict[str, Any]], member: str, describe: Callable[[Row[Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Return the answer of a listing: its rows, described, under ``member``."""
    rows, answer = page
    return answer | {member: [describe(row) for row in rows]}


def _fingerprint(query: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]


def _encode(fingerprint: str, values: Sequence[int]) -> str:
    text = ".".join([fingerprint, *map(str, values)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(token: str, fingerprint: str, count: int) -> list[int]:
    try:
        text = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)).decode()
        found, *values = text.split(".")
        numbers = [int(value) for value in values]
    except (binascii.Error, UnicodeError, ValueError):
        raise not_valid(token, "NextToken") from None
    if found != fingerprint or len(numbers) != count or max(map(abs, numbers)) >= 2**63:
        raise not_valid(token, "NextToken")
    return numbers
