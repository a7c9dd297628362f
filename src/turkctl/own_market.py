"""Name the extensions of turkctl's own market to the Requester API. The client and the market share them."""

from __future__ import annotations

import re

HEADER = "x-turkctl-market"
"""A header in every answer of the market. Its value increases when the market does more than the API."""
VERSION = "2"
"""The header's value: the market grants gates (1), and knows audiences and consent (2)."""
STUDY_RULES = 2
"""The first version that knows audiences and consent."""

GRANT_ON_ACCEPT = "turkctl-grant-on-accept"
"""A keyword of a qualification type, called a gate: the market grants the type to workers who accept a HIT of its owner
that requires its absence for accepting alone, in the same transaction, and revokes it if that assignment is returned or
abandoned. A HIT that requires its presence marks those who accept it in the same way, and keeps out nobody. Other
markets ignore the keyword."""

AUDIENCE = "turkctl-audience"
"""A keyword of a qualification type: who is in one of the groups that its description names, as in
``{"groups": ["class-2026w"]}``, counts as holding it."""

CONSENT = "turkctl-consent"
"""A keyword of a qualification type whose Test is an HTMLQuestion, the page of a consent. A HIT that requires its
presence can be accepted only by those who agreed to it on the worker site, to whom the market grants it then. Nobody
else can grant it, and its page never changes: another text is another type."""


def kinds(keywords: str | None) -> frozenset[str]:
    """Return which of our keywords these keywords have."""
    return frozenset(re.split(r"[,\s]+", keywords or "")) & {GRANT_ON_ACCEPT, AUDIENCE, CONSENT}
