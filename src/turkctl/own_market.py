"""Name the extensions of turkctl's own market to the Requester API. The client and the market share them."""

from __future__ import annotations

HEADER = "x-turkctl-market"
"""A header in every answer of the market. Its value increases when the market does more than the API."""
VERSION = "1"
"""The header's value: the market grants gates."""

GRANT_ON_ACCEPT = "turkctl-grant-on-accept"
"""A keyword of a qualification type: the market grants the type to workers who accept a HIT of its owner that requires
its absence, in the same transaction, and revokes it if that assignment is returned or abandoned. Other markets ignore
the keyword."""
