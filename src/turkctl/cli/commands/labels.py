"""``turkctl labels``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.label_files import FileRequest, FileResult

app = make_group("One answer per item out of several, and what each worker is worth.")

METHODS = "majority, dawid-skene, one-coin, cubam, cubam-marginal or cubam-nd."

File = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV or JSON Lines with item, worker and label; - is standard input.")
]
Method = Annotated[str, typer.Option("--method", metavar="NAME", help=METHODS)]
MinVotes = Annotated[
    int, typer.Option("--min-votes", metavar="N", min=0, max=10**9, help="Items with fewer votes get no label.")
]
Threshold = Annotated[
    float | None,
    typer.Option("--threshold", metavar="X", help="True above this score. Not given: 0, or chosen on gold items."),
]
Sigt = Annotated[
    float | None, typer.Option("--sigt", metavar="S", help="cubam: spread of the workers' thresholds; 3, marginal 1.")
]
Sigx = Annotated[
    float | None, typer.Option("--sigx", metavar="S", help="cubam: spread of the signal within a class; 0.8.")
]
Beta = Annotated[float | None, typer.Option("--beta", metavar="B", help="cubam: share of true items beforehand; 0.5.")]
Rounds = Annotated[
    int | None, typer.Option("--rounds", metavar="N", min=1, max=10**6, help="cubam, cubam-nd: rounds; 30.")
]
Dimensions = Annotated[
    int | None, typer.Option("--dimensions", metavar="N", min=2, max=20, help="cubam-nd: dimensions; 2.")
]
Duplicates = Annotated[
    str, typer.Option("--duplicates", metavar="last|all", help="Which of a worker's votes on one item count.")
]
Gold = Annotated[
    str | None, typer.Option("--gold", metavar="FILE", help="Known answers: CSV or JSON Lines with item and label.")
]
GoldColumn = Annotated[
    str | None, typer.Option("--gold-column", metavar="COL", help="Known answers in a column of FILE; may be blank.")
]
Classes = Annotated[
    str | None, typer.Option("--classes", metavar="A,B,C", help="The answers there are, where not true and false.")
]
ItemColumn = Annotated[
    str | None, typer.Option("--item-column", metavar="COL", help="Column of the item; item or task.")
]
WorkerColumn = Annotated[
    str | None, typer.Option("--worker-column", metavar="COL", help="Column of the worker; worker.")
]
LabelColumn = Annotated[str | None, typer.Option("--label-column", metavar="COL", help="Column of the label; label.")]


@app.command()
def aggregate(
    ctx: typer.Context,
    file: File,
    method: Method = "cubam",
    min_votes: MinVotes = 5,
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
    report: Annotated[
        Path | None, typer.Option("--report", metavar="HTML", help="Write a page to look at, which is replaced.")
    ] = None,
    workers: Annotated[
        Path | None,
        typer.Option(
            "--workers", metavar="F", help="Write the workers to this .csv or .jsonl file, which is replaced."
        ),
    ] = None,
) -> None:
    """Aggregate the labels of a file: a row per item with label, score and an estimate p of its being true."""
    from turkctl.operations.label_files import ITEM_COLUMNS

    run = invocation(ctx)
    _check_places(report, workers)
    options = _given(min_votes, threshold, sigt, sigx, beta, rounds, dimensions)
    columns = (item_column, worker_column, label_column, gold_column)
    found = _aggregated(run, _request(file, method, options, columns, classes, duplicates, gold))
    if workers is not None:
        _write_workers(workers, found)
    if report is not None:
        from turkctl.operations.label_report import write_report

        write_report(report, found.result, file)
    run.output.rows(ITEM_COLUMNS, found.result.item_rows())


@app.command()
def workers(
    ctx: typer.Context,
    file: File,
    method: Method = "cubam",
    min_votes: MinVotes = 5,
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
    """Show the workers of a file of labels: ability, noise, bias, and who is reversed, guessing or one-sided."""
    run = invocation(ctx)
    options = _given(min_votes, threshold, sigt, sigx, beta, rounds, dimensions)
    columns = (item_column, worker_column, label_column, gold_column)
    found = _aggregated(run, _request(file, method, options, columns, classes, duplicates, gold))
    rows = _worker_rows(found, run.output.format)
    run.output.rows(list(rows[0]), rows)


def _check_places(report: Path | None, workers: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    for file, flag in ((report, "--report"), (workers, "--workers")):
        if file is not None and not file.parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {file.parent}", hint=f"name another with {flag}")
    if workers is not None and workers.suffix.lower() not in (".csv", ".jsonl"):
        raise UsageError(f"{workers} ends neither in .csv nor in .jsonl", hint="name another with --workers")


def _given(
    min_votes: int,
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


def _request(
    file: str,
    method: str,
    options: dict[str, Any],
    columns: Sequence[str | None],
    classes: str | None,
    duplicates: str,
    gold: str | None,
) -> FileRequest:
    from turkctl.operations.label_columns import ColumnNames
    from turkctl.operations.label_files import FileRequest

    named = None if classes is None else [name.strip() for name in classes.split(",") if name.strip()]
    return FileRequest(file, method, options, ColumnNames(*columns), named, duplicates, gold)


def _aggregated(run: Invocation, request: FileRequest) -> FileResult:
    """The result; what is worth knowing goes to standard error."""
    from turkctl.operations.label_files import aggregate_file

    found = aggregate_file(request, run.output.stdin, run.output.meter)
    for note in found.notes:
        run.output.note(note)
    for told in found.result.run.warnings:
        run.output.warn(told)
    return found


def _write_workers(file: Path, found: FileResult) -> None:
    from turkctl.cli.export import write_rows
    from turkctl.operations.label_files import WORKER_COLUMNS

    form = file.suffix.lstrip(".").lower()
    write_rows(file, form, WORKER_COLUMNS, _worker_rows(found, form))


def _worker_rows(found: FileResult, form: str) -> list[dict[str, Any]]:
    """A row per worker; flags are a list in JSON, and words elsewhere."""
    rows = list(found.result.worker_rows())
    if form in ("table", "csv"):
        return [{**row, "flags": " ".join(row["flags"])} for row in rows]
    return rows
