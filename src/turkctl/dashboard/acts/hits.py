"""Acts on HITs: create, extend, expire, approve, delete; and the synchronisation with the market."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, of_plan, simple
from turkctl.dashboard.acts.forms import money, read_selection, selection_of, selectors, whole
from turkctl.dashboard.commands import option
from turkctl.errors import UsageError
from turkctl.operations.experiments.people import unclaimed_rows, unclaimed_warning
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.hits.delete import prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.hits.extend import ExtendRequest, prepare_extend
from turkctl.operations.sync.of_psiturk import unassigned_warning
from turkctl.operations.sync.run import SyncReport, sync
from turkctl.operations.workers.approve import prepare_approve_hits
from turkctl.units import ZERO, format_duration, parse_duration, parse_money
from turkctl.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World
    from turkctl.operations.selection.hits import Selection

BACK = "hits.index"


def read_hits(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the selection of HITs of a form.

    Raises:
        UsageError: nothing is selected.
    """
    fields = read_selection(form)
    if not any(fields.values()):
        raise UsageError("no HIT is ticked", hint="go back, and tick at least one")
    return fields


def _selected(fields: Fields) -> Selection:
    return selection_of(fields).require()


def _of_run(fields: Fields) -> dict[str, bool]:
    """Return whether an interrupted run is to be set aside or continued, which the pages of acts ask; else neither."""
    return {name: bool(fields.get(name, False)) for name in ("new", "resume")}


def _duration(text: str | None) -> str | None:
    """Return a duration as a field; None for an empty one."""
    return format_duration(parse_duration(text)) if text else None


def _time(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)


class CreateHits(PageAct):
    """Post HITs of an experiment."""

    name, title, back, takes_new = "hits create", "Create HITs", BACK, True

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the arguments of ``hits create``."""
        return {
            "experiment": form.get("experiment") or None,
            "assignments": whole(form.get("assignments", ""), "the number of assignments"),
            "hits": whole(form.get("hits") or "1", "the number of copies"),
            "reward": money(form.get("reward")),
            "duration": _duration(form.get("duration")),
            "lifetime": _duration(form.get("lifetime")),
            "allow_high_commission": form.get("allow_high_commission") == "1",
            "allow_repeat_workers": form.get("allow_repeat_workers") == "1",
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``hits create`` with its arguments."""
        return [
            *("hits", "create"),
            *option("--experiment", fields["experiment"]),
            *option("--assignments", fields["assignments"]),
            *option("--hits", None if fields["hits"] == 1 else fields["hits"]),
            *option("--reward", fields["reward"]),
            *option("--duration", fields["duration"]),
            *option("--lifetime", fields["lifetime"]),
            *option("--allow-high-commission", fields["allow_high_commission"]),
            *option("--allow-repeat-workers", fields["allow_repeat_workers"]),
        ]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``hits create``, with what goes to workers and what to the market."""
        request = CreateRequest(
            fields["experiment"],
            fields["assignments"],
            fields["hits"],
            reward=None if fields["reward"] is None else parse_money(fields["reward"]),
            duration=_time(fields["duration"]),
            lifetime=_time(fields["lifetime"]),
            allow_high_commission=fields["allow_high_commission"],
            allow_repeat_workers=fields["allow_repeat_workers"],
            **_of_run(fields),
        )
        plan, act = prepare_create(world, request)
        rewards = sum((_rewards(step.payload.request) for step in plan.steps), ZERO)
        facts = [("Rewards", rewards), ("Commission", plan.cost - rewards)] if plan.steps else []
        return replace(of_plan(plan, act, "Create"), facts=facts)


def _rewards(asked: Mapping[str, Any]) -> Decimal:
    """Return the dollars that the workers of one HIT get."""
    return parse_money(asked["reward"]) * int(asked["assignments"])


class ExtendHits(PageAct):
    """Add assignments or time to HITs."""

    name, title, back, takes_new = "hits extend", "Extend HITs", BACK, True

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the HITs and what they get."""
        return {
            "ids": read_hits(form)["ids"],
            "assignments": whole(form.get("assignments") or "0", "the number of assignments"),
            "lifetime": _duration(form.get("lifetime")),
        }

    def command(self, fields: Fields) -> list[str]:
        """Return ``hits extend`` with the ids and what is added."""
        return [
            *("hits", "extend", *fields["ids"]),
            *option("--assignments", fields["assignments"] or None),
            *option("--lifetime", fields["lifetime"]),
        ]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``hits extend``."""
        more = _time(fields["lifetime"])
        request = ExtendRequest(tuple(fields["ids"]), fields["assignments"], more, **_of_run(fields))
        return of_plan(*prepare_extend(world, request), "Extend")


class ExpireHits(PageAct):
    """Expire HITs, those with the highest reward first."""

    name, title, back = "hits expire", "Expire HITs", BACK

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection."""
        return read_hits(form)

    def command(self, fields: Fields) -> list[str]:
        """Return ``hits expire`` with the selection."""
        return ["hits", "expire", *selectors(fields)]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``hits expire``."""
        return of_plan(*prepare_expire(world, _selected(fields)), "Expire")


class ApproveHits(PageAct):
    """Approve, and so pay, all submitted work on HITs of this study."""

    name, title, back = "hits approve", "Approve all work on HITs", BACK

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection and the feedback."""
        return read_hits(form) | {"feedback": form.get("feedback") or None}

    def command(self, fields: Fields) -> list[str]:
        """Return ``hits approve`` with the selection."""
        return ["hits", "approve", *selectors(fields), *option("--feedback", fields["feedback"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``hits approve``."""
        plan, act = prepare_approve_hits(world, _selected(fields), feedback=fields["feedback"])
        pays = sum((step.payload.cost or ZERO for step in plan.steps), ZERO)
        return of_plan(plan, act, "Approve", pays=pays, workers=[step.payload.worker_id for step in plan.steps])


class DeleteHits(PageAct):
    """Delete HITs on which nothing is left to decide."""

    name, title, back = "hits delete", "Delete HITs", BACK

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the selection, and whether open HITs are expired first."""
        return read_hits(form) | {"force": form.get("force") == "1"}

    def command(self, fields: Fields) -> list[str]:
        """Return ``hits delete`` with the selection."""
        return ["hits", "delete", *selectors(fields), *option("--force", fields["force"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return the plan of ``hits delete``."""
        plan, act = prepare_delete(world, _selected(fields), force=fields["force"])
        return of_plan(plan, act, "Delete")


class Synchronise(PageAct):
    """Bring the database up to date with the market."""

    name, title, back = "sync", "Synchronise", BACK

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return whether all work is read again."""
        return {"full": form.get("full") == "1"}

    def command(self, fields: Fields) -> list[str]:
        """Return ``sync``."""
        return ["sync", *option("--full", fields["full"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what ``sync`` does."""
        which = "the work on every HIT again" if fields["full"] else "the work on HITs whose counters changed"
        words = f"list the HITs of the account and read {which}; nothing is posted, decided or paid"
        return simple("Synchronise", words, lambda: _told(world, sync(world, full=fields["full"])))


def _told(world: World, report: SyncReport) -> str:
    """Return what a sync found and what it warns of, in words."""
    known = f"{counted(report.hits_checked, 'HIT')} checked"
    words = [known, *(list(report.news()) or ["nothing new"])]
    if report.unknown:
        words.append(f"{counted(len(report.unknown), 'HIT')} of the account unknown to this database, left alone")
    warnings = [unclaimed_warning(row) for row in unclaimed_rows(world, world.place)]
    if report.unassigned:
        warnings.append(unassigned_warning(report.unassigned))
    return ". ".join([", ".join(words), *warnings])


ACTS: tuple[PageAct, ...] = (
    CreateHits(),
    ExtendHits(),
    ExpireHits(),
    ApproveHits(),
    DeleteHits(),
    Synchronise(),
)
