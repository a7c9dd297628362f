"""``turkctl participants export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.common import invocation
from turkctl.cli.participant_options import (
    Campaign,
    CodeVersion,
    Complete,
    Condition,
    Current,
    Hit,
    Since,
    Status,
    Until,
    Where,
    Worker,
    as_query,
)

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.anonymize import Pseudonyms
    from turkctl.operations.participant_export import Report


def export(
    ctx: typer.Context,
    data: Annotated[
        str, typer.Option("--data", metavar="KIND", help="What was recorded: trial, event, question or all.")
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="csv, jsonl or parquet. Default: what the file's name says, else csv."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="F", help="A file, which is replaced once all is written, or a folder."),
    ] = None,
    anonymize: Annotated[
        Path | None,
        typer.Option(
            "--anonymize",
            metavar="KEYFILE",
            help="Pseudonyms instead of ids, by the key in this file; made where there is none.",
        ),
    ] = None,
    condition: Condition = None,
    codeversion: CodeVersion = None,
    current: Current = False,
    status: Status = None,
    complete: Complete = None,
    worker: Worker = None,
    hit: Hit = None,
    campaign: Campaign = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
) -> None:
    """Write what the experiment recorded, a row per trial, event or answer, to standard output or a file."""
    from turkctl.cli.batch import stoppable
    from turkctl.operations.participant_export import export as write_export
    from turkctl.operations.participant_export import plan_export

    run = invocation(ctx)
    query = as_query(run, condition, codeversion, current, status, complete, worker, hit, campaign, since, until, where)
    wanted = plan_export(data, form, file, "jsonl" if run.output.format in ("json", "jsonl") else "csv")
    with stoppable() as stop:
        report = write_export(run.context, query, wanted, _pseudonyms(run, anonymize), run.output.stdout.write, stop)
    _show(run, report)


def _pseudonyms(run: Invocation, file: Path | None) -> Pseudonyms | None:
    if file is None:
        return None
    from turkctl.operations.anonymize import Pseudonyms, load_key

    key = load_key(file)
    if key.created:
        run.output.note(f"made the key {file}: keep it to get the same pseudonyms again, and give it to nobody")
    if key.exposed:
        run.output.warn(f"others can read the key {file}; run: chmod 600 {file}")
    return Pseudonyms(key.secret)


def _show(run: Invocation, report: Report) -> None:
    """What cannot be read goes to standard error; for scripts as the last line, or with the summary of the files."""
    if report.unreadable:
        run.output.warn(f"{report.unreadable} participants have data that cannot be read; the rest is exported")
        for each in report.listed:
            run.output.note(f"  {each['uniqueid']}: {each['reason']}")
        if report.unreadable > len(report.listed):
            run.output.note(f"  … and {report.unreadable - len(report.listed)} more")
    if report.files:
        run.output.record(report.as_dict())
