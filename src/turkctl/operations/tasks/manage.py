"""Create, list, change, pause and delete recurring tasks, from any process; only the scheduler runs them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from turkctl.errors import NotFoundError, RefusedError, UsageError, WrongMarketError
from turkctl.harmless import hides_characters
from turkctl.operations.engine.world import World
from turkctl.operations.tasks.kinds import SELECTORS, TaskKind, check_options
from turkctl.schedules import Schedule, check_cron
from turkctl.store import tasks
from turkctl.store.tasks import Task, TaskRun
from turkctl.units import format_duration, parse_zone
from turkctl.words import counted, meant_or

COLUMNS = ("name", "kind", "mode", "every", "paused", "next_run", "last_run", "last_status", "runs", "failures", "cron")
KEYS = (*COLUMNS, "timezone", "last_error")
"""All keys of a row."""
HISTORY_COLUMNS = ("task", "started", "finished", "status", "summary", "error")
HISTORY_KEYS = (*HISTORY_COLUMNS, "mode", "slot", "epoch")
"""All keys of a row of the history."""

_NAME = re.compile(r"[^\s/\\-][^\s/\\]{0,127}")
"""A name that a command line does not take for an option."""
_NONE = timedelta(0)
_OF_CAMPAIGN = re.compile(r"campaign-\d+")


def create_task(
    world: World, kind: TaskKind, *, schedule: Schedule, name: str | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Store a task of this mode; it is due now and then at every interval, or at the times of its cron line.

    Raises:
        UsageError: the interval is zero, the cron line or time zone is invalid, the kind does not take an option, or
            the name is taken or invalid.
        NotFoundError: an experiment or a campaign is unknown.
    """
    _check_new(world, kind, schedule, name, options)
    with world.database.write() as session:
        task = _new(session, world, kind, schedule, name, options)
        if not tasks.create(session, task):
            raise _taken(task.name)
    world.origin.tally.say(f"task {task.name} created", options.get("experiment"))
    return as_row(task)


def plan_task(
    world: World, kind: TaskKind, *, schedule: Schedule, name: str | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the task that :func:`create_task` would store; reads only, and raises as that does."""
    _check_new(world, kind, schedule, name, options)
    with world.database.read() as session:
        task = _new(session, world, kind, schedule, name, options)
        if tasks.by_name(session, task.name) is not None:
            raise _taken(task.name)
    return as_row(task)


def _check_new(world: World, kind: TaskKind, schedule: Schedule, name: str | None, options: Mapping[str, Any]) -> None:
    _check_schedule(schedule, world.now())
    check_options(world, kind, options)
    if name is not None:
        _check_name(name)


def _new(
    session: Session, world: World, kind: TaskKind, schedule: Schedule, name: str | None, options: Mapping[str, Any]
) -> Task:
    now, mode = world.now(), world.settings.mode
    return Task(
        name=name or _default_name(session, kind.name, mode),
        kind=kind.name,
        mode=mode,
        **_timing(schedule),
        options=dict(options),
        next_run=_first(schedule, now),
        created=now,
    )


def list_tasks(world: World, *, all_modes: bool = False) -> list[dict[str, Any]]:
    """Return the tasks of this mode, or of all modes, the next due first."""
    with world.database.read() as session:
        return [as_row(task) for task in tasks.list_tasks(session, None if all_modes else world.settings.mode)]


def show_task(world: World, name: str) -> dict[str, Any]:
    """Return one task in full, with its last runs.

    Raises:
        NotFoundError: there is no task of that name.
        WrongMarketError: it belongs to another mode.
    """
    with world.database.read() as session:
        task = find_task(session, world.settings.mode, name)
        runs = tasks.history(session, name=name, limit=5)
    extra = {
        "options": task.options,
        "campaign": task.campaign_id,
        "consecutive_failures": task.consecutive_failures,
        "requested": task.requested,
        "created": task.created,
        "last_runs": [run_row(run) for run in runs],
    }
    return as_row(task) | extra


def update_task(
    world: World,
    kinds: Mapping[str, TaskKind],
    name: str,
    *,
    schedule: Schedule | None,
    new_name: str | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Change when a task is due, its name or its options; a new interval starts a new grid from now.

    Raises:
        UsageError: there is nothing to change, :func:`create_task` would refuse a value, or it is a campaign's task.
        NotFoundError, WrongMarketError: see :func:`show_task`.
        RefusedError: another process changed it at the same moment.
    """
    task, values = _changes(world, kinds, name, schedule, new_name, options)
    return _change(world, task, values, "changed")


def plan_update(
    world: World,
    kinds: Mapping[str, TaskKind],
    name: str,
    *,
    schedule: Schedule | None,
    new_name: str | None,
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the task as it is and as :func:`update_task` would leave it; reads only, and raises as that does."""
    task, values = _changes(world, kinds, name, schedule, new_name, options)
    changed = Task(**{**task.model_dump(), **values})
    with world.database.read() as session:
        _refuse_taken(session, task, changed.name)
    before, after = (as_row(each) | {"options": each.options} for each in (task, changed))
    return before, after


def _changes(
    world: World,
    kinds: Mapping[str, TaskKind],
    name: str,
    schedule: Schedule | None,
    new_name: str | None,
    options: Mapping[str, Any],
) -> tuple[Task, dict[str, Any]]:
    """Return the task and the values that would change."""
    if schedule is None and new_name is None and not options:
        raise UsageError("nothing to change", hint="give --every, --cron, --name or an option of the task's kind")
    with world.database.read() as session:
        task = find_task(session, world.settings.mode, name)
    if task.campaign_id is not None:
        raise UsageError(
            f"{name} belongs to campaign {task.campaign_id}",
            hint=f"run: turkctl campaigns update {task.campaign_id} --every D",
        )
    values: dict[str, Any] = {}
    if options:
        values["options"] = _merged(task.options, options)
        check_options(world, _kind_of(kinds, task), values["options"])
    if schedule is not None:
        now = world.now()
        _check_schedule(schedule, now)
        values |= _timing(schedule) | {"next_run": schedule.after(now + (schedule.every or _NONE), now)}
    if new_name is not None:
        _check_name(new_name)
        values["name"] = new_name
    return task, values


def pause_task(world: World, name: str) -> dict[str, Any]:
    """Pause a task until it is resumed; a run in progress goes on.

    Raises:
        NotFoundError, WrongMarketError: see :func:`show_task`.
    """
    return _set_paused(world, name, paused=True)


def resume_task(world: World, name: str) -> dict[str, Any]:
    """Resume a paused task; one run makes up for missed slots. Raises as :func:`pause_task` does."""
    return _set_paused(world, name, paused=False)


def delete_task(world: World, name: str) -> dict[str, Any]:
    """Delete a task; its history stays.

    Raises:
        RefusedError: it runs the rounds of a campaign.
        NotFoundError, WrongMarketError: see :func:`show_task`.
    """
    with world.database.write() as session:
        task = _deletable(session, world.settings.mode, name)
        tasks.remove(session, task)
    world.origin.tally.say(f"task {name} deleted", task.options.get("experiment"))
    return as_row(task)


def plan_delete(world: World, name: str) -> dict[str, Any]:
    """Return the task that :func:`delete_task` would delete; reads only, and raises as that does."""
    with world.database.read() as session:
        return as_row(_deletable(session, world.settings.mode, name))


def _deletable(session: Session, mode: str, name: str) -> Task:
    task = find_task(session, mode, name)
    if task.campaign_id is not None:
        raise RefusedError(
            f"{name} runs the rounds of campaign {task.campaign_id}",
            hint=f"run: turkctl campaigns cancel {task.campaign_id}, or: turkctl tasks pause {name}",
        )
    return task


def request_run(world: World, name: str) -> int:
    """Ask for a run now, besides the task's slots; the next holder of the scheduler's lease makes it.

    Returns:
        The id of the task's newest run so far; the requested run will have a higher one.

    Raises:
        NotFoundError, WrongMarketError: see :func:`show_task`.
    """
    now = world.now()
    with world.database.write() as session:
        task = find_task(session, world.settings.mode, name)
        tasks.change(session, task, {"requested": now})
        newest = tasks.history(session, name=name, limit=1)
    return (newest[0].id or 0) if newest else 0


def withdraw_request(world: World, name: str) -> None:
    """Undo :func:`request_run`, unless the run has already begun."""
    with world.database.write() as session:
        task = tasks.by_name(session, name)
        if task is not None and task.requested is not None:
            tasks.change(session, task, {"requested": None})


def finished_run(world: World, name: str, after: int) -> dict[str, Any] | None:
    """Return the first run of the task with an id above ``after``; None until it is finished."""
    with world.database.read() as session:
        runs = tasks.history(session, name=name, after=after)
    return run_row(runs[-1]) if runs and runs[-1].finished is not None else None


def history(
    world: World, name: str | None, *, all_modes: bool = False, limit: int | None = None, offset: int = 0
) -> list[dict[str, Any]]:
    """Return past runs and any in progress, newest first, including those of deleted tasks.

    ``offset`` leaves out the newest ones, for pages of the history.

    Raises:
        NotFoundError: neither a task nor a run has that name.
        WrongMarketError: the task belongs to another mode.
    """
    mode = None if all_modes else world.settings.mode
    with world.database.read() as session:
        runs = tasks.history(session, name=name, mode=mode, limit=limit, offset=offset)
        if name is not None and not runs and not (all_modes and tasks.by_name(session, name)):
            find_task(session, world.settings.mode, name)
    return [run_row(run) for run in runs]


def other_modes(world: World) -> str | None:
    """Return a note on the tasks of other modes, which a list of this mode leaves out."""
    with world.database.read() as session:
        others = [task for task in tasks.list_tasks(session) if task.mode != world.settings.mode]
    return f"{counted(len(others), 'more task')} in other modes: --all-modes" if others else None


def find_task(session: Session, mode: str, name: str) -> Task:
    """Return the task of that name.

    Raises:
        NotFoundError: there is none.
        WrongMarketError: it belongs to another mode.
    """
    task = tasks.by_name(session, name)
    if task is None:
        raise NotFoundError(
            f"there is no task '{name}'",
            hint=meant_or(name, [each.name for each in tasks.list_tasks(session)], "see: turkctl tasks list"),
        )
    if task.mode != mode:
        raise WrongMarketError(f"task {name} belongs to mode {task.mode}, not {mode}", hint=f"add --mode {task.mode}")
    return task


def as_row(task: Task) -> dict[str, Any]:
    """Return the row that lists show; a paused task has no next run, since none comes until it is resumed."""
    row = {name: getattr(task, name) for name in COLUMNS} | ({"next_run": None} if task.paused else {})
    return row | {"every": task.schedule.every, "timezone": task.timezone, "last_error": task.last_error}


def run_row(run: TaskRun) -> dict[str, Any]:
    """Return a run as the history shows it."""
    row = {name: getattr(run, name) for name in HISTORY_COLUMNS}
    return row | {"mode": run.mode, "slot": run.slot, "epoch": run.epoch}


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options after a change: new selectors replace all earlier ones, an empty text removes its option."""
    dropped = SELECTORS if any(name in new for name in SELECTORS) else ()
    merged = {name: value for name, value in old.items() if name not in dropped} | dict(new)
    return {name: value for name, value in merged.items() if value != ""}


def _set_paused(world: World, name: str, *, paused: bool) -> dict[str, Any]:
    with world.database.read() as session:
        task = find_task(session, world.settings.mode, name)
    if task.paused == paused:
        return as_row(task)
    return _change(world, task, {"paused": paused}, "paused" if paused else "resumed")


def _change(world: World, task: Task, values: dict[str, Any], done: str) -> dict[str, Any]:
    with world.database.write() as session:
        if "name" in values:
            _refuse_taken(session, task, values["name"])
        assert task.id is not None
        changed = tasks.change(session, task, values)
        current = tasks.get(session, task.id)
    if current is None or not changed:
        raise RefusedError(
            f"task {task.name} was changed at the same moment by another process", hint="look at it and try again"
        )
    world.origin.tally.say(f"task {task.name} {done}", task.options.get("experiment"))
    return as_row(current)


def _refuse_taken(session: Session, task: Task, name: str) -> None:
    taken = tasks.by_name(session, name)
    if taken is not None and taken.id != task.id:
        raise _taken(taken.name)


def _kind_of(kinds: Mapping[str, TaskKind], task: Task) -> TaskKind:
    if task.kind not in kinds:
        raise UsageError(
            f"task {task.name} is of kind {task.kind}, which this version of turkctl does not know",
            hint="upgrade turkctl",
        )
    return kinds[task.kind]


def _default_name(session: Session, kind: str, mode: str) -> str:
    """Return the kind's name, with the mode's added if another mode has taken it."""
    taken = tasks.by_name(session, kind)
    return kind if taken is None or taken.mode == mode else f"{kind}-{mode}"


def _taken(name: str) -> UsageError:
    return UsageError(
        f"there is already a task '{name}'",
        hint=f"give another name with --name, or change it with: turkctl tasks update {name}",
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or hides_characters(name):
        raise UsageError(
            f"'{name}' is not a valid task name",
            hint="use up to 128 letters, digits, - and _, no - in front; no blanks",
        )
    if _OF_CAMPAIGN.fullmatch(name):
        raise UsageError(f"'{name}' is a name for the tasks of campaigns", hint="give another name with --name")


def _check_schedule(schedule: Schedule, now: datetime) -> None:
    if schedule.cron is not None:
        if schedule.timezone is not None:
            parse_zone(schedule.timezone)
        check_cron(schedule.cron, schedule.timezone, now)
    elif schedule.every is None:
        raise UsageError(
            "a task needs an interval or a cron line", hint='give --every 30m, or --cron "0 9 * * mon-fri"'
        )
    elif schedule.every < timedelta(seconds=1):
        raise UsageError(
            f"--every must be at least 1s, not {format_duration(schedule.every)}",
            hint="give an interval, as in --every 30m",
        )


def _timing(schedule: Schedule) -> dict[str, Any]:
    every = 0 if schedule.every is None else int(schedule.every.total_seconds())
    return {"every": every, "cron": schedule.cron, "timezone": schedule.timezone}


def _first(schedule: Schedule, now: datetime) -> datetime:
    return now if schedule.cron is None else schedule.after(now, now)
