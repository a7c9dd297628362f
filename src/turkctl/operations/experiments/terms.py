"""What an experiment's stored settings say about money and numbers of HITs.

They were validated before they were stored. Reading these few anew takes no validation of the rest, whose import would
be a fifth of the time in which a list or a status is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from turkctl.store.experiments import Version
from turkctl.units import parse_money


@dataclass(frozen=True)
class StoredTerms:
    """The limits of an experiment, in dollars and HITs, None where there is none; and what its work costs more."""

    budget: Decimal | None
    min_balance: Decimal | None
    max_active_hits: int | None
    max_total_hits: int | None
    masters: bool
    """Whether it requires Masters, which raises the commission."""


def terms_of(version: Version) -> StoredTerms:
    """Return the terms of a stored version."""
    limits: Mapping[str, Any] = version.settings.get("limits") or {}
    qualifications: Mapping[str, Any] = version.settings.get("qualifications") or {}
    return StoredTerms(
        budget=_dollars(limits.get("budget")),
        min_balance=_dollars(limits.get("min_balance")),
        max_active_hits=limits.get("max_active_hits"),
        max_total_hits=limits.get("max_total_hits"),
        masters=bool(qualifications.get("masters")),
    )


def _dollars(text: str | None) -> Decimal | None:
    return None if text is None else parse_money(text)
