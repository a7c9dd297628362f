"""``turkctl demo``."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.common import invocation
from turkctl.cli.extras import require_site
from turkctl.cli.help_pages import App
from turkctl.cli.qr_codes import qr_code
from turkctl.errors import UsageError
from turkctl.serving import LOOPBACK, address_for_others, check_free
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation

app = App()

SITE_THREADS = 8
"""Requests that the site answers at the same time."""


@app.act()
def demo(
    ctx: typer.Context,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=2000, help="Number of simulated workers.")
    ] = 80,
    goal: Annotated[
        int, typer.Option("--goal", metavar="N", min=1, max=1000, help="Number of people to recruit.")
    ] = 40,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Folder for the study.", show_default="a new temporary folder"),
    ] = None,
    site: Annotated[
        bool, typer.Option("--site", help="Serve a study whose HITs you do yourself, in a browser or on a phone.")
    ] = False,
    host: Annotated[
        str,
        typer.Option("--host", metavar="HOST", help="With --site: address to listen on; 0.0.0.0 for a phone nearby."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="With --site: port; 0 picks a free one.")
    ] = 8800,
) -> None:
    """Play a whole study on the built-in market with simulated workers; look at it afterwards with any command.

    With --site, you are the worker: it serves a study of five short HITs, and prints an invitation.

    Examples:
        turkctl demo
        turkctl demo --workers 30 --goal 18 --keep demo-study
        turkctl demo --site --host 0.0.0.0
    """
    run = invocation(ctx)
    _refuse_mixed(ctx, site=site)
    if site:
        require_site()
        check_free(host, port)
    folder = keep.absolute() if keep is not None else Path(tempfile.mkdtemp(prefix="turkctl-demo-"))
    if site:
        _serve(run, folder, host, port)
    else:
        _play(run, folder, goal, workers)


def _refuse_mixed(ctx: typer.Context, *, site: bool) -> None:
    """Raise UsageError for options of the other kind of demo, which would do nothing."""
    others = ("workers", "goal") if site else ("host", "port")
    given = [name for name in others if str(ctx.get_parameter_source(name)).endswith("COMMANDLINE")]
    if given:
        what = "cannot be used with --site" if site else "needs --site"
        raise UsageError(f"--{given[0]} {what}", hint="leave it out" if site else "add --site")


def _play(run: Invocation, folder: Path, goal: int, workers: int) -> None:
    from turkctl.demo.script import play

    as_table = run.output.format == "table"
    outcome = play(folder, goal, workers, run.output.text if as_table else run.output.note)
    if not as_table:
        run.output.record(outcome.as_dict())
    run.output.note(
        f"look at it: cd {folder} && {_program()} status; also: campaign show 1, hits list, workers list, "
        "participants list --group-by status, balance, tasks history"
    )


def _serve(run: Invocation, folder: Path, host: str, port: int) -> None:
    """Make the study for the worker site, and serve it until Ctrl-C or SIGTERM."""
    from turkctl.demo.site_script import prepare

    made = prepare(folder)
    try:
        server = made.context.market_server(host, port, SITE_THREADS, site=True)
        signal.signal(signal.SIGTERM, lambda *_: server.close())
        reached = address_for_others(host)
        site = f"http://{f'[{reached}]' if ':' in reached else reached}:{server.port}"
        _say(run, folder, made.hits, f"{site}{made.invitation}", host=host)
        server.run()
    finally:
        made.context.close()
    run.output.note(f"ended; the study is still in {folder}, and goes on with: turkctl market serve")


def _say(run: Invocation, folder: Path, hits: int, invitation: str, *, host: str) -> None:
    if run.output.format != "table":
        run.output.record({"folder": str(folder), "hits": hits, "invitation": invitation})
    else:
        program, where = _program(), "Open this on a phone in the same network, or in a browser"
        if host in LOOPBACK:
            where = "Open this in a browser of this computer (for a phone in the same network, add --host 0.0.0.0)"
        lines = (
            f"A study is in {folder}: {counted(hits, 'HIT')} for three people each.",
            f"{where}, and press Start:",
            "",
            f"    {invitation}",
        )
        after = (
            "",
            "In another terminal, see the work come in, and approve it:",
            "",
            f"    cd {folder}",
            f"    {program} sync",
            f"    {program} workers assignments",
            f"    {program} workers approve --all",
            "",
            "Ctrl-C ends it.",
        )
        run.output.text("\n".join(lines))
        if find_spec("segno") is not None:
            run.output.drawing(lambda color: qr_code(invitation, color=color))
        run.output.text("\n".join(after))
    run.output.flush()


def _program() -> str:
    """Return what to type from another folder: the name where the shell finds it, else the file that was called."""
    called = Path(sys.argv[0])
    return "turkctl" if shutil.which("turkctl") or called.name != "turkctl" else str(called.absolute())
