"""Rows as a file, complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cells import plain
from turkctl.errors import UsageError
from turkctl.outputs import Protected, is_standard, writing, writing_text

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.cli.output import Output, Row

FORMATS = ("csv", "jsonl")
ALL_FORMATS = (*FORMATS, "parquet")
TOLD = 20
"""Number of columns with other names than their questions that are named."""

ItemColumns = Annotated[
    bool,
    typer.Option("--item-columns", help="Also write the columns of the items' file, each named item. and its name."),
]
AnyFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Format of the file: csv, jsonl or parquet.",
        show_default="by the file's suffix, else csv",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="F",
        help="File to write to, replaced; - is standard output.",
        show_default="standard output",
    ),
]
Gold = Annotated[
    str | None,
    typer.Option(
        "--gold",
        metavar="include|only",
        help="Whether to write items with a known answer too, or only them.",
        show_default="leave them out",
    ),
]


def write_rows(
    run: Invocation,
    file: Path,
    form: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    protected: Protected | None = None,
    flag: str = "--file",
    forms: Sequence[str] = FORMATS,
    types: Mapping[str, type] | None = None,
) -> None:
    """Write rows, which name people, as a file that only the user can read.

    Args:
        run: the invocation.
        file: where to.
        form: of the file.
        columns: the first columns of CSV, and all of Parquet.
        rows: what is written.
        protected: the files that must not be replaced; those of the settings if not given.
        flag: how the user named the file.
        forms: the formats that the file may have.
        types: ``int`` or ``float`` for columns that hold such numbers in Parquet; all others are text.

    Raises:
        UsageError: another format; a place that cannot be written, or a file that is not replaced.
    """
    check_format(form, forms, file)
    if form == "parquet":
        _write_parquet(file, columns, rows, protected or run.protected(), flag, types)
        return
    with writing_text(file, protected or run.protected(), flag=flag, private=True) as out:
        run.output.onto(out, form).rows(columns, rows)


def _write_parquet(
    file: Path,
    columns: Sequence[str],
    rows: Iterable[Row],
    protected: Protected,
    flag: str,
    types: Mapping[str, type] | None,
) -> None:
    from turkctl.operations.participants.export_formats import ParquetWriter

    with writing(file, protected, flag=flag, private=True) as out:
        writer = ParquetWriter(out, columns, types=types)
        try:
            for row in rows:
                writer.write({}, [{name: plain(row.get(name)) for name in columns}])
            writer.close()
        finally:
            writer.let_go()


def check_format(form: str, forms: Sequence[str] = FORMATS, file: Path | None = None) -> None:
    """Raise UsageError unless files are written in this format, and it can be written there."""
    if form not in forms:
        raise UsageError(f"--format must be {_or(forms)}, not '{form}'", hint="give one of them")
    if form == "parquet":
        if file is None or is_standard(file):
            raise UsageError("Parquet cannot be written to standard output", hint="name a file with --file")
        from turkctl.operations.participants.export_formats import import_parquet

        import_parquet()


def chosen_format(run: Invocation, form: str | None, file: Path | None, forms: Sequence[str] = FORMATS) -> str:
    """Return the format of what is written: as named, else as the file's name says, else that of the output.

    Raises:
        UsageError: files are not written in this format.
    """
    suffix = "" if file is None else file.suffix.lstrip(".").lower()
    if form is not None:
        check_format(form, forms, file)
        return form
    if file is None:
        return run.output.format
    if suffix in forms:
        return suffix
    if suffix in ("xlsx", "xls", "ods", "tsv", "json", "parquet"):
        hint = f"name a file that ends in {_or([f'.{each}' for each in forms])}, or give --format"
        raise UsageError(f"{file} ends in .{suffix}, which is not a format of exports", hint=hint)
    return "jsonl" if run.wants_json else "csv"


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


class Counted:
    """Rows that are counted as they are read."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows."""
        for row in self._rows:
            self.number += 1
            yield row


def show_renamed(output: Output, renamed: Mapping[str, str], missed: int) -> None:
    """Say on standard error which columns are not named as their questions, and that answers came during the export."""
    if renamed:
        output.note(
            f"columns with other names than their questions, which R, SPSS or JASP would not take: {len(renamed)}"
        )
    for column, question in list(renamed.items())[:TOLD]:
        output.note(f"  {column}: {question}")
    if len(renamed) > TOLD:
        output.note(f"  … and {len(renamed) - TOLD} more")
    if missed:
        output.warn(f"answers to new questions came during the export and are not in it: {missed}; run it again")
