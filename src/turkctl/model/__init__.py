"""Our own description of the Mechanical Turk Requester API (2017-01-17), in botocore's format.

Amazon closed the service, and botocore drops clients of closed services; with :data:`SEARCH_PATH` on the search path
of botocore's loader, ``mturk`` clients can still be created. The built-in market checks requests against it.
The files describe the interface only: operations, members, types, patterns, bounds and values of members, as Amazon's
API reference documents them. Bounds that only its prose gives (sizes of lists, lengths of titles) are checked by the
market.

This package is a leaf: it imports nothing of turkctl.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SEARCH_PATH = str(Path(__file__).parent)
"""The folder to append to ``search_paths`` of botocore's loader."""

_SERVICE_MODEL = Path(SEARCH_PATH, "mturk", "2017-01-17", "service-2.json")


@cache
def service_model() -> dict[str, Any]:
    """Return the service model, read once: ``metadata``, ``operations`` and ``shapes``. Callers must not change it."""
    model: dict[str, Any] = json.loads(_SERVICE_MODEL.read_text(encoding="utf-8"))
    return model
