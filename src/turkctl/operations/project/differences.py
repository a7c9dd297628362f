"""Find the differences between two versions of settings, and prepare them for display. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

LONGEST_SHOWN = 500
"""Most characters of a value that is shown in full."""
LONGEST_SAID = 24
"""Most characters of a value that is said in words; of a longer one only that it changed."""

_NONE: tuple[Any, ...] = (None, "", [], {})
"""Values of settings that are not there."""


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


def in_words(changes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return differences, as :func:`shown` has them, in words: ``reward 0.10 -> 0.20, title changed``."""
    return ", ".join(_said(key, each["old"], each["new"]) for key, each in changes.items())


def _said(key: str, old: Any, new: Any) -> str:
    name = key.replace(".", " ").replace("_", " ")
    if key == "active":
        return "in use again" if new else "no longer in use"
    before, after = _brief(old), _brief(new)
    if old in _NONE:
        return f"{name} {after} added" if after else f"{name} added"
    if new in _NONE:
        return f"{name} {before} removed" if before else f"{name} removed"
    return f"{name} {before} -> {after}" if before and after else f"{name} changed"


def _brief(value: Any) -> str | None:
    """Return a number, an amount, a duration or one short word as it is written; None for texts, lists and tables."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and len(value) == 1:
        return _brief(value[0])
    whole = isinstance(value, str) and 0 < len(value) <= LONGEST_SAID and not any(map(str.isspace, value))
    return value if whole else None


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= LONGEST_SHOWN:
        return value
    return f"{len(value):,} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
