"""Write the files of an archive from its database, the same bytes each time: raw answers, CSV, and the manifest."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from turkctl import outputs
from turkctl.archive.batch_files import columns_of, hit_types, result_rows
from turkctl.archive.facts import calls_by_operation, read_facts
from turkctl.archive.folder import DATABASE, FORMAT, PRIVATE, ArchiveDatabase
from turkctl.archive.shapes import KINDS, OPERATIONS
from turkctl.csv_rows import row_writer
from turkctl.errors import OutputError

MANIFEST = "manifest.json"
RAW, CSV, RESULTS = "raw", "csv", "csv/results"
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PART = 1 << 20

_LISTED = "CASE WHEN last_run = 0 THEN 'file' WHEN last_run >= ? THEN 'yes' ELSE 'no' END AS listed"
"""Whether the last finished run still found an item; ``file`` for one that is in a downloaded file only."""
_WORKERS = """
SELECT worker_id AS "WorkerId", count(*) AS "Assignments", sum(assignments.status = 'Approved') AS "Approved",
    sum(assignments.status = 'Rejected') AS "Rejected", min(submitted) AS "FirstSubmitTime",
    max(submitted) AS "LastSubmitTime",
    coalesce(sum(CASE WHEN assignments.status = 'Approved' THEN CAST(round(reward * 100) AS INTEGER) END), 0)
        AS "Rewards",
    coalesce((SELECT sum(CAST(round(amount * 100) AS INTEGER)) FROM bonuses
        WHERE bonuses.worker_id = assignments.worker_id), 0) AS "Bonuses",
    CASE WHEN worker_id IN (SELECT worker_id FROM blocks) THEN 'yes' ELSE 'no' END AS "Blocked"
FROM assignments JOIN hits USING (hit_id) GROUP BY worker_id ORDER BY worker_id
"""
_WORKER_COLUMNS = (
    *("WorkerId", "Assignments", "Approved", "Rejected", "FirstSubmitTime", "LastSubmitTime", "Rewards", "Bonuses"),
    "Blocked",
)


@dataclass(frozen=True)
class ArchiveFile:
    """A file of an archive: its path below the folder, its size, its hash, and the number of its lines or rows."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None


def write_files(database: ArchiveDatabase) -> list[ArchiveFile]:
    """Write all files but the database, and the manifest last.

    Raises:
        OutputError: they cannot be written; the database has everything all the same.
    """
    folder = database.folder
    try:
        make_csv_folders(folder)
        (folder / RAW).mkdir(mode=PRIVATE, exist_ok=True)
        files = [*_write_raw(database), *(write_rows(folder, each) for each in csv_files(database))]
        files.append(ArchiveFile(DATABASE, *digest(folder / DATABASE)))
        with outputs.replacing(folder / MANIFEST, private=True) as stream:
            stream.write(json.dumps(_manifest(database, files), indent=2, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        raise OutputError(
            f"cannot write into {folder}: {error.strerror}",
            hint="free some space, and run the same command again: what was collected is kept",
        ) from None
    return files


def digest(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    found, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while part := stream.read(_PART):
            found.update(part)
            size += len(part)
    return size, found.hexdigest()


def safe_name(name: str | None) -> str:
    """Return an id of the market as part of a file's name; one that could be a path is hashed."""
    text = name or "none"
    return text if _SAFE.fullmatch(text) else "id-" + hashlib.sha256(text.encode()).hexdigest()[:32]


class _Hashed:
    """A stream that counts and hashes what is written to it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.hash.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


class _TextLines:
    """Writes lines of text in UTF-8."""

    def __init__(self, stream: _Hashed) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line.encode())


class _Rows:
    """Counts rows, and becomes the file's description."""

    def __init__(self) -> None:
        self.number = 0
        self.file = ArchiveFile("", 0, "")


@contextmanager
def _writing(folder: Path, name: str, rows: _Rows) -> Iterator[_Hashed]:
    with outputs.replacing(folder / name, private=True) as stream:
        hashed = _Hashed(stream)
        yield hashed
    rows.file = ArchiveFile(name, hashed.size, hashed.hash.hexdigest(), rows.number)


def _write_raw(database: ArchiveDatabase) -> Iterator[ArchiveFile]:
    for operation in OPERATIONS:
        rows, name = _Rows(), f"{RAW}/{operation}.jsonl.gz"
        with _writing(database.folder, name, rows) as hashed, _compressed(hashed) as out:
            for line in raw_lines(database, operation):
                out.write(line)
                rows.number += 1
        yield rows.file


@contextmanager
def _compressed(hashed: _Hashed) -> Iterator[Any]:
    with gzip.GzipFile(filename="", mode="wb", fileobj=hashed, mtime=0) as out:
        yield out


def raw_lines(database: ArchiveDatabase, operation: str) -> Iterator[bytes]:
    """Yield the raw answers to an operation as lines of JSON; the answer itself is last and as it came."""
    rows = database.each(
        "SELECT run, members, attempt, page, token, at, body FROM call WHERE operation = ? AND body IS NOT NULL"
        " ORDER BY run, members, attempt, page",
        (operation,),
    )
    for row in rows:
        request = json.loads(row["members"]) | ({} if row["token"] is None else {"NextToken": row["token"]})
        told = {"operation": operation, "request": request, "run": row["run"], "at": row["at"]}
        head = json.dumps(told)[:-1].encode()
        yield head + b', "answer": ' + _one_line(zlib.decompress(row["body"])) + b"}\n"


def _one_line(body: bytes) -> bytes:
    """Return a JSON document without line ends, which can only be blanks between its parts."""
    return body.replace(b"\r", b" ").replace(b"\n", b" ").strip()


@dataclass(frozen=True)
class CsvFile:
    """A CSV file that can be written: its path below the folder, its columns, and its rows, which are read once."""

    path: str
    columns: Sequence[str]
    rows: Iterable[Mapping[str, Any]]


def csv_files(database: ArchiveDatabase) -> Iterator[CsvFile]:
    """Yield all CSV files of an archive; write each before the next is asked for."""
    last = database.one("SELECT max(number) FROM run WHERE ended IS NOT NULL") or 0
    for kind in KINDS:
        statement = f"SELECT {', '.join(kind.names)}, {_LISTED} FROM {kind.table} ORDER BY {', '.join(kind.key)}"  # noqa: S608
        rows = map(dict, database.each(statement, (last,)))
        yield CsvFile(f"{CSV}/{kind.table}.csv", [*kind.names, "listed"], rows)
    yield CsvFile(f"{CSV}/workers.csv", _WORKER_COLUMNS, _workers(database))
    for hit_type in hit_types(database):
        name = f"{RESULTS}/{safe_name(hit_type)}.csv"
        yield CsvFile(name, columns_of(database, hit_type), result_rows(database, hit_type))


def _workers(database: ArchiveDatabase) -> Iterator[dict[str, Any]]:
    for row in database.each(_WORKERS):
        yield {**dict(row), **{name: f"{row[name] // 100}.{row[name] % 100:02}" for name in ("Rewards", "Bonuses")}}


def write_rows(folder: Path, file: CsvFile, *, spreadsheet: bool = False) -> ArchiveFile:
    """Write a CSV file below the folder, a row at a time; optionally so that a spreadsheet sees no formula in it.

    Raises:
        OSError: it cannot be written.
    """
    counted = _Rows()
    with _writing(folder, file.path, counted) as hashed:
        write = row_writer(_TextLines(hashed), "\r\n", spreadsheet=spreadsheet)
        write(file.columns)
        for row in file.rows:
            write(["" if (value := row.get(column)) is None else value for column in file.columns])
            counted.number += 1
    return counted.file


def make_csv_folders(folder: Path) -> None:
    """Make the folders of CSV files below a folder, for the owner only.

    Raises:
        OSError: they cannot be made.
    """
    for name in (CSV, RESULTS):
        (folder / name).mkdir(mode=PRIVATE, exist_ok=True)


def _manifest(database: ArchiveDatabase, files: Iterable[ArchiveFile]) -> dict[str, Any]:
    facts = read_facts(database).as_dict()
    del facts["folder"]  # it may be moved
    money = [{name: str(value) for name, value in each.items()} for each in facts.pop("money")]
    return {
        "format": FORMAT,
        **facts,
        "money": money,
        "calls": calls_by_operation(database),
        "files": {each.path: {name: value for name, value in vars(each).items() if name != "path"} for each in files},
    }
