"""Our own description of the Mechanical Turk Requester API (2017-01-17), in botocore's format.

Amazon closed the service, and botocore drops clients of closed services; with :data:`SEARCH_PATH` on the search path
of botocore's loader, ``mturk`` clients can be made all the same. The built-in market checks requests against it.
The files list the interface only: operations, members, types, patterns, bounds and values that members may take,
as Amazon's API reference documents them. Bounds that only its prose gives (sizes of lists, lengths of titles) are
the market's business.

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
    """The service model, read once: ``metadata``, ``operations`` and ``shapes``. Not to be changed by the caller."""
    model: dict[str, Any] = json.loads(_SERVICE_MODEL.read_text(encoding="utf-8"))
    return model
