"""Downloaded result files fill in what no call lists any more."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from archive_support import Account, ArchiveWorld, contents

from turkctl.archive.batch_add import AddedRows, read_time
from turkctl.archive.batch_files import FIXED_COLUMNS, amazon_time
from turkctl.archive.served import ArchivedItems
from turkctl.errors import ExitCode, UsageError, WrongMarketError
from turkctl.mturk.questions import parse_answers
from turkctl.operations.archive.adding import add_csv
from turkctl.operations.archive.reading import check, show

OLD = {
    "HITId": "3OLDHIT",
    "HITTypeId": "3OLDTYPE",
    "Title": "An old task",
    "Description": "From 2014",
    "Keywords": "old",
    "Reward": "$0.40",
    "CreationTime": "Mon Jan 06 09:00:00 PST 2014",
    "MaxAssignments": "2",
    "RequesterAnnotation": "BatchId:12;OriginalHitTemplateId:9;",
    "AssignmentDurationInSeconds": "600",
    "AutoApprovalDelayInSeconds": "3600",
    "Expiration": "Mon Jan 13 09:00:00 PST 2014",
    "NumberOfSimilarHITs": "",
    "LifetimeInSeconds": "604800",
    "AssignmentId": "3OLDWORK1",
    "WorkerId": "A1OLDWORKER",
    "AssignmentStatus": "Approved",
    "AcceptTime": "Mon Jan 06 10:00:00 PST 2014",
    "SubmitTime": "Mon Jan 06 10:01:30 PST 2014",
    "AutoApprovalTime": "Mon Jan 06 11:01:30 PST 2014",
    "ApprovalTime": "Tue Jul 01 10:02:00 PDT 2014",
    "RejectionTime": "",
    "RequesterFeedback": "",
    "WorkTimeInSeconds": "90",
    "LifetimeApprovalRate": "100% (3/3)",
    "Last30DaysApprovalRate": "100% (3/3)",
    "Last7DaysApprovalRate": "0% (0/0)",
    "Input.url": "https://example.org/1.jpg",
    "Answer.colour": "blue & <green> 🎨",
    "Approve": "",
    "Reject": "",
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


def add(world: ArchiveWorld, folder: Path, *files: Path) -> AddedRows:
    anything: Any = world
    return add_csv(anything, folder, files)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_only_in_a_file_is_part_of_the_archive(world: ArchiveWorld, account: Account, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    world.collect(saved)
    world.endpoint.requests.clear()
    second = {**OLD, "AssignmentId": "3OLDWORK2", "WorkerId": "A2OLDWORKER", "AssignmentStatus": "Rejected"}
    added = add(world, saved, write(tmp_path / "Batch_12.csv", OLD, second))
    assert (added.rows, added.new, added.known, added.differing) == (2, 2, 0, 0)
    assert not world.endpoint.requests, "the market is not asked"
    facts = show(saved)
    assert facts.items["assignments"] == len(account.assignments) + 2
    assert (facts.first, facts.vanished) == ("2014-01-06T17:00:00.000Z", {})
    assert next(year for year in facts.money if year.year == "2014").rewards == Decimal("0.40")
    assert check(saved).problems == []
    first, other = read(saved / "csv" / "results" / "3OLDTYPE.csv")
    assert list(first)[: len(FIXED_COLUMNS)] == list(FIXED_COLUMNS)
    assert list(first)[len(FIXED_COLUMNS) :] == ["Input.url", "Answer.colour", "Approve", "Reject"]
    changed = {name for name in first if first[name] != OLD[name]}
    assert changed == {*(name for name in first if name.endswith("Time")), "Expiration"} - {"RejectionTime"}, (
        "times are in UTC"
    )
    assert first["SubmitTime"] == "Mon Jan 06 18:01:30 UTC 2014"
    assert other["AssignmentStatus"] == "Rejected"
    items = ArchivedItems(saved)
    found = items.one("assignments", assignment_id="3OLDWORK1")
    hit = items.one("hits", hit_id="3OLDHIT")
    items.close()
    assert found is not None
    assert hit is not None
    assert parse_answers(found["Answer"]) == {"colour": "blue & <green> 🎨"}
    assert (hit["NumberOfAssignmentsCompleted"], hit["MaxAssignments"], hit["Reward"]) == (2, 2, "0.40")


def test_rows_of_known_assignments_add_their_inputs_and_report_what_differs(
    world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    world.collect(saved)
    path = next(path for path in sorted((saved / "csv" / "results").iterdir()) if len(read(path)) > 3)
    before = read(path)
    rows = [{**row, "Input.url": f"https://example.org/{place}"} for place, row in enumerate(before)]
    rows[1]["Answer.colour"] = "another"
    rows[2]["AssignmentStatus"] = "Approved" if rows[2]["AssignmentStatus"] == "Rejected" else "Rejected"
    added = add(world, saved, write(tmp_path / "Batch_1.csv", *rows))
    assert (added.rows, added.new, added.known, added.differing) == (len(rows), 0, len(rows), 2)
    assert [(each["row"], each["column"]) for each in added.differences] == [
        (3, "Answer.colour"),
        (4, "AssignmentStatus"),
    ]
    after = read(path)
    assert [row.pop("Input.url") for row in after] == [row["Input.url"] for row in rows]
    assert after == before, "the API's answers stay"
    assert check(saved).problems == []


def test_adding_the_same_again_changes_nothing(world: ArchiveWorld, tmp_path: Path) -> None:
    file = write(tmp_path / "Batch_12.csv", OLD)
    add(world, tmp_path / "saved", file)
    first = contents(tmp_path / "saved")
    again = add(world, tmp_path / "saved", file)
    assert (again.new, again.known, again.differing) == (0, 1, 0)
    assert contents(tmp_path / "saved") == first
    assert not world.endpoint.requests


def test_an_archive_made_of_files_is_filled_by_the_market_later(
    market: Any, world: ArchiveWorld, account: Account, tmp_path: Path
) -> None:
    world.collect(tmp_path / "whole")
    path = next(path for path in sorted((tmp_path / "whole" / "csv" / "results").iterdir()) if len(read(path)) > 3)
    shutil.copy(path, tmp_path / "Batch_1.csv")
    add(world, tmp_path / "saved", tmp_path / "Batch_1.csv")
    assert world.collect(tmp_path / "saved").exit_code == ExitCode.OK
    assert show(tmp_path / "saved").items["assignments"] == len(account.assignments)
    assert check(tmp_path / "saved").problems == []
    listed = {row["listed"] for row in read(tmp_path / "saved" / "csv" / "assignments.csv")}
    assert listed == {"yes"}
    other = ArchiveWorld(market)
    other.settings.mode = "sandbox"
    with pytest.raises(WrongMarketError):
        other.collect(tmp_path / "saved")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"AssignmentId": "not an id"}, "row 3: 'not an id' cannot be a AssignmentId"),
        ({"WorkerId": ""}, "row 3: '' cannot be a WorkerId"),
        ({"AssignmentStatus": "Paid"}, "row 3: AssignmentStatus is 'Paid'"),
        ({"SubmitTime": "yesterday"}, "row 3: 'yesterday' is not a time"),
        ({"SubmitTime": "Mon Foo 06 10:00:00 PST 2014"}, "row 3: 'Mon Foo"),
        ({"Reward": "much"}, "row 3: 'much' is not an amount"),
        ({"MaxAssignments": "-1"}, "row 3: MaxAssignments is '-1'"),
        ({"AssignmentId": "3OLDWORK1"}, "row 3: assignment 3OLDWORK1 is in this file twice"),
    ],
)
def test_odd_rows_are_refused_by_file_and_row_and_nothing_is_added(
    world: ArchiveWorld, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    good = write(tmp_path / "good.csv", OLD)
    add(world, tmp_path / "saved", good)
    before = contents(tmp_path / "saved")
    other = {**OLD, "AssignmentId": "3NEW"}
    bad = write(tmp_path / "bad.csv", OLD, {**other, **change})
    with pytest.raises(UsageError) as caught:
        add(world, tmp_path / "saved", write(tmp_path / "fine.csv", other), bad)
    assert caught.value.message.startswith(f"{bad}, {told}"), caught.value.message
    assert contents(tmp_path / "saved") == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "is not a result file of a batch: it has no column HITId"),
        ("", "is empty"),
        ("PK\x03\x04", "is an Excel"),
        ("HITId,AssignmentId,WorkerId\n3A,3B,A1\n", "it has no column AssignmentStatus"),
    ],
)
def test_odd_files_are_refused_by_name(world: ArchiveWorld, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "odd.csv").write_text(text)
    with pytest.raises(UsageError, match=rf"odd\.csv .*{told}"):
        add(world, tmp_path / "saved", tmp_path / "odd.csv")


def test_times_of_amazons_files_are_read_in_their_zone() -> None:
    assert read_time("Fri Nov 20 09:30:00 PST 2026") == read_time("2026-11-20T17:30:00Z")
    assert read_time("Fri Jul 03 09:30:00 PDT 2026") == read_time("2026-07-03T16:30:00+00:00")
    assert amazon_time("2026-11-20T17:30:00.123Z") == "Fri Nov 20 17:30:00 UTC 2026"
    assert read_time("Fri Nov 20 17:30:00 UTC 2026") == read_time("2026-11-20T17:30:00")
