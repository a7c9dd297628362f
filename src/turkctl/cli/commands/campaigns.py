"""``turkctl campaigns``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turkctl.cli import completion
from turkctl.cli.batch import confirm_spending, stoppable
from turkctl.cli.bundles import bundled
from turkctl.cli.common import invocation, make_group
from turkctl.cli.listing import Listing
from turkctl.cli.select import Ended, Yes
from turkctl.cli.terms import Terms, if_given
from turkctl.units import parse_duration, parse_money, parse_time, parse_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkctl.cli.invocation import Invocation
    from turkctl.operations.campaigns.requests import CampaignRequest

NEVER = "never"

app = make_group("Recruit a number of people, in rounds, within a budget.")

Number = Annotated[
    int, typer.Argument(metavar="N", help="Number of the campaign.", autocompletion=completion.campaigns)
]
Goal = Annotated[int, typer.Option("--goal", metavar="N", help="Number of distinct people to recruit.")]
CodeVersion = Annotated[
    str | None,
    typer.Option("--codeversion", metavar="V", help="Code version to recruit for; must be the configured one."),
]
Every = Annotated[
    str | None, typer.Option("--every", metavar="D", help="Time between rounds, as in 1h.", show_default="30m")
]
PerRound = Annotated[
    int | None,
    typer.Option(
        "--per-round",
        metavar="N",
        help="Number of assignments to post in each round.",
        show_default="9; the goal where there is no commission",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="B",
        help="Most dollars to spend on its HITs, commission included.",
        show_default="only the experiment's limits",
    ),
]
StartAt = Annotated[
    str | None, typer.Option("--start-at", metavar="T", help="Do not post before this time, as in 2026-05-04T09:00Z.")
]
EndAt = Annotated[
    str | None, typer.Option("--end-at", metavar="T", help="Do not post from this time on, as in 2026-05-08T18:00Z.")
]
Hours = Annotated[
    str | None,
    typer.Option(
        "--hours", metavar="H", help="Hours of the day in which to post, as in 09:00-17:00.", show_default="all"
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="Z",
        help="Time zone of --hours, and of times without an offset, as in Europe/Berlin.",
        show_default="UTC",
    ),
]
Within = Annotated[
    str | None,
    typer.Option(
        "--within",
        metavar="D",
        help="Time until everybody should be done, as in 2d, from which --every and --per-round follow.",
    ),
]
Repeat = Annotated[
    bool, typer.Option("--allow-repeat-workers", help="Let people who took part before take HITs; each counts once.")
]


@dataclass(frozen=True)
class CampaignOptions(Terms):
    """Collect how a campaign recruits."""

    codeversion: CodeVersion = None
    every: Every = None
    per_round: PerRound = None
    within: Within = None
    budget: Budget = None
    start_at: StartAt = None
    end_at: EndAt = None
    hours: Hours = None
    timezone: Timezone = None
    allow_repeat_workers: Repeat = False

    def request(self, goal: int) -> CampaignRequest:
        """Return the options as one value.

        Raises:
            UsageError: an amount, a duration or a time that cannot be read.
        """
        from turkctl.operations.campaigns.requests import CampaignRequest

        zone = UTC if self.timezone is None else parse_zone(self.timezone)
        return CampaignRequest(
            goal=goal,
            **self.values(),
            code_version=self.codeversion,
            every=if_given(parse_duration, self.every),
            per_round=self.per_round,
            within=if_given(parse_duration, self.within),
            budget=if_given(parse_money, self.budget),
            start_at=None if self.start_at is None else parse_time(self.start_at, zone),
            end_at=None if self.end_at is None else parse_time(self.end_at, zone),
            hours=self.hours,
            timezone=self.timezone,
            allow_repeat_workers=self.allow_repeat_workers,
        )


@app.act()
@bundled
def create(
    ctx: typer.Context,
    goal: Goal,
    options: CampaignOptions,
    yes: Yes = False,
) -> None:
    """Start recruiting: `turkctl scheduler run` then posts HITs, round by round, until the goal is met.

    Examples:
        turkctl campaigns create --experiment reading --goal 100 --budget 200
        turkctl campaigns create --experiment reading --goal 40 --every 1h --hours 09:00-17:00 --timezone Europe/Berlin
    """
    from turkctl.operations.campaigns.lifecycle import check_startable, create
    from turkctl.operations.campaigns.lists import row_of
    from turkctl.operations.campaigns.requests import plan_campaign

    run = invocation(ctx)
    request = options.request(goal)
    plan = plan_campaign(run.context, request)
    check_startable(plan)
    _note(run, plan.notes)
    if run.settings.mode == "live" and not yes:
        confirm_spending(
            run,
            f"recruit {plan.forecast.missing} people",
            plan.forecast.cost,
            otherwise="or look first with: turkctl campaigns plan",
        )
    campaign = create(run.context, plan)
    run.output.outcome({**row_of(run.context, campaign.number), "plan": plan.as_dict()})
    run.output.note(
        f"`turkctl scheduler run` runs the rounds; to run the first one now: turkctl campaigns run {campaign.number}"
    )


@app.command()
@bundled
def plan(
    ctx: typer.Context,
    goal: Goal,
    options: CampaignOptions,
) -> None:
    """Show what a campaign would take: rounds, HITs, cost with commission, expected end; change nothing.

    Examples:
        turkctl campaigns plan --experiment reading --goal 100
        turkctl campaigns plan --experiment reading --goal 100 --per-round 18 --every 2h
    """
    from turkctl.operations.campaigns.requests import plan_campaign

    run = invocation(ctx)
    request = options.request(goal)
    planned = plan_campaign(run.context, request)
    _note(run, planned.notes)
    shown = planned.as_dict()
    if run.output.format == "table":
        repeats = shown.pop("repeats") or {}
        shown |= {f"repeats: {key}": value for key, value in repeats.items()}
    run.output.record(shown)


def _note(run: Invocation, notes: tuple[str, ...]) -> None:
    for note in notes:
        run.output.note(note)


@app.command(name="list")
@bundled
def list_(
    ctx: typer.Context,
    listing: Listing,
    active: Annotated[bool, typer.Option("--active", help="Only campaigns that are still recruiting.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Only campaigns that have ended.")] = False,
    ended: Ended = False,
) -> None:
    """List the campaigns of this mode.

    Examples:
        turkctl campaigns list --active
        turkctl campaigns list --past --sort spent --desc
    """
    from turkctl.accounts import with_market
    from turkctl.operations.campaigns.lists import COLUMNS, KEYS, list_campaigns

    run = invocation(ctx)
    rows = list_campaigns(run.context, active=active, past=past, ended=ended)
    listing.show(run, with_market(COLUMNS, rows), rows, keys=KEYS)


@app.command()
def show(ctx: typer.Context, number: Number) -> None:
    """Show one campaign: its people and money, its rounds, and what the next round will do and why.

    Examples:
        turkctl campaigns show 1
    """
    from turkctl.operations.campaigns.lists import ROUND_COLUMNS, show_campaign
    from turkctl.operations.experiments.people import unclaimed_warning
    from turkctl.operations.sync.of_psiturk import unassigned_warning

    run = invocation(ctx)
    shown = show_campaign(run.context, number)
    for row in shown["unclaimed"]:
        run.output.warn(unclaimed_warning(row))
    if shown["unassigned"]:
        run.output.warn(unassigned_warning(shown["unassigned"]))
    if run.output.format != "table":
        run.output.record(shown)
        return
    coming, history = shown.pop("next_round") or {}, shown.pop("history")
    repeats = {f"repeats: {key}": value for key, value in (shown.pop("repeats") or {}).items()}
    shown = {key: value for key, value in shown.items() if key not in ("unclaimed", "unassigned")}
    next_ = {f"next: {key}": value for key, value in coming.items() if key != "forecast"}
    run.output.record(shown | repeats | next_)
    if history:
        run.output.text("")
        run.output.rows(ROUND_COLUMNS, history)


@app.act()
def update(
    ctx: typer.Context,
    number: Number,
    goal: Annotated[
        int | None, typer.Option("--goal", metavar="N", help="New number of people to recruit, above those complete.")
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="D", help="New time between rounds, as in 1h.")
    ] = None,
    per_round: Annotated[
        int | None, typer.Option("--per-round", metavar="N", help="New number of assignments per round.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="B", help="New budget in dollars, commission included.")
    ] = None,
    reward: Annotated[
        str | None, typer.Option("--reward", metavar="R", help="New dollars per assignment, for HITs posted later.")
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--duration", metavar="D", help="New time for one assignment, for HITs posted later."),
    ] = None,
    end_at: Annotated[
        str | None,
        typer.Option("--end-at", metavar="T", help="New time from which to post nothing, or the word never."),
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option("--hours", metavar="H", help="New hours of the day in which to post, or the word all."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            metavar="Z",
            help="Time zone of its hours, and of --end-at without an offset.",
            show_default="the one it has; UTC for --end-at",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Change a campaign's goal, pace, budget, terms or times, from its next round on.

    Examples:
        turkctl campaigns update 1 --goal 60 --budget 120
        turkctl campaigns update 1 --every 2h --per-round 4
        turkctl campaigns update 1 --hours 09:00-17:00 --timezone Europe/Berlin --end-at never
    """
    from turkctl.operations.campaigns.lifecycle import CampaignChange, check_update, raised_cost, update
    from turkctl.operations.campaigns.lists import changed_row

    run = invocation(ctx)
    zone = UTC if timezone is None else parse_zone(timezone)
    change = CampaignChange(
        goal=goal,
        every=if_given(parse_duration, every),
        per_round=per_round,
        budget=if_given(parse_money, budget),
        reward=if_given(parse_money, reward),
        duration=if_given(parse_duration, duration),
        end_at=None if end_at in (None, NEVER) else parse_time(end_at, zone),
        endless=end_at == NEVER,
        hours=hours,
        timezone=timezone,
    )
    before, after = check_update(run.context, number, change)
    cost = raised_cost(run.context, before, after)
    if cost and run.settings.mode == "live" and not yes:
        confirm_spending(run, f"change campaign {number}", cost)
    update(run.context, number, change)
    run.output.outcome(changed_row(run.context, number))


@app.act()
def cancel(
    ctx: typer.Context,
    number: Number,
    expire_hits: Annotated[
        bool, typer.Option("--expire-hits", help="Also expire its HITs, so that no new worker starts on them.")
    ] = False,
) -> None:
    """Stop a campaign, so that it posts nothing more. Its open HITs stay open unless you give --expire-hits.

    Examples:
        turkctl campaigns cancel 1 --expire-hits
    """
    from turkctl.operations.campaigns.lifecycle import cancel
    from turkctl.operations.campaigns.lists import row_of
    from turkctl.operations.hits.expire import prepare_expire
    from turkctl.operations.selection.hits import Selection

    run = invocation(ctx)
    cancel(run.context, number)
    code = 0
    if expire_hits:
        result = run.context.engine().apply(*prepare_expire(run.context, Selection(campaign=number)))
        run.output.note(result.summary())
        code = int(result.exit_code)
    row = row_of(run.context, number)
    run.output.outcome(row, well=not code)
    if row["outstanding"] and not expire_hits:
        run.output.note(f"HITs stay open: to expire them, run: turkctl hits expire --campaign {number}")
    raise typer.Exit(code)


@app.act()
def run(
    ctx: typer.Context,
    number: Number,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run more rounds, at the interval, until the goal is met.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Run a round now in this process, or with --watch all rounds until the goal is met.

    Examples:
        turkctl campaigns run 1
        turkctl campaigns run 1 --watch
    """
    from turkctl.operations.campaigns.lists import show_campaign
    from turkctl.operations.campaigns.rounds import COLUMNS
    from turkctl.operations.campaigns.watch import watch_rounds
    from turkctl.operations.sync.of_psiturk import unassigned_warning

    this = invocation(ctx)
    coming = show_campaign(this.context, number)["next_round"]
    if coming is not None and this.settings.mode == "live" and not yes:
        what = "recruit to the goal" if watch else "run a round"
        confirm_spending(this, what, coming["forecast"]["cost"] if watch else coming["cost"])
    failed = False

    def rounds() -> Iterator[dict[str, Any]]:
        nonlocal failed
        for report in watch_rounds(this.context, number, stop, forever=watch):
            failed = report.failed > 0
            if report.unassigned:
                this.output.warn(unassigned_warning(report.unassigned))
            yield report.as_dict()

    with stoppable() as stop:
        if watch and this.output.format != "table":
            this.output.rows(COLUMNS, rounds())
        else:
            for row in rounds():
                this.output.outcome(row, well=not failed)
    raise typer.Exit(130 if stop.is_set() else int(failed))
