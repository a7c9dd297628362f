"""Our own description of the Mechanical Turk Requester API (2017-01-17), in botocore's format.

Amazon closed the service, and botocore drops clients of closed services; with :data:`SEARCH_PATH` on the search path
of botocore's loader, ``mturk`` clients can still be created. The built-in market checks requests against it.
``service-2.json`` describes the interface only: operations, members, types, patterns, bounds and values of members, as
Amazon's API reference documents them. Bounds that only its prose gives (sizes of lists, lengths of titles) are checked
by the market.

``service-2.sdk-extras.json`` has the operations, and the members of requests, that only turkctl's own market knows.
botocore's loader merges it into the model of the API, its own or ours, for clients whose loader has
:data:`SEARCH_PATH`; other clients do without them.

This package is a leaf: it imports nothing of turkctl.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SEARCH_PATH = str(Path(__file__).parent)
"""The folder to append to ``search_paths`` of botocore's loader."""

_FOLDER = Path(SEARCH_PATH, "mturk", "2017-01-17")


@cache
def service_model() -> dict[str, Any]:
    """Return the model of all that our market answers, read once: ``metadata``, ``operations`` and ``shapes``.

    Callers must not change it.
    """
    model: dict[str, Any] = _read("service-2.json")
    for section, ours in own_parts().items():
        model[section] = _merged(model[section], ours)
    return model


def _merged(theirs: Any, ours: Any) -> Any:
    """Return a part of the model with what is ours added to it, as botocore's loader does."""
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):
        return ours
    return {**theirs, **{name: _merged(theirs.get(name), part) for name, part in ours.items()}}


@cache
def own_parts() -> dict[str, Any]:
    """Return the ``operations`` and ``shapes`` that are turkctl's own, as the market's clients merge them."""
    merged: dict[str, Any] = _read("service-2.sdk-extras.json")["merge"]
    return merged


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return found
