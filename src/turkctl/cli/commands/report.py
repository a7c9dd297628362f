"""``turkctl report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkctl.cli.invocation import Invocation

app = App()


@app.command()
def report(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Name of the experiment.")],
    file: Annotated[
        Path | None, typer.Option("--file", metavar="F", help="File for a page to print; it is replaced.")
    ] = None,
    anonymize: Annotated[
        Path | None,
        typer.Option(
            "--anonymize",
            metavar="KEYFILE",
            help="Show pseudonyms instead of ids, made with the key in this file; a missing file is created.",
        ),
    ] = None,
) -> None:
    """Show an experiment's closing report: people, dates, work, money, wages, labels, exclusions and why, campaigns.

    Read the newest work first, with turkctl sync. With the same key file, the pseudonyms are those of
    `participants export`.

    Examples:
        turkctl report colours
        turkctl report colours --file report.html --anonymize study.key
    """
    from turkctl.cells import cell
    from turkctl.operations.report.facts import gather
    from turkctl.operations.report.page import write_page
    from turkctl.outputs import check

    run = invocation(ctx)
    protected = run.protected((anonymize, "the key"))
    if file is not None:
        check(file, protected)
    facts = gather(run.context, slug)
    if anonymize is not None:
        facts = _anonymized(run, facts, anonymize)
    if file is not None:
        write_page(file, facts, cell, protected)
        run.output.note(f"written to {file}")
    elif run.output.format == "table":
        _show(run, facts)
    if run.output.format != "table":
        run.output.record(facts)


def _anonymized(run: Invocation, facts: Mapping[str, Any], file: Path) -> dict[str, Any]:
    from turkctl.cli.keys import show_key
    from turkctl.operations.participants.anonymize import load_key
    from turkctl.operations.report.pseudonyms import anonymized

    key = load_key(file)
    show_key(run.output, key)
    return anonymized(facts, key)


def _show(run: Invocation, facts: Mapping[str, Any]) -> None:
    """Show the sections one below the other, those with nothing in them left out."""
    from turkctl.operations.report.sections import sections

    heads = ("experiment", "title", "codeversions", "mode", "made")
    run.output.record({name: ", ".join(facts[name]) if name == "codeversions" else facts[name] for name in heads})
    for section in sections(facts):
        if section.facts or section.rows:
            run.output.text(f"\n{section.title}\n")
        if section.note is not None:
            run.output.note(section.note)
        if section.facts:
            run.output.record(section.facts)
        if section.rows:
            run.output.text("") if section.facts else None
            run.output.rows(section.columns, section.rows)
