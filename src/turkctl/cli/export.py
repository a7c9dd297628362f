"""Rows as a file, complete or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.cli.output import Output
from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.cli.output import Row

FORMATS = ("csv", "jsonl")


def write_rows(file: Path, form: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV or JSON Lines; a file of that name is replaced once the new one is complete.

    Raises:
        UsageError: another format; a place that cannot be written.
    """
    if form not in FORMATS:
        raise UsageError(f"'{form}' is not a format of files", hint="one of " + ", ".join(FORMATS))
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as out:
            printer = Output(form, quiet=True, color=False, stdout=out, stderr=out, stdin=out)
            printer.rows(columns, rows)
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"cannot write {file}: {error.strerror}", hint="name another with --file") from None
