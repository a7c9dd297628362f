"""Export what the experiment recorded as rows, page by page (``participants export``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

from turkctl.errors import InterruptedByUserError, UsageError
from turkctl.operations.participants.anonymize import PseudonymKey, Pseudonyms, load_key
from turkctl.operations.participants.datastring import (
    CONSENT,
    KINDS,
    PARTICIPANT,
    Clean,
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
    table_columns,
)
from turkctl.operations.participants.filters import Query, build_filter, needed_columns
from turkctl.operations.participants.lists import Reads, checked_table, readable, status_name
from turkctl.outputs import Protected, is_standard, refuse_standard, text_into, writing_all
from turkctl.store import consents
from turkctl.store.consents import GivenConsent
from turkctl.store.engine import Database
from turkctl.store.participant_exports import has_answers, read_page
from turkctl.store.participant_lists import ParticipantFilter, as_text
from turkctl.units import format_time
from turkctl.words import known_name

ALL = "all"
LISTED = 20
"""Maximum number of participants with unreadable data that are named; the others are counted."""
MOST_COLUMNS = 1000
"""Maximum number of fields of trials that get their own column in a table."""
NOT_WRITTEN = ("xlsx", "xls", "ods", "tsv", "json")
"""File endings of formats that cannot be written."""
IDS = ("uniqueid", "assignment_id", "worker_id", "hit_id")
_IP_ADDRESS = "ipaddress"
_HIT_COLUMN, _WORKER_COLUMN = (list(PARTICIPANT).index(name) for name in ("hit_id", "worker_id"))


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


@dataclass
class ExportReport:
    """The counts of an export."""

    files: list[Path] = field(default_factory=list)
    participants: int = 0
    """Number of participants with recorded data that could be read, at least in part."""
    rows: dict[Kind, int] = field(default_factory=dict)
    unreadable: int = 0
    """Number of participants whose data could not be read completely."""
    listed: list[dict[str, str]] = field(default_factory=list)
    """The first of them, with ``uniqueid`` and ``reason``."""
    key: PseudonymKey | None = None
    """The key of pseudonyms."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON shows it."""
        return {
            "files": [str(file) for file in self.files],
            "participants": self.participants,
            "rows": dict(self.rows),
            "unreadable": self.unreadable,
            "unreadable_participants": self.listed,
        }


def plan_export(
    data: str, form: str | None, file: str | None, key_file: Path | None = None, *, otherwise: str = "csv"
) -> Wanted:
    """Return what to export, from the options of the command line.

    Without a format, the file's ending decides, else ``otherwise``; several tables on standard output are
    written as JSON Lines.

    Raises:
        UsageError: an unknown kind or format, or a format that cannot be written to the destination.
    """
    known_name(data, (*KINDS, ALL), "kind of data")
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
    return Wanted(kinds, form, target, key_file)


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
    source = _open(reads, query, wanted.key_file is not None, stop)
    report = ExportReport(files=files, rows=dict.fromkeys(wanted.kinds, 0))
    if wanted.key_file is not None:
        report.key = load_key(wanted.key_file)
        source = replace(source, pseudonyms=Pseudonyms(report.key.secret))
    if wanted.file is None:
        _write(source, wanted.kinds, _to_stdout(source, wanted, write), report)
        return report
    with writing_all(files, protected, private=True) as opened, ExitStack() as stack:
        _write(source, wanted.kinds, _to_files(source, wanted, opened, stack), report)
    return report


def _files(wanted: Wanted, protected: Protected) -> list[Path]:
    if wanted.file is None:
        return []
    parts = [f"{kind}data" for kind in wanted.kinds]
    return named(wanted.file, parts, wanted.form, protected, together=wanted.form == "jsonl")


@dataclass(frozen=True)
class _Read:
    """One participant: the keys of their rows, the recorded data, and the replacement of their ids."""

    keys: Mapping[str, Any]
    recorded: str | bytes
    clean: Clean | None


@dataclass(frozen=True)
class _ExportSource:
    """The participants that match; can be iterated more than once."""

    database: Database
    table: str
    wanted: ParticipantFilter
    stop: Event
    answers: bool = False
    """Whether turkctl's stored answers are used if psiTurk recorded nothing."""
    consents: bool = False
    """Whether the database knows consents."""
    pseudonyms: Pseudonyms | None = None

    def __iter__(self) -> Iterator[_Read]:
        """Yield participants page by page, each page in its own transaction.

        Raises:
            InterruptedByUserError: it was stopped.
        """
        columns = [*PARTICIPANT.values(), *([] if self.pseudonyms is None else [_IP_ADDRESS])]
        after: str | None = None
        while True:
            if self.stop.is_set():
                raise InterruptedByUserError("interrupted; no file was written")
            with self.database.read() as session:
                page = read_page(session, self.table, self.wanted, columns, after, answers=self.answers)
                agreed = consents.of_work(session, set(map(_work_of, page.rows))) if self.consents else {}
            for row in page.rows:
                yield self._read(row, agreed.get(_work_of(row)))
            after = page.after
            if after is None:
                return

    def _read(self, row: Sequence[Any], agreed: GivenConsent | None) -> _Read:
        keys = dict(zip(PARTICIPANT, map(as_text, row), strict=False))
        keys["status"] = status_name(keys["status"])
        if self.consents:
            at = None if agreed is None else format_time(agreed.at.replace(microsecond=0))
            keys |= dict(zip(CONSENT, (agreed and agreed.version, at), strict=True))
        if self.pseudonyms is None:
            return _Read(keys, row[-1], None)
        ids = {name: _id(keys[name]) for name in IDS}
        person = self.pseudonyms.participant(ids, _id(as_text(row[-2])))
        return _Read(
            {**keys, **{name: person.names.get(each, each) for name, each in ids.items()}}, row[-1], person.clean
        )


def _work_of(row: Sequence[Any]) -> tuple[str, str]:
    """Return the HIT and the worker of a row."""
    return str(_id(as_text(row[_HIT_COLUMN]))), str(_id(as_text(row[_WORKER_COLUMN])))


def _id(value: Any) -> Any:
    """Return an id as text: SQLite keeps numbers in a column without a type."""
    return value if value is None else str(value)


def _open(reads: Reads, query: Query, anonymous: bool, stop: Event) -> _ExportSource:
    database = readable(reads, query)
    with database.read() as session:
        wanted = build_filter(session, reads.settings, query)
        used = [*PARTICIPANT, "datastring", *needed_columns(query), *(["ip_address"] if anonymous else [])]
        return _ExportSource(
            database,
            checked_table(session, reads, used),
            wanted,
            stop,
            has_answers(session),
            consents.are_there(session),
        )


def _columns(source: _ExportSource, kind: Kind) -> list[str]:
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
    return table_columns(kind, list(found), consents=source.consents)


def _to_stdout(source: _ExportSource, wanted: Wanted, write: Callable[[str], object]) -> dict[Kind, Writer]:
    sink = TextSink(write)
    if wanted.form == "jsonl":
        return _json_lines(wanted.kinds, sink)
    return {kind: CsvWriter(sink, _columns(source, kind), spreadsheet=wanted.spreadsheet) for kind in wanted.kinds}


def _json_lines(kinds: Sequence[Kind], sink: TextSink) -> dict[Kind, Writer]:
    return {kind: JsonLinesWriter(sink, kind if len(kinds) > 1 else None) for kind in kinds}


def _to_files(source: _ExportSource, wanted: Wanted, files: Sequence[BinaryIO], stack: ExitStack) -> dict[Kind, Writer]:
    if wanted.form == "parquet":
        pairs = zip(wanted.kinds, files, strict=True)
        writers = {kind: ParquetWriter(file, kind, _columns(source, kind)) for kind, file in pairs}
        for writer in writers.values():
            stack.callback(writer.let_go)
        return dict(writers)
    sinks = [TextSink(stack.enter_context(text_into(file)).write) for file in files]
    if wanted.form == "csv":
        return {
            kind: CsvWriter(sink, _columns(source, kind), spreadsheet=wanted.spreadsheet)
            for kind, sink in zip(wanted.kinds, sinks, strict=True)
        }
    if len(sinks) == 1:
        return _json_lines(wanted.kinds, sinks[0])
    return {kind: JsonLinesWriter(sink, kind) for kind, sink in zip(wanted.kinds, sinks, strict=True)}


def _write(source: _ExportSource, kinds: Sequence[Kind], writers: Mapping[Kind, Writer], report: ExportReport) -> None:
    for participant in source:
        reasons: list[str] = []
        try:
            document = parse(participant.recorded)
            if document is None:
                continue
            found = {kind: unpack(document, kind, participant.clean) for kind in kinds}
        except UnreadableDataError as error:
            reasons.append(str(error))
        except RecursionError:
            reasons.append("nested too deeply")
        else:
            report.participants += 1
            for kind, (rows, wrong) in found.items():
                writers[kind].write(participant.keys, rows)
                report.rows[kind] += len(rows)
                reasons += wrong
        if reasons:
            _tell(report, participant.keys["uniqueid"], reasons)
    for writer in writers.values():
        writer.close()


def _tell(report: ExportReport, uniqueid: str, reasons: Sequence[str]) -> None:
    report.unreadable += 1
    if len(report.listed) < LISTED:
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        report.listed.append({"uniqueid": uniqueid, "reason": reasons[0] + more})
