"""Rows as a file, complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.cli.output import Output
from turkctl.errors import UsageError
from turkctl.outputs import Protected, writing_text

if TYPE_CHECKING:
    from turkctl.cli.output import Row

FORMATS = ("csv", "jsonl")


def write_rows(
    file: Path, form: str, columns: Sequence[str], rows: Iterable[Row], protected: Protected, *, flag: str = "--file"
) -> None:
    """Write rows, which name people, as CSV or JSON Lines that only the user can read.

    Raises:
        UsageError: another format; a place that cannot be written, or a file that is not replaced.
    """
    check_format(form)
    with writing_text(file, protected, flag=flag, private=True) as out:
        Output(form, quiet=True, color=False, stdout=out, stderr=out, stdin=out).rows(columns, rows)


def check_format(form: str) -> None:
    """Raise UsageError unless files are written in this format."""
    if form not in FORMATS:
        raise UsageError(f"'{form}' is not a format of files", hint="one of " + ", ".join(FORMATS))
