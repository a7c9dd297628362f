"""End a study, and go on with one that has ended (``experiments end``, ``experiments reopen``).

Ending does in order what a careful person would: nothing new is posted from now on; campaigns are cancelled; HITs
expire, the dearest first; reviewable ones are deleted; tasks of the experiment are paused; its qualification types are
deleted. Each part is planned when its turn comes, so that it sees what the parts before it did. The experiment has
ended once nothing is left open; until then the same command does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from turkctl.errors import NotFoundError, RefusedError
from turkctl.operations.campaigns.lifecycle import cancel
from turkctl.operations.ending.left import LeftOpen, open_elsewhere, owing_hits, read_left
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import ALREADY_DONE, FAILED, PLANNED, SKIPPED, BatchResult, ItemResult, Plan, skip
from turkctl.operations.engine.world import World
from turkctl.operations.experiments.stored import find_experiment
from turkctl.operations.hits.delete import Delete, Deletion, prepare_delete
from turkctl.operations.hits.expire import prepare_expire
from turkctl.operations.project.experiments import VARIANT
from turkctl.operations.qualifications.delete import prepare_delete_types_of
from turkctl.operations.selection.hits import Selection
from turkctl.operations.status.read import StatusWorld
from turkctl.operations.tasks.manage import pause_task
from turkctl.store import campaigns, experiments, intents, tasks
from turkctl.store.experiment_work import OpenElsewhere
from turkctl.store.experiments import Version
from turkctl.units import format_time
from turkctl.words import counted, plural

ACTION = "end"
LIVE = "live"
OnItem = Callable[[ItemResult], None]


@dataclass(frozen=True)
class Ending:
    """What ending an experiment would do now.

    Attributes:
        version: of the experiment.
        campaigns: numbers of the campaigns that are cancelled.
        tasks: names of the tasks that are paused.
        expire: number of HITs that are expired.
        delete: number of HITs that are deleted.
        types: number of qualification types that are deleted.
        preview: the plan as a dry run shows it.
        notes: what the user should know.
    """

    version: Version
    campaigns: Sequence[int]
    tasks: Sequence[str]
    expire: int
    delete: int
    types: int
    preview: BatchResult
    notes: Sequence[str]

    @property
    def parts(self) -> list[str]:
        """Return what would be done, each in a few words."""
        numbers = [
            (len(self.campaigns), "cancel", "campaign"),
            (self.expire, "expire", "HIT"),
            (self.delete, "delete", "HIT"),
            (len(self.tasks), "pause", "task"),
            (self.types, "delete", "qualification type"),
        ]
        return [f"{verb} {counted(number, thing)}" for number, verb, thing in numbers if number]

    @property
    def words(self) -> str:
        """Return what would be done, in words."""
        return f"end experiment {self.version.slug}: {', '.join(self.parts) or 'nothing is open'}"


@dataclass
class Ended(BatchResult):
    """What ending an experiment did, and what is left.

    Attributes:
        experiment: its name.
        ended: when it had ended; None if it has not.
        left: what is left open.
        report: the file of the closing report.
    """

    experiment: str = ""
    ended: datetime | None = None
    left: Sequence[LeftOpen] = field(default_factory=tuple)
    report: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the batch result, with what became of the experiment."""
        return super().as_dict() | {
            "experiment": self.experiment,
            "ended": self.ended,
            "left": [each.as_dict() for each in self.left],
            "report": self.report,
        }


def prepare_end(world: StatusWorld, slug: str, *, cancel_campaigns: bool = False) -> Ending:
    """Return what ending the experiment would do; settle its unfinished requests and read its last work first.

    Args:
        world: database, market and clock.
        slug: name of the experiment.
        cancel_campaigns: cancel its active campaign, which is otherwise in the way.

    Raises:
        NotFoundError: the experiment was never configured.
        RefusedError: it has an active campaign, or HITs that are open in mode live while this is another mode.
        UnreachableError: the market cannot be reached.
    """
    now = world.now()
    with world.database.read() as session:
        version = _find(session, slug)
        running = campaigns.running_anywhere(session, version.experiment_id)
        elsewhere = open_elsewhere(session, world, version)
        paused = [each.name for each in tasks.list_tasks(session, world.settings.mode) if _is_about(each, slug)]
    _refuse(world, slug, running, elsewhere, cancel_campaigns=cancel_campaigns)
    here = [each.number for each in running]
    expire = prepare_expire(world, Selection(experiment=slug))[0]
    delete = _prepare_delete(world, version)[0]
    leaving = {step.id for step in delete.steps}
    types = prepare_delete_types_of(world, version, leaving=leaving)[0]
    left = read_left(world, version, now)
    items = [
        *(ItemResult(f"campaign {number}", PLANNED, "is cancelled") for number in here),
        *_hit_items(expire, delete, leaving),
        *(ItemResult(f"task {name}", PLANNED, "is paused") for name in paused),
        *(ItemResult(step.id, PLANNED, f"is deleted: {step.detail}") for step in types.steps),
        *types.skipped,
        _whether(version, left, leaving),
    ]
    preview = Ended(ACTION, world.settings.mode, items, dry_run=True, experiment=slug, ended=version.ended, left=left)
    notes = (*dict.fromkeys((*expire.notes, *delete.notes)), *map(_note_on, elsewhere))
    return Ending(version, here, paused, len(expire.steps), len(delete.steps), len(types.steps), preview, notes)


def _hit_items(expire: Plan[Any], delete: Plan[Any], leaving: Collection[str]) -> list[ItemResult]:
    """Return an item per HIT: one that is expired alone says why it is not deleted."""
    reasons = {each.id: each for each in delete.skipped}
    expiring = [step.id for step in expire.steps if step.id not in leaving]
    waits = [ItemResult(each, PLANNED, f"is expired; {_reason(reasons.get(each))}") for each in expiring]
    deleted = [ItemResult(step.id, PLANNED, f"is deleted: {step.detail}") for step in delete.steps]
    return [*waits, *deleted, *(each for each in delete.skipped if each.id not in expiring)]


def _reason(skipped: ItemResult | None) -> str:
    return "it stays" if skipped is None or skipped.detail is None else skipped.detail


def _find(session: Any, slug: str) -> Version:
    """Return the experiment; of one with variants, each is ended by itself.

    Raises:
        NotFoundError: it was never configured.
    """
    variants = [each.slug for each in experiments.list_all(session) if each.slug.startswith(f"{slug}{VARIANT}")]
    if variants and experiments.by_slug(session, slug) is None:
        raise NotFoundError(
            f"experiment '{slug}' has variants, and each is ended by itself", hint=f"name one: {', '.join(variants)}"
        )
    return find_experiment(session, slug)


def _is_about(task: tasks.Task, slug: str) -> bool:
    return not task.paused and task.campaign_id is None and task.options.get("experiment") == slug


def _refuse(
    world: StatusWorld,
    slug: str,
    running: Sequence[campaigns.Campaign],
    elsewhere: Sequence[OpenElsewhere],
    *,
    cancel_campaigns: bool,
) -> None:
    mode = world.settings.mode
    for campaign in running:
        if campaign.mode != mode:
            raise RefusedError(
                f"experiment {slug} has campaign {campaign.number} in mode {campaign.mode}, which is {campaign.status}",
                hint=f"end it there: turkctl --mode {campaign.mode} campaigns cancel {campaign.number}",
            )
        if not cancel_campaigns:
            raise RefusedError(
                f"experiment {slug} has campaign {campaign.number}, which is {campaign.status}",
                hint=f"cancel it: turkctl campaigns cancel {campaign.number}; or add --cancel-campaigns",
            )
    for each in elsewhere:
        if each.mode == LIVE:
            raise RefusedError(
                f"experiment {slug} has {counted(each.hits, 'HIT')} in mode live that {plural(each.hits, 'is', 'are')} "
                f"open or not decided on, at {each.market}",
                hint=f"end it there: turkctl --mode live experiments end {slug}",
            )


def _note_on(each: OpenElsewhere) -> str:
    words = f"{counted(each.hits, 'HIT')} {plural(each.hits, 'stays', 'stay')} open in mode {each.mode}"
    return f"{words}, at {each.market}"


def _prepare_delete(world: StatusWorld, version: Version) -> tuple[Plan[Deletion], Delete]:
    """Return the plan for deleting what can be, without HITs on which bonuses are owed."""
    plan, act = prepare_delete(world, Selection(experiment=version.slug), force=True)
    with world.database.read() as session:
        owing = owing_hits(session, world, version)
    held = [step.id for step in plan.steps if step.id in owing]
    steps = tuple(step for step in plan.steps if step.id not in owing)
    reasons = ((hit_id, _owes(owing[hit_id])) for hit_id in held)
    return replace(plan, steps=steps, skipped=(*plan.skipped, *skip(reasons))), act


def _owes(number: int) -> str:
    return f"{counted(number, 'bonus', 'bonuses')} on it {plural(number, 'is', 'are')} not paid, and then could not be"


def _whether(version: Version, left: Sequence[LeftOpen], leaving: Collection[str]) -> ItemResult:
    """Return the item of the experiment itself in a dry run."""
    kept = [each for each in left if each.what != "campaigns" and (each.what != "hits" or each.number > len(leaving))]
    if version.ended is not None and not left:
        return ItemResult(version.slug, ALREADY_DONE, f"ended {format_time(version.ended)}")
    if kept:
        return ItemResult(version.slug, SKIPPED, f"would not end yet: {'; '.join(each.words for each in kept)}")
    return ItemResult(version.slug, PLANNED, "ends")


def apply_end(world: StatusWorld, ending: Ending, engine: Engine, on_item: OnItem = lambda _item: None) -> Ended:
    """End the experiment as far as that is possible now; return what was done and what is left.

    Raises:
        UnreachableError: the market cannot be reached; what was done until then is kept, and the same does the rest.
    """
    version, slug = ending.version, ending.version.slug
    result = Ended(ACTION, world.settings.mode, experiment=slug)
    items: dict[str, ItemResult] = {}

    def take(found: Sequence[ItemResult]) -> None:
        for item in found:
            items[item.id] = _joined(items.get(item.id), item)
            on_item(item)

    def run(prepared: tuple[Plan[Any], Any]) -> None:
        if result.interrupted or engine.stop.is_set():
            result.interrupted = True
            return
        done = engine.apply(*prepared)
        take(done.results)
        result.interrupted, result.unstarted = done.interrupted, result.unstarted + done.unstarted

    _close(world, version)
    for number in ending.campaigns:
        cancel(world, number)
        take([ItemResult(f"campaign {number}", "cancelled")])
    expire, act = prepare_expire(world, Selection(experiment=slug))
    run((replace(expire, skipped=tuple(each for each in expire.skipped if each.status == FAILED)), act))
    run(_prepare_delete(world, version))
    for name in ending.tasks:
        pause_task(world, name)
        take([ItemResult(f"task {name}", "paused")])
    if not result.interrupted:
        run(prepare_delete_types_of(world, version))
    result.left = read_left(world, version, world.now())
    failed = sum(each.status == FAILED for each in items.values())
    take([_finish(world, version, result.left, undone=failed + result.unstarted + result.interrupted)])
    result.results = list(items.values())
    with world.database.read() as session:
        result.ended = experiments.current(session, version.experiment_id).ended
    return result


def _joined(before: ItemResult | None, item: ItemResult) -> ItemResult:
    """Return the result of an item of two parts: a HIT that was expired, and then could not be deleted yet."""
    if before is not None and item.status == SKIPPED:
        return replace(before, detail=item.detail)
    return item


def _close(world: StatusWorld, version: Version) -> None:
    """Close the experiment to new work: give up what was decided on for it but never sent."""
    now = world.now()
    with world.database.write() as session:
        closed = experiments.close(session, version.experiment_id, now)
        for intent in intents.unfinished(session, world.place):
            unsent = intent.state == intents.OPEN and intent.kind in (intents.CREATE_HIT, intents.EXTEND_HIT)
            if unsent and intent.experiment_id == version.experiment_id:
                intents.abandon(session, intent.token, "the experiment has ended", now)
    if closed:
        world.origin.tally.say(f"experiment {version.slug} closed to new work", version.slug)


def _finish(world: StatusWorld, version: Version, left: Sequence[LeftOpen], *, undone: int) -> ItemResult:
    """Mark the experiment as ended if nothing is left; return the item that says so."""
    slug = version.slug
    if left or undone:
        words = "; ".join(each.words for each in left) or "not all of it was done"
        world.origin.tally.say(f"experiment {slug} not ended yet", slug)
        return ItemResult(slug, SKIPPED, f"not ended yet: {words}")
    with world.database.write() as session:
        done = experiments.end(session, version.experiment_id, world.now())
        ended = experiments.current(session, version.experiment_id).ended
    if done:
        world.origin.tally.say(f"experiment {slug} ended", slug)
        return ItemResult(slug, "ended")
    return ItemResult(slug, ALREADY_DONE, None if ended is None else f"ended {format_time(ended)}")


def reopen(world: World, slug: str) -> Mapping[str, Any]:
    """Let HITs be posted again for an experiment that has ended, or is being ended; return the row that is shown.

    Raises:
        NotFoundError: the experiment was never configured.
    """
    with world.database.write() as session:
        version = _find(session, slug)
        done = experiments.reopen(session, version.experiment_id)
    if done:
        world.origin.tally.say(f"experiment {slug} reopened", slug)
    return {"experiment": slug, "status": "reopened" if done else "unchanged", "codeversion": version.code_version}
