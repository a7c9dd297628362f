"""Find the name that was meant: exact names, and the nearest spelling for hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from turkctl.errors import UsageError


def known_name(name: str, among: Iterable[str], what: str) -> str:
    """Return the name if it is known.

    Raises:
        UsageError: there is no such name; the hint names the nearest, or all.
    """
    among = list(dict.fromkeys(among))
    if name in among:
        return name
    near = nearest(name.lower().replace("-", "_"), among)
    hint = f"did you mean {near}?" if near else "one of " + ", ".join(among)
    raise UsageError(f"there is no {what} '{name}'", hint=hint)


def nearest(name: str, among: Iterable[str]) -> str | None:
    """Return the closest spelling among the given names, or None if none is close."""
    close = difflib.get_close_matches(name, list(among), n=1, cutoff=0.55)
    return close[0] if close else None
