"""Add result files that were downloaded from Amazon's requester site: what no call lists any more.

Rows are merged by their AssignmentId. Where the API listed an assignment, its answers stay, and the file only adds
the inputs; an assignment that is only in a file is entered as if the API had listed it, as far as its cells go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from xml.sax.saxutils import escape

from turkctl.archive.batch_files import ANSWER, CELLS, FIXED_COLUMNS, INPUT, LAST_COLUMNS, cells_of
from turkctl.archive.folder import ArchiveDatabase, upsert
from turkctl.archive.shapes import ASSIGNMENTS, HITS, FoundItem, ItemKind
from turkctl.errors import UsageError
from turkctl.ids import can_be_id, storable
from turkctl.rows import RowError, Table, opened
from turkctl.units import parse_money

NEEDED = ("HITId", "AssignmentId", "WorkerId", "AssignmentStatus")
"""Columns without which a table is no result file."""
STATUSES = ("Submitted", "Approved", "Rejected")
COMPARED = ("HITId", "HITTypeId", "WorkerId", "AssignmentStatus", "Title", "RequesterFeedback")
"""Columns, besides answers, whose cells should be those that the API gave."""
MOST_DIFFERENCES = 1000
"""Number of differences that are listed one by one."""
_ZONES = {"UTC": 0, "GMT": 0, "PST": -8, "PDT": -7, "EST": -5, "EDT": -4}
_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([A-Z]{3}) (\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HIT_TIMES = ("CreationTime", "Expiration")
_WORK_TIMES = ("AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime", "RejectionTime")
_NUMBERS = ("MaxAssignments", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds")
_SCHEMA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class AddedRows:
    """What became of the rows of result files.

    Attributes:
        files, rows: how many were read.
        new: assignments that were not in the archive.
        known: assignments that were in it.
        differences: cells that are not those of the archive: file, row, assignment, column, both values.
        differing: the number of all of them.
    """

    files: int = 0
    rows: int = 0
    new: int = 0
    known: int = 0
    differing: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return dict(vars(self))


@dataclass(frozen=True)
class _BatchRow:
    """A row that was checked."""

    file: str
    number: int
    cells: Mapping[str, str]
    hit: Mapping[str, Any]
    work: Mapping[str, Any]


def add_files(database: ArchiveDatabase, files: Sequence[Path]) -> AddedRows:
    """Add all rows of these files, or none of them.

    Raises:
        UsageError: a file is no result file, or a row of it is odd; the message names file and row.
    """
    added = AddedRows()
    with database.write() as connection:
        for file in files:
            added.files += 1
            for row in _rows(file):
                added.rows += 1
                _add(database, connection, row, added)
        connection.execute(
            "UPDATE hits SET max_assignments = max(max_assignments,"
            " (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.hit_id)),"
            " completed = (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.hit_id"
            " AND a.status <> 'Submitted') WHERE last_run = 0"
        )
        _complete(connection)
    return added


def _rows(file: Path) -> Iterator[_BatchRow]:
    """Yield the rows of a file.

    Raises:
        UsageError: it is no result file, or a row is odd.
    """
    with opened(file, StringIO()) as table:
        missing = [name for name in NEEDED if name not in table.columns]
        if missing:
            raise UsageError(
                f"{file} is not a result file of a batch: it has no column {missing[0]}",
                hint="download it from the requester site: Manage, Results, Download CSV",
            )
        seen: set[str] = set()
        for record in table.records():
            row = _checked(table, str(file), record)
            if row.work["AssignmentId"] in seen:
                raise table.error(f"assignment {row.work['AssignmentId']} is in this file twice")
            seen.add(row.work["AssignmentId"])
            yield row


def _checked(table: Table, file: str, record: Mapping[str, Any]) -> _BatchRow:
    cells = {name: storable(str(value)) for name, value in record.items() if _is_known(name) and str(value) != ""}
    for name in ("HITId", "AssignmentId", "WorkerId"):
        if not can_be_id(cells.get(name, "")):
            raise table.error(f"'{cells.get(name, '')[:70]}' cannot be a {name}")
    if cells.get("AssignmentStatus") not in STATUSES:
        raise table.error(f"AssignmentStatus is '{cells.get('AssignmentStatus', '')[:70]}', not {', '.join(STATUSES)}")
    try:
        hit, work = _hit(cells), _work(cells)
    except (ValueError, UsageError) as error:
        raise _odd(table, error) from None
    return _BatchRow(file, table.row, cells, hit, work)


def _odd(table: Table, error: Exception) -> RowError:
    return table.error(getattr(error, "message", str(error)))


def _is_known(name: str) -> bool:
    return name in FIXED_COLUMNS or (name.startswith((INPUT, ANSWER)) and name not in LAST_COLUMNS)


def _hit(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the HIT of a row, as far as its cells go."""
    texts = ("HITId", "HITTypeId", "Title", "Description", "Keywords", "RequesterAnnotation")
    item: dict[str, Any] = {name: cells[name] for name in texts if name in cells}
    item |= {name: _whole(name, cells[name]) for name in _NUMBERS if name in cells}
    item |= {name: read_time(cells[name]) for name in _HIT_TIMES if name in cells}
    item["Reward"] = f"{parse_money(cells.get('Reward', '0.00')):.2f}"
    item |= {"HITStatus": "Reviewable", "HITReviewStatus": "NotReviewed", "QualificationRequirements": []}
    item.setdefault("MaxAssignments", 1)
    return item | {f"NumberOfAssignments{name}": 0 for name in ("Pending", "Available", "Completed")}


def _work(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the assignment of a row, as far as its cells go."""
    texts = ("AssignmentId", "WorkerId", "HITId", "AssignmentStatus", "RequesterFeedback")
    item: dict[str, Any] = {name: cells[name] for name in texts if name in cells}
    item |= {name: read_time(cells[name]) for name in _WORK_TIMES if name in cells}
    answers = {name.removeprefix(ANSWER): value for name, value in cells.items() if name.startswith(ANSWER)}
    return item | {"Answer": _document(answers)}


def _document(answers: Mapping[str, str]) -> str:
    """Return answers as the document that the API gives."""
    inside = "".join(
        f"<Answer><QuestionIdentifier>{_xml(name)}</QuestionIdentifier><FreeText>{_xml(value)}</FreeText></Answer>"
        for name, value in answers.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><QuestionFormAnswers xmlns="{_SCHEMA}">{inside}</QuestionFormAnswers>'
    )


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):  # what fits into a column
        raise ValueError(f"{name} is '{text[:70]}', not a whole number")
    return int(text)


def read_time(text: str) -> float:
    """Return the seconds of a time as Amazon's files have it (``Fri Nov 20 09:30:00 PST 2026``), or of ISO 8601.

    Raises:
        ValueError: it is neither.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(f"'{text[:70]}' is not a time") from None
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    month, day, hour, minute, second, zone, year = found.groups()
    if month not in _MONTHS or zone not in _ZONES:
        raise ValueError(f"'{text[:70]}' is not a time that is understood")
    offset = timezone(timedelta(hours=_ZONES[zone]))
    text = f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{hour}:{minute}:{second}"
    return datetime.fromisoformat(text).replace(tzinfo=offset).timestamp()


def _add(database: ArchiveDatabase, connection: Connection, row: _BatchRow, added: AddedRows) -> None:
    assignment_id = row.work["AssignmentId"]
    before = _archived(database, assignment_id)
    added.known, added.new = added.known + (before is not None), added.new + (before is None)
    if before is not None:
        _compare(before, row, added)
    if before is None or before["last_run"] == 0:
        _enter(connection, row)
    connection.execute(
        "INSERT OR REPLACE INTO batch_rows VALUES (?, ?, ?, ?)",
        (assignment_id, Path(row.file).name, row.number, json.dumps(dict(row.cells))),
    )


def _archived(database: ArchiveDatabase, assignment_id: str) -> dict[str, Any] | None:
    statement = f"SELECT {CELLS} FROM assignments a JOIN hits h USING (hit_id) WHERE a.assignment_id = ?"  # noqa: S608
    found = database.all(statement, (assignment_id,))
    if not found:
        return None
    return {"last_run": found[0]["last_run"], **cells_of(database, dict(found[0]))}


def _compare(before: Mapping[str, Any], row: _BatchRow, added: AddedRows) -> None:
    names = [name for name in row.cells if name in COMPARED or (name.startswith(ANSWER) and name in before)]
    for name in names:
        there, here = str(before.get(name, "")), row.cells[name]
        if there != here:
            added.differing += 1
            if len(added.differences) < MOST_DIFFERENCES:
                told = {"assignment_id": row.work["AssignmentId"], "column": name, "archive": there, "file_has": here}
                added.differences.append({"file": row.file, "row": row.number, **told})


def _enter(connection: Connection, row: _BatchRow) -> None:
    """Enter an assignment that no call listed, and its HIT unless a call listed that."""
    listed = connection.execute("SELECT last_run FROM hits WHERE hit_id = ?", (row.hit["HITId"],)).fetchone()
    if listed is None or listed[0] == 0:
        connection.execute(upsert(HITS), _entry(HITS, row.hit))
    connection.execute(upsert(ASSIGNMENTS), _entry(ASSIGNMENTS, row.work))
    assignment_id = row.work["AssignmentId"]
    connection.execute("DELETE FROM answers WHERE assignment_id = ?", (assignment_id,))
    fields = [(name.removeprefix(ANSWER), value) for name, value in row.cells.items() if name.startswith(ANSWER)]
    rows = [(assignment_id, place, name, value) for place, (name, value) in enumerate(fields)]
    connection.executemany("INSERT INTO answers VALUES (?, ?, ?, ?)", rows)


def _entry(kind: ItemKind, item: Mapping[str, Any]) -> dict[str, Any]:
    found = FoundItem(kind, dict(item), {})
    columns = {column: found.column(member) for column, member in kind.columns.items()}
    return {**columns, "body": json.dumps(item), "first_run": 0, "last_run": 0, "attempt": 0, "page": 0}


def _complete(connection: Connection) -> None:
    """Bring the counters of HITs that are only in files into their items."""
    connection.execute(
        "UPDATE hits SET body = json_set(body, '$.NumberOfAssignmentsCompleted', completed,"
        " '$.MaxAssignments', max_assignments) WHERE last_run = 0"
    )
