"""HIT layouts: HTML with ``${name}`` placeholders, made on the requester's site; the API only fills them in."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from sqlalchemy import select

from turkctl.market import questions, tables
from turkctl.market.errors import RequestError, invalid_value
from turkctl.market.parameter_limits import LIMITS
from turkctl.market.tx import Tx

_PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")


def register(tx: Tx, html: str, layout_id: str | None) -> str:
    """Store a layout under the given or a new id, and return the id. The API has no such operation."""
    layout_id = layout_id or tx.new_id()
    tx.run(
        tables.layout.insert(),
        {"id": layout_id, "environment": tx.environment, "account": tx.account, "html": html},
    )
    return layout_id


def question(tx: Tx, request: dict[str, Any]) -> str:
    """Return the question of a request for a HIT: its own, or its layout filled in as an HTMLQuestion.

    Raises:
        RequestError: not exactly one of the two is given, or the layout or a placeholder is missing or unknown.
    """
    given, layout_id = request.get("Question"), request.get("HITLayoutId")
    if (given is None) == (layout_id is None):
        raise invalid_value("Exactly one of Question and HITLayoutId must be given.")
    if given is not None:
        return str(given)
    row = tx.first(select(tables.layout).where(tables.layout.c.id == layout_id))
    if row is None or (row.environment, row.account) != (tx.environment, tx.account):
        raise RequestError("HITLayoutDoesNotExist", f"HITLayout {layout_id} does not exist.")
    values = {item["Name"]: item["Value"] for item in request.get("HITLayoutParameters") or []}
    return questions.html_question(_filled(row.html, values))


def _filled(html: str, values: dict[str, str]) -> str:
    asked = list(dict.fromkeys(_PLACEHOLDER.findall(html)))
    missing = [name for name in asked if name not in values]
    if missing:
        raise invalid_value(
            "You have not provided all required HITLayout parameters. Missing parameter names: " + ", ".join(missing)
        )
    unknown = sorted(values.keys() - set(asked))
    if unknown:
        raise invalid_value("The HITLayout has no parameters of these names: " + ", ".join(unknown))
    _check_size(html, asked, values)
    return _PLACEHOLDER.sub(lambda match: values[match[1]], html)


def _check_size(html: str, asked: list[str], values: dict[str, str]) -> None:
    """Refuse a page longer than a question may be, before building it: each placeholder repeats its value."""
    longest = LIMITS["Question"].high
    places = Counter(_PLACEHOLDER.findall(html))
    if sum(places[name] * len(values[name]) for name in asked) > longest:
        raise invalid_value(f"The HITLayout filled in is longer than {longest} bytes.")
