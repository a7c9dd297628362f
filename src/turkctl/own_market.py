"""Name the extensions of turkctl's own market to the Requester API. The client and the market share them."""

from __future__ import annotations

from dataclasses import dataclass

HEADER = "x-turkctl-market"
"""A header in every answer of the market. Its value increases when the market does more than the API."""
VERSION = "2"
"""The header's value. From 1 the market grants gates; from 2 it tells its rules and extensions (GetMarketRules)."""

GRANT_ON_ACCEPT = "turkctl-grant-on-accept"
"""A keyword of a qualification type: the market grants the type to workers who accept a HIT of its owner that requires
its absence, in the same transaction, and revokes it if that assignment is returned or abandoned. Other markets ignore
the keyword."""

GATES = "gates"
"""The extension of :data:`GRANT_ON_ACCEPT`."""
EXTENSIONS = frozenset({GATES})
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
