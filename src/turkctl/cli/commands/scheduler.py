"""``turkctl scheduler``."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from turkctl.addresses import mask_url
from turkctl.cli.batch import set_in_handler
from turkctl.cli.common import invocation, make_group
from turkctl.cli.logs import scheduler_log
from turkctl.errors import ExitCode, UsageError
from turkctl.units import parse_duration
from turkctl.words import counted

app = make_group("Run recurring tasks when they are due.")


@app.act(name="run")
def run_(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now and exit, as from cron.")] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Exit when nothing is due and no campaign is active.")
    ] = False,
    poll: Annotated[
        str, typer.Option("--poll", metavar="D", help="Time between checks for due tasks, as in 5s.")
    ] = "5s",
) -> None:
    """Run the tasks of all modes when they are due, one after another, until SIGTERM or Ctrl-C.

    It says on standard error what each run did, what failed, and what else you should know, which it also sends over
    [notify]; with --quiet, only what failed and what you should know. With -o jsonl, standard error is a log for
    programs: a JSON object a line.

    Examples:
        turkctl scheduler run
        turkctl scheduler run --once --quiet
    """
    from turkctl.scheduler.runner import Runner

    run = invocation(ctx)
    interval = parse_duration(poll)
    if not interval:
        raise UsageError("--poll must be at least 1s", hint="leave it out for 5s")
    with scheduler_log(run), _signals() as (stop, caught):
        runner = Runner(run.context, stop=stop)
        report = runner.once() if once else runner.run(interval, until_idle=until_idle)
    failing = sorted(report.failing)
    run.output.outcome({"runs": report.runs, "failing": failing}, _words(report.runs, failing))
    if signal.SIGINT in caught:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if (failing or report.untold or report.left_out) and (once or until_idle):
        raise typer.Exit(ExitCode.FAILED)


def _words(runs: int, failing: list[str]) -> str:
    """Return how many tasks were run and which fail."""
    ran = f"{counted(runs, 'run')} of tasks" if runs else "no task was due"
    return ran + (f"; failing: {', '.join(failing)}" if failing else "")


@app.command()
def status(ctx: typer.Context) -> None:
    """Show which process runs tasks, since when, and the next task of this mode; exit 0 if one runs, else 3.

    Examples:
        turkctl scheduler status
    """
    from turkctl.operations.tasks.scheduler import scheduler_status

    run = invocation(ctx)
    state = scheduler_status(run.context)
    run.output.record(state)
    raise typer.Exit(ExitCode.OK if state["running"] else ExitCode.REFUSED)


@app.command()
def unit(
    ctx: typer.Context,
    cron: Annotated[bool, typer.Option("--cron", help="Print only the crontab line.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="Print only the systemd unit.")] = False,
) -> None:
    """Print a systemd unit and a crontab line for this project.

    Examples:
        turkctl scheduler unit --systemd
        turkctl scheduler unit --cron
    """
    from turkctl.scheduler.units import crontab_line, systemd_unit

    run = invocation(ctx)
    run.settings.require_database()
    command = [str(Path(sys.executable)), "-m", "turkctl"]
    for flag in ("mode", "config", "database_url", "market_url", "endpoint_url", "profile"):
        if mask_url(str(run.flags.get(flag, ""))) != run.flags.get(flag, ""):
            variable = f"TURKCTL_{flag.upper()}"
            run.output.warn(
                f"the address contains a secret and is left out: set {variable} in a file that only you can read"
            )
        elif flag in run.flags:
            command += ["--" + flag.replace("_", "-"), str(run.flags[flag])]
    texts = {
        "systemd": systemd_unit(command, run.settings.folder),
        "crontab": crontab_line(command, run.settings.folder),
    }
    if run.settings["output"] != "table":
        run.output.record(texts)
    elif cron != systemd:
        run.output.text(texts["crontab" if cron else "systemd"])
    else:
        run.output.text(f"# a systemd unit, e.g. ~/.config/systemd/user/turkctl.service\n{texts['systemd']}")
        run.output.text(f"\n# or a line for: crontab -e\n{texts['crontab']}")


@contextmanager
def _signals() -> Iterator[tuple[threading.Event, set[int]]]:
    """Yield an event that the first SIGTERM or Ctrl-C sets, and which it was; a second Ctrl-C ends at once."""
    stop, caught = threading.Event(), set[int]()

    def leave(number: int, _frame: object) -> None:
        caught.add(number)
        set_in_handler(stop)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
