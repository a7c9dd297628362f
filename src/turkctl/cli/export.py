"""Rows as a file, complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.errors import UsageError
from turkctl.outputs import Protected, writing_text

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.cli.output import Row

FORMATS = ("csv", "jsonl")


def write_rows(
    run: Invocation,
    file: Path,
    form: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    protected: Protected | None = None,
    flag: str = "--file",
) -> None:
    """Write rows, which name people, as CSV or JSON Lines that only the user can read.

    Args:
        run: the invocation.
        file: where to.
        form: one of :data:`FORMATS`.
        columns: the first columns of CSV.
        rows: what is written.
        protected: the files that must not be replaced; those of the settings if not given.
        flag: how the user named the file.

    Raises:
        UsageError: another format; a place that cannot be written, or a file that is not replaced.
    """
    check_format(form)
    with writing_text(file, protected or run.protected(), flag=flag, private=True) as out:
        run.output.onto(out, form).rows(columns, rows)


def check_format(form: str) -> None:
    """Raise UsageError unless files are written in this format."""
    if form not in FORMATS:
        raise UsageError(f"--format must be csv or jsonl, not '{form}'", hint="give one of them")
