"""Write an archive's CSV files to another folder, with pseudonyms in place of the ids of people and their work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from turkctl.archive.files import ArchiveFile, CsvFile, csv_files, make_csv_folders, write_rows
from turkctl.archive.folder import PRIVATE, ArchiveDatabase, opened_archive
from turkctl.errors import OutputError, UsageError
from turkctl.operations.participants.anonymize import PseudonymKey, Pseudonyms, load_key
from turkctl.outputs import refuse_standard
from turkctl.paths import exists, is_folder

_IDS = (
    ("W", "SELECT worker_id FROM assignments UNION SELECT worker_id FROM qualifications"),
    ("W", "SELECT worker_id FROM qualification_requests UNION SELECT worker_id FROM blocks"),
    ("A", "SELECT assignment_id FROM assignments"),
    ("H", "SELECT hit_id FROM hits"),
)
"""Letters of pseudonyms, and where the ids are."""
_OWN = ("WorkerId", "worker_id", "AssignmentId", "assignment_id", "HITId", "hit_id")
"""Columns whose ids are replaced wherever they occur in the same row, even inside a word."""
_WORD = re.compile(r"[A-Za-z0-9]+")
_SHAPE = re.compile(r"3[A-Z0-9]{29}|A(?=[A-Z]*[0-9])[A-Z0-9]{11,14}")
"""Any id of Mechanical Turk that the archive does not know."""
_LONG = 5
"""An id of at least this many characters is replaced inside a word."""


@dataclass(frozen=True)
class ArchiveExport:
    """The result of an export: where to, the files, and the key of the pseudonyms, if any."""

    folder: Path
    files: Sequence[ArchiveFile]
    key: PseudonymKey | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "folder": str(self.folder),
            "files": [{"path": each.path, "rows": each.rows} for each in self.files],
            "anonymized": self.key is not None,
        }


def export(folder: Path, target: Path, keyfile: Path | None, *, spreadsheet: bool = False) -> ArchiveExport:
    """Write the CSV files of an archive to a folder that is empty or does not exist.

    Args:
        folder: of the archive.
        target: the folder to write to.
        keyfile: the key of pseudonyms; a missing file is created. Without one, ids stay.
        spreadsheet: let no cell look like a formula.

    Raises:
        NotFoundError, SchemaError, UsageError: the archive or one of the paths cannot be used.
        OutputError: the disk is full or broken.
    """
    refuse_standard(keyfile, "--anonymize", "where a key would be seen by all")
    refuse_standard(target, "--file", "which is no folder")
    with opened_archive(folder) as database:
        _make(target)
        key = None if keyfile is None else load_key(keyfile)
        clean = None if key is None else ArchiveCleaner(database, Pseudonyms(key.secret))
        try:
            make_csv_folders(target)
            wanted = csv_files(database) if clean is None else map(clean.file, csv_files(database))
            files = [write_rows(target, each, spreadsheet=spreadsheet) for each in wanted]
        except OSError as error:
            raise OutputError(f"cannot write into {target}: {error.strerror}", hint="free some space") from None
    return ArchiveExport(target, files, key)


def _make(target: Path) -> None:
    try:
        if exists(target) and (not is_folder(target) or any(target.iterdir())):
            raise UsageError(f"{target} is not an empty folder", hint="name one that does not exist yet with --file")
        target.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {target}: {error.strerror}", hint="name another folder with --file") from None


class ArchiveCleaner:
    """Replaces ids of workers, assignments and HITs by pseudonyms, the same for the same key, wherever they occur.

    An id is found in any case, where it is a whole word, and inside words too where it is the row's own. Whatever else
    looks like an id of Mechanical Turk is replaced as well.
    """

    def __init__(self, database: ArchiveDatabase, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._names = {
            row[0].upper(): pseudonyms.of(letter, row[0])
            for letter, statement in _IDS
            for row in database.each(statement)
        }

    def file(self, file: CsvFile) -> CsvFile:
        """Return a CSV file with pseudonyms in its cells, the names of its columns, and its own name."""
        folder, _, name = file.path.rpartition("/")
        stem = name.removesuffix(".csv")
        path = f"{folder}/{self.text(stem)}.csv"
        columns = [self.text(each) for each in file.columns]
        return replace(file, path=path, columns=columns, rows=self._rows(file.rows))

    def _rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            own = {str(row[name]) for name in _OWN if row.get(name)}
            yield {self.text(name): self._cell(value, own) for name, value in row.items()}

    def _cell(self, value: Any, own: set[str]) -> Any:
        if not isinstance(value, str):
            return value
        for identity in own:
            if len(identity) >= _LONG and identity.lower() in value.lower():
                value = re.sub(re.escape(identity), self._name(identity), value, flags=re.IGNORECASE)
        return self.text(value)

    def text(self, text: str) -> str:
        """Return a text with pseudonyms."""
        return _WORD.sub(self._word, text)

    def _word(self, match: re.Match[str]) -> str:
        return self._name(match[0])

    def _name(self, word: str) -> str:
        known = self._names.get(word.upper())
        if known is not None:
            return known
        if _SHAPE.fullmatch(word) is None:
            return word
        return self._pseudonyms.of("W" if word[0] == "A" else "A", word)
