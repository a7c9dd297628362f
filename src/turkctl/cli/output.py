"""The only printer: results on standard output as table, JSON, JSON Lines or CSV; all else on standard error."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from turkctl.cells import cell, plain
from turkctl.cli.bars import bars
from turkctl.cli.ending import process
from turkctl.cli.tables import GAP, drawn, fit, named, plain_lines
from turkctl.cli.top import columns as screen_columns
from turkctl.cli.top import fold
from turkctl.csv_rows import row_writer
from turkctl.harmless import harmless, one_line, unfiltered
from turkctl.moments import in_words, short_time, zone_name

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from turkctl.operations.engine.plan import BatchResult

Row = Mapping[str, Any]
Advance = Callable[[], None]
"""Tells a progress bar that one more item is done."""


SHORT = 60
"""Characters above which a value is left out of a table inside a record (``--json`` has it)."""


DEADLINES = ("clears", "expires", "next_round", "next_run")
"""Columns with times to come, which are counted down on the last day."""
NEAR = timedelta(days=1)


class LocalTimes:
    """Times as a person at a terminal reads them: short and local, with the zone said once for all of them."""

    def __init__(self, now: datetime, zone: tzinfo | None) -> None:
        self._zones: dict[str, dict[str, None]] = {}  # the names of the zones of each column's times
        self._now = now
        self._zone = zone

    def cell(self, name: str, value: Any) -> str:
        """Return the value of a column or key as :func:`cell` does, but a time as ``today 14:05`` or ``in 2 h``."""
        if not isinstance(value, datetime):
            return cell(value)
        left = value - self._now
        if name.rpartition(".")[2] in DEADLINES and timedelta(0) < left < NEAR:
            return in_words(left)
        self._zones.setdefault(name, {})[zone_name(value, self._zone)] = None
        return short_time(value, self._now, self._zone)

    @property
    def note(self) -> str | None:
        """Return which zone the times are in; None if none was shown."""
        names = dict.fromkeys(name for zones in self._zones.values() for name in zones)
        return f"times in {' and '.join(names)}" if names else None

    def forget(self, columns: Iterable[str]) -> None:
        """Leave out of the note the times of columns that are not shown after all."""
        for column in columns:
            self._zones.pop(column, None)


def _flat(record: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return the record with what is inside of others beside them, under ``outer.inner``."""
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _cells(
    columns: Sequence[str], rows: Iterable[Row], show: Callable[[str, Any], str] = lambda _name, value: cell(value)
) -> list[dict[str, str]]:
    return [{column: one_line(show(column, row.get(column))) for column in columns} for row in rows]


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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        zone: tzinfo | None = None,
    ) -> None:
        """Keep where to print, and how.

        Args:
            fmt: table, json, jsonl or csv.
            quiet: print no notes and no progress.
            color: whether the terminal gets colours.
            stdout: for the result.
            stderr: for all else.
            stdin: for answers.
            spreadsheet: CSV is for a spreadsheet.
            now: says which day is today, where times are shown to people.
            zone: of times on a terminal; this machine's if not given.
        """
        self.format = fmt
        self._now = now
        self._zone = zone
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

    @property
    def summary_unwanted(self) -> bool:
        """Return whether people get nothing of an act that did all it should."""
        return self.quiet and self.format == "table"

    def rows(
        self,
        columns: Sequence[str],
        rows: Iterable[Row],
        *,
        bar: str | None = None,
        kept: Collection[str] = (),
        otherwise: str = "-o csv or --json",
    ) -> None:
        """Print a list of things. Tables show ``columns``; the other formats all keys (CSV: ``columns`` first).

        Args:
            columns: of the table.
            rows: what is listed.
            bar: a column of numbers that get a bar on a terminal, where there is room.
            kept: columns that a narrow terminal must not lose, besides those of :data:`turkctl.cli.tables.KEPT`.
            otherwise: how to see the columns that a narrow terminal has no room for.
        """
        if self.format == "table":
            self._table(columns, rows, bar, kept=kept, otherwise=otherwise)
        elif self.format == "csv":
            self._csv(columns, rows)
        elif self.format == "jsonl":
            self._json_lines(rows)
        else:
            self._json_array(rows)

    def chart(self, columns: Sequence[str], rows: Sequence[Row], bar: str) -> None:
        """Print a table with a bar beside each number of the column ``bar``, on a terminal or not."""
        if self.stdout.isatty() or not rows:
            self._table(columns, rows, bar)
            return
        head, *lines = plain_lines(columns, _cells(columns, rows))
        longest = max(map(len, (head, *lines)))
        drawn_bars = bars([row[bar] for row in rows], screen_columns() - longest - GAP, encoding=self.encoding)
        self._write(head + "\n")
        for line, drawn_bar in itertools.zip_longest(lines, drawn_bars, fillvalue=""):
            self._write(f"{line:<{longest + GAP}}{drawn_bar}".rstrip() + "\n")

    def record(self, record: Row) -> None:
        """Print one thing: a JSON object, or a line per key."""
        if self.format == "table":
            self._lines(record)
        elif self.format == "csv":
            self._csv(list(record), [record])
        else:
            indent = 2 if self.format == "json" else None
            self._write(json.dumps(plain(record), indent=indent, ensure_ascii=False) + "\n")

    def outcome(self, record: Row, words: str | None = None, *, well: bool = True) -> None:
        """Print what an act did, as :meth:`record` does, or in ``words`` where people read it.

        With ``--quiet``, people get nothing: the exit code says that all is well.

        Args:
            record: what was done.
            words: the same in a sentence.
            well: whether it did all that it should; False also for what a dry run would do.
        """
        if self.summary_unwanted and well:
            return
        if self.format == "table" and words is not None:
            self._write(words + "\n")
        else:
            self.record(record)

    def _lines(self, record: Row) -> None:
        """Print a line per key; lists of things follow as tables of what is short enough for one."""
        times = self._times() if self.stdout.isatty() else None
        show = (lambda _name, value: cell(value)) if times is None else times.cell
        tables = {key: value for key, value in record.items() if _is_table(value)}
        flat = _flat({key: value for key, value in record.items() if key not in tables})
        lines = {named(key): value for key, value in flat}
        width = max((len(key) for key in lines), default=0)
        for key, value in lines.items():
            self._write(f"{key:<{width}}  {harmless(show(key, value))}".rstrip() + "\n")
        for key, rows in tables.items():
            names = dict.fromkeys(name for row in rows for name in row)
            columns = [name for name in names if all(len(cell(row.get(name))) <= SHORT for row in rows)]
            self._write(f"\n{key}\n")
            self._table(columns, rows, times=times)
        if times is not None and times.note is not None:
            self.console().print(self._dim(times.note))

    def value(self, value: Any) -> None:
        """Print one value alone, as text or as JSON."""
        as_json = self.format in ("json", "jsonl")
        self._write((json.dumps(plain(value), ensure_ascii=False) if as_json else cell(value)) + "\n")

    def text(self, text: str) -> None:
        """Print a document that is itself the result."""
        self._write(text if text.endswith("\n") else text + "\n")

    def drawing(self, draw: Callable[[bool], str]) -> None:
        """Print a picture made of characters; ``draw`` is told whether it may use colours."""
        color = self.color and self.stdout.isatty()
        unfiltered(self.stdout).write(draw(color))

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
        """Print the summary and what was not done; with ``--quiet``, of what was carried out only failures."""
        brief = self.quiet and not result.dry_run
        if not brief:
            self._write(result.summary() + "\n")
        told = ("failed",) if brief else ("failed", "skipped")
        shown = [item for item in result.results if result.dry_run or item.status in told]
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
            self._table(["id", "status", "detail", "code"], rows, kept=("id", "status"))

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

    def _table(
        self,
        columns: Sequence[str],
        rows: Iterable[Row],
        bar: str | None = None,
        *,
        kept: Collection[str] = (),
        otherwise: str = "-o csv or --json",
        times: LocalTimes | None = None,
    ) -> None:
        listed = list(rows)
        if not listed:
            self.note("nothing to show")
        elif self.stdout.isatty():
            picture, missed = self.picture(columns, listed, bar, kept=kept, times=times)
            self.console().print(picture, crop=False)
            if missed:
                told = f"no room for {', '.join(map(named, missed))}: see {otherwise}"
                width = self.console().width if self.stderr.isatty() else len(told)
                self.note("\n".join(fold(told, width)))
        else:
            for line in plain_lines(columns, _cells(columns, listed)):
                self._write(line + "\n")

    def picture(
        self,
        columns: Sequence[str],
        rows: Sequence[Row],
        bar: str | None = None,
        *,
        kept: Collection[str] = (),
        times: LocalTimes | None = None,
    ) -> tuple[RenderableType, list[str]]:
        """Return the table for a terminal of this width, and the columns there is no room for.

        The zone of its times is below it, unless ``times`` are those of a larger whole.
        """
        from rich.console import Group

        width = self.console().width
        own = self._times() if times is None else times
        layout = fit(columns, _cells(columns, rows, own.cell), width, kept=kept)
        own.forget(layout.missed)
        drawn_bars = [] if bar is None else bars([row[bar] for row in rows], layout.left(width), encoding=self.encoding)
        table = drawn(layout, width, drawn_bars)
        if times is not None or own.note is None:
            return table, layout.missed
        return Group(table, self._dim(own.note)), layout.missed

    def _times(self) -> LocalTimes:
        return LocalTimes(self._now(), self._zone)

    def _dim(self, text: str) -> RenderableType:
        from rich.text import Text

        return Text(text, style="dim")

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
