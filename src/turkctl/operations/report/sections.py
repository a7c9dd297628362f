"""Lay a report out for people: sections with facts and tables, the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from turkctl.operations.labels.quality import CLASS_COLUMNS, class_rows, interval
from turkctl.operations.payments.totals import SUMS, shown_columns
from turkctl.operations.report.facts import CAMPAIGN
from turkctl.units import format_money

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """One section: facts by their names, and below them a table, which may have no rows.

    Attributes:
        title: of the section.
        facts: by name.
        columns: of the table.
        rows: of the table, by column.
        note: what to know of them.
    """

    title: str
    facts: Facts
    columns: Sequence[str] = ()
    rows: Sequence[Facts] = ()
    note: str | None = None


def sections(report: Facts) -> list[Section]:
    """Return the sections of a report, the most asked for first."""
    people, exclusions = dict(report["people"]), report["exclusions"]
    by_condition = people.pop("by_condition")
    blocked = exclusions["blocked"]
    numbers = {
        "rejected": len(exclusions["rejected"]),
        "blocked": None if blocked is None else len(blocked),
        "kept_out_of_later_hits": exclusions["kept_out"],
        "labels_ignored": len(exclusions["labels_ignored"]),
    }
    return [
        Section("People", people, ("condition", "people"), by_condition),
        Section("Dates", report["dates"]),
        Section("Work", report["work"]),
        Section("Money", {}, _money_columns(report["money"]), report["money"]),
        Section("Wages", _wages(report["wages"])),
        _labels(report["labels"]),
        Section("Who could take part", _requirements(report["requirements"])),
        Section(
            "Exclusions",
            numbers,
            ("what", "worker_id", "assignment_id", "when", "reason"),
            _excluded(exclusions),
            None if blocked is not None else "The market was not reached: it alone knows who is blocked.",
        ),
        Section("Campaigns", {}, CAMPAIGN, report["campaigns"]),
    ]


def _labels(labels: Facts | None) -> Section:
    """Return the section on labels; an empty one if none were aggregated."""
    if labels is None:
        return Section("Labels", {})
    facts = {name: value for name, value in labels.items() if name != "agreement"}
    agreement = labels["agreement"]
    if agreement is None:
        return Section("Labels", facts)
    facts["krippendorffs_alpha"] = interval(agreement, "alpha")
    if agreement["kappa"] is not None:
        facts["cohens_kappa"] = interval(agreement, "kappa")
    columns = [name for name in CLASS_COLUMNS if name != "kappa" or agreement["kappa"] is not None]
    return Section("Labels", facts, columns, class_rows(agreement))


def _money_columns(money: Sequence[Facts]) -> list[str]:
    some = next((row for row in money if row["unknown"]), money[0])
    return ["currency", *shown_columns(SUMS, some)]


def _wages(wages: Facts) -> dict[str, Any]:
    """Return dollars an hour and minutes, each as a median and a range."""
    return {
        "assignments": wages["assignments"],
        "hours": wages["hours"],
        "median_wage": wages["median_wage"],
        "wage_from_to": _range(wages["lowest_wage"], wages["highest_wage"]),
        "wage_of_all": wages["wage"],
        "median_minutes": wages["median_minutes"],
        "minutes_from_to": _range(wages["shortest_minutes"], wages["longest_minutes"]),
    }


def _range(low: Any, high: Any) -> str | None:
    return None if low is None else f"{_shown(low)} to {_shown(high)}"


def _shown(value: Any) -> str:
    return format_money(value) if isinstance(value, Decimal) else str(value)


def _requirements(requirements: Facts) -> dict[str, Any]:
    """Return what was required, lists of words as one text."""
    return {
        name: ", ".join(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value
        for name, value in requirements.items()
        if value not in (None, [], {}, False)
    }


def _excluded(exclusions: Facts) -> list[dict[str, Any]]:
    rows = [{"what": "work rejected", "when": row["rejected"], **row} for row in exclusions["rejected"]]
    rows += [{"what": "worker blocked", **row} for row in exclusions["blocked"] or ()]
    rows += [{"what": "labels ignored", **row} for row in exclusions["labels_ignored"]]
    columns = ("what", "worker_id", "assignment_id", "when", "reason")
    return [{name: row.get(name) for name in columns} for row in rows]
