"""The qualification types that the market itself provides: ids, names and descriptions."""

from __future__ import annotations

from typing import Any

from turkctl.market.requester import ENVIRONMENTS

OWNER = "system"
"""The account that owns the system's types; no requester has it."""

MASTERS = {
    "production": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH",
    "sandbox": "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6",
}
APPROVED = "00000000000000000040"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
PERCENT_APPROVED = "000000000000000000L0"

_NAMES = {
    APPROVED: ("Worker_NumberHITsApproved", "How many assignments of the worker were approved."),
    LOCALE: ("Worker_Locale", "Where the worker lives."),
    ADULT: ("Worker_Adult", "Whether the worker agreed to see adult content."),
    PERCENT_APPROVED: (
        "Worker_PercentAssignmentsApproved",
        "Which share of the worker's reviewed assignments was approved.",
    ),
}


def rows() -> list[dict[str, Any]]:
    """Return the system's types as rows of the qualification type table, for both environments."""
    found = []
    for environment in ENVIRONMENTS:
        names = {MASTERS[environment]: ("Masters", "Workers whose work was consistently good.")} | _NAMES
        for type_id, (name, description) in names.items():
            found.append(
                {
                    "id": type_id,
                    "environment": environment,
                    "account": OWNER,
                    "name": name,
                    "description": description,
                    "status": "Active",
                    "requestable": 0,
                    "created_at": 0,
                }
            )
    return found
