"""The common options, declared once and accepted before or after any subcommand, and the group factory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from turkctl import __version__
from turkctl.cli.help_pages import App, HelpGroup
from turkctl.cli.invocation import Invocation

FORMATS = ("table", "json", "jsonl", "csv")
MODES = ("local", "sandbox", "live")


def invocation(ctx: typer.Context) -> Invocation:
    """Return the invocation that a command belongs to, which then knows the command's name."""
    found: Invocation = ctx.find_root().ensure_object(Invocation)
    found.command = ctx.command_path.partition(" ")[2]
    found.dry_run = bool(ctx.params.get("dry_run"))
    return found


def make_group(help_text: str) -> App:
    """Return a new group of commands."""
    return App(cls=HelpGroup, help=help_text, no_args_is_help=True)


def _keep(name: str) -> Callable[[typer.Context, Any], Any]:
    def store(ctx: typer.Context, value: Any) -> Any:
        if value is not None and value is not False:
            invocation(ctx).flags[name] = value
        return value

    return store


def _choice(name: str, choices: tuple[str, ...]) -> Callable[[typer.Context, Any], Any]:
    keep = _keep(name)

    def check(ctx: typer.Context, value: str | None) -> str | None:
        if value is not None and value not in choices:
            raise typer.BadParameter(f"'{value}' is not one of {', '.join(choices)}")
        return keep(ctx, value)  # type: ignore[no-any-return]  # what went in comes out: str or None

    return check


def _modes(ctx: typer.Context, values: list[str] | None) -> list[str] | None:
    """Keep the last one as the mode, which the settings check; ``participants`` takes all of them, as a filter."""
    if values:
        flags = invocation(ctx).flags
        flags["mode"] = values[-1]
        flags["modes"] = [*flags.get("modes", ()), *values]
    return values


def _json(ctx: typer.Context, value: bool | None) -> bool | None:
    if value:
        invocation(ctx).flags["output"] = "json"
    return value


def _verbose(ctx: typer.Context, value: int) -> int:
    flags = invocation(ctx).flags
    flags["verbose"] = max(value, flags.get("verbose", 0))
    return value


def _version(value: bool) -> None:
    if value:
        typer.echo(f"turkctl {__version__}")
        raise typer.Exit


def _options(
    mode: Annotated[
        list[str] | None,
        typer.Option(
            "--mode",
            "-m",
            metavar="|".join(MODES),
            help="Market to use: built-in, Amazon's sandbox, or Amazon's own (environment TURKCTL_MODE).",
            show_default="local",
            callback=_modes,
            autocompletion=lambda: list(MODES),
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="PATH",
            help="Project file (environment TURKCTL_CONFIG).",
            show_default="the nearest turkctl.toml, from this folder upwards",
            callback=_keep("config"),
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="Address of turkctl's database, as SQLAlchemy writes it (environment TURKCTL_DATABASE_URL).",
            show_default="turkctl.db beside the project file",
            callback=_keep("database_url"),
        ),
    ] = None,
    market_url: Annotated[
        str | None,
        typer.Option(
            "--market-url",
            metavar="URL",
            help="Address of the built-in market's own database (environment TURKCTL_MARKET_URL).",
            show_default="turkctl-market.db beside the database",
            callback=_keep("market_url"),
        ),
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            "--endpoint-url",
            metavar="URL",
            help="Address of a server that speaks the MTurk Requester API "
            "(environment TURKCTL_ENDPOINT_URL, AWS_ENDPOINT_URL_MTURK).",
            show_default="the mode's",
            callback=_keep("endpoint_url"),
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Name of the AWS credentials profile (environment AWS_PROFILE).",
            callback=_keep("profile"),
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="|".join(FORMATS),
            help="Format of the result (environment TURKCTL_OUTPUT).",
            show_default="table",
            callback=_choice("output", FORMATS),
            autocompletion=lambda: list(FORMATS),
        ),
    ] = None,
    json: Annotated[bool | None, typer.Option("--json", help="Short for -o json.", callback=_json)] = None,
    spreadsheet: Annotated[
        bool | None,
        typer.Option(
            "--spreadsheet",
            help="Write CSV that is safe in a spreadsheet: an apostrophe before texts that look like a formula.",
            callback=_keep("spreadsheet"),
        ),
    ] = None,
    quiet: Annotated[
        bool | None, typer.Option("--quiet", "-q", help="Print less on standard error.", callback=_keep("quiet"))
    ] = None,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            help="Print more on standard error; -vv also prints each request to the market.",
            callback=_verbose,
        ),
    ] = 0,
    no_color: Annotated[
        bool | None,
        typer.Option("--no-color", help="Print no colours (environment NO_COLOR).", callback=_keep("no_color")),
    ] = None,
) -> None:
    """Never run: only its parameters are taken."""


def _root_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Never run: only its parameters are taken."""


@cache
def _params(function: Callable[..., None]) -> tuple[Any, ...]:
    """Read the parameters off a function, once: that takes longer than parsing a command line by them."""
    scratch = typer.Typer(add_completion=False)
    scratch.command()(function)
    params = [p for p in typer.main.get_command(scratch).params if p.name != "help"]
    for param in params:
        param.expose_value = False
    return tuple(params)


@cache
def common_params() -> tuple[Any, ...]:
    """Return the parameters of the common options."""
    params = _params(_options)
    for param in params:
        param.is_common = True  # help names them in one line
    return params


def root_params() -> tuple[Any, ...]:
    """Return parameters that only the program itself takes."""
    return _params(_root_options)


def accept_everywhere(command: Any, params: tuple[Any, ...] | None = None) -> Any:
    """Append the common options to a command and to all below it; names a command has taken stay its own."""
    params = common_params() if params is None else params
    taken = {opt for own in command.params for opt in (*own.opts, *own.secondary_opts)}
    for param in params:
        if not taken & set(param.opts):
            command.params.append(param)
        elif param.opts[0] not in taken:  # only the short form is taken: keep the long one
            command.params.append(_without_short(param))
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            accept_everywhere(child, params)
    return command


def _without_short(param: Any) -> Any:
    import copy

    only_long = copy.copy(param)
    only_long.opts = [opt for opt in param.opts if opt.startswith("--")]
    return only_long
