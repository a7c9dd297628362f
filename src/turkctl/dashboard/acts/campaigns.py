"""Acts on campaigns: create, change, run a round, cancel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import url_for
from markupsafe import Markup

from turkctl.dashboard.acts.base import ActPlan, Fields, OnItem, PageAct, people_words, simple
from turkctl.dashboard.acts.campaign_fields import (
    LABELS,
    change_of,
    in_labels,
    read_change,
    read_new,
    request_of,
    words_of,
)
from turkctl.dashboard.acts.forms import required, whole
from turkctl.operations.campaigns.lifecycle import (
    cancel,
    check_startable,
    check_update,
    create,
    raised_cost,
    update,
)
from turkctl.operations.campaigns.lists import round_now, show_campaign
from turkctl.operations.campaigns.requests import plan_campaign
from turkctl.operations.campaigns.rounds import run_round
from turkctl.operations.engine.plan import PLANNED, ItemResult
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.selection.hits import Selection
from turkctl.scheduler.kinds import round_in_words
from turkctl.units import format_duration, format_time, money_text
from turkctl.words import counted

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.campaigns.requests import CampaignPlan
    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.world import World

_NOTHING = {"budget": "none", "end_at": "never", "hours": "all day", "timezone": "UTC"}
"""How a missing value of a campaign reads."""
_SECONDS = ("duration", "every")


class CreateCampaign(PageAct):
    """Start recruiting for an experiment."""

    name, title, back = "campaigns create", "New campaign", "campaigns.index"

    def in_labels(self, text: str) -> str:
        """Return an error in the words of the form."""
        return in_labels(text)

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the campaign that the form describes."""
        return read_new(form)

    def command(self, fields: Fields) -> list[str]:
        """Return ``campaigns create`` with what was given."""
        return ["campaigns", "create", *words_of(fields)]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of the campaign with its cost; where another one is in the way, a link to it."""
        plan = plan_campaign(world, request_of(fields))
        if plan.in_the_way is not None:
            return _refused(plan)
        check_startable(plan)
        campaign, missing = plan.campaign, plan.forecast.missing
        cost = plan.forecast.cost if campaign.budget is None else min(plan.forecast.cost, campaign.budget)
        what = f"recruit {people_words(missing)} for {plan.version.slug} {campaign.code_version}"
        rounds = counted(plan.forecast.rounds, "round")
        return simple(
            f"Recruit {people_words(missing)} for up to {money_text(cost)}",
            f"{what} in {rounds}, until {people_words(campaign.goal)} have completed it",
            lambda: f"campaign {create(world, plan).number} created",
            cost=cost,
            notes=plan.notes,
            facts=list(_facts_of(plan)),
        )


def _refused(plan: CampaignPlan) -> ActPlan:
    """Return a proposal of nothing: the experiment has a running campaign in this mode."""
    other, slug = plan.in_the_way, plan.version.slug
    assert other is not None
    address = url_for("campaigns.show", number=other.number)
    words = f"nothing can be created: {slug} has campaign {other.number} in mode {other.mode}, which is {other.status}"
    link = Markup('<a href="{}">campaign {} of {}</a>').format(address, other.number, slug)
    return simple("New campaign", words, lambda: words, facts=[("Raise its goal or cancel it first", link)])


def _facts_of(plan: CampaignPlan) -> Iterator[tuple[str, Any]]:
    """Yield what is worth knowing of a plan before agreeing to it."""
    campaign, forecast = plan.campaign, plan.forecast
    yield "People already", plan.standing.completed
    yield "Assignments to post", forecast.missing
    yield "Rounds", forecast.rounds
    yield "HITs", forecast.hits
    yield "Cost with commission", forecast.cost
    if forecast.cost_in_large_hits > forecast.cost:
        yield "Saved by small HITs", forecast.cost_in_large_hits - forecast.cost
    yield "First round (UTC)", forecast.starts
    yield "Expected end (UTC)", forecast.expected_end or "not before the campaign ends"
    pace = f"{counted(campaign.per_round, 'assignment')} every {format_duration(timedelta(seconds=campaign.every))}"
    yield "Pace", pace
    yield "Reward", campaign.reward
    yield "Time allotted", format_duration(timedelta(seconds=campaign.duration))
    yield "Budget", "none of its own" if campaign.budget is None else campaign.budget


class UpdateCampaign(PageAct):
    """Change a campaign from its next round on."""

    name, title, back = "campaigns update", "Change a campaign", "campaigns.index"

    def in_labels(self, text: str) -> str:
        """Return an error in the words of the form."""
        return in_labels(text)

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the campaign's number, and what differs from what the page had."""
        return _numbered(form) | read_change(form)

    def command(self, fields: Fields) -> list[str]:
        """Return ``campaigns update`` with what changes."""
        return ["campaigns", "update", str(fields["campaign"]), *words_of(fields)]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return each value before and after, and what a higher goal, reward or budget costs at most."""
        number, change = fields["campaign"], change_of(fields)
        before, after = check_update(world, number, change)
        cost = raised_cost(world, before, after)
        changes = list(_changes(before.model_dump(), after.model_dump()))
        if not changes:
            return simple("Change", f"nothing to change: campaign {number} has these values", lambda: "nothing to do")
        return simple(
            _button(number, changes) + (f" for up to {money_text(cost)}" if cost else ""),
            f"change campaign {number}: {', '.join(each.words for each in changes)}",
            lambda: f"campaign {update(world, number, change).number} changed",
            cost=cost,
            notes=() if before.running else (f"the campaign goes on: it is {before.status} now",),
            facts=[(each.label, f"{each.before} → {each.after}") for each in changes],
        )


@dataclass(frozen=True)
class _Change:
    """One value of a campaign before and after, as people read it."""

    name: str
    before: str
    after: str
    raised: bool

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def words(self) -> str:
        return f"{self.label.lower()} from {self.before} to {self.after}"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[_Change]:
    for name in LABELS:
        old, new = before.get(name), after.get(name)
        if old != new:
            raised = name in ("goal", "budget") and old is not None and new is not None and new > old
            yield _Change(name, _readable(name, old), _readable(name, new), raised)


def _readable(name: str, value: Any) -> str:
    if value is None:
        return _NOTHING.get(name, "none")
    if isinstance(value, Decimal):
        return f"{money_text(value)}"
    if isinstance(value, datetime):
        return format_time(value)
    return format_duration(timedelta(seconds=value)) if name in _SECONDS else str(value)


def _button(number: int, changes: list[_Change]) -> str:
    if all(each.raised for each in changes):
        return "Raise " + " and ".join(f"the {each.label.lower()} to {each.after}" for each in changes)
    return f"Change campaign {number}"


class RunRound(PageAct):
    """Run a round of a campaign now."""

    name, title, back = "campaigns run", "Run a round", "campaigns.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the campaign's number."""
        return _numbered(form)

    def command(self, fields: Fields) -> list[str]:
        """Return ``campaigns run``."""
        return ["campaigns", "run", str(fields["campaign"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what the round would post by what the database knows; it reads the market before it decides."""
        number = fields["campaign"]
        row = round_now(world, number)
        coming = row["next_round"]
        if coming is None:
            return simple(
                "Run a round", f"nothing to run: campaign {number} is {row['status']}", lambda: "nothing to do"
            )
        post, cost = coming["will_post"], coming["cost"]
        what = f"post {counted(post, 'assignment')}" if post else "post nothing"
        return ActPlan(
            button=f"Run a round: {what}" + (f" for {money_text(cost)}" if post else ""),
            words=f"run a round of campaign {number}: {what}",
            do=lambda _engine, on_item: _run_round(world, number, on_item),
            cost=cost,
            items=_hits_of(coming),
            facts=[("Why", coming["why"])],
            notes=(
                (
                    f"The round reads the market first, and then decides anew: it posts at most "
                    f"{counted(row['per_round'], 'assignment')}, and never more than the goal needs."
                ),
            ),
        )


def _hits_of(coming: Mapping[str, Any]) -> list[ItemResult]:
    """Return the HITs that a round would post, as items of a plan."""
    return [
        ItemResult(
            f"HIT {place}", PLANNED, counted(size, "assignment"), cost=coming["cost"] / coming["will_post"] * size
        )
        for place, size in enumerate(coming["hits"], 1)
    ]


def _run_round(world: World, number: int, on_item: OnItem) -> str:
    report = run_round(world, number, world.now(), on_item=on_item)
    return "; ".join([round_in_words(report), *report.errors])


class CancelCampaign(PageAct):
    """Stop a campaign, so that it posts nothing more; perhaps expire its HITs."""

    name, title, back = "campaigns cancel", "Cancel a campaign", "campaigns.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the campaign's number, and whether its HITs are expired too."""
        return _numbered(form) | {"expire_hits": form.get("expire_hits") == "1"}

    def command(self, fields: Fields) -> list[str]:
        """Return ``campaigns cancel``, with ``--expire-hits`` if that was ticked."""
        return ["campaigns", "cancel", str(fields["campaign"]), *(["--expire-hits"] if fields["expire_hits"] else [])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what ends, and which of its HITs are expired."""
        number = fields["campaign"]
        row = round_now(world, number)
        running = row["next_round"] is not None
        if fields["expire_hits"]:
            return _cancel_and_expire(world, number, row["status"], running=running)
        if not running:
            return simple("Cancel", f"nothing to cancel: campaign {number} is {row['status']}", lambda: "nothing to do")
        left = counted(row["outstanding"], "assignment stays", "assignments stay")
        return simple(
            f"Cancel campaign {number}",
            f"cancel campaign {number}, so that it posts nothing more",
            lambda: f"campaign {cancel(world, number).number} cancelled",
            notes=(f"{left} open for workers: its HITs are not expired.",) if row["outstanding"] else (),
        )


def _cancel_and_expire(world: World, number: int, status: str, *, running: bool) -> ActPlan:
    """Return the proposal to cancel a campaign, if it is running, and to expire what is open of its HITs."""
    plan, _act = prepare_expire(world, Selection(campaign=number))
    hits = counted(len(plan.steps), "HIT")
    if not running and not plan.steps:
        return simple("Expire", f"nothing to cancel or expire: campaign {number} is {status}", lambda: "nothing to do")

    def do(engine: Engine, on_item: OnItem) -> str:
        cancel(world, number)
        result = engine.apply(*prepare_expire(world, Selection(campaign=number)), on_item=on_item)
        left = f"; stopped with {counted(result.unstarted, 'HIT')} left" if result.interrupted else ""
        ended = show_campaign(world, number)["status"]
        return f"campaign {number} is {ended}; {result.outcome() or 'none of its HITs was open'}{left}"

    if not plan.steps:
        what = f"cancel campaign {number}"
    else:
        what = f"cancel campaign {number} and expire {hits}" if running else f"expire {hits} of campaign {number}"
    return ActPlan(
        button=what[:1].upper() + what[1:],
        words=f"{what}, so that nobody new starts on its HITs; who is at work can finish",
        do=do,
        items=plan.preview().results[: len(plan.steps)],
        skipped=plan.skipped if plan.steps else (),  # where nothing is expired, the campaign is still cancelled
        notes=plan.notes,
    )


def _numbered(form: MultiDict[str, str]) -> dict[str, Any]:
    return {"campaign": whole(required(form, "campaign", "The campaign"), "the campaign")}


ACTS: tuple[PageAct, ...] = (CreateCampaign(), UpdateCampaign(), RunRound(), CancelCampaign())
