"""Add payments up: all of them, or by day, worker, experiment or campaign; rewards, bonuses and fees apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from turkctl.operations.payments.earnings import last_if_missing
from turkctl.store import payments
from turkctl.units import ZERO, money_text
from turkctl.words import counted, known_name

GROUPS = {"day": "day", "worker": "worker_id", "experiment": "experiment", "campaign": "campaign"}
"""What payments can be grouped by, and the key of each group."""
SUMS = ("payments", "rewards", "bonuses", "compensation", "fees", "total", "unknown")
_COLUMN = {payments.REWARD: "rewards", payments.BONUS: "bonuses", payments.COMPENSATION: "compensation"}

Row = Mapping[str, Any]


def totals(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the sums :data:`SUMS` of payments as they are listed, in dollars.

    ``fees`` is the commission on all of them, ``total`` everything; ``unknown`` is the number of payments whose amount
    nobody knows, which are in no sum.
    """
    sums: dict[str, Any] = dict.fromkeys(SUMS, ZERO) | {"payments": 0, "unknown": 0}
    for row in rows:
        amount: Decimal | None = row["amount"]
        sums["payments"] += 1
        if amount is None:
            sums["unknown"] += 1
            continue
        fee = row["fee"] or ZERO
        sums[_COLUMN[row["kind"]]] += amount
        sums["fees"] += fee
        sums["total"] += amount + fee
    return sums


def grouped(rows: Iterable[Row], by: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and a row for each group of payments, with the sums of :func:`totals`.

    Days are those of UTC. Payments that belong to no experiment or campaign are a group of their own, the last.

    Raises:
        UsageError: there is no such group.
    """
    names = [known_name(each, tuple(GROUPS), "group") for each in dict.fromkeys(by)]
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(_value(row, name) for name in names)].append(row)
    keys = [GROUPS[name] for name in names]
    found = [dict(zip(keys, values, strict=True)) | totals(members) for values, members in groups.items()]
    found.sort(key=lambda row: [last_if_missing(row[key]) for key in keys])
    return [*keys, *SUMS], found


def _value(row: Row, name: str) -> Any:
    if name != "day":
        return row[GROUPS[name]]
    return None if row["paid_at"] is None else row["paid_at"].astimezone(UTC).date().isoformat()


def shown_columns(columns: Sequence[str], sums: Row) -> list[str]:
    """Return the columns that a table needs: that of unknown amounts only where there are some."""
    return [column for column in columns if column != "unknown" or sums["unknown"]]


def in_words(sums: Row) -> str:
    """Return the sums as one line for people."""
    parts = [f"{name} {money_text(sums[name])}" for name in SUMS[1:5] if sums[name] or name == "fees"]
    line = f"{counted(sums['payments'], 'payment')}: {', '.join(parts)}, total {money_text(sums['total'])}"
    if sums["unknown"]:
        line += f"; the amount of {sums['unknown']:,} is not known"
    return line
