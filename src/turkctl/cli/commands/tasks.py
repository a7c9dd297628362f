"""``turkctl tasks``."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

from turkctl.cli import completion, select
from turkctl.cli.batch import confirm_question
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.errors import ExitCode
from turkctl.schedules import Schedule, read_schedule

app = make_group("Create, list, change, pause, run and delete recurring tasks.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the task.", autocompletion=completion.tasks)]
AllModes = Annotated[bool, typer.Option("--all-modes", help="Show those of all modes.")]
Full = Annotated[
    bool | None,
    typer.Option(
        "--full/--no-full",
        help="sync: read the work on every HIT again, or only on those whose counters changed.",
        show_default=False,
    ),
]
Feedback = Annotated[
    str | None, typer.Option("--feedback", metavar="TEXT", help="approve-all: message to the workers.")
]

Method = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="aggregate-labels: method, in place of the experiment's.")
]
MinVotes = Annotated[
    int | None,
    typer.Option(
        "--min-votes",
        metavar="N",
        min=0,
        max=10**9,
        help="aggregate-labels: number of votes below which an item gets no label, in place of the experiment's.",
    ),
]
BonusReason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="bonus-auto: what the bonus is for; the workers read it.")
]

Cron = Annotated[
    str | None,
    typer.Option("--cron", metavar="LINE", help='Times to run at, as a crontab line: "0 9 * * mon-fri".'),
]
Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Time zone of --cron, as in Europe/Berlin.", show_default="UTC"),
]


def _options(**given: Any) -> dict[str, Any]:
    """Return the options of the task's kind that were given."""
    return {name: value for name, value in given.items() if value is not None and value is not False}


@app.act()
def create(
    ctx: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="What it does: approve-all, bonus-auto, sync, dispatch, aggregate-labels or expire."
        ),
    ],
    every: Annotated[
        str | None, typer.Option("--every", metavar="D", help="Time between runs, as in 30m; the first run is now.")
    ] = None,
    cron: Cron = None,
    timezone: Zone = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the task.", show_default="the kind")
    ] = None,
    everything: select.All = False,
    regex: select.Regex = None,
    experiment: select.Experiment = None,
    campaign: select.Campaign = None,
    codeversion: select.CodeVersion = None,
    full: Full = None,
    feedback: Feedback = None,
    reason: BonusReason = None,
    method: Method = None,
    min_votes: MinVotes = None,
    yes: select.Yes = False,
) -> None:
    """Create a task that runs now and then at an interval, or at the times of a crontab line.

    Examples:
        turkctl tasks create approve-all --every 1h --all
        turkctl tasks create bonus-auto --cron "0 9 * * mon-fri" --all --reason "A better answer"
    """
    from turkctl.operations.tasks.manage import create_task
    from turkctl.scheduler.kinds import require_kind

    run = invocation(ctx)
    chosen = require_kind(kind)
    options = _options(
        all=everything,
        regex=regex,
        experiment=experiment,
        campaign=campaign,
        codeversion=codeversion,
        full=full,
        feedback=feedback,
        reason=reason,
        method=method,
        min_votes=min_votes,
    )
    if chosen.spends is not None and run.settings.mode == "live" and not yes:
        when = f"every {every}" if cron is None else f"at '{cron}'"
        confirm_question(run, f"{when} this {chosen.spends}, in mode live, without asking")
    schedule = read_schedule(every, cron, timezone) or Schedule()
    row = create_task(run.context, chosen, schedule=schedule, name=name, options=options)
    run.output.outcome(row)


@app.command(name="list")
@bundled
def list_(ctx: typer.Context, listing: Listing, all_modes: AllModes = False) -> None:
    """List the tasks of this mode, the one due next first.

    Examples:
        turkctl tasks list
        turkctl tasks list --sort failures --desc --columns name,failures,last_status
    """
    from turkctl.operations.tasks.manage import COLUMNS, KEYS, list_tasks, other_modes

    run = invocation(ctx)
    listing.show(run, COLUMNS, list_tasks(run.context, all_modes=all_modes), keys=KEYS)
    others = None if all_modes else other_modes(run.context)
    if others:
        run.output.note(others)


@app.command()
def show(ctx: typer.Context, name: Name) -> None:
    """Show one task in full, with its last runs.

    Examples:
        turkctl tasks show sync
    """
    from turkctl.operations.tasks.manage import show_task

    run = invocation(ctx)
    run.output.record(show_task(run.context, name))


@app.act()
def update(
    ctx: typer.Context,
    name: Name,
    every: Annotated[
        str | None, typer.Option("--every", metavar="D", help="New time between runs, as in 30m, from now on.")
    ] = None,
    cron: Cron = None,
    timezone: Zone = None,
    new_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="New name.")] = None,
    everything: select.All = False,
    regex: select.Regex = None,
    experiment: select.Experiment = None,
    campaign: select.Campaign = None,
    codeversion: select.CodeVersion = None,
    full: Full = None,
    feedback: Feedback = None,
    reason: BonusReason = None,
    method: Method = None,
    min_votes: MinVotes = None,
) -> None:
    """Change a task's times, name or options; selectors that you give replace all that it had.

    An empty text removes an option, as in --feedback "".

    Examples:
        turkctl tasks update sync --every 1h
    """
    from turkctl.operations.tasks.manage import update_task
    from turkctl.scheduler.kinds import KINDS

    run = invocation(ctx)
    selectors = _options(all=everything, regex=regex, experiment=experiment, campaign=campaign, codeversion=codeversion)
    of_kinds = {"full": full, "feedback": feedback, "reason": reason, "method": method, "min_votes": min_votes}
    others = {key: value for key, value in of_kinds.items() if value is not None}
    schedule = read_schedule(every, cron, timezone)
    run.output.outcome(
        update_task(run.context, KINDS, name, schedule=schedule, new_name=new_name, options=selectors | others)
    )


@app.act()
def pause(ctx: typer.Context, name: Name) -> None:
    """Pause a task until it is resumed; a run that has begun goes on.

    Examples:
        turkctl tasks pause sync
    """
    from turkctl.operations.tasks.manage import pause_task

    run = invocation(ctx)
    run.output.outcome(pause_task(run.context, name))


@app.act()
def resume(ctx: typer.Context, name: Name) -> None:
    """Resume a paused task; one run makes up for all that were missed.

    Examples:
        turkctl tasks resume sync
    """
    from turkctl.operations.tasks.manage import resume_task

    run = invocation(ctx)
    run.output.outcome(resume_task(run.context, name))


@app.act()
def delete(ctx: typer.Context, name: Name) -> None:
    """Delete a task; its history stays.

    Examples:
        turkctl tasks delete sync
    """
    from turkctl.operations.tasks.manage import delete_task

    run = invocation(ctx)
    run.output.outcome(delete_task(run.context, name))


@app.act(name="run")
def run_(ctx: typer.Context, name: Name) -> None:
    """Run a task now, paused or not; if a scheduler is running, wait until it has done it.

    Examples:
        turkctl tasks run sync
    """
    from turkctl.cli.batch import stoppable
    from turkctl.scheduler.logs import shown
    from turkctl.scheduler.runner import run_by_hand

    run = invocation(ctx)
    context = run.context
    machines = run.settings["output"] == "jsonl"
    level = logging.DEBUG if run.verbosity else logging.WARNING
    with shown(level, machines=machines, verbose=run.verbosity > 0), stoppable() as stop:
        made = run_by_hand(context, name, stop, lambda held: run.output.note(f"{held.message}; waiting for it"))
    run.output.outcome(made)
    codes = {"ok": ExitCode.OK, "interrupted": ExitCode.INTERRUPTED}
    raise typer.Exit(codes.get(made["status"], ExitCode.FAILED))


@app.command()
@bundled
def history(
    ctx: typer.Context,
    listing: Listing,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Name of a task; all tasks without it.",
            show_default=False,
            autocompletion=completion.tasks,
        ),
    ] = None,
    all_modes: AllModes = False,
) -> None:
    """List past runs, the newest first; those of deleted tasks, too.

    Examples:
        turkctl tasks history sync
        turkctl tasks history --limit 20
    """
    from turkctl.operations.tasks.manage import HISTORY_COLUMNS, HISTORY_KEYS
    from turkctl.operations.tasks.manage import history as past

    run = invocation(ctx)
    rows = past(run.context, name, all_modes=all_modes, limit=listing.enough)
    listing.show(run, HISTORY_COLUMNS, rows, keys=HISTORY_KEYS)
