"""``turkctl market workers``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import select
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.terms import if_given
from turkctl.errors import UsageError
from turkctl.units import parse_duration, parse_time
from turkctl.words import counted

if TYPE_CHECKING:
    from turkctl.cli.invocation import Invocation
    from turkctl.market.invitations import Invitation
    from turkctl.market.people import Member
    from turkctl.market.requester import Environment
    from turkctl.newcomers import NewInvitation

app = make_group("Add people to the built-in market, and invite them to its worker site.")

COLUMNS = ("worker_id", "groups", "label", "can_sign_in", "created")
NAMES = ("full_name", "own_id", "name")
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
OwnIdColumn = Annotated[
    str | None,
    typer.Option("--column", metavar="COL", help="Column with your own ids.", show_default="own_id, else id"),
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
    full_name: Annotated[str | None, typer.Option("--full-name", metavar="TEXT", help="What they are called.")] = None,
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
    from turkctl.newcomers import NewPerson

    run = invocation(ctx)
    if password is not (name is not None):
        raise UsageError("--name and --password belong together", hint="give both, or invite the person by a link")
    hashed = _new_hash(run) if password else None
    new = NewPerson(name, hashed, own_id, label, group or (), locale, full_name)
    worker_id = run.context.market.add_person(environment_of(run, sandbox), new)
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
    ask: Annotated[
        str | None,
        typer.Option(
            "--ask",
            metavar="TEXT",
            help="Ask people for your own id of them, under this name; whoever gives the same one is the same worker.",
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", metavar="RE", help="--ask: regular expression that the whole id matches."),
    ] = None,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="--ask: let in only people whom the market has already.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Make one for each row, for the person with this id of yours; prints the rows with url as CSV.",
        ),
    ] = None,
    column: OwnIdColumn = None,
    qr: Annotated[
        bool, typer.Option("--qr", help="Also draw each address as a QR code, to take it over with a phone.")
    ] = False,
    group: Groups = None,
    label: Label = None,
    locale: Locale = "US",
    base_url: BaseUrl = None,
    sandbox: Sandbox = False,
) -> None:
    """Make invitations to the worker site, and print an address for each; they cannot be shown again.

    Examples:
        turkctl market workers invite --count 12 --group staff
        turkctl market workers invite --uses 60 --ask "Student number" --pattern "[0-9]{7}" --until 2036-05-04
        turkctl market workers invite --from people.csv --base-url https://work.example.org
    """
    from turkctl.newcomers import NewInvitation

    run = invocation(ctx)
    if source is not None and (count != 1 or uses != "once" or ask is not None):
        raise UsageError(
            "--from makes one invitation for each person", hint="leave --count, --uses and --ask out, or --from"
        )
    if qr and run.output.format != "table":
        raise UsageError(f"--qr draws for people, and -o {run.output.format} is for programs", hint="leave one out")
    end = if_given(parse_time, until)
    new = NewInvitation(
        _uses(uses), uses == "once", end, label, tuple(group or ()), locale, ask, pattern, known_only=known_only
    )
    if source is not None:
        shown = _invite_rows(run, source, column, new, base_url, sandbox=sandbox)
    else:
        tokens = run.context.market.invite(environment_of(run, sandbox), new, count)
        site = site_address(run, base_url)
        shown = [{"url": f"{site}/worker/join/{token}", "uses": uses, "until": end} for token in tokens]
    _show_invitations(run, shown, qr=qr, whole=source is not None)


def _invite_rows(
    run: Invocation, source: Path, column: str | None, new: NewInvitation, base_url: str | None, *, sandbox: bool
) -> list[dict[str, Any]]:
    """Make an invitation for each row of a file; return the rows with the addresses."""
    from turkctl.cli.rosters import read_rows

    rows, ids = read_rows(source, run.output.stdin, column)
    tokens = run.context.market.invite_each(environment_of(run, sandbox), new, ids)
    site = site_address(run, base_url)
    return [row | {"url": f"{site}/worker/join/{token}"} for row, token in zip(rows, tokens, strict=True)]


def _drawn(url: str, color: bool) -> str:
    from turkctl.cli.qr_codes import qr_code

    return qr_code(url, color=color)


def _show_invitations(run: Invocation, rows: list[dict[str, Any]], *, qr: bool, whole: bool) -> None:
    """Print the addresses, and the rest of each row if it is wanted as a whole."""
    columns = tuple(rows[0]) if rows else ()
    if run.output.format != "table":
        run.output.rows(columns, rows)
    elif whole and not qr:
        run.output.onto(run.output.stdout, "csv").rows(columns, rows)
    else:
        for row in rows:
            told = ", ".join(str(cell) for name, cell in row.items() if name != "url") if whole else ""
            run.output.text(f"{told}\n{row['url']}" if told else row["url"])
            if qr:
                run.output.drawing(partial(_drawn, row["url"]))


@app.act("import")
def import_(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Table with columns own_id, name, groups, qualifications, locale; - is standard input.",
        ),
    ],
    column: OwnIdColumn = None,
    sandbox: Sandbox = False,
    dry_run: select.DryRun = False,
) -> None:
    """Import your own people, before they first come; again, it updates what changed. One bad row, and nothing is done.

    Examples:
        turkctl market workers import people.csv --dry-run
        turkctl market workers import class.csv --column student_number
    """
    from turkctl.cli.rosters import read_roster, refuse
    from turkctl.operations.engine.plan import PLANNED, BatchResult, ItemResult

    run = invocation(ctx)
    roster = read_roster(file, run.output.stdin, column)
    if roster.unused:
        run.output.note(f"columns that are not used: {', '.join(roster.unused)}")
    market = run.context.market
    act = market.plan_import if dry_run or roster.problems else market.import_people
    done = act(environment_of(run, sandbox), roster.rows)
    problems = [*roster.problems, *((each.row, each.why) for each in done.problems)]
    if problems:
        raise refuse(roster.name, problems, "nobody was imported")
    status = {"created": PLANNED, "updated": PLANNED} if dry_run else {}
    results = [
        ItemResult(each.own_id, status.get(each.status, each.status), each.detail or _what(each.status))
        for each in done.changes
    ]
    raise typer.Exit(run.output.batch(BatchResult("import", run.settings.mode, results, dry_run=dry_run)))


def _what(status: str) -> str | None:
    return {"created": "new", "already_done": "unchanged"}.get(status)


@app.act("reset-password")
def reset_password(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="ID", help="Worker id, your own id of them, or login name.")],
    lasts: Annotated[str, typer.Option("--lasts", metavar="D", help="How long the link works, as in 12h.")] = "1d",
    base_url: BaseUrl = None,
    sandbox: Sandbox = False,
) -> None:
    """Make a link by which somebody can choose a new password once, and print it. Earlier ones of theirs end.

    Examples:
        turkctl market workers reset-password anna
    """
    run = invocation(ctx)
    token = run.context.market.make_reset(environment_of(run, sandbox), who, parse_duration(lasts))
    url = f"{site_address(run, base_url)}/worker/reset/{token}"
    if run.output.format == "table":
        run.output.text(url)
    else:
        run.output.record({"url": url, "lasts": lasts})


def _uses(uses: str) -> int | None:
    if uses in ("once", "unlimited"):
        return 1 if uses == "once" else None
    if not (uses.isascii() and uses.isdigit() and 1 <= int(uses) <= 1_000_000):
        raise UsageError(f"--uses '{uses}' is not a number of people", hint="write 60, once or unlimited")
    return int(uses)


@app.act()
def erase(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="ID", help="Worker id, your own id of them, or login name.")],
    answers: Annotated[bool, typer.Option("--answers", help="Also empty everything that they answered.")] = False,
    sandbox: Sandbox = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Erase a person from the market: a pseudonym takes their place, and nothing can undo it. Amounts stay.

    Refused while work of theirs is open, undecided or unpaid. Their id cannot come back by accident. Always asks,
    unless --yes.

    Examples:
        turkctl market workers erase 4711 --dry-run
        turkctl market workers erase 4711 --answers --yes
    """
    from turkctl.cli.batch import confirm_question
    from turkctl.cli.erasures import beyond_market, market_words

    run = invocation(ctx)
    market, environment = run.context.market, environment_of(run, sandbox)
    plan = market.plan_erasure(environment, who)
    plan.require_free()
    words = market_words(plan, answers=answers)
    shown = {"worker_id": plan.worker_id, "assignments": plan.assignments, "dry_run": dry_run}
    if dry_run:
        run.output.outcome(shown | {"pseudonym": None}, f"would {words}", well=False)
        return
    if plan.worker_id is None:
        run.output.note("erased before; the files are written anew once more")
        left = market.clean()
        run.output.outcome(shown | {"pseudonym": None, "beyond": beyond_market(left)}, "files written anew")
        return
    if not yes:
        confirm_question(run, words, otherwise="--dry-run to see it")
    done = market.erase(environment, plan, answers_too=answers)
    beyond = beyond_market(market.clean(), done.left)
    run.output.outcome(shown | {"pseudonym": done.pseudonym, "beyond": beyond}, f"erased; now {done.pseudonym}")
    run.output.note(f"this cannot reach: {'; '.join(beyond)}")


@app.command("list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    names: Annotated[bool, typer.Option("--names", help="Also show names and your own ids of people.")] = False,
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
    who = {"full_name": person.full_name, "own_id": person.own_id, "name": person.name} if names else {}
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
    agreed = {"terms_version": person.terms_version, "terms_at": person.terms_at}
    run.output.record(_row(person, names=True) | record | agreed)


@app.command()
@bundled
def invitations(ctx: typer.Context, listing: Listing, sandbox: Sandbox = False) -> None:
    """List invitations: how often they were used, when they end, whether they were revoked; not their addresses.

    Examples:
        turkctl market workers invitations
    """
    run = invocation(ctx)
    found = run.context.market.invitations(environment_of(run, sandbox))
    listing.show(run, INVITATION_COLUMNS, map(_invitation_row, found), keys=("person", "ask", "pattern", "known_only"))


def _invitation_row(each: Invitation) -> dict[str, Any]:
    return {
        "id": each.id,
        "uses": "once" if each.personal else "unlimited" if each.uses is None else each.uses,
        "used": each.used,
        "until": each.until,
        "revoked": each.revoked,
        "groups": ", ".join(each.groups),
        "person": each.worker_id,
        "ask": each.ask,
        "pattern": each.pattern,
        "known_only": each.known_only,
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
