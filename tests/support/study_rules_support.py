"""Audiences, consents and gates, made as turkctl makes them."""

from __future__ import annotations

import json
from typing import Any

from turkctl.market.questions import html_question
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.own_market import AUDIENCE, CONSENT, GRANT_ON_ACCEPT

PAGE = "<!doctype html><title>Consent</title><p>You may stop at any time.</p>"
EVERYWHERE = "DiscoverPreviewAndAccept"


def make_type(market: Market, requester: Requester, name: str, keyword: str, **more: Any) -> str:
    """Create a qualification type with one of our keywords; return its id."""
    request = {
        "Name": name,
        "Description": "A rule of a study.",
        "QualificationTypeStatus": "Active",
        "Keywords": keyword,
    }
    made = market.create_qualification_type(requester, request | more)
    return str(made["QualificationType"]["QualificationTypeId"])


def audience(market: Market, requester: Requester, *groups: str) -> dict[str, Any]:
    """Make an audience; return the requirement that stands for it."""
    description = json.dumps({"groups": list(groups)})
    type_id = make_type(market, requester, f"audience {description}", AUDIENCE, Description=description)
    return {"QualificationTypeId": type_id, "Comparator": "Exists", "ActionsGuarded": EVERYWHERE}


def consent(market: Market, requester: Requester, page: str = PAGE) -> dict[str, Any]:
    """Make a consent; return the requirement that stands for it."""
    test = {"Test": html_question(page), "TestDurationInSeconds": 3600}
    type_id = make_type(market, requester, f"consent {page}", CONSENT, **test)
    return {"QualificationTypeId": type_id, "Comparator": "Exists"}


def gate(market: Market, requester: Requester, name: str = "gate") -> str:
    """Make a gate; return its id."""
    return make_type(market, requester, name, GRANT_ON_ACCEPT)
