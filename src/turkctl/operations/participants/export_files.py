"""Resolve ``--file`` to the files that an export writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from turkctl.errors import UsageError
from turkctl.outputs import Protected, check, target
from turkctl.paths import is_folder


def named(file: str, parts: Sequence[str], form: str, protected: Protected, *, together: bool) -> list[Path]:
    """Return the files that ``--file`` stands for.

    Args:
        file: a file, or an existing folder.
        parts: one name per table, such as ``trialdata``.
        form: the ending of files in a folder.
        protected: the files that must not be replaced.
        together: whether the format holds several tables in one file.

    Returns:
        In a folder ``trialdata.csv`` and so on; of several tables called ``out.csv``: ``out-trialdata.csv`` and so on.

    Raises:
        UsageError: the folder is missing, or the file must not be replaced.
    """
    path = Path(file)
    if is_folder(path):
        found = [path / f"{part}.{form}" for part in parts]
    elif file.endswith(("/", os.sep)):
        raise UsageError(f"there is no folder {path}", hint="create it, or name another with --file")
    elif together or len(parts) == 1:
        found = [path]
    else:
        found = [path.with_name(f"{path.stem}-{part}{path.suffix}") for part in parts]
    for each in found:
        check(each, protected)
    return [target(each) for each in found]
