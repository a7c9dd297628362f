"""``turkctl archive``."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.cli.keys import WritePseudonyms
from turkctl.cli.listening import Host, Port, Threads
from turkctl.cli.select import DryRun
from turkctl.errors import UsageError
from turkctl.outputs import readable_by_others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turkctl.archive.calls import CallProgress
    from turkctl.archive.facts import ArchiveFacts
    from turkctl.cli.invocation import Invocation

app = make_group("Save everything that an account still lists; check, show, serve and import what was saved.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the archive.", show_default=False)]


def _invocation(ctx: typer.Context) -> Invocation:
    """Return the invocation, in mode live unless another one was asked for.

    Raises:
        UsageError: mode local was asked for.
    """
    from turkctl.settings import load

    run = invocation(ctx)
    flags = {name: value for name, value in run.flags.items() if isinstance(value, str) and name != "endpoint_url"}
    settings = load(flags, os.environ, Path.cwd())
    if settings.mode == "local":
        if settings.origins["mode"].kind in ("flag", "environment"):
            raise UsageError(
                "mode local has nothing to archive: the built-in market is a file of yours",
                hint="leave --mode out for Amazon's own, or give --mode sandbox",
            )
        run.flags["mode"] = "live"
    return run


@app.act()
def create(
    ctx: typer.Context,
    folder: Folder,
    new: Annotated[
        bool, typer.Option("--new", help="Ask for everything again, although the last run left something undone.")
    ] = False,
) -> None:
    """Save all that the account still lists: HITs, assignments, bonuses, qualifications, blocks, review results.

    Run it again after an interruption, and it goes on; run it again later, and it adds what is new. Nothing on the
    market is changed. The folder can be read by you only: it has the ids and answers of people.

    Examples:
        turkctl archive create mturk-archive
        turkctl archive create sandbox-archive --mode sandbox
    """
    from turkctl.cli.batch import stoppable
    from turkctl.operations.archive.collect import collect

    run = _invocation(ctx)
    with stoppable() as stop, _telling(run) as tell:
        report = collect(run.context, folder, anew=new, stop=stop, tell=tell, note=run.output.note)
    run.output.outcome(report.as_dict(), _in_words(report.facts), well=not report.facts.missing)
    _tell_missing(run, report.facts)
    raise typer.Exit(report.exit_code)


@contextmanager
def _telling(run: Invocation) -> Iterator[Callable[[CallProgress], None]]:
    """Show how many calls are made of those known, and the time left."""
    from turkctl.cli.remaining import TimeLeft

    with run.output.meter("archive") as meter:
        left = TimeLeft(time.monotonic, run.output.note if not run.output.stderr.isatty() else None)

        def tell(progress: CallProgress) -> None:
            meter(progress.done, progress.known)
            left.note(progress.done, progress.known)

        yield tell


def _in_words(facts: ArchiveFacts) -> str:
    items = facts.items
    counts = f"{items['hits']:,} HITs, {items['assignments']:,} assignments, {items['bonuses']:,} bonuses"
    return f"{facts.folder}: {counts}, {items['qualification_types']:,} qualification types, {items['blocks']:,} blocks"


def _tell_missing(run: Invocation, facts: ArchiveFacts) -> None:
    for each in facts.missing:
        run.output.warn(f"{each['operation']}: {each['calls']:,} refused with {each['code']}: {each['message']}")
    if facts.missing:
        run.output.note("all else is saved; run the same command again to ask for what is missing")


@app.command()
def verify(ctx: typer.Context, folder: Folder) -> None:
    """Check an archive: every file against its checksum, every answer readable, nothing left out.

    Examples:
        turkctl archive verify mturk-archive
    """
    from turkctl.operations.archive.reading import check

    run = _invocation(ctx)
    report = check(folder)
    words = f"{folder}: all is well" if report.well else f"{folder} is not whole"
    run.output.outcome(report.as_dict(), words, well=report.well)
    for each in report.problems if run.output.format == "table" else ():
        run.output.warn(each)
    _tell_missing(run, report.facts)
    _warn_exposed(run, folder)
    raise typer.Exit(0 if report.well else 1)


def _warn_exposed(run: Invocation, folder: Path) -> None:
    if readable_by_others(folder):
        run.output.warn(f"others can read the archive {folder}; run: chmod 700 {folder}")


@app.command()
def show(ctx: typer.Context, folder: Folder) -> None:
    """Show what an archive has: numbers, period, money by year, and what is missing and why.

    Examples:
        turkctl archive show mturk-archive
        turkctl archive show mturk-archive -o json
    """
    from turkctl.operations.archive.reading import show as read

    run = _invocation(ctx)
    facts = read(folder)
    _warn_exposed(run, folder)
    run.output.record(facts.as_dict())
    if not facts.finished:
        run.output.note("not everything was asked yet: run turkctl archive create again")


@app.command()
def serve(
    ctx: typer.Context,
    folder: Folder,
    host: Host = "127.0.0.1",
    port: Port = 8801,
    threads: Threads = 8,
) -> None:
    """Serve an archive over HTTP as a market that any client of the Requester API can read, and nobody can change.

    Give your scripts the address that it prints as their endpoint; any key will do.

    Examples:
        turkctl archive serve mturk-archive
        turkctl archive serve mturk-archive --port 0
    """
    from turkctl.serving import LOOPBACK

    run = _invocation(ctx)
    if host not in LOOPBACK:
        run.output.warn("anybody who reaches this address can read the archive, with the ids and answers of people")
    server = run.context.archive_server(folder, host, port, threads)
    signal.signal(signal.SIGTERM, lambda *_: server.close())
    run.output.text(f"the archive is at http://{host}:{server.port}/ (Ctrl-C ends it)")
    run.output.flush()
    server.run()


@app.act("add-csv")
def add_csv(
    ctx: typer.Context,
    folder: Folder,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Batch result files, as downloaded.", show_default=False)
    ],
) -> None:
    """Add batch result files that were downloaded from Amazon's requester site; no market is asked.

    Rows are merged by their AssignmentId; cells that differ from what the API gave are listed. All files are added, or
    none if a row of one is odd.

    Examples:
        turkctl archive add-csv mturk-archive Batch_2731339_batch_results.csv
    """
    from turkctl.operations.archive.adding import add_csv as add

    run = _invocation(ctx)
    added = add(run.context, folder, files)
    words = f"{added.rows:,} rows: {added.new:,} assignments are new, {added.known:,} were in the archive"
    run.output.outcome(added.as_dict(), words)
    for each in added.differences if run.output.format == "table" else ():
        here = f"{each['file']}, row {each['row']:,}, {each['column']}: '{each['file_has']}'"
        run.output.warn(f"{here} is '{each['archive']}' in the archive ({each['assignment_id']})")
    if added.differing > len(added.differences):
        run.output.warn(f"{added.differing - len(added.differences):,} more cells differ")


@app.act("import")
def import_(ctx: typer.Context, folder: Folder, dry_run: DryRun = False) -> None:
    """Make a study of an archive in this project: experiments by title, HITs, work, people, payments as paid.

    No market is asked, and nothing is posted for these experiments. Run it again after the archive has grown, and it
    adds what is new.

    Examples:
        turkctl archive import mturk-archive --dry-run
        turkctl archive import mturk-archive
    """
    from turkctl.operations.archive.importing import COLUMNS, import_archive

    run = _invocation(ctx)
    with run.output.meter("import") as tick:
        done = import_archive(run.context, folder, dry_run=dry_run, tick=tick)
    run.output.rows(COLUMNS, [each.as_dict() for each in done])
    left_out = sum(each.left_out for each in done)
    if left_out:
        run.output.warn(f"{left_out:,} HITs are not what a market gives, and were left out")
    run.output.note(
        "dry run: nothing was written" if dry_run else "next: turkctl hits list --mode live, turkctl experiments list"
    )


@app.command()
def export(
    ctx: typer.Context,
    folder: Folder,
    file: Annotated[
        Path, typer.Option("--file", metavar="FOLDER", help="Folder to write to; it is made, or must be empty.")
    ],
    anonymize: WritePseudonyms = None,
) -> None:
    """Write an archive's CSV files to another folder, to hand them on.

    With --anonymize, ids of workers, assignments and HITs give way to pseudonyms, in answers and other texts too. The
    same key makes the same pseudonyms, also in participants export.

    Examples:
        turkctl archive export mturk-archive --file for-others --anonymize study.key
    """
    from turkctl.cli.keys import show_key
    from turkctl.operations.archive.export import export as write

    run = _invocation(ctx)
    report = write(folder, file, anonymize, spreadsheet=run.spreadsheet)
    show_key(run.output, report.key)
    rows = sum(each.rows or 0 for each in report.files)
    run.output.outcome(report.as_dict(), f"{report.folder}: {len(report.files):,} files, {rows:,} rows")
