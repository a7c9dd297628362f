"""Export what the experiment recorded as rows, page by page (``participants export``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

from turkctl.errors import UsageError
from turkctl.operations.answers.columns import ItemColumns, QuestionColumns, flat
from turkctl.operations.participants.anonymize import PseudonymKey, Pseudonyms, load_key
from turkctl.operations.participants.datastring import (
    FIELDS,
    KINDS,
    REST,
    Entries,
    Kind,
    UnreadableDataError,
    parse,
    trial_columns,
    unpack,
)
from turkctl.operations.participants.export_files import named
from turkctl.operations.participants.export_formats import (
    FORMATS,
    CsvWriter,
    JsonLinesWriter,
    ParquetWriter,
    TextSink,
    Writer,
    import_parquet,
    numbers_of,
    table_columns,
)
from turkctl.operations.participants.export_source import ExportSource, ReadParticipant, open_source
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Reads
from turkctl.outputs import Protected, is_standard, refuse_standard, text_into, writing_all
from turkctl.words import known_name

ALL = "all"
LISTED = 20
"""Maximum number of participants with unreadable data that are named; the others are counted."""
MOST_COLUMNS = 1000
"""Maximum number of fields of trials that get their own column in a table."""
NOT_WRITTEN = ("xlsx", "xls", "ods", "tsv", "json")
"""File endings of formats that cannot be written."""
WIDE = "wide"
"""The name of the table with a row for each person."""

RowsOf = Callable[[ReadParticipant, Mapping[str, Any]], Mapping[str, Entries]]
"""Makes the rows of each table of a participant and their document."""


@dataclass(frozen=True)
class Wanted:
    """What to export, and how."""

    kinds: Sequence[Kind]
    form: str
    file: str | None = None
    """A file or a folder; None for standard output."""
    key_file: Path | None = None
    """The file with the key of pseudonyms, which replace ids; None keeps the ids."""
    spreadsheet: bool = False
    """Whether CSV is made safe for a spreadsheet."""
    wide: bool = False
    """Whether each person gets one row, with a column for each question."""
    item_columns: bool = False
    """Whether rows have what the study's files say of the item that they are about."""


@dataclass
class ExportReport:
    """The counts of an export."""

    files: list[Path] = field(default_factory=list)
    participants: int = 0
    """Number of participants with recorded data that could be read, at least in part."""
    rows: dict[str, int] = field(default_factory=dict)
    """By the name of the table."""
    unreadable: int = 0
    """Number of participants whose data could not be read completely."""
    listed: list[dict[str, str]] = field(default_factory=list)
    """The first of them, with ``uniqueid`` and ``reason``."""
    key: PseudonymKey | None = None
    """The key of pseudonyms."""
    renamed: dict[str, str] | None = None
    """The questions whose columns have other names, by the column; None if questions have no columns."""
    missed: int = 0
    """Number of answers to questions that were first answered while the file was written, which are not in it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON shows it."""
        return {
            "files": [str(file) for file in self.files],
            "participants": self.participants,
            "rows": dict(self.rows),
            "unreadable": self.unreadable,
            "unreadable_participants": self.listed,
            **({} if self.renamed is None else {"renamed": self.renamed, "missed": self.missed}),
        }


def plan_export(
    data: str | None,
    form: str | None,
    file: str | None,
    key_file: Path | None = None,
    *,
    otherwise: str = "csv",
    wide: bool = False,
) -> Wanted:
    """Return what to export, from the options of the command line.

    Without a format, the file's ending decides, else ``otherwise``; several tables on standard output are
    written as JSON Lines.

    Raises:
        UsageError: an unknown kind or format, or a format that cannot be written to the destination.
    """
    data = _kind_of_data(data, wide=wide)
    if file == "":
        raise UsageError("the name of the file is empty", hint="name one with --file, or leave it out")
    refuse_standard(key_file, "--anonymize", "where a key would be seen by all")
    kinds = [kind for kind in KINDS if data in (kind, ALL)]
    target = None if is_standard(file) else file
    if form is None:
        ending = Path(target or "").suffix.lstrip(".").lower()
        if ending in NOT_WRITTEN:
            raise UsageError(
                f"{target} ends in .{ending}, which is not a format of exports",
                hint="name a file that ends in .csv, .jsonl or .parquet, or give --format",
            )
        form = ending if ending in FORMATS else "jsonl" if target is None and len(kinds) > 1 else otherwise
    known_name(form, FORMATS, "format")
    if target is None and form == "parquet":
        raise UsageError("Parquet cannot be written to standard output", hint="name a file with --file")
    if target is None and form == "csv" and len(kinds) > 1:
        raise UsageError("one CSV cannot hold three tables", hint="add --file, or choose --format jsonl")
    if form == "parquet":
        import_parquet()
    return Wanted(kinds, form, target, key_file, wide=wide)


def _kind_of_data(data: str | None, *, wide: bool) -> str:
    if data is None and not wide:
        raise UsageError(
            "--data is missing", hint=f"give one of {', '.join(KINDS)} and {ALL}, or --wide for a row per person"
        )
    chosen = known_name("question" if data is None else data, (*KINDS, ALL), "kind of data")
    if wide and chosen != "question":
        raise UsageError(f"--wide has a column per question, and none for --data {chosen}", hint="leave out --data")
    return chosen


def export(
    reads: Reads,
    query: Query,
    wanted: Wanted,
    write: Callable[[str], object],
    stop: Event,
    protected: Protected = Protected(),  # noqa: B008  # the default is immutable
) -> ExportReport:
    """Write the recorded data of the participants that match.

    Participants are sorted by ``uniqueid``. Each participant who is there throughout the export is written once, as
    they are at the moment of reading.

    Args:
        reads: settings and database.
        query: the filters.
        wanted: what to export, and where.
        write: standard output.
        stop: set to end it early.
        protected: the files that must not be replaced.

    Raises:
        UsageError, NotFoundError, SchemaError: see :func:`turkctl.operations.participants.lists.listed`; also a key
            file that cannot be used and a file that cannot be written.
        InterruptedByUserError: it was stopped; no file was created or replaced.
    """
    protected = protected.plus(wanted.key_file, "the key")
    files = _files(wanted, protected)
    source = open_source(reads, query, stop, anonymous=wanted.key_file is not None, times=wanted.wide)
    report = ExportReport(files=files, rows=dict.fromkeys([WIDE] if wanted.wide else wanted.kinds, 0))
    if wanted.key_file is not None:
        report.key = load_key(wanted.key_file)
        source = replace(source, pseudonyms=Pseudonyms(report.key.secret))
    if wanted.item_columns and source.items:
        source = replace(source, columns=_item_columns(source))
    wide = _question_columns(source) if wanted.wide else None
    tables = _tables(source, wanted, wide)
    rows_of = _long_rows(source, wanted.kinds) if wide is None else _wide_rows(wide)
    if wanted.file is None:
        _write(source, rows_of, _to_stdout(tables, wanted, write), report)
    else:
        with writing_all(files, protected, private=True) as opened, ExitStack() as stack:
            _write(source, rows_of, _to_files(tables, wanted, opened, stack), report)
    if wide is not None:
        report.renamed, report.missed = wide.renamed, wide.missed
    return report


def _files(wanted: Wanted, protected: Protected) -> list[Path]:
    if wanted.file is None:
        return []
    parts = [f"{name}data" for name in ([WIDE] if wanted.wide else wanted.kinds)]
    return named(wanted.file, parts, wanted.form, protected, together=wanted.form == "jsonl")


def _columns(source: ExportSource, kind: Kind) -> list[str]:
    """Return the columns of a table; for trials, this reads all participants once beforehand."""
    found: dict[str, None] = {}
    for participant in source if kind == "trial" else ():
        try:
            document = parse(participant.recorded)
        except UnreadableDataError:
            continue  # reported when the rows are written
        found.update(dict.fromkeys(trial_columns(document or {}, participant.clean)))
        while len(found) > MOST_COLUMNS:
            found.popitem()
    return table_columns(kind, list(found), source.known)


def _item_columns(source: ExportSource) -> ItemColumns:
    """Return the columns of the items that the participants were shown; this reads all participants once."""
    found: dict[str, None] = {}
    for participant in source:
        for item in () if participant.shown is None else participant.shown.items:
            found.update(dict.fromkeys(item.data))
        while len(found) > MOST_COLUMNS:
            found.popitem()
    return ItemColumns(found, [*source.known, *(name for kind in KINDS for name in FIELDS[kind]), REST])


def _question_columns(source: ExportSource) -> QuestionColumns:
    """Return the columns of questions; this reads all participants once."""
    columns = QuestionColumns(source.known, MOST_COLUMNS)
    for participant in source:
        try:
            rows, _wrong = unpack(parse(participant.recorded) or {}, "question", participant.clean)
        except (UnreadableDataError, RecursionError):
            continue  # reported when the rows are written
        for question in _by_question(rows):
            columns.add(question, question)
    return columns


def _by_question(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return flat((row["question"], row["value"]) for row in rows)


@dataclass(frozen=True)
class _Table:
    """One table of an export."""

    name: str
    columns: Callable[[], Sequence[str]]
    """Returns the columns; JSON Lines are written without asking for them."""
    numbers: Sequence[str]
    """The columns that hold numbers."""


def _tables(source: ExportSource, wanted: Wanted, wide: QuestionColumns | None) -> list[_Table]:
    if wide is not None:
        return [_Table(WIDE, lambda: [*source.known, *wide.names], numbers_of(None))]
    return [_Table(kind, partial(_columns, source, kind), numbers_of(kind)) for kind in wanted.kinds]


def _to_stdout(tables: Sequence[_Table], wanted: Wanted, write: Callable[[str], object]) -> dict[str, Writer]:
    sink = TextSink(write)
    if wanted.form == "jsonl":
        return _json_lines(tables, sink)
    return {each.name: CsvWriter(sink, each.columns(), spreadsheet=wanted.spreadsheet) for each in tables}


def _json_lines(tables: Sequence[_Table], sink: TextSink) -> dict[str, Writer]:
    return {each.name: JsonLinesWriter(sink, each.name if len(tables) > 1 else None) for each in tables}


def _to_files(
    tables: Sequence[_Table], wanted: Wanted, files: Sequence[BinaryIO], stack: ExitStack
) -> dict[str, Writer]:
    if wanted.form == "parquet":
        pairs = zip(tables, files, strict=True)
        writers = {each.name: ParquetWriter(file, each.columns(), each.numbers) for each, file in pairs}
        for writer in writers.values():
            stack.callback(writer.let_go)
        return dict(writers)
    sinks = [TextSink(stack.enter_context(text_into(file)).write) for file in files]
    if wanted.form == "csv":
        return {
            each.name: CsvWriter(sink, each.columns(), spreadsheet=wanted.spreadsheet)
            for each, sink in zip(tables, sinks, strict=True)
        }
    if len(sinks) == 1:
        return _json_lines(tables, sinks[0])
    return {each.name: JsonLinesWriter(sink, each.name) for each, sink in zip(tables, sinks, strict=True)}


def _write(source: ExportSource, rows_of: RowsOf, writers: Mapping[str, Writer], report: ExportReport) -> None:
    for participant in source:
        reasons: list[str] = []
        try:
            document = parse(participant.recorded)
            if document is None:
                continue
            found = rows_of(participant, document)
        except UnreadableDataError as error:
            reasons.append(str(error))
        except RecursionError:
            reasons.append("nested too deeply")
        else:
            report.participants += 1
            for name, (rows, wrong) in found.items():
                writers[name].write(participant.keys, rows)
                report.rows[name] += len(rows)
                reasons += wrong
        if reasons:
            _tell(report, participant.keys["uniqueid"], reasons)
    for writer in writers.values():
        writer.close()


def _long_rows(source: ExportSource, kinds: Sequence[Kind]) -> RowsOf:
    """Return a function that makes a row of each record."""

    def rows_of(participant: ReadParticipant, document: Mapping[str, Any]) -> dict[str, Entries]:
        found: dict[str, Entries] = {}
        for kind in kinds:
            if kind == "question":
                rows, wrong = unpack(document, kind)
                found[kind] = (participant.answers(rows, source.columns), wrong)
            else:
                found[kind] = unpack(document, kind, participant.clean)
        return found

    return rows_of


def _wide_rows(columns: QuestionColumns) -> RowsOf:
    """Return a function that makes one row of all answers of a participant."""

    def rows_of(participant: ReadParticipant, document: Mapping[str, Any]) -> dict[str, Entries]:
        rows, wrong = unpack(document, "question", participant.clean)
        answers = ((question, question, value) for question, value in _by_question(rows).items())
        return {WIDE: ([columns.cells(answers)], wrong)}

    return rows_of


def _tell(report: ExportReport, uniqueid: str, reasons: Sequence[str]) -> None:
    report.unreadable += 1
    if len(report.listed) < LISTED:
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        report.listed.append({"uniqueid": uniqueid, "reason": reasons[0] + more})
