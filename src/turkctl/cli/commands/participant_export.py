"""``turkctl participants export``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.participant_options import Filters

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participants.export import Report


@bundled
def export(
    ctx: typer.Context,
    data: Annotated[
        str, typer.Option("--data", metavar="KIND", help="What was recorded: trial, event, question or all.")
    ],
    filters: Filters,
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
) -> None:
    """Write what the experiment recorded, a row per trial, event or answer, to standard output or a file."""
    from turkctl.cli.batch import stoppable
    from turkctl.operations.participants.export import export as write_export
    from turkctl.operations.participants.export import plan_export

    run = invocation(ctx)
    query = filters.query(run)
    otherwise = "jsonl" if run.wants_json else "csv"
    wanted = replace(plan_export(data, form, file, anonymize, otherwise=otherwise), spreadsheet=run.spreadsheet)
    with stoppable() as stop:
        report = write_export(run.context, query, wanted, run.output.stdout.write, stop, run.protected())
    _show(run, report)


def _show(run: Invocation, report: Report) -> None:
    """What was written where; on standard error what cannot be read, with --json as its last line, too."""
    _show_key(run, report)
    if report.unreadable:
        run.output.warn(f"participants with data that cannot be read: {report.unreadable}; the rest is exported")
        for each in report.listed:
            run.output.note(f"  {each['uniqueid']}: {each['reason']}")
        if report.unreadable > len(report.listed):
            run.output.note(f"  … and {report.unreadable - len(report.listed)} more")
    elif not report.participants:
        run.output.note(
            "nothing was recorded by those that match; what is new on the market comes in with: turkctl sync"
        )
    summary = report.as_dict()
    if not report.files:
        if report.unreadable and run.wants_json:
            run.output.stderr.write(json.dumps(summary) + "\n")
    elif run.output.format == "table":
        run.output.record({name: value for name, value in summary.items() if value is not report.listed})
    else:
        run.output.record(summary)


def _show_key(run: Invocation, report: Report) -> None:
    if report.key is not None and report.key.created:
        run.output.note(
            f"made the key {report.key.file}: keep it for the same pseudonyms next time, and keep it secret"
        )
    if report.key is not None and report.key.exposed:
        run.output.warn_exposed("the key", report.key.file)
