"""What turkctl's own market does besides the Requester API, by name. The client and the market share it."""

from __future__ import annotations

HEADER = "x-turkctl-market"
"""In every answer of every door of the market. Its value goes up when the market does more than the API."""
VERSION = "1"
"""The header's value: the market grants gates."""

GRANT_ON_ACCEPT = "turkctl-grant-on-accept"
"""Among the keywords of a qualification type: the market grants it to whoever accepts a HIT of its owner that requires
its absence, in that transaction, and takes it back where that very assignment is returned or abandoned. Other markets
ignore the keyword."""
