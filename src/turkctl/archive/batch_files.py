"""Write assignments in the columns of the result files that Amazon's requester site gave for a batch.

The columns are those of downloaded files: the HIT's, the assignment's, then ``Input.`` and ``Answer.`` and the name of
a field, at the end ``Approve`` and ``Reject``, which are empty. Times are in UTC and in Amazon's form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from turkctl.archive.folder import ArchiveDatabase

HIT_COLUMNS = (
    "HITId",
    "HITTypeId",
    "Title",
    "Description",
    "Keywords",
    "Reward",
    "CreationTime",
    "MaxAssignments",
    "RequesterAnnotation",
    "AssignmentDurationInSeconds",
    "AutoApprovalDelayInSeconds",
    "Expiration",
    "NumberOfSimilarHITs",
    "LifetimeInSeconds",
)
ASSIGNMENT_COLUMNS = (
    "AssignmentId",
    "WorkerId",
    "AssignmentStatus",
    "AcceptTime",
    "SubmitTime",
    "AutoApprovalTime",
    "ApprovalTime",
    "RejectionTime",
    "RequesterFeedback",
    "WorkTimeInSeconds",
    "LifetimeApprovalRate",
    "Last30DaysApprovalRate",
    "Last7DaysApprovalRate",
)
FIXED_COLUMNS = (*HIT_COLUMNS, *ASSIGNMENT_COLUMNS)
LAST_COLUMNS = ("Approve", "Reject")
INPUT, ANSWER = "Input.", "Answer."
"""What the names of columns for a field begin with."""

CELLS = """h.hit_type_id, h.title, h.description, h.keywords, h.reward, h.created, h.max_assignments, h.annotation,
    h.duration_s, h.auto_approval_delay_s, h.expires, a.hit_id, a.assignment_id, a.worker_id, a.status, a.accepted,
    a.submitted, a.auto_approval, a.approved, a.rejected, a.feedback, a.last_run
"""
"""The columns of HITs ``h`` and assignments ``a`` that :func:`cells_of` needs."""
_ROWS = f"""
SELECT {CELLS}, b.cells FROM hits h JOIN assignments a ON a.hit_id = h.hit_id
LEFT JOIN batch_rows b ON b.assignment_id = a.assignment_id WHERE h.hit_type_id IS ? ORDER BY h.rowid, a.rowid
"""  # noqa: S608  # names are ours
_FIELDS = """
SELECT DISTINCT field FROM hits h JOIN assignments a ON a.hit_id = h.hit_id
JOIN answers USING (assignment_id) WHERE h.hit_type_id IS ?
"""


_DOWNLOADED = """
SELECT b.cells FROM hits h JOIN assignments a ON a.hit_id = h.hit_id JOIN batch_rows b USING (assignment_id)
WHERE h.hit_type_id IS ?
"""


def hit_types(database: ArchiveDatabase) -> list[str | None]:
    """Return the HIT types of all HITs."""
    return [row[0] for row in database.all("SELECT DISTINCT hit_type_id FROM hits ORDER BY 1")]


def columns_of(database: ArchiveDatabase, hit_type: str | None) -> list[str]:
    """Return the columns of the result file of a HIT type."""
    names = {f"{ANSWER}{row[0]}" for row in database.all(_FIELDS, (hit_type,))}
    for row in database.each(_DOWNLOADED, (hit_type,)):
        names |= {name for name in json.loads(row[0]) if name.startswith(INPUT)}
    inputs = sorted(name for name in names if name.startswith(INPUT))
    return [*FIXED_COLUMNS, *inputs, *sorted(names.difference(inputs)), *LAST_COLUMNS]


def result_rows(database: ArchiveDatabase, hit_type: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of the result file of a HIT type; cells that no call gives are those of downloaded files."""
    for row in database.each(_ROWS, (hit_type,)):
        downloaded = {} if row["cells"] is None else json.loads(row["cells"])
        yield {**downloaded, **cells_of(database, dict(row))}


def cells_of(database: ArchiveDatabase, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells that the API's answers give for an assignment."""
    cells = {
        "HITId": row["hit_id"],
        "HITTypeId": row["hit_type_id"],
        "Title": row["title"],
        "Description": row["description"],
        "Keywords": row["keywords"],
        "Reward": None if row["reward"] is None else f"${row['reward']}",
        "CreationTime": amazon_time(row["created"]),
        "MaxAssignments": row["max_assignments"],
        "RequesterAnnotation": row["annotation"],
        "AssignmentDurationInSeconds": row["duration_s"],
        "AutoApprovalDelayInSeconds": row["auto_approval_delay_s"],
        "Expiration": amazon_time(row["expires"]),
        "LifetimeInSeconds": _seconds(row["created"], row["expires"]),
        "AssignmentId": row["assignment_id"],
        "WorkerId": row["worker_id"],
        "AssignmentStatus": row["status"],
        "AcceptTime": amazon_time(row["accepted"]),
        "SubmitTime": amazon_time(row["submitted"]),
        "AutoApprovalTime": amazon_time(row["auto_approval"]),
        "ApprovalTime": amazon_time(row["approved"]),
        "RejectionTime": amazon_time(row["rejected"]),
        "RequesterFeedback": row["feedback"],
        "WorkTimeInSeconds": _seconds(row["accepted"], row["submitted"]),
    }
    answers = database.all(
        "SELECT field, value FROM answers WHERE assignment_id = ? ORDER BY place", (row["assignment_id"],)
    )
    cells |= {f"{ANSWER}{each['field']}": each["value"] for each in answers}
    return {name: value for name, value in cells.items() if value is not None}


def amazon_time(text: str | None) -> str | None:
    """Return a time in UTC, in ISO 8601, as Amazon's files have it: ``Fri Nov 20 09:30:00 UTC 2026``."""
    return None if text is None else f"{_day(text[:10])} {text[11:19]} UTC {text[:4]}"


@lru_cache(maxsize=1000)
def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{_DAYS[day.weekday()]} {_MONTHS[day.month - 1]} {day:%d}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _seconds(first: str | None, last: str | None) -> int | None:
    if first is None or last is None:
        return None
    return int((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds())
