"""``turkctl dashboard``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.cli.logs import scheduler_log
from turkctl.errors import ConfigError

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.cli.output import Output
    from turkctl.dashboard.service import DashboardServer

app = make_group("Serve the study as web pages.")


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="HOST", help="Address to listen on.", show_default="dashboard.host"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Port to listen on; 0 picks a free one.",
            show_default="dashboard.port",
        ),
    ] = None,
    do_scheduler: Annotated[
        bool | None,
        typer.Option(
            "--do-scheduler/--no-scheduler",
            help="Also run tasks when they are due, as turkctl scheduler run does.",
            show_default="dashboard.do_scheduler",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            help="Number of requests answered at the same time.",
            show_default="dashboard.threads, else 4; with the scheduler 1",
        ),
    ] = None,
) -> None:
    """Serve the study as web pages at /dashboard, for those who may sign in, until SIGTERM or Ctrl-C.

    It starts only if dashboard.enable is true and a login name, a password and a secret key are set; without them it
    says what is missing and how to make it.

    Examples:
        turkctl dashboard serve --port 8901
        turkctl dashboard serve --do-scheduler
    """
    from turkctl.dashboard.access import check_access
    from turkctl.web.passwords import require_extra

    require_extra()
    run = invocation(ctx)
    run.settings.require_database()
    access = check_access(run.settings)
    from turkctl.dashboard.service import LOGGERS, DashboardServer, thread_count

    values = run.settings
    inside = values["dashboard.do_scheduler"] if do_scheduler is None else do_scheduler
    number = thread_count(threads, values["dashboard.threads"], with_scheduler=inside)
    where = (host or values["dashboard.host"], values["dashboard.port"] if port is None else port)
    server = DashboardServer(run.context, access, *where, number)
    with scheduler_log(run, *LOGGERS), _ended_by_sigterm(server), server:
        _warn(run, where[0])
        if inside:
            server.begin_scheduler()
        record = {"address": server.address, "threads": number, "scheduler": inside}
        run.output.outcome(record, f"the dashboard is at {server.address} (Ctrl-C ends it)")
        run.output.flush()
        server.run()


def _warn(run: Invocation, host: str) -> None:
    """Warn if passwords can be read, or a visitor's address forged, on the way."""
    from turkctl.serving import LOOPBACK

    if host in LOOPBACK:
        return
    if run.settings["dashboard.behind_proxy"]:
        run.output.warn(f"only the proxy may reach {host}: whoever else does can claim any address (behind_proxy)")
    else:
        run.output.warn("passwords cross the network in the clear: put a proxy with TLS before it (behind_proxy)")


@contextmanager
def _ended_by_sigterm(server: DashboardServer) -> Iterator[None]:
    """Let SIGTERM end the server during the block."""
    before = signal.signal(signal.SIGTERM, lambda *_: server.close())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@app.command()
def hash_password(ctx: typer.Context) -> None:
    """Ask for a new password and print its hash, for dashboard.password_hash or a person's table in turkctl.toml.

    At a terminal, the password is typed twice and not shown; else it is one line of standard input. The hash does not
    give it away, but keep it secret all the same: whoever has it can try passwords at leisure.

    Examples:
        turkctl dashboard hash-password
        turkctl dashboard hash-password --json
    """
    from turkctl.cli.passwords import new_password
    from turkctl.web.passwords import hash_password, require_extra

    require_extra()
    output = _output(invocation(ctx))
    hashed = hash_password(new_password(output.stdin))
    if output.format == "table":
        output.value(hashed)
    else:
        output.record({"password_hash": hashed})


def _output(run: Invocation) -> Output:
    """Return the printer; settings that lack a hash, or have a wrong one, are no reason not to make it."""
    try:
        return run.output
    except ConfigError:
        return run.plain_output()
