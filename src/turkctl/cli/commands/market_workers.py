"""``turkctl market workers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.terms import if_given
from turkctl.errors import UsageError
from turkctl.units import parse_time
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.market.people import Invitation, Member
    from turkctl.market.requester import Environment

app = make_group("Add people to the built-in market, and invite them to its worker site.")

COLUMNS = ("worker_id", "groups", "label", "can_sign_in", "created")
NAMES = ("name", "own_id")
"""Columns that say who somebody is, shown only where they are asked for."""
INVITATION_COLUMNS = ("id", "uses", "used", "until", "revoked", "groups", "label")
_DEFAULT_SITE = "http://127.0.0.1:8800"

Sandbox = Annotated[bool, typer.Option("--sandbox", help="In the sandbox of the market, whose workers are others.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="G", help="Group they belong to; may be repeated.")
]
Locale = Annotated[
    str, typer.Option("--locale", metavar="L", help="Where they live: a country as in US, or a state as in US-NY.")
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Address of the worker site's server.",
        show_default=f"market.site.url, else {_DEFAULT_SITE}",
    ),
]
Label = Annotated[str | None, typer.Option("--label", metavar="TEXT", help="A note for yourself.")]


def environment_of(run: Invocation, sandbox: bool) -> Environment:
    """Return the environment of the market whose people are meant."""
    return "sandbox" if sandbox or run.settings.mode == "sandbox" else "production"


def site_address(run: Invocation, base_url: str | None) -> str:
    """Return the address of the worker site's server, without a slash at its end."""
    found: str = base_url or run.settings["market.site.url"] or _DEFAULT_SITE
    return found.rstrip("/")


@app.act()
def add(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name they sign in with; needs --password.")
    ] = None,
    password: Annotated[
        bool,
        typer.Option("--password", help="Ask for their password; where nobody types, it is a line of standard input."),
    ] = False,
    own_id: Annotated[
        str | None, typer.Option("--id", metavar="OWN", help="Your own id of them, such as a student number.")
    ] = None,
    group: Groups = None,
    label: Label = None,
    locale: Locale = "US",
    sandbox: Sandbox = False,
) -> None:
    """Add a person to the market, and print their worker id.

    Examples:
        turkctl market workers add --id 4712 --group class-2026w
        turkctl market workers add --label "Second annotator" --locale DE
    """
    run = invocation(ctx)
    if password is not (name is not None):
        raise UsageError("--name and --password belong together", hint="give both, or invite the person by a link")
    hashed = _new_hash(run) if password else None
    worker_id = run.context.market.add_person(
        environment_of(run, sandbox),
        name=name,
        password_hash=hashed,
        own_id=own_id,
        label=label,
        groups=group or (),
        locale=locale,
    )
    run.output.outcome({"worker_id": worker_id}, worker_id)


def _new_hash(run: Invocation) -> str:
    from turkctl.cli.passwords import new_password
    from turkctl.web.passwords import hash_password, require_extra

    require_extra()
    return hash_password(new_password(run.output.stdin))


@app.act()
def invite(
    ctx: typer.Context,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=10000, help="Number of invitations.")] = 1,
    uses: Annotated[
        str,
        typer.Option(
            "--uses",
            metavar="N|once|unlimited",
            help="People who can come in by each: once makes the link the person, also on another device.",
        ),
    ] = "once",
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="Time when they end, as in 2026-05-04.")
    ] = None,
    group: Groups = None,
    label: Label = None,
    locale: Locale = "US",
    base_url: BaseUrl = None,
    sandbox: Sandbox = False,
) -> None:
    """Make invitations to the worker site, and print an address for each; they cannot be shown again.

    Examples:
        turkctl market workers invite --count 12 --group staff
        turkctl market workers invite --uses 60 --until 2036-05-04 --base-url https://work.example.org
    """
    run = invocation(ctx)
    end = if_given(parse_time, until)
    tokens = run.context.market.invite(
        environment_of(run, sandbox),
        count,
        uses=_uses(uses),
        personal=uses == "once",
        until=end,
        label=label,
        groups=group or (),
        locale=locale,
    )
    site = site_address(run, base_url)
    rows = [{"url": f"{site}/worker/join/{token}", "uses": uses, "until": end} for token in tokens]
    if run.output.format == "table":
        run.output.text("".join(f"{row['url']}\n" for row in rows))
    else:
        run.output.rows(("url", "uses", "until"), rows)


def _uses(uses: str) -> int | None:
    if uses in ("once", "unlimited"):
        return 1 if uses == "once" else None
    if not (uses.isascii() and uses.isdigit() and 1 <= int(uses) <= 1_000_000):
        raise UsageError(f"--uses '{uses}' is not a number of people", hint="write 60, once or unlimited")
    return int(uses)


@app.command("list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    names: Annotated[bool, typer.Option("--names", help="Also show login names and your own ids of people.")] = False,
    group: Annotated[str | None, typer.Option("--group", metavar="G", help="Only people of this group.")] = None,
    sandbox: Sandbox = False,
) -> None:
    """List the people of the market.

    Examples:
        turkctl market workers list --names
    """
    run = invocation(ctx)
    found = run.context.market.people(environment_of(run, sandbox), group)
    columns = (COLUMNS[0], *NAMES, *COLUMNS[1:]) if names else COLUMNS
    listing.show(run, columns, (_row(each, names=names) for each in found), keys=columns)


def _row(person: Member, *, names: bool) -> dict[str, Any]:
    who = {"name": person.name, "own_id": person.own_id} if names else {}
    return {
        "worker_id": person.worker_id,
        **who,
        "groups": ", ".join(person.groups),
        "label": person.label,
        "can_sign_in": bool(person.password_hash),
        "created": person.created,
    }


@app.command()
def show(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="ID", help="Worker id, your own id of them, or login name.")],
    sandbox: Sandbox = False,
) -> None:
    """Show a person of the market: their ids, names, groups, and how much they did.

    Examples:
        turkctl market workers show 4711
    """
    run = invocation(ctx)
    market, environment = run.context.market, environment_of(run, sandbox)
    person = market.find_person(environment, who)
    record = market.record_of(environment, person.worker_id)
    run.output.record(_row(person, names=True) | record)


@app.command()
@bundled
def invitations(ctx: typer.Context, listing: Listing, sandbox: Sandbox = False) -> None:
    """List invitations: how often they were used, when they end, whether they were revoked; not their addresses.

    Examples:
        turkctl market workers invitations
    """
    run = invocation(ctx)
    found = run.context.market.invitations(environment_of(run, sandbox))
    listing.show(run, INVITATION_COLUMNS, map(_invitation_row, found), keys=("person",))


def _invitation_row(each: Invitation) -> dict[str, Any]:
    return {
        "id": each.id,
        "uses": "once" if each.personal else "unlimited" if each.uses is None else each.uses,
        "used": each.used,
        "until": each.until,
        "revoked": each.revoked,
        "groups": ", ".join(each.groups),
        "person": each.worker_id,
        "label": each.label,
    }


@app.act()
def revoke(
    ctx: typer.Context,
    which: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Invitations: their ids, or the addresses that were given out.")
    ],
    sandbox: Sandbox = False,
) -> None:
    """End invitations at once. People who came in by them stay.

    Examples:
        turkctl market workers revoke IEXAMPLE0001
    """
    run = invocation(ctx)
    wanted = [each.rstrip("/").rpartition("/")[2] for each in which]
    ended = run.context.market.revoke_invitations(environment_of(run, sandbox), wanted)
    run.output.outcome({"revoked": ended}, f"{counted(ended, 'invitation')} revoked")
