"""``turkctl market``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.commands import market_accounts, market_books, market_entries, market_payouts, market_workers
from turkctl.cli.common import invocation, make_group
from turkctl.cli.extras import NEEDS_EXTRA, has_site
from turkctl.cli.listening import Host, Port
from turkctl.cli.select import Yes
from turkctl.cli.terms import if_given
from turkctl.errors import ConfirmationNeededError, NotFoundError
from turkctl.outputs import readable_by_others
from turkctl.units import parse_duration

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation

app = make_group("Serve the built-in market, invite people to it, simulate workers on it, turn its clock.")
app.add_typer(market_workers.app, name="workers")
app.add_typer(market_accounts.app, name="accounts")
app.add_typer(market_entries.app, name="entries")
app.add_typer(market_payouts.app, name="payouts")
app.command("backup")(market_books.backup)
app.command("stats")(market_books.stats)


@app.command()
def serve(
    ctx: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8800,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            max=256,
            help="Number of requests answered at the same time; more make each of them slower.",
            show_default="4, on PostgreSQL 8",
        ),
    ] = None,
    site: Annotated[bool, typer.Option("--site/--no-site", help="Also serve the worker site at /worker.")] = True,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Show the sandbox's HITs on the worker site, not those of production.")
    ] = False,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A proxy on this computer adds TLS: trust its X-Forwarded headers, and keep cookies to https.",
        ),
    ] = False,
    content_port: Annotated[
        int | None,
        typer.Option(
            "--content-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Another port, from which HTML tasks are shown; 0 picks a free one.",
            show_default="the site's own",
        ),
    ] = None,
    content_url: Annotated[
        str | None,
        typer.Option(
            "--content-url",
            metavar="URL",
            help="Another host name of this server, from which HTML tasks are shown.",
            show_default="market.site.content_url",
        ),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", metavar="FOLDER", help="Folder whose pictures and other files HTML tasks can show."),
    ] = None,
) -> None:
    """Serve the built-in market over HTTP to any client of the Requester API: live at /, sandbox at /sandbox.

    People do its HITs on the worker site, at /worker, if the extra web is installed.

    Examples:
        turkctl market serve --content-port 8801 --files photos
        turkctl market serve --host 0.0.0.0 --no-site
        turkctl market serve --behind-proxy --content-url https://tasks.example.org
    """
    from turkctl.serving import LOOPBACK

    run = invocation(ctx)
    if host not in LOOPBACK and not run.settings["market.keys"]:
        run.output.warn("without market.keys anybody who reaches this address can act as any requester")
    keys = run.settings["market.keys"]
    if keys is not None and readable_by_others(run.settings.folder / keys):
        run.output.warn_exposed("the market's keys in", run.settings.folder / keys)
    with_site = site and _can_have_site(run)
    if with_site:
        _warn_of_shared_cookies(run, host, content_port, content_url, behind_proxy=behind_proxy)
    server = run.context.market_server(
        host,
        port,
        threads,
        site=with_site,
        sandbox=sandbox,
        behind_proxy=behind_proxy,
        content_port=content_port,
        content_url=content_url,
        files=files,
    )
    signal.signal(signal.SIGTERM, lambda *_: server.close())
    run.output.text(f"the market is at http://{host}:{server.port}/ (Ctrl-C ends it)")
    if with_site:
        run.output.note(f"the worker site is at {_site_address(run, host, server.port)}; invite people: {_INVITE}")
        if server.second_port is not None:
            run.output.note(f"HTML tasks are shown from port {server.second_port}")
    run.output.flush()
    server.run()


def _warn_of_shared_cookies(
    run: Invocation, host: str, port: int | None, url: str | None, *, behind_proxy: bool
) -> None:
    """Say that another port is not enough for tasks on a site that others use."""
    from turkctl.serving import LOOPBACK

    alone = port is None or url or run.settings["market.site.content_url"]
    if not alone and (behind_proxy or host not in LOOPBACK):
        run.output.warn(
            "cookies ignore ports, so HTML tasks run without an origin of their own (no storage, no cookies); for use, "
            "give them another host name: --content-url"
        )


_INVITE = "turkctl market workers invite"


def _can_have_site(run: Invocation) -> bool:
    """Return whether the worker site can be served; say what is missing."""
    if has_site():
        return True
    run.output.note(f"{NEEDS_EXTRA}; the API alone is served")
    return False


def _site_address(run: Invocation, host: str, port: int) -> str:
    named: str | None = run.settings["market.site.url"]
    shown = f"[{host}]" if ":" in host else host
    return f"{(named or f'http://{shown}:{port}').rstrip('/')}/worker"


@app.command()
def submission(
    ctx: typer.Context,
    assignment: Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Id of an assignment.")],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Look in the sandbox, not in production.")] = False,
) -> None:
    """Print what a task sent to the worker site when it was submitted, as it came: address, type and body.

    Examples:
        turkctl market submission 3EXAMPLEASSIGNMENT
    """
    run = invocation(ctx)
    sent = run.context.market.as_sent("sandbox" if sandbox else "production", assignment)
    if sent is None:
        raise NotFoundError(
            f"no task submitted an assignment {assignment} on the worker site",
            hint="only what was sent to the site's externalSubmit is kept as it came",
        )
    run.output.text(sent.decode(errors="backslashreplace"))


@app.act()
def crowd(
    ctx: typer.Context,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Number of simulated workers.")],
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", help="Seed of the random numbers; the same seed makes the same people."),
    ] = 0,
    accuracy: Annotated[float, typer.Option("--accuracy", metavar="P", help="Share of right answers, 0 to 1.")] = 0.9,
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", help="How many times faster than usual they work.")
    ] = 1.0,
    drop_out: Annotated[
        float, typer.Option("--drop-out", metavar="P", help="Share of workers who return a HIT, 0 to 1.")
    ] = 0.05,
    abandon: Annotated[
        float, typer.Option("--abandon", metavar="P", help="Share of workers who let a HIT time out, 0 to 1.")
    ] = 0.02,
    repeat: Annotated[
        float, typer.Option("--repeat", metavar="P", help="Share of workers who come back for more, 0 to 1.")
    ] = 0.5,
    arrival: Annotated[
        float, typer.Option("--arrival", metavar="S", help="Mean time between arrivals, in seconds.")
    ] = 60.0,
    work: Annotated[
        float | None,
        typer.Option("--work", metavar="S", help="Mean time of work, in seconds.", show_default="30 % of the duration"),
    ] = None,
    locales: Annotated[
        str, typer.Option("--locales", metavar="LIST", help="Countries they live in, with weights, as in US=3,GB.")
    ] = "US",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="D", help="Stop after this much time of the market's clock, as in 12h."),
    ] = None,
    max_submissions: Annotated[
        int | None, typer.Option("--max-submissions", metavar="N", min=1, help="Stop after this number of submissions.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Wait in real time instead of turning the clock forward.")
    ] = False,
) -> None:
    """Simulate workers who accept, submit, return and abandon HITs until nothing is left for them to do.

    Examples:
        turkctl market crowd --workers 12 --seed 1
        turkctl market crowd --workers 9 --accuracy 0.8 --drop-out 0.2 --until 12h
    """
    from turkctl.cli.batch import stoppable

    run = invocation(ctx)
    options: dict[str, Any] = {
        "workers": workers, "seed": seed, "accuracy": accuracy, "speed": speed, "drop_out": drop_out,
        "abandon": abandon, "repeat": repeat, "arrival": arrival, "work": work, "locales": locales,
    }  # fmt: skip
    length = if_given(parse_duration, until)
    with stoppable() as stop:
        people = run.context.crowd(options, real_time=real_time)
        report = people.run(length, max_submissions, idle=not real_time or length is None, stop=stop.is_set)
    run.output.outcome(vars(report) | {"now": run.context.market.now()})


@app.act()
def reset(ctx: typer.Context, yes: Yes = False) -> None:
    """Throw the built-in market away: accounts, HITs, workers, its clock. Always asks, unless you give --yes.

    Examples:
        turkctl market reset --yes
    """
    run = invocation(ctx)
    run.settings.require_market()
    where = run.settings.masked("market_url")
    if not yes:
        if not run.output.interactive:
            raise ConfirmationNeededError(f"this would throw away the market at {where}", hint="add --yes to go ahead")
        if run.output.ask(f"Throw away the market at {where}? [y/N] ").lower() not in ("y", "yes"):
            raise ConfirmationNeededError("not confirmed, nothing was done", hint="answer y, or add --yes")
    run.context.begin_market_anew()
    run.context.market.reset()
    run.output.outcome({"market": where, "reset": True})


@app.act()
def clock(
    ctx: typer.Context,
    advance: Annotated[
        str | None, typer.Option("--advance", metavar="D", help="Time to turn the clock forward, as in 3d.")
    ] = None,
) -> None:
    """Show the market's clock, or turn it forward; whatever falls due on the way happens.

    Examples:
        turkctl market clock --advance 3d
    """
    run = invocation(ctx)
    market = run.context.market
    now = market.now() if advance is None else market.advance(parse_duration(advance))
    run.output.outcome({"now": now}, well=advance is not None)
