"""``turkctl labels``: aggregate, and the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from turkctl.cli.commands import label_changes, label_lists
from turkctl.cli.common import invocation, make_group
from turkctl.cli.label_options import (
    Beta,
    Classes,
    Dimensions,
    Duplicates,
    File,
    Force,
    Gold,
    GoldColumn,
    ItemColumn,
    LabelColumn,
    Method,
    MinVotes,
    OneExperiment,
    Regex,
    Report,
    Rounds,
    Sigt,
    Sigx,
    Threshold,
    WorkerColumn,
    WorkersFile,
)
from turkctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.label_files import FileRequest, FileResult
    from turkctl.operations.label_runs import Outcome

app = make_group("One answer per item out of several, and what each worker is worth.")

DEFAULT_METHOD = "cubam"
DEFAULT_MIN_VOTES = 5


@dataclass(frozen=True)
class _FileOnly:
    """Options that say how a file is read."""

    item_column: str | None
    worker_column: str | None
    label_column: str | None
    gold_column: str | None
    gold: str | None
    classes: str | None

    @property
    def columns(self) -> tuple[str | None, ...]:
        """Names of columns, as ``ColumnNames`` has them."""
        return self.item_column, self.worker_column, self.label_column, self.gold_column

    def refuse(self) -> None:
        """See that none is given.

        Raises:
            UsageError: one is.
        """
        given = next((name for name, value in vars(self).items() if value is not None), None)
        if given is not None:
            raise UsageError(
                f"--{given.replace('_', '-')} says how a FILE is read",
                hint="leave it out, or name the FILE; of experiments the table labels of their settings says it",
            )


@app.command()
def aggregate(
    ctx: typer.Context,
    file: File = None,
    experiment: OneExperiment = None,
    regex: Regex = None,
    method: Method = None,
    min_votes: MinVotes = None,
    threshold: Threshold = None,
    force: Force = False,
    sigt: Sigt = None,
    sigx: Sigx = None,
    beta: Beta = None,
    rounds: Rounds = None,
    dimensions: Dimensions = None,
    gold: Gold = None,
    gold_column: GoldColumn = None,
    classes: Classes = None,
    duplicates: Duplicates = "last",
    item_column: ItemColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
    report: Report = None,
    workers: WorkersFile = None,
) -> None:
    """Aggregate labels: of a FILE, without a database; else of the experiments that have something new."""
    run = invocation(ctx)
    _check_places(report, workers)
    options = _given(min_votes, threshold, sigt, sigx, beta, rounds, dimensions)
    reading = _FileOnly(item_column, worker_column, label_column, gold_column, gold, classes)
    if file is None:
        reading.refuse()
        _aggregate_experiments(run, experiment, regex, method, options, duplicates, report, workers, force=force)
        return
    _refuse_experiments(experiment, regex, force=force)
    _aggregate_file(run, _request(file, method, options, reading, duplicates), report, workers)


@app.command()
def workers(
    ctx: typer.Context,
    file: File = None,
    experiment: OneExperiment = None,
    method: Method = None,
    min_votes: MinVotes = None,
    threshold: Threshold = None,
    sigt: Sigt = None,
    sigx: Sigx = None,
    beta: Beta = None,
    rounds: Rounds = None,
    dimensions: Dimensions = None,
    gold: Gold = None,
    gold_column: GoldColumn = None,
    classes: Classes = None,
    duplicates: Duplicates = "last",
    item_column: ItemColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
) -> None:
    """Show workers: ability, noise, bias, and who is reversed, guessing or one-sided.

    Of a FILE of labels they are worked out now; of an experiment they are those of its last aggregation.
    """
    run = invocation(ctx)
    options = _given(min_votes, threshold, sigt, sigx, beta, rounds, dimensions)
    reading = _FileOnly(item_column, worker_column, label_column, gold_column, gold, classes)
    if file is not None:
        _refuse_experiments(experiment, None, force=False)
        found = _aggregated(run, _request(file, method, options, reading, duplicates))
        rows = worker_rows(list(found.result.worker_rows()), run.output.format)
    else:
        rows = _workers_of(run, experiment, method, options, reading)
    run.output.rows(list(rows[0]), rows)


def _workers_of(
    run: Invocation, experiment: str | None, method: str | None, options: dict[str, Any], reading: _FileOnly
) -> list[dict[str, Any]]:
    """What the last aggregation of an experiment said; nothing is worked out."""
    from turkctl.operations.label_lists import list_workers

    if experiment is None:
        raise UsageError("nothing says whose workers are meant", hint="name a FILE, or give --experiment SLUG")
    reading.refuse()
    if method is not None or any(value is not None for value in options.values()):
        raise UsageError(
            "options of methods have no effect on what was aggregated before",
            hint="leave them out, or give them to: turkctl labels aggregate --force",
        )
    return worker_rows(list_workers(run.context, experiment), run.output.format)


def _check_places(report: Path | None, workers: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    for file, flag in ((report, "--report"), (workers, "--workers")):
        if file is not None and not file.parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {file.parent}", hint=f"name another with {flag}")
    if workers is not None and workers.suffix.lower() not in (".csv", ".jsonl"):
        raise UsageError(f"{workers} ends neither in .csv nor in .jsonl", hint="name another with --workers")


def _given(
    min_votes: int | None,
    threshold: float | None,
    sigt: float | None,
    sigx: float | None,
    beta: float | None,
    rounds: int | None,
    dimensions: int | None,
) -> dict[str, Any]:
    return {
        "min_votes": min_votes,
        "threshold": threshold,
        "sigt": sigt,
        "sigx": sigx,
        "beta": beta,
        "rounds": rounds,
        "dimensions": dimensions,
    }


def _refuse_experiments(experiment: str | None, regex: str | None, *, force: bool) -> None:
    """See that nothing is said of experiments beside a file.

    Raises:
        UsageError: something is.
    """
    names = {"--experiment": experiment is not None, "--regex": regex is not None, "--force": force}
    given = next((name for name, there in names.items() if there), None)
    if given is not None:
        raise UsageError(
            f"FILE and {given} are both given: a file's labels belong to no experiment",
            hint="leave one of them out; labels import FILE --experiment SLUG makes them an experiment's",
        )


def _request(
    file: str, method: str | None, options: dict[str, Any], reading: _FileOnly, duplicates: str
) -> FileRequest:
    from turkctl.operations.label_columns import ColumnNames
    from turkctl.operations.label_files import FileRequest

    classes = reading.classes
    named = None if classes is None else [name.strip() for name in classes.split(",") if name.strip()]
    least = DEFAULT_MIN_VOTES if options["min_votes"] is None else options["min_votes"]
    return FileRequest(
        file,
        method or DEFAULT_METHOD,
        {**options, "min_votes": least},
        ColumnNames(*reading.columns),
        named,
        duplicates,
        reading.gold,
    )


def _aggregate_file(run: Invocation, request: FileRequest, report: Path | None, workers: Path | None) -> None:
    from turkctl.operations.label_files import ITEM_COLUMNS

    found = _aggregated(run, request)
    if workers is not None:
        _write_workers(workers, list(found.result.worker_rows()))
    if report is not None:
        from turkctl.operations.label_report import write_report

        write_report(report, found.result, request.file)
    run.output.rows(ITEM_COLUMNS, found.result.item_rows())


def _aggregated(run: Invocation, request: FileRequest) -> FileResult:
    """The result; what is worth knowing goes to standard error."""
    from turkctl.operations.label_files import aggregate_file

    found = aggregate_file(request, run.output.stdin, run.output.meter)
    for note in found.notes:
        run.output.note(note)
    for told in found.result.run.warnings:
        run.output.warn(told)
    return found


def _aggregate_experiments(
    run: Invocation,
    experiment: str | None,
    regex: str | None,
    method: str | None,
    options: dict[str, Any],
    duplicates: str,
    report: Path | None,
    workers: Path | None,
    *,
    force: bool,
) -> None:
    """Aggregate what is dirty; the rows of each, then exit code 1 where one failed."""
    from turkctl.cli.batch import stoppable
    from turkctl.operations.aggregation import How
    from turkctl.operations.label_runs import AggregateRequest, aggregate_experiments, check_duplicates

    single = experiment is not None
    if not single and (report is not None or workers is not None):
        raise UsageError("--report and --workers are about one experiment", hint="name it with --experiment")
    how = How(method, options, check_duplicates(duplicates))
    request = AggregateRequest(experiment, regex, how, force)
    outcomes = []
    with stoppable() as stop:
        for outcome in aggregate_experiments(run.context, request, run.output.meter, stop.is_set):
            _tell(run, outcome)
            outcomes.append(outcome)
    if report is not None or workers is not None:
        _write_files(outcomes, report, workers)
    from turkctl.operations.label_lists import ITEM_COLUMNS

    columns = ITEM_COLUMNS if single else ("experiment", *ITEM_COLUMNS)
    run.output.rows(columns, _rows(run, outcomes, named=not single))
    if any(outcome.error is not None for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)


def _rows(run: Invocation, outcomes: list[Outcome], *, named: bool) -> Iterator[dict[str, Any]]:
    from turkctl.operations.label_lists import results_of

    for outcome in outcomes:
        if outcome.error is None:
            yield from results_of(run.context, outcome.version, named=named)


def _tell(run: Invocation, outcome: Outcome) -> None:
    """What became of an experiment, on standard error."""
    from turkctl.operations.label_files import summary

    slug = outcome.version.slug
    if outcome.error is not None:
        hint = f"; {outcome.error.hint}" if outcome.error.hint else ""
        run.output.warn(f"{slug}: {outcome.error.message}{hint}")
        return
    for note in outcome.notes:
        run.output.note(f"{slug}: {note}")
    if outcome.result is not None:
        changes = ", ".join(f"{name} {number:,}" for name, number in outcome.changes.items())
        run.output.note(f"{slug}: run {outcome.run}, {summary(outcome.result)}")
        run.output.note(f"{slug}: {changes or 'no changes'}")
        for told in outcome.result.run.warnings:
            run.output.warn(f"{slug}: {told}")


def _write_files(outcomes: list[Outcome], report: Path | None, workers: Path | None) -> None:
    """The page and the workers of the one experiment.

    Raises:
        UsageError: nothing was aggregated, or a file cannot be written.
    """
    result = outcomes[0].result if outcomes else None
    if result is None:
        raise UsageError("nothing was aggregated that could be written", hint="add --force")
    if workers is not None:
        _write_workers(workers, list(result.worker_rows()))
    if report is not None:
        from turkctl.operations.label_report import write_report

        write_report(report, result, f"experiment {outcomes[0].version.slug}")


def _write_workers(file: Path, rows: list[dict[str, Any]]) -> None:
    from turkctl.cli.export import write_rows
    from turkctl.operations.label_files import WORKER_COLUMNS

    form = file.suffix.lstrip(".").lower()
    write_rows(file, form, WORKER_COLUMNS, worker_rows(rows, form))


def worker_rows(rows: Sequence[dict[str, Any]], form: str) -> list[dict[str, Any]]:
    """A row per worker; flags are a list in JSON, and words elsewhere."""
    if form in ("table", "csv"):
        return [{**row, "flags": " ".join(row["flags"] or ())} for row in rows]
    return list(rows)


label_lists.register(app)
label_changes.register(app)
