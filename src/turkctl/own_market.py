"""Name the extensions of turkctl's own market to the Requester API. The client and the market share them."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = "x-turkctl-market"
"""A header in every answer of the market. Its value increases when the market does more than the API."""
VERSION = "3"
"""The header's value. From 1 the market grants gates; from 2 it tells its rules and extensions (GetMarketRules);
from 3 it gives nobody an item twice, if CreateHIT tells the items."""

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

GATES = "gates"
"""The extension of :data:`GRANT_ON_ACCEPT`."""
STUDIES = "studies"
"""The extension of :data:`AUDIENCE` and :data:`CONSENT`."""
OWN_IDS = "own-ids"
"""The extension of people whom a lab knows by ids of its own (FindWorkers, ListOwnIds)."""
ITEMS = "items"
"""The extension of CreateHIT by ``Items`` and ``KnownItems``, names of what the HIT shows: the market neither offers
nor gives a worker a HIT with an item of ``Items`` that they have answered or have at hand, in any HIT of the same
requester. ``KnownItems`` may come again, once no HIT is near whose known items are new to them."""
EXTENSIONS = frozenset({GATES, STUDIES, OWN_IDS, ITEMS})
"""Names of all extensions of this turkctl's market."""

MTURK_FEE = "mturk"
"""The name of Amazon's rule for the commission."""
NO_FEE = "none"
"""The name of the rule that takes no commission."""
DOLLARS = "USD"
"""The unit of amounts, unless the market has another one."""
LONGEST_UNIT = 40
"""Characters that a unit has at most."""


@dataclass(frozen=True)
class MarketRules:
    """What a market says of itself (GetMarketRules); by default, what holds on Amazon's.

    Attributes:
        fee: name of the rule for its commission.
        unit: what amounts are counted in: :data:`DOLLARS`, or a word such as ``credits``.
        extensions: what it does beyond the API.
    """

    fee: str = MTURK_FEE
    unit: str = DOLLARS
    extensions: frozenset[str] = frozenset()


AMAZONS = MarketRules()
"""The rules of every market that is not turkctl's."""
OLDER = MarketRules(extensions=frozenset({GATES}))
"""The rules of a market of turkctl that cannot tell them yet."""


def kinds(keywords: str | None) -> frozenset[str]:
    """Return which of our keywords these keywords have."""
    return frozenset(re.split(r"[,\s]+", keywords or "")) & {GRANT_ON_ACCEPT, AUDIENCE, CONSENT}
