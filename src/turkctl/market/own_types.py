"""Qualification types that this market treats in its own way: gates, audiences and consents.

They are marked by keywords of :mod:`turkctl.own_market`. Their keywords, and what makes an audience or a consent, never
change; so what a requirement of such a type means is written into the HIT type when that is made, and costs no look
later. Only types of the HIT's own requester count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from turkctl import own_market
from turkctl.market import questions, tables
from turkctl.market.errors import RequestError, invalid_value
from turkctl.market.tx import Tx

OWN = "Own"
"""A member of a stored requirement, which the API does not show: the keyword of its type."""
GROUPS = "Groups"
"""Another one, of an audience: the groups."""
MOST_GROUPS = 50
_LONGEST = 200
"""Characters of a group's name at most."""

_TYPES = tables.qualification_type


def marked(tx: Tx, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the requirements, with what this market knows of their types."""
    ids = sorted({requirement["QualificationTypeId"] for requirement in asked})
    mine = (_TYPES.c.environment == tx.environment, _TYPES.c.account == tx.account, _TYPES.c.id.in_(ids))
    rows = tx.all(select(_TYPES.c.id, _TYPES.c.keywords, _TYPES.c.description).where(*mine)) if ids else ()
    known = {row.id: _mark(row) for row in rows}
    return [{**requirement, **known.get(requirement["QualificationTypeId"], {})} for requirement in asked]


def _mark(row: Row[Any]) -> dict[str, Any]:
    found = own_market.kinds(row.keywords)
    if own_market.AUDIENCE in found:
        return {OWN: own_market.AUDIENCE, GROUPS: json.loads(row.description)["groups"]}
    for kind in (own_market.CONSENT, own_market.GRANT_ON_ACCEPT):
        if kind in found:
            return {OWN: kind}
    return {}


def unmarked(stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored requirements as the API shows them."""
    return [{name: value for name, value in each.items() if name not in (OWN, GROUPS)} for each in stored]


def asks_for_consent(requirement: Mapping[str, Any]) -> bool:
    """Return whether a stored requirement is that the worker agrees to a consent."""
    return requirement.get(OWN) == own_market.CONSENT and requirement["Comparator"] == "Exists"


def is_consent(keywords: str | None) -> bool:
    """Return whether a type with these keywords is a consent, to which only the worker can agree."""
    return own_market.CONSENT in own_market.kinds(keywords)


def check_new(row: Mapping[str, Any]) -> None:
    """Check what is ours about a new type.

    Raises:
        RequestError: its keywords say that it is an audience or a consent, and the rest does not fit.
    """
    found = own_market.kinds(row.get("keywords"))
    if own_market.AUDIENCE in found:
        _check_groups(str(row["description"]))
    if own_market.CONSENT in found and row.get("test") is None:
        raise invalid_value("A consent needs a Test: an HTMLQuestion with its page.")


def _check_groups(description: str) -> None:
    try:
        groups = json.loads(description)["groups"]
    except (ValueError, TypeError, KeyError, RecursionError):
        groups = None
    names = isinstance(groups, list) and all(isinstance(each, str) and 0 < len(each) <= _LONGEST for each in groups)
    if not names or not groups or len(groups) > MOST_GROUPS:
        raise invalid_value('The Description of an audience must name its groups, as in {"groups": ["staff"]}.')


def check_test(test: str, keywords: str | None) -> None:
    """Check a test, which is a QuestionForm, or the page of a consent.

    Raises:
        ParameterValidationError: it is not.
    """
    if is_consent(keywords):
        questions.check_page(test)
    else:
        questions.check_test(test)


def refuse_change(row: Row[Any], changes: Mapping[str, Any]) -> None:
    """Refuse to change what HITs rely on: the groups of an audience, the page of a consent.

    Raises:
        RequestError: the change is one of these.
    """
    found = own_market.kinds(row.keywords)
    fixed = {own_market.AUDIENCE: {"description"}, own_market.CONSENT: {"test", "auto_granted", "answer_key"}}
    for kind, names in fixed.items():
        if kind in found and names & changes.keys():
            raise invalid_value("This QualificationType cannot be changed in that way; create another one.")


def refuse_grant(row: Row[Any]) -> None:
    """Refuse to let a requester agree in a worker's place.

    Raises:
        RequestError: the type is a consent.
    """
    if is_consent(row.keywords):
        raise RequestError("InvalidParameterValue", "Only the worker can agree to a consent; it cannot be granted.")
