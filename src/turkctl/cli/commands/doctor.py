"""``turkctl doctor``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import typer

from turkctl.cli.common import invocation
from turkctl.cli.help_pages import App
from turkctl.cli.invocation import Invocation
from turkctl.errors import CredentialsError, ExitCode, NoProjectError, TurkctlError, UnreachableError
from turkctl.units import format_time, money_text

app = App()

CLOSED = "Amazon closed Mechanical Turk on 2026-09-30"
NOTABLE_SKEW = timedelta(minutes=1)
NEEDS = {
    "database": "configuration",
    "schema": "database",
    "credentials": "configuration",
    "market": "credentials",
    "clock": "configuration",
    "scheduler": "schema",
}


@app.command()
def doctor(ctx: typer.Context) -> None:
    """Check configuration, database, credentials, market, clock and scheduler; exit 0 if all is well, else 4.

    Examples:
        turkctl doctor
        turkctl doctor --mode sandbox
    """
    from turkctl.cli.output import Output
    from turkctl.operations.doctor import run_checks

    run = invocation(ctx)
    rows = list(run_checks(_checks(run), NEEDS))
    output: Output = run.output if rows[0].ok else run.plain_output()
    output.rows(["check", "ok", "detail", "mend"], [row.as_dict() for row in rows])
    raise typer.Exit(ExitCode.OK if all(row.ok for row in rows) else ExitCode.UNREACHABLE)


def _checks(run: Invocation) -> dict[str, Callable[[], str]]:
    return {
        "configuration": lambda: _configuration(run),
        "database": lambda: _database(run),
        "schema": lambda: _schema(run),
        "credentials": lambda: _credentials(run),
        "market": lambda: _market(run),
        "clock": lambda: _clock(run),
        "scheduler": lambda: _scheduler(run),
    }


def _configuration(run: Invocation) -> str:
    where = run.settings.project_file or "no project file (turkctl init makes one)"
    return f"mode {run.settings.mode}, {where}"


def _database(run: Invocation) -> str:
    from turkctl.operations.database import refuse_moved, versions
    from turkctl.operations.participants.lists import refuse_absent

    refuse_absent(run.settings)
    versions(run.context.bare_database)
    notes = (run.context.study_elsewhere, refuse_moved(run.context.bare_database))
    reached = f"reached {run.context.bare_database.url_for_people}"
    return "; but ".join((reached, *(note for note in notes if note is not None)))


def _schema(run: Invocation) -> str:
    from turkctl.operations.database import versions

    found, _ = versions(run.context.database)
    return f"up to date ({found})"


def _credentials(run: Invocation) -> str:
    if run.settings.mode == "local":
        return "none needed in mode local"
    try:
        run.context.mturk.balance()
    except CredentialsError:
        raise
    except TurkctlError:
        return "found; the market has not said whether it takes them"
    return "accepted"


def _refuse_nowhere(run: Invocation) -> None:
    """Raise NoProjectError in mode local if there is no project, which the check of the database says already."""
    if run.settings.mode == "local" and not run.settings.has_market:
        raise NoProjectError("not checked: needs database", "fix database first")


def _market(run: Invocation) -> str:
    _refuse_nowhere(run)
    balance = run.context.mturk.balance()
    amazon = f"; {CLOSED}" if "amazonaws.com" in run.context.place.market else ""
    return f"{run.context.place.market} answers, {money_text(balance.available)} available{amazon}{_others(run)}"


def _others(run: Invocation) -> str:
    from turkctl.operations.doctor import other_markets
    from turkctl.operations.participants.lists import refuse_absent

    try:
        refuse_absent(run.settings)
        return "" if run.settings.mode == "local" else other_markets(run.context)
    except TurkctlError:
        return ""  # the checks of the database say what is wrong with it


def _clock(run: Invocation) -> str:
    _refuse_nowhere(run)
    now = run.context.now().replace(microsecond=0)
    ahead = (now - datetime.now(UTC)).total_seconds()
    if run.settings.mode == "local" and ahead > 1:
        return f"the market's clock says {format_time(now)}, turned {ahead:.0f} s ahead"
    skew = timedelta(0) if run.settings.mode == "local" else run.context.mturk.ahead
    if skew is None:
        raise UnreachableError("not checked: no market has answered", "fix market first")
    return f"{format_time(now)}{_skew(skew)}"


def _skew(ahead: timedelta) -> str:
    """Say how far the market's clock is off, from a minute on."""
    if abs(ahead) < NOTABLE_SKEW:
        return ""
    way = "ahead of" if ahead > timedelta(0) else "behind"
    minutes = round(abs(ahead) / timedelta(minutes=1))
    return (
        f"; the market's clock is {minutes} min {way} this machine's: set both by NTP (from 15 min it lets nobody in)"
    )


def _scheduler(run: Invocation) -> str:
    from turkctl.operations.tasks.scheduler import scheduler_check

    return scheduler_check(run.context)
