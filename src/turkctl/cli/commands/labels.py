"""``turkctl labels``: aggregate, the workers, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.commands import label_changes, label_disagree, label_lists
from turkctl.cli.common import invocation, make_group
from turkctl.cli.label_options import Duplicates, File, Files, Force, OneExperiment, Options, Reading, Regex
from turkctl.cli.listing import Listing
from turkctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.labels.agreement import Reliability
    from turkctl.labels.result import Result
    from turkctl.operations.labels.files import FileRequest, FileResult
    from turkctl.operations.labels.runs import AggregateRequest, AggregationOutcome
    from turkctl.outputs import Protected

app = make_group("Combine several workers' labels into one per item; rate the workers.")

DEFAULT_MIN_VOTES = 5


@app.act()
@bundled
def aggregate(
    ctx: typer.Context,
    options: Options,
    reading: Reading,
    files: Files,
    file: File = None,
    experiment: OneExperiment = None,
    regex: Regex = None,
    force: Force = False,
) -> None:
    """Aggregate labels of a FILE, without a database, or of the experiments that have new labels.

    Examples:
        turkctl labels aggregate --experiment photos
        turkctl labels aggregate votes.csv --method dawid-skene --min-votes 3 --report report.html
    """
    run = invocation(ctx)
    protected = run.protected((file, "what is aggregated"), (reading.gold, "the known answers"))
    files.check(protected)
    if file is not None:
        _refuse_experiments(experiment, regex, force=force)
        _aggregate_file(run, _request(file, options, reading), files, protected)
        return
    reading.refuse()
    if experiment is None and files.wanted:
        raise UsageError("--report and --workers are about one experiment", hint="name it with --experiment")
    from turkctl.operations.labels.aggregation import How, check_duplicates
    from turkctl.operations.labels.runs import AggregateRequest

    how = How(options.method, options.of_method, check_duplicates(options.duplicates))
    _aggregate_experiments(run, AggregateRequest(experiment, regex, how, force), files, protected)


@app.command()
@bundled
def workers(
    ctx: typer.Context,
    options: Options,
    reading: Reading,
    listing: Listing,
    file: File = None,
    experiment: OneExperiment = None,
) -> None:
    """Show workers: how often they are right about each class, what they mistake for what, and what stands out.

    The workers of a FILE of labels are worked out now; those of an experiment are from its last aggregation.

    Examples:
        turkctl labels workers --experiment photos --sort agreement
        turkctl labels workers votes.csv --min-votes 3
    """
    run = invocation(ctx)
    if file is not None:
        _refuse_experiments(experiment, None, force=False)
        rows = list(_aggregated(run, _request(file, options, reading)).result.worker_rows())
    else:
        reading.refuse()
        rows = _workers_of(run, experiment, options)
    shown = worker_rows(rows, run.output.format)
    columns = [name for name in shown[0] if name != "flags" or run.output.format != "table"]
    listing.show(run, columns, shown)


@app.command()
@bundled
def agreement(
    ctx: typer.Context,
    reading: Reading,
    file: File = None,
    experiment: OneExperiment = None,
    duplicates: Duplicates = "last",
) -> None:
    """Show how far workers agree beyond chance: Krippendorff's alpha and, of two, Cohen's kappa, also by class.

    The agreement of a FILE of labels is worked out now; that of an experiment is from its last aggregation.

    Examples:
        turkctl labels agreement --experiment photos
        turkctl labels agreement votes.csv --json
    """
    run = invocation(ctx)
    if file is not None:
        _refuse_experiments(experiment, None, force=False)
        found, odd = _agreement_of_file(run, _request(file, Options(duplicates=duplicates), reading))
    else:
        reading.refuse()
        if duplicates != "last":
            raise UsageError(
                "--duplicates has no effect on an earlier aggregation",
                hint="leave it out, or give it to: turkctl labels aggregate --force",
            )
        found, odd = _agreement_of_experiment(run, experiment), 0
    if found["alpha"] is None:
        from turkctl.operations.labels.quality import agreement_line

        run.output.note(agreement_line(found))
    run.output.record(found if run.output.format != "table" else _readable(found))
    if odd:
        raise typer.Exit(ExitCode.FAILED)


def _agreement_of_file(run: Invocation, request: FileRequest) -> tuple[dict[str, Any], int]:
    """Return the agreement, and the number of labels that are none of the classes."""
    from turkctl.operations.labels.files import measure_file

    found = measure_file(replace(request, method="majority"), run.output.stdin, run.output.meter)
    for note in found.notes:
        run.output.note(note)
    for told in found.warnings:
        run.output.warn(told)
    return found.agreement.as_dict(), found.left_out.odd


def _agreement_of_experiment(run: Invocation, experiment: str | None) -> dict[str, Any]:
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.quality import agreement_of

    return agreement_of(run.context, named_or_only(run.context, experiment))


def _readable(found: dict[str, Any]) -> dict[str, Any]:
    """Return an agreement as a terminal shows it: a coefficient and its interval in one text, and a row per class."""
    from turkctl.operations.labels.quality import class_rows, interval

    whole = {
        name: value for name, value in found.items() if name in ("experiment", "run", "items", "labels", "workers")
    }
    rows = class_rows(found)
    coefficients = {name: interval(found, name) for name in ("alpha", "kappa")}
    kept = [name for name in coefficients if coefficients[name] or name == "alpha"]
    rows = [{key: row[key] for key in ("class", "share", *kept)} for row in rows]
    return {**whole, **{name: coefficients[name] for name in kept}, "classes": rows}


def _workers_of(run: Invocation, experiment: str | None, options: Options) -> list[dict[str, Any]]:
    """Return what the last aggregation of an experiment said; nothing is worked out."""
    from turkctl.operations.experiments.stored import named_or_only
    from turkctl.operations.labels.lists import list_workers

    if options != Options():
        raise UsageError(
            "a method and its options have no effect on an earlier aggregation",
            hint="leave them out, or give them to: turkctl labels aggregate --force",
        )
    return list_workers(run.context, named_or_only(run.context, experiment))


def _refuse_experiments(experiment: str | None, regex: str | None, *, force: bool) -> None:
    """See that nothing is said of experiments beside a file.

    Raises:
        UsageError: something is.
    """
    names = {"--experiment": experiment is not None, "--regex": regex is not None, "--force": force}
    given = next((name for name, there in names.items() if there), None)
    if given is not None:
        raise UsageError(
            f"FILE and {given} cannot be used together: a file's labels belong to no experiment",
            hint="leave one of them out, or import the labels: turkctl labels import FILE --experiment SLUG",
        )


def _request(file: str, options: Options, reading: Reading) -> FileRequest:
    from turkctl.operations.labels.columns import ColumnNames
    from turkctl.operations.labels.files import FileRequest

    named = reading.classes
    given = options.of_method
    return FileRequest(
        file,
        options.method or FileRequest.method,
        {**given, "min_votes": DEFAULT_MIN_VOTES if given["min_votes"] is None else given["min_votes"]},
        ColumnNames(reading.item_column, reading.worker_column, reading.label_column, reading.gold_column),
        None if named is None else [name.strip() for name in named.split(",") if name.strip()],
        options.duplicates,
        reading.gold,
        reading.case_sensitive,
        reading.skip_missing,
    )


def _aggregate_file(run: Invocation, request: FileRequest, files: Files, protected: Protected) -> None:
    from turkctl.operations.labels.files import INTERVAL, ITEM_COLUMNS

    found = _aggregated(run, request)
    if found.result.agreement is not None:
        run.output.note(_agreement_line(found.result.agreement))
    _write(run, files, found.result, request.file, protected)
    columns = (*ITEM_COLUMNS, *INTERVAL) if found.result.numeric else ITEM_COLUMNS
    run.output.rows(columns, found.result.item_rows())
    if found.left_out.odd:
        raise typer.Exit(ExitCode.FAILED)


def _aggregated(run: Invocation, request: FileRequest) -> FileResult:
    """Return the result; what is worth knowing goes to standard error."""
    from turkctl.operations.labels.files import aggregate_file

    found = aggregate_file(request, run.output.stdin, run.output.meter)
    for note in found.notes:
        run.output.note(note)
    for told in (*found.warnings, *found.result.run.warnings):
        run.output.warn(told)
    return found


def _agreement_line(agreement: Reliability) -> str:
    from turkctl.operations.labels.quality import agreement_line

    return agreement_line(agreement.as_dict())


def _aggregate_experiments(run: Invocation, request: AggregateRequest, files: Files, protected: Protected) -> None:
    """Aggregate what is dirty; the rows of each, then exit code 1 where one failed or had odd answers."""
    from turkctl.cli.batch import stoppable
    from turkctl.operations.labels.lists import result_columns
    from turkctl.operations.labels.runs import aggregate_experiments, why_nothing

    outcomes = []
    with stoppable() as stop:
        for outcome in aggregate_experiments(run.context, request, run.output.meter, stop.is_set):
            _tell(run, outcome)
            outcomes.append(outcome)
    if not outcomes:
        for told in why_nothing(run.context, request):
            run.output.note(told)
    if files.wanted:
        result = outcomes[0].result if outcomes else None
        if result is None:
            raise UsageError("nothing was aggregated, so there is nothing to write", hint="add --force")
        _write(run, files, result, f"experiment {request.experiment}", protected)
    done = [outcome for outcome in outcomes if outcome.run is not None]
    columns = result_columns(run.context, [each.version for each in done], named=not request.single)
    run.output.rows(columns, _rows(run, done, columns))
    if any(outcome.error is not None or outcome.left_out.odd for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)


def _rows(run: Invocation, done: list[AggregationOutcome], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    from turkctl.operations.labels.lists import results_of

    for outcome in done:
        yield from results_of(run.context, outcome.version, columns)


def _tell(run: Invocation, outcome: AggregationOutcome) -> None:
    """Tell what happened to an experiment, on standard error."""
    from turkctl.operations.labels.files import summary

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
        if outcome.result.agreement is not None:
            run.output.note(f"{slug}: {_agreement_line(outcome.result.agreement)}")
        for told in (*outcome.warnings, *outcome.result.run.warnings):
            run.output.warn(f"{slug}: {told}")


def _write(run: Invocation, files: Files, result: Result, source: str, protected: Protected) -> None:
    """Write the workers and the page."""
    if files.workers is not None:
        _write_workers(run, files.workers, list(result.worker_rows()), protected)
    if files.report is not None:
        from turkctl.operations.labels.report import write_report

        write_report(files.report, result, source, protected)


def _write_workers(run: Invocation, file: Path, rows: list[dict[str, Any]], protected: Protected) -> None:
    from turkctl.cli.export import write_rows
    from turkctl.operations.labels.files import WORKER_COLUMNS

    form = file.suffix.lstrip(".").lower()
    shown = worker_rows(rows, form)
    write_rows(run, file, form, WORKER_COLUMNS, shown, protected=protected, flag="--workers")


def worker_rows(rows: Sequence[dict[str, Any]], form: str) -> list[dict[str, Any]]:
    """Return a row per worker; what is a table or a list in JSON is a text elsewhere."""
    if form not in ("table", "csv"):
        return list(rows)
    from turkctl.operations.labels.quality import TOLD_CLASSES, readable_workers

    return readable_workers(rows, TOLD_CLASSES if form == "table" else None)


label_lists.register(app)
label_disagree.register(app)
label_changes.register(app)
