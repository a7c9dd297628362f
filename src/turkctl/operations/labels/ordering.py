"""Put facts of a run back into the order in which they were made: the database keeps them sorted by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COEFFICIENTS = ("alpha", "alpha_low", "alpha_high", "kappa", "kappa_low", "kappa_high")
_BINARY = ("false", "true")


def in_order_of_classes(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a worker's row with what is kept by class in the order of the classes.

    Args:
        row: as it was stored.
        facts: of the run, which name the classes.
    """
    names = facts.get("classes") or _BINARY
    found = dict(row)
    if isinstance(found.get("confusion"), dict):
        table = found["confusion"]
        found["confusion"] = {name: _sorted(table[name], names) for name in names if name in table}
    if "classes" in found:
        found["classes"] = [_class(each, names) for each in found["classes"]]
    return found


def _class(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    numbers = {name: row[name] for name in ("class", "n", "right")}
    return {**numbers, "wrong_as": _sorted(row["wrong_as"], names)}


def _sorted(shares: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: shares[name] for name in names if name in shares}


def agreement_in_order(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return how far people agree, as it was made; None if a run does not say."""
    if found is None:
        return None
    whole = {name: found[name] for name in ("items", "labels", "workers", *_COEFFICIENTS)}
    rows = [{name: each[name] for name in ("class", "share", *_COEFFICIENTS)} for each in found["classes"]]
    return {**whole, "classes": rows}
