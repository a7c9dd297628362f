"""Find the differences between two versions of settings, and prepare them for display. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

LONGEST_SHOWN = 500
"""Most characters of a value that is shown in full."""


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Return (old, new) of each difference, by dotted key; None stands for a missing value."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= changed_keys(before, after, f"{prefix}{key}.")
        elif before != after:
            found[prefix + key] = (before, after)
    return found


def shown(differences: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Return the differences for display; of a long text, only its length and digest."""
    return {key: {"old": _short(old), "new": _short(new)} for key, (old, new) in differences.items()}


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= LONGEST_SHOWN:
        return value
    return f"{len(value):,} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
