"""``turkctl report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.keys import ReportPseudonyms

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
    anonymize: ReportPseudonyms = None,
) -> None:
    """Show an experiment's closing report: people, dates, work, money, wages, labels, exclusions and why, campaigns.

    Read the newest work first, with turkctl sync. With the same key file, the pseudonyms are those of
    `participants export`.

    Examples:
        turkctl report colours
        turkctl report colours --file report.html --anonymize study.key
    """
    run = invocation(ctx)
    if file is not None:
        check_file(run, file, anonymize)
    facts = read_facts(run, slug, anonymize)
    if file is not None:
        write_report(run, facts, file, anonymize)
        run.output.note(f"written to {file}")
    elif run.output.format == "table":
        _show(run, facts)
    if run.output.format != "table":
        run.output.record(facts)


def check_file(run: Invocation, file: Path, anonymize: Path | None, *, flag: str = "--file") -> None:
    """Raise unless the report can be written to this file, which the option ``flag`` names.

    Raises:
        UsageError: something there must not be overwritten.
    """
    from turkctl.outputs import check

    check(file, run.protected((anonymize, "the key")), flag=flag)


def read_facts(run: Invocation, slug: str, anonymize: Path | None) -> dict[str, Any]:
    """Return the facts of the report, with pseudonyms if there is a key file."""
    from turkctl.operations.report.facts import gather

    facts = gather(run.context, slug)
    return facts if anonymize is None else _anonymized(run, facts, anonymize)


def write_report(
    run: Invocation, facts: Mapping[str, Any], file: Path, anonymize: Path | None, *, flag: str = "--file"
) -> None:
    """Write the page of the report; a file there is replaced."""
    from turkctl.cells import cell
    from turkctl.operations.report.page import write_page

    write_page(file, facts, cell, run.protected((anonymize, "the key")), flag=flag)


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
