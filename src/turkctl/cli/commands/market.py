"""``turkctl market``."""

from __future__ import annotations

import signal
from typing import Annotated, Any

import typer

from turkctl.cli.common import invocation, make_group
from turkctl.cli.select import Yes
from turkctl.errors import ConfirmationNeededError
from turkctl.outputs import readable_by_others
from turkctl.units import parse_duration

app = make_group("The built-in market: serve it, people it, turn its clock.")

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8800,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Requests answered at once.")] = 16,
) -> None:
    """Serve the built-in market over HTTP to any client of the Requester API, at / and (sandbox) at /sandbox."""
    run = invocation(ctx)
    if host not in LOOPBACK and not run.settings["market.keys"]:
        run.output.warn("without market.keys anybody who reaches this address can act as any requester")
    keys = run.settings["market.keys"]
    if keys is not None and readable_by_others(run.settings.folder / keys):
        run.output.warn_exposed("the market's keys in", run.settings.folder / keys)
    server = run.context.market_server(host, port, threads)
    signal.signal(signal.SIGTERM, lambda *_: server.close())
    run.output.text(f"the market is at http://{host}:{server.port}/ (Ctrl-C ends it)")
    run.output.flush()
    server.run()


@app.command()
def crowd(
    ctx: typer.Context,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="People.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same people.")] = 0,
    accuracy: Annotated[float, typer.Option("--accuracy", metavar="P", help="Share of right answers.")] = 0.9,
    speed: Annotated[float, typer.Option("--speed", metavar="X", help="Times as fast as usual.")] = 1.0,
    drop_out: Annotated[float, typer.Option("--drop-out", metavar="P", help="Share that returns a HIT.")] = 0.05,
    abandon: Annotated[float, typer.Option("--abandon", metavar="P", help="Share that lets it time out.")] = 0.02,
    repeat: Annotated[float, typer.Option("--repeat", metavar="P", help="Share that comes back for more.")] = 0.5,
    arrival: Annotated[float, typer.Option("--arrival", metavar="S", help="Mean seconds between arrivals.")] = 60.0,
    work: Annotated[
        float | None, typer.Option("--work", metavar="S", help="Mean seconds of work; else 30 % of the duration.")
    ] = None,
    locales: Annotated[str, typer.Option("--locales", help="Where they live, as in US=3,GB.")] = "US",
    until: Annotated[str | None, typer.Option("--until", metavar="D", help="Stop after so long.")] = None,
    max_submissions: Annotated[
        int | None, typer.Option("--max-submissions", metavar="N", min=1, help="Stop then.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Wait for the clock instead of turning it forward.")
    ] = False,
) -> None:
    """Simulated workers accept, work, submit, return and abandon, until there is nothing left for them to do."""
    from turkctl.cli.batch import stoppable

    run = invocation(ctx)
    options: dict[str, Any] = {
        "workers": workers, "seed": seed, "accuracy": accuracy, "speed": speed, "drop_out": drop_out,
        "abandon": abandon, "repeat": repeat, "arrival": arrival, "work": work, "locales": locales,
    }  # fmt: skip
    length = None if until is None else parse_duration(until)
    with stoppable() as stop:
        people = run.context.crowd(options, real_time=real_time)
        report = people.run(length, max_submissions, idle=not real_time or length is None, stop=stop.is_set)
    run.output.record(vars(report) | {"now": run.context.market.now()})


@app.command()
def reset(ctx: typer.Context, yes: Yes = False) -> None:
    """Throw the built-in market away: accounts, HITs, workers, its clock. Always asks, or needs --yes."""
    run = invocation(ctx)
    where = run.settings.masked("market_url")
    if not yes:
        if not run.output.interactive:
            raise ConfirmationNeededError(f"this throws away the market at {where}", hint="add --yes to go ahead")
        if run.output.ask(f"Throw away the market at {where}? [y/N] ").lower() not in ("y", "yes"):
            raise ConfirmationNeededError("not confirmed, nothing was done", hint="answer y, or add --yes")
    run.context.market.reset()
    run.output.record({"market": where, "reset": True})


@app.command()
def clock(
    ctx: typer.Context,
    advance: Annotated[str | None, typer.Option("--advance", metavar="D", help="Turn it forward, as in 3d.")] = None,
) -> None:
    """Show the market's clock, or turn it forward: what falls due on the way happens."""
    run = invocation(ctx)
    market = run.context.market
    now = market.now() if advance is None else market.advance(parse_duration(advance))
    run.output.record({"now": now})
