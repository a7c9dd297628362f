"""Names of the API's operations as methods."""

from __future__ import annotations

import re
from functools import cache

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@cache
def method_name(operation: str) -> str:
    """Return the name of the market's method for an operation, as boto3 names it: ``ListHITs`` is ``list_hits``."""
    return _WORD.sub("_", operation.replace("HIT", "Hit").replace("URL", "Url")).lower()
