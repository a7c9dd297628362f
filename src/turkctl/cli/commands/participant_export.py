"""``turkctl participants export``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation
from turkctl.cli.export import AnyFormat, ItemColumns, show_renamed
from turkctl.cli.keys import WritePseudonyms, show_key
from turkctl.cli.participant_options import Filters

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.participants.export import ExportReport


@bundled
def export(
    ctx: typer.Context,
    filters: Filters,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="KIND",
            help="Kind of records to write: trial, event, question or all.",
            show_default="with --wide, question",
        ),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Write a row per participant, with begin, end and a column for each question."),
    ] = False,
    item_columns: ItemColumns = False,
    form: AnyFormat = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="F",
            help="File to write to, replaced when all is written; or a folder; - is standard output.",
            show_default="standard output",
        ),
    ] = None,
    anonymize: WritePseudonyms = None,
) -> None:
    """Write what the experiment recorded, with a row per trial, event, answer or participant.

    Examples:
        turkctl participants export --data question --file answers.csv
        turkctl participants export --wide --file people.csv
        turkctl participants export --data event --anonymize study.key --file events.csv
    """
    from turkctl.cli.batch import stoppable
    from turkctl.operations.participants.export import export as write_export
    from turkctl.operations.participants.export import plan_export

    run = invocation(ctx)
    query = filters.query(run)
    otherwise = "jsonl" if run.wants_json else "csv"
    planned = plan_export(data, form, file, anonymize, otherwise=otherwise, wide=wide)
    wanted = replace(planned, spreadsheet=run.spreadsheet, item_columns=item_columns)
    with stoppable() as stop:
        report = write_export(run.context, query, wanted, run.output.stdout.write, stop, run.protected())
    _show(run, report)


def _show(run: Invocation, report: ExportReport) -> None:
    """Show what was written where; what cannot be read goes to standard error, with --json as its last line, too."""
    show_key(run.output, report.key)
    if report.unreadable:
        run.output.warn(f"participants with data that cannot be read: {report.unreadable}; the rest is exported")
        for each in report.listed:
            run.output.note(f"  {each['uniqueid']}: {each['reason']}")
        if report.unreadable > len(report.listed):
            run.output.note(f"  … and {report.unreadable - len(report.listed)} more")
    elif not report.participants:
        run.output.note(
            "no data is recorded for the participants that match; to read new work from the market, run: turkctl sync"
        )
    show_renamed(run.output, report.renamed or {}, report.missed)
    summary = report.as_dict()
    if not report.files:
        if report.unreadable and run.wants_json:
            run.output.stderr.write(json.dumps(summary) + "\n")
    elif run.output.format == "table":
        run.output.record(
            {
                name: value
                for name, value in summary.items()
                if value is not report.listed and value is not report.renamed
            }
        )
    else:
        run.output.record(summary)
