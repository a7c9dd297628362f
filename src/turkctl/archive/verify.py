"""Check that an archive is whole: every file as the manifest has it, every call answered, every item counted."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from turkctl.archive.facts import read_facts
from turkctl.archive.files import MANIFEST, RAW, digest
from turkctl.archive.folder import FORMAT, ArchiveDatabase
from turkctl.archive.shapes import OF_A_HIT
from turkctl.paths import is_file, read_whole

_LARGEST_MANIFEST = 1 << 28
AGAIN = "run turkctl archive create again"


def problems(database: ArchiveDatabase) -> Iterator[str]:
    """Yield what is wrong with an archive, each in a sentence; nothing if all is well.

    What the market refused is no fault of the archive: see :class:`turkctl.archive.facts.ArchiveFacts`.
    """
    facts = read_facts(database)
    if facts.left:
        yield f"{facts.left:,} calls are still to be made: {AGAIN}"
    damage = database.one("PRAGMA quick_check(1)")
    if damage != "ok":
        yield f"the database is damaged: {damage}"
    try:
        manifest = json.loads(read_whole(database.folder / MANIFEST, _LARGEST_MANIFEST))
        files: Mapping[str, Mapping[str, Any]] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{MANIFEST} cannot be read ({type(error).__name__}): {AGAIN}"
        return
    if manifest.get("format") != FORMAT or manifest.get("market") != facts.market:
        yield f"{MANIFEST} is not that of this archive"
    if manifest.get("items") != dict(facts.items):
        yield f"the numbers of items in {MANIFEST} and in the database differ"
    yield from _unasked(database)
    for name, told in files.items():
        yield from _file(database.folder, name, told)


def _file(folder: Path, name: str, told: Mapping[str, Any]) -> Iterator[str]:
    path = folder / name
    if not is_file(path):
        yield f"{name} is missing"
        return
    try:
        size, found = digest(path)
    except OSError as error:
        yield f"{name} cannot be read: {error.strerror}"
        return
    if (size, found) != (told.get("bytes"), told.get("sha256")):
        yield f"{name} has changed since it was written"
    elif name.startswith(f"{RAW}/"):
        yield from _raw(path, name, told.get("rows"))


def _raw(path: Path, name: str, rows: int | None) -> Iterator[str]:
    """Check that each line of raw answers is JSON."""
    number = 0
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                json.loads(line)["answer"]
                number += 1
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        yield f"{name}, line {number + 1:,}: {error}"
        return
    if number != rows:
        yield f"{name} has {number:,} answers, not {rows:,}"


def _unasked(database: ArchiveDatabase) -> Iterator[str]:
    """Check that the list of calls has no gap: a page after each token, and all calls that a HIT leads to."""
    gap = database.one(
        "SELECT count(*) FROM call c WHERE c.page > 0 AND NOT EXISTS (SELECT 1 FROM call b WHERE b.run = c.run"
        " AND b.operation = c.operation AND b.members = c.members AND b.attempt = c.attempt AND b.page = c.page - 1"
        " AND b.state = 'answered')"
    )
    if gap:
        yield f"{gap:,} pages follow a page that is not there"
    for operation in OF_A_HIT:
        lacking = database.one(
            "SELECT count(*) FROM hits h WHERE h.last_run > 0 AND NOT EXISTS (SELECT 1 FROM call c"
            " WHERE c.run = h.last_run AND c.operation = ? AND c.members = json_object('HITId', h.hit_id)"
            " AND c.attempt = 0 AND c.page = 0)",
            (operation,),
        )
        if lacking:
            yield f"{operation} was not asked for {lacking:,} HITs: {AGAIN}"
