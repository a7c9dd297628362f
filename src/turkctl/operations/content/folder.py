"""Make an item of each file in a folder, for tasks that show pictures of ``market serve --files``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from turkctl.errors import UsageError
from turkctl.ids import is_text
from turkctl.operations.project.liquid_pages import file_address
from turkctl.paths import is_file

MOST_FILES = 100_000


def rows_of_folder(folder: Path, glob: str | None = None) -> str:
    """Return the files of a folder as JSON Lines: ``key`` and ``file``, the path in it, and ``url``, its address.

    Hidden files and folders are left out, and links to what is outside, which the worker site does not show.

    Args:
        folder: the folder.
        glob: a pattern of paths in it; ``*`` also matches slashes.

    Raises:
        UsageError: there are no such files, or too many.
    """
    names = []
    for name in _names(folder):
        if glob is None or fnmatchcase(name, glob):
            names.append(name)
        if len(names) > MOST_FILES:
            raise UsageError(
                f"{folder} has more than {MOST_FILES:,} files", hint="choose some with --glob, or add its folders apart"
            )
    if not names:
        which = "files" if glob is None else f"files that match {glob}"
        raise UsageError(f"{folder} has no {which}", hint="hidden files are left out; give another folder or --glob")
    rows = ({"key": name, "file": name, "url": file_address(name)} for name in sorted(names))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _names(folder: Path) -> Iterator[str]:
    root = folder.resolve()
    for where, folders, files in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for each in files:
            path = Path(where, each)
            if each.startswith(".") or not is_file(path) or not path.resolve().is_relative_to(root):
                continue
            name = path.relative_to(root).as_posix()
            if not is_text(name):
                raise UsageError(f"{folder} has a file whose name is no text: {name!r}", hint="rename it")
            yield name
