"""The only printer: results on standard output as table, JSON, JSON Lines or CSV; all else on standard error."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from turkctl.cli.bars import bars
from turkctl.cli.ending import process
from turkctl.cli.tables import drawn, fit, plain_lines
from turkctl.csv_rows import row_writer
from turkctl.harmless import harmless, unfiltered
from turkctl.units import format_duration, format_money, format_time

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from turkctl.operations.engine.plan import BatchResult

Row = Mapping[str, Any]


Advance = Callable[[], None]
"""Tells a progress bar that one more item is done."""


SHORT = 60
"""Characters above which a value is left out of a table inside a record (``--json`` has it)."""


def _flat(record: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return the record with what is inside of others beside them, under ``outer.inner``."""
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: money a decimal string, times ISO 8601 with Z, durations as they are written."""
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def cell(value: Any) -> str:
    """Return a value as a table or CSV shows it: nothing for a missing one, yes and no, times to the second."""
    value = plain(value.replace(microsecond=0) if isinstance(value, datetime) else value)
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _cells(columns: Sequence[str], rows: Iterable[Row]) -> list[dict[str, str]]:
    return [{column: harmless(cell(row.get(column))) for column in columns} for row in rows]


class Output:
    """Prints one command's result in the format asked for."""

    def __init__(
        self,
        fmt: str,
        *,
        quiet: bool,
        color: bool,
        stdout: TextIO,
        stderr: TextIO,
        stdin: TextIO,
        spreadsheet: bool = False,
    ) -> None:
        self.format = fmt
        self.spreadsheet = spreadsheet
        self.quiet = quiet
        self.color = color
        self.stdout = stdout
        self.stderr = stderr
        self.stdin = stdin

    def onto(self, file: TextIO, form: str) -> Output:
        """Return a printer that writes rows onto a file, in the format of files, and says nothing else."""
        return Output(form, quiet=True, color=False, stdout=file, stderr=file, stdin=file, spreadsheet=self.spreadsheet)

    @property
    def interactive(self) -> bool:
        """Return whether somebody is there to answer a question."""
        return self.stdin.isatty() and self.stderr.isatty()

    def rows(self, columns: Sequence[str], rows: Iterable[Row], *, bar: str | None = None) -> None:
        """Print a list of things. Tables show ``columns``; the other formats all keys (CSV: ``columns`` first).

        On a terminal, the numbers of the column ``bar`` get a bar, where there is room.
        """
        if self.format == "table":
            self._table(columns, rows, bar)
        elif self.format == "csv":
            self._csv(columns, rows)
        elif self.format == "jsonl":
            self._json_lines(rows)
        else:
            self._json_array(rows)

    def record(self, record: Row) -> None:
        """Print one thing: a JSON object, or a line per key."""
        if self.format == "table":
            self._lines(record)
        elif self.format == "csv":
            self._csv(list(record), [record])
        else:
            indent = 2 if self.format == "json" else None
            self._write(json.dumps(plain(record), indent=indent, ensure_ascii=False) + "\n")

    def _lines(self, record: Row) -> None:
        """Print a line per key; lists of things follow as tables of what is short enough for one."""
        tables = {key: value for key, value in record.items() if _is_table(value)}
        lines = dict(_flat({key: value for key, value in record.items() if key not in tables}))
        width = max((len(key) for key in lines), default=0)
        for key, value in lines.items():
            self._write(f"{key:<{width}}  {harmless(cell(value))}".rstrip() + "\n")
        for key, rows in tables.items():
            names = dict.fromkeys(name for row in rows for name in row)
            columns = [name for name in names if all(len(cell(row.get(name))) <= SHORT for row in rows)]
            self._write(f"\n{key}\n")
            self._table(columns, rows)

    def value(self, value: Any) -> None:
        """Print one value alone, as text or as JSON."""
        as_json = self.format in ("json", "jsonl")
        self._write((json.dumps(plain(value), ensure_ascii=False) if as_json else cell(value)) + "\n")

    def text(self, text: str) -> None:
        """Print a document that is itself the result."""
        self._write(text if text.endswith("\n") else text + "\n")

    def flush(self) -> None:
        """Let a reader at the other end of a pipe see what was printed."""
        self.stdout.flush()

    def batch(self, result: BatchResult) -> int:
        """Print a batch result as the contract has it, out at once; return the exit code that goes with it."""
        if self.format in ("json", "jsonl"):
            self.record(result.as_dict())
        elif self.format == "csv":
            self._csv(["id", "status", "detail", "error"], [item.as_dict() for item in result.results])
        else:
            self._batch_table(result)
        self.flush()
        process.settle()
        return result.exit_code

    def _batch_table(self, result: BatchResult) -> None:
        self._write(result.summary() + "\n")
        shown = [item for item in result.results if result.dry_run or item.status in ("failed", "skipped")]
        if shown:
            rows = [
                {
                    "id": item.id,
                    "status": item.status,
                    "detail": item.error.message if item.error else item.detail,
                    "code": item.error.code if item.error else None,
                }
                for item in shown
            ]
            self._table(["id", "status", "detail", "code"], rows)

    def note(self, message: str) -> None:
        """Print something worth knowing on standard error; nothing with ``--quiet``."""
        if not self.quiet:
            self.stderr.write(message + "\n")

    def warn(self, message: str) -> None:
        """Print something that has to be known on standard error."""
        self.stderr.write(f"turkctl: warning: {message}\n")

    def warn_exposed(self, what: str, file: Path) -> None:
        """Warn that others can read a file with a secret in it."""
        self.warn(f"others can read {what} {file}; run: chmod 600 {file}")

    def ask(self, question: str) -> str:
        """Ask on standard error, read one line of the answer."""
        self.stderr.write(question)
        self.stderr.flush()
        return self.stdin.readline().strip()

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Advance]:
        """Show a progress bar on standard error; none when that is not a terminal, or with ``--quiet``."""
        if self.quiet or not self.stderr.isatty() or total < 2:
            yield lambda: None
            return
        from rich.progress import Progress

        with Progress(console=self._console(self.stderr), transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda: bar.advance(task)

    @contextmanager
    def meter(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar for work that says itself how much of how much is done, as :meth:`progress` does."""
        if self.quiet or not self.stderr.isatty():
            yield lambda *_: None
            return
        from rich.progress import Progress

        with Progress(console=self._console(self.stderr), transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _console(self, file: TextIO) -> Console:
        from rich.console import Console

        # Without a colour system Rich writes no escape sequences at all, bold ones neither.
        system: Literal["auto"] | None = "auto" if self.color else None
        return Console(file=unfiltered(file), color_system=system, highlight=False, markup=False, soft_wrap=False)

    def console(self) -> Console:
        """Return standard output as Rich draws on it."""
        return self._console(self.stdout)

    def _table(self, columns: Sequence[str], rows: Iterable[Row], bar: str | None = None) -> None:
        listed = list(rows)
        if not listed:
            self.note("nothing to show")
        elif self.stdout.isatty():
            table, missed = self.picture(columns, listed, bar)
            self.console().print(table)
            if missed:
                self.note(f"no room for {', '.join(missed)}: see -o csv or --json")
        else:
            for line in plain_lines(columns, _cells(columns, listed)):
                self._write(line + "\n")

    def picture(self, columns: Sequence[str], rows: Sequence[Row], bar: str | None = None) -> tuple[Table, list[str]]:
        """Return the table for a terminal of this width, and the columns there is no room for."""
        width = self.console().width
        layout = fit(columns, _cells(columns, rows), width)
        drawn_bars = [] if bar is None else bars([row[bar] for row in rows], layout.left(width), encoding=self.encoding)
        return drawn(layout, drawn_bars), layout.missed

    @property
    def encoding(self) -> str | None:
        """Return the encoding of standard output."""
        return getattr(self.stdout, "encoding", None)

    def _json_array(self, rows: Iterable[Row]) -> None:
        self._write("[")
        separator = "\n  "
        for row in rows:
            self._write(separator + json.dumps(plain(row), ensure_ascii=False))
            separator = ",\n  "
        self._write("]\n" if separator == "\n  " else "\n]\n")

    def _json_lines(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._write(json.dumps(plain(row), ensure_ascii=False) + "\n")

    def _csv(self, columns: Sequence[str], rows: Iterable[Row]) -> None:
        iterator = iter(rows)
        first = next(iterator, None)
        names = [*columns, *(key for key in first or {} if key not in columns)]
        write = row_writer(self.stdout, "\n", spreadsheet=self.spreadsheet)
        write(names)
        for row in itertools.chain([] if first is None else [first], iterator):
            write([cell(row.get(name)) for name in names])

    def _write(self, text: str) -> None:
        self.stdout.write(text)
