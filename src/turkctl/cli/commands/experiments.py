"""``turkctl experiments``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli import completion
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.keys import ReportPseudonyms
from turkctl.cli.listing import Listing
from turkctl.cli.select import DryRun, Yes
from turkctl.errors import ExitCode
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.operations.ending.end import Ended

app = make_group("Read experiments from files; list, show, preview, check and end them.")

Slug = Annotated[
    str, typer.Argument(metavar="SLUG", help="Name of the experiment.", autocompletion=completion.experiments)
]
_LISTED = ["experiment", "codeversion", "title", "reward", "hits", "contents", "active", "version", "configured"]


@app.act()
def configure(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Only experiments in these files or folders.", show_default=False),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="With PATH: stop posting HITs of all other experiments.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Read [experiments.*] of turkctl.toml and every */experiment.toml; check all, then store all or none.

    No more HITs are posted for an experiment that is no longer there; its HITs and its history stay.

    Examples:
        turkctl experiments configure
        turkctl experiments configure --dry-run
    """
    from turkctl.operations.configure import added_to_pages, configure_project
    from turkctl.operations.project.differences import in_words
    from turkctl.operations.project.files import read_project

    run = invocation(ctx)
    found = read_project(run.settings.project_file, run.settings.folder, paths or ())
    rows, superseded = configure_project(run.context, found, whole=prune or not paths, dry_run=dry_run)
    columns = ["experiment", "status", "codeversion", "changes"]
    if run.output.format == "table":
        rows = [{**row, "changes": in_words(row["changes"])} for row in rows]
    if dry_run or not run.output.summary_unwanted:
        run.output.rows(["qualification", *columns] if found.qualifications else columns, rows)
    for row in rows:
        if row["status"] == "ended":
            run.output.note(
                f"experiment {row['experiment']} has ended, or is being ended, and stays as it was; "
                f"to go on with it, run: turkctl experiments reopen {row['experiment']}"
            )
    for number in superseded:
        run.output.note(
            f"campaign {number} is superseded by the new code version; its open HITs stay: "
            f"to expire them, run: turkctl hits expire --campaign {number}"
        )
    for slug, words in added_to_pages(found):
        run.output.note(f"experiment '{slug}': {words}")
    if not found.experiments:
        run.output.note("no experiment found: add [experiments.NAME] to turkctl.toml, or a folder with experiment.toml")


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    ended: Annotated[bool, typer.Option("--ended", help="Also list experiments that have ended.")] = False,
) -> None:
    """List the configured experiments.

    Examples:
        turkctl experiments list
        turkctl experiments list --ended
        turkctl experiments list --sort hits --desc
    """
    from turkctl.operations.experiments.lists import KEYS, list_experiments

    run = invocation(ctx)
    with run.context.database.read() as session:
        rows = list_experiments(session, run.settings.mode, ended=ended)
    listing.show(run, [*_LISTED, "ended"] if ended else _LISTED, rows, keys=KEYS)


@app.command()
def show(ctx: typer.Context, slug: Slug) -> None:
    """Show one experiment: its settings, their history, and the number of its HITs.

    Examples:
        turkctl experiments show photos
    """
    from turkctl.operations.experiments.lists import show_experiment
    from turkctl.operations.project.differences import in_words

    run = invocation(ctx)
    with run.context.database.read() as session:
        record = show_experiment(session, slug, run.settings.mode)
    if run.output.format == "table":
        record["history"] = [{**each, "changes": in_words(each["changes"])} for each in record["history"]]
    run.output.record(record)


@app.command()
def preview(
    ctx: typer.Context,
    slug: Slug,
    row: Annotated[
        str | None,
        typer.Option(
            "--row", metavar="N|KEY", help="Item to fill in: its place in the queue, or its key.", show_default="1"
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="F", help="File to write the page to, replaced; - is standard output."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show what a worker would see of a HIT before accepting it; nothing is posted.

    For a page on your server it prints the address with the market's parameters. A page that is part of the HIT is
    written whole, with its forms disabled.

    Examples:
        turkctl experiments preview photos --row 2 --file page.html
        turkctl experiments preview reading --open
    """
    from turkctl.cli.pages import open_page, write_page
    from turkctl.operations.experiments.preview import preview as make
    from turkctl.outputs import named, refuse_standard

    run = invocation(ctx)
    shown = make(run.context, slug, row)
    for note in shown.notes:
        run.output.note(note)
    if open_:
        refuse_standard(file, "--file", "which no browser can open")
        run.output.note(f"opened {open_page(shown, file, run.protected())}")
    elif file is not None:
        run.output.note(f"written to {named(write_page(shown, file, run.protected()))}")
    elif run.output.format == "table":
        run.output.text(shown.text)
    else:
        run.output.record(shown.as_dict())


@app.command()
def lint(
    ctx: typer.Context,
    slugs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SLUG]...", help="Names of experiments.", show_default=False, autocompletion=completion.experiments
        ),
    ] = None,
) -> None:
    """Find mistakes in the tasks that the files describe; exit 1 if there are errors.

    Among them: hard-coded submit addresses, missing assignmentId, http pages, placeholders without columns.

    Examples:
        turkctl experiments lint
        turkctl experiments lint photos
    """
    from turkctl.operations.experiments.lint import chosen
    from turkctl.operations.experiments.lint import lint as look
    from turkctl.operations.project.files import find

    run = invocation(ctx)
    run.settings.require_database()  # outside a project no file describes anything
    described = find(run.settings.project_file, run.settings.folder)
    wanted = chosen(described, slugs or ())
    with run.context.database.read() as session:
        found = look(session, wanted, [each.slug for each in described])
    run.output.rows(["experiment", "level", "rule", "where", "message", "mend"], [each.as_dict() for each in found])
    errors = sum(each.level == "error" for each in found)
    counts = {"experiment": len(wanted), "error": errors, "warning": len(found) - errors}
    run.output.note(", ".join(counted(number, what) for what, number in counts.items()))
    raise typer.Exit(int(ExitCode.FAILED if errors else ExitCode.OK))


@app.act()
def end(
    ctx: typer.Context,
    slug: Slug,
    cancel_campaigns: Annotated[
        bool, typer.Option("--cancel-campaigns", help="Also cancel its active campaign, which is otherwise in the way.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="F",
            help="File for the closing report, a page to print; it is replaced.",
            show_default="report-SLUG.html in the project's folder",
        ),
    ] = None,
    anonymize: ReportPseudonyms = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """End a study: expire its HITs, delete what can be deleted, write the report, and take it out of the lists.

    Nothing new is posted for it. HITs with work to decide on, or with unpaid bonuses, stay; the same command does the
    rest later, and the experiment has ended once nothing is left.

    Examples:
        turkctl experiments end colours --cancel-campaigns --dry-run
        turkctl experiments end reading --report report.html --anonymize study.key
    """
    from turkctl.cli.batch import confirm_question, stoppable
    from turkctl.cli.commands import report as reports
    from turkctl.operations.ending.end import apply_end, prepare_end

    run = invocation(ctx)
    file = report or _default_report(run, slug)
    reports.check_file(run, file, anonymize, flag="--report")
    ending = prepare_end(run.context, slug, cancel_campaigns=cancel_campaigns)
    for note in ending.notes:
        run.output.note(note)
    if dry_run:
        raise typer.Exit(run.output.batch(ending.preview))
    if ending.parts and run.settings.mode == "live" and not yes:
        confirm_question(run, f"{ending.words} in mode live", otherwise="--dry-run to see it")
    with stoppable() as stop:
        done = apply_end(run.context, ending, run.context.engine(stop=stop))
        reports.write_report(run, reports.read_facts(run, slug, anonymize), file, anonymize, flag="--report")
        done.report = str(file.absolute())
        run.output.note(f"report written to {file}")
        raise typer.Exit(_show_end(run, done))


def _default_report(run: Invocation, slug: str) -> Path:
    """Return the file of the report in the project's folder."""
    name = Path(f"report-{slug.replace(':', '-')}.html")
    return name if run.settings.folder == Path.cwd() else run.settings.folder / name


def _show_end(run: Invocation, done: Ended) -> int:
    """Print what was done and what is left; return the exit code."""
    for each in done.left:
        run.output.note(f"left: {each.words}" + (f"; next: {each.next}" if each.next else ""))
    if done.ended is None:
        run.output.note("once that is done, run the same command again")
    return run.output.batch(done)


@app.act()
def reopen(ctx: typer.Context, slug: Slug) -> None:
    """Go on with an experiment that has ended: HITs can be posted for it again, and lists show it.

    Campaigns stay cancelled, HITs and qualification types deleted, and tasks paused. Run `experiments configure`
    afterwards to store what its file says now.

    Examples:
        turkctl experiments reopen colours
    """
    from turkctl.operations.ending.end import reopen as open_again

    run = invocation(ctx)
    run.output.outcome(open_again(run.context, slug))
