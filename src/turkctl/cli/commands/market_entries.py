"""``turkctl market entries``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.commands.market_workers import BaseUrl, Groups, Locale, Sandbox, environment_of, site_address
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.terms import if_given
from turkctl.units import parse_time
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.market.entries import CodeRow, Entry

app = make_group("Let people in who are sent by a panel: SONA, Moodle, Qualtrics and others.")

COLUMNS = ("name", "panel", "people", "until", "removed", "url")
KEYS = ("done", "code", "groups", "locale", "created")
"""What an entry has besides."""
CODE_COLUMNS = ("code", "status", "submitted", "worker_id", "assignment_id")
NAMES = ("panel_id",)
"""Columns that say who somebody is, shown only where they are asked for."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the entry.")]


@app.act()
def add(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the entry: small letters, digits, '-', '_' and '.'.")
    ],
    parameter: Annotated[
        list[str],
        typer.Option(
            "--parameter",
            metavar="P",
            help="Parameter of the address that names the person; more of them are kept and can be used in --done.",
        ),
    ],
    done: Annotated[
        str | None,
        typer.Option(
            "--done",
            metavar="URL",
            help="Address that people return to with credit; {P} in it is what the panel sent, {code} the code.",
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(
            "--code",
            metavar="TEXT",
            help="Completion code that everybody gets.",
            show_default="one for each assignment, see entries codes",
        ),
    ] = None,
    panel: Annotated[
        str | None,
        typer.Option(
            "--panel",
            metavar="PANEL",
            help="Whose ids these are: entries with the same panel know the same people.",
            show_default="NAME",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="Time when it ends, as in 2026-05-04.")
    ] = None,
    group: Groups = None,
    locale: Locale = "US",
    base_url: BaseUrl = None,
    sandbox: Sandbox = False,
) -> None:
    """Make an entry to the worker site, and print the address to give to the panel.

    Examples:
        turkctl market entries add uni --parameter survey_code --done "https://lab.example.org/credit?id={survey_code}"
        turkctl market entries add moodle --parameter userid --group class-2026w --code "Stroop-2026"
    """
    from turkctl.newcomers import NewEntry

    run = invocation(ctx)
    end = if_given(parse_time, until)
    new = NewEntry(name, tuple(parameter), panel, done, code, tuple(group or ()), locale, end)
    made = run.context.market.add_entry(environment_of(run, sandbox), new)
    row = _row(made, site_address(run, base_url))
    run.output.outcome(row, row["url"])
    run.output.note(f"replace {{{parameter[0]}}} by what your panel fills in, such as %SURVEY_CODE% in SONA")


def _row(entry: Entry, site: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={{{name}}}" for name in entry.parameters)
    return {
        "name": entry.name,
        "panel": entry.panel,
        "url": f"{site}{entry.path}?{asked}",
        "done": entry.done_url,
        "code": entry.code,
        "people": entry.people,
        "groups": ", ".join(entry.groups),
        "locale": entry.locale,
        "until": entry.until,
        "removed": entry.removed,
        "created": entry.created,
    }


@app.command("list")
@bundled
def list_(ctx: typer.Context, listing: Listing, base_url: BaseUrl = None, sandbox: Sandbox = False) -> None:
    """List entries with their addresses, and how many people came by each.

    Examples:
        turkctl market entries list
    """
    run = invocation(ctx)
    site = site_address(run, base_url)
    found = run.context.market.entries(environment_of(run, sandbox))
    listing.show(run, COLUMNS, (_row(each, site) for each in found), keys=KEYS)


@app.command()
def show(ctx: typer.Context, name: Name, base_url: BaseUrl = None, sandbox: Sandbox = False) -> None:
    """Show an entry: its address, where people return to, its code, its groups.

    Examples:
        turkctl market entries show sona
    """
    run = invocation(ctx)
    found = run.context.market.entry(environment_of(run, sandbox), name)
    run.output.record(_row(found, site_address(run, base_url)))


@app.command()
@bundled
def codes(
    ctx: typer.Context,
    name: Name,
    listing: Listing,
    names: Annotated[bool, typer.Option("--names", help="Also show what the panel calls each person.")] = False,
    sandbox: Sandbox = False,
) -> None:
    """List the completion codes of what people who came by an entry handed in, to check those that they give you.

    Examples:
        turkctl market entries codes sona
        turkctl market entries codes sona --names -o csv
    """
    run = invocation(ctx)
    found = run.context.market.entry_codes(environment_of(run, sandbox), name)
    columns = (*CODE_COLUMNS[:4], *NAMES, *CODE_COLUMNS[4:]) if names else CODE_COLUMNS
    listing.show(run, columns, (_code_row(each, names=names) for each in found), keys=columns)


def _code_row(row: CodeRow, *, names: bool) -> dict[str, Any]:
    who = {"panel_id": row.panel_id} if names else {}
    return {
        "code": row.code,
        "status": row.status,
        "submitted": row.submitted,
        "worker_id": row.worker_id,
        **who,
        "assignment_id": row.assignment_id,
    }


@app.act()
def remove(
    ctx: typer.Context,
    which: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of entries.")],
    sandbox: Sandbox = False,
) -> None:
    """End entries at once. People who came by them stay, and still get their code and their way back.

    Examples:
        turkctl market entries remove sona
    """
    run = invocation(ctx)
    ended = run.context.market.remove_entries(environment_of(run, sandbox), which)
    run.output.outcome({"removed": ended}, f"{counted(ended, 'entry', 'entries')} removed")
