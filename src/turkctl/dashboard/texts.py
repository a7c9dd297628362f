"""Words of the dashboard that Python needs: navigation, and headings of columns."""

from __future__ import annotations

NAVIGATION = (
    ("home.index", "Overview"),
    ("participants.index", "Participants"),
    ("hits.index", "HITs"),
    ("work.index", "Assignments"),
    ("workers.index", "Workers"),
    ("campaigns.index", "Campaigns"),
    ("tasks.index", "Tasks"),
    ("experiments.index", "Experiments"),
    ("content.index", "Items"),
    ("labels.index", "Labels"),
    ("log.index", "Log"),
    ("settings.index", "Settings"),
)
"""Endpoints of the pages, in order, with their names."""

_PARTS_OF = {"participant": "participants", "people": "workers", "review": "labels", "acts": "log"}
"""Groups of pages that belong to another's entry of the navigation."""
_HEADINGS = {
    "assignment_id": "Assignment",
    "auto_approval": "Approved by itself",
    "begin_exp": "Began experiment",
    "begin_hit": "Began",
    "codeversion": "Code version",
    "end_hit": "Ended",
    "gold_accuracy": "Share right",
    "gold_high": "At most",
    "gold_low": "At least",
    "gold_n": "Known answers asked",
    "hit_id": "HIT",
    "ip_address": "IP address",
    "uniqueid": "Unique id",
    "worker_id": "Worker",
}


def is_current(endpoint: str, shown: str | None) -> bool:
    """Return whether the page that is shown belongs to an entry of the navigation, by their endpoints."""
    group = (shown or "").partition(".")[0]
    return endpoint.partition(".")[0] == _PARTS_OF.get(group, group)


def heading(column: str) -> str:
    """Return the heading of a column, as in ``Worker`` for ``worker_id``."""
    return _HEADINGS.get(column) or column.replace("_", " ").capitalize().replace("Hit", "HIT")
