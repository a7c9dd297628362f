"""Acts on recurring tasks: create, change, pause, resume, run now, delete."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import ActPlan, Fields, OnItem, PageAct, simple
from turkctl.dashboard.acts.forms import required
from turkctl.dashboard.acts.task_forms import (
    TIMES,
    change_words,
    changed_options,
    differs,
    option_facts,
    option_words,
    read_options,
    read_times,
    schedule_of,
    schedule_words,
    text_of,
    time_words,
    unchanged_times,
)
from turkctl.dashboard.commands import option
from turkctl.dashboard.desk import parts
from turkctl.errors import InterruptedByUserError, TurkctlError, UsageError
from turkctl.operations.tasks.kinds import SELECTORS, TaskKind
from turkctl.operations.tasks.manage import (
    create_task,
    delete_task,
    pause_task,
    plan_delete,
    plan_task,
    plan_update,
    resume_task,
    show_task,
    update_task,
)
from turkctl.operations.tasks.scheduler import scheduler_status
from turkctl.scheduler.kinds import KINDS, require_kind
from turkctl.scheduler.runner import run_by_hand
from turkctl.schedules import Schedule

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.context import Context
    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.world import World


class TaskFailedError(TurkctlError):
    """The run of a task failed."""

    code = "task_failed"


class CreateTask(PageAct):
    """Create a task."""

    name, title, back = "tasks create", "New task", "tasks.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return kind, times, name and the options of the kind."""
        kind = require_kind(required(form, "kind", "the kind of the task"))
        options = read_options(form, kind)
        if "all" in kind.options and not any(each in options for each in SELECTORS):
            options["all"] = True
        times = read_times(form) or unchanged_times(form)
        return {"kind": kind.name, **times, "new_name": text_of(form, "new_name"), "options": options}

    def command(self, fields: Fields) -> list[str]:
        """Return ``tasks create`` with what was filled in."""
        name = option("--name", fields["new_name"])
        return ["tasks", "create", fields["kind"], *time_words(fields), *name, *option_words(fields["options"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what the task would do, and when first."""
        kind, schedule = require_kind(fields["kind"]), schedule_of(fields) or Schedule()
        values: dict[str, Any] = {"schedule": schedule, "name": fields["new_name"], "options": fields["options"]}
        row = plan_task(world, kind, **values)
        when = schedule_words(row)
        return simple(
            f"Create {row['name']}",
            f"create task {row['name']}, to {kind.does}, {when}",
            lambda: _said("created", create_task(world, kind, **values)),
            notes=_warnings(kind),
            facts=[("First run, UTC", row["next_run"]), *option_facts(fields["options"])],
        )


class UpdateTask(PageAct):
    """Change a task."""

    name, title, back = "tasks update", "Change a task", "tasks.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return what differs from what the page showed."""
        kind = KINDS.get(required(form, "kind", "the kind of the task"))
        options = {} if kind is None else changed_options(form, kind)
        times = read_times(form) or dict.fromkeys(TIMES)
        if not (text_of(form, "every") or text_of(form, "cron")) and (differs(form, "every") or differs(form, "cron")):
            raise UsageError("a task needs an interval or a cron line", hint="go back and fill in one of them")
        new_name = text_of(form, "new_name") if differs(form, "new_name") else None
        return {"name": required(form, "name", "the task"), **times, "new_name": new_name, "options": options}

    def command(self, fields: Fields) -> list[str]:
        """Return ``tasks update`` with what was changed."""
        name = option("--name", fields["new_name"])
        return ["tasks", "update", fields["name"], *time_words(fields), *name, *option_words(fields["options"])]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would change."""
        values = {"schedule": schedule_of(fields), "new_name": fields["new_name"], "options": fields["options"]}
        before, after = plan_update(world, KINDS, fields["name"], **values)
        changes = [*change_words(before, after, again=values["schedule"] is not None)]
        next_run = [("Next run, UTC", after["next_run"])] if values["schedule"] is not None else []
        return simple(
            f"Change {fields['name']}",
            f"change task {fields['name']}: {'; '.join(changes)}",
            lambda: _said("changed", update_task(world, KINDS, fields["name"], **values)),
            notes=_warnings(KINDS.get(before["kind"])) if values["options"] else (),
            facts=next_run,
        )


class _OneTask(PageAct):
    """An act on a task that a form names."""

    back = "tasks.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the name."""
        return {"name": required(form, "name", "the task")}

    def command(self, fields: Fields) -> list[str]:
        """Return the command with the name."""
        return [*self.name.split(), fields["name"]]


class PauseTask(_OneTask):
    """Pause a task."""

    name, title = "tasks pause", "Pause a task"

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return that nothing is run until it is resumed."""
        name = fields["name"]
        words = f"pause task {name} until it is resumed; a run that has begun goes on"
        if show_task(world, name)["paused"]:
            words = f"nothing to pause: task {name} is paused already"
        return simple(f"Pause {name}", words, lambda: _said("paused", pause_task(world, name)))


class ResumeTask(_OneTask):
    """Resume a paused task."""

    name, title = "tasks resume", "Resume a task"

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return that one run makes up for all that were missed."""
        name, row = fields["name"], show_task(world, fields["name"])
        words = f"resume task {name}; one run makes up for all that were missed"
        if not row["paused"]:
            words = f"nothing to resume: task {name} is not paused"
        warnings = _warnings(KINDS.get(row["kind"]))
        return simple(f"Resume {name}", words, lambda: _said("resumed", resume_task(world, name)), notes=warnings)


class DeleteTask(_OneTask):
    """Delete a task."""

    name, title = "tasks delete", "Delete a task"

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return that its history stays."""
        name = plan_delete(world, fields["name"])["name"]
        words = f"delete task {name}; its history stays"
        return simple(f"Delete {name}", words, lambda: _said("deleted", delete_task(world, name)))


class RunTask(_OneTask):
    """Run a task now."""

    name, title = "tasks run", "Run a task now"

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what the run does, and which process does it."""
        name, row = fields["name"], show_task(world, fields["name"])
        kind, state = KINDS.get(row["kind"]), scheduler_status(world)
        does = f", to {kind.does}" if kind is not None and kind.does else ""
        by = f"the scheduler, process {state['pid']} on {state['host']}" if state["running"] else "this server"
        return ActPlan(
            button=f"Run {name} now",
            words=f"run task {name} now{does}; its times do not change",
            do=partial(_run, parts().studies(world.settings.mode), name),
            notes=_warnings(kind),
            facts=[("Run by", by), *option_facts(row["options"])],
        )


def _run(context: Context, name: str, engine: Engine, _on_item: OnItem) -> str:
    made = run_by_hand(context, name, engine.stop, lambda held: engine.notice(f"{held.message}; waiting for it"))
    said = made["error"] or made["summary"]
    if made["status"] == "interrupted":
        raise InterruptedByUserError(f"task {name} was stopped: {said}", hint="run it again for the rest")
    if made["status"] != "ok":
        raise TaskFailedError(f"task {name} {made['status']}: {said}", hint="its history says when it failed before")
    return f"task {name}: {said}"


def _said(done: str, row: Mapping[str, Any]) -> str:
    return f"task {row['name']} {done}"


def _warnings(kind: TaskKind | None) -> list[str]:
    """Return what a person should know before such a task runs by itself."""
    return [] if kind is None or kind.spends is None else [f"Each run {kind.spends}, without asking."]


ACTS: tuple[PageAct, ...] = (CreateTask(), UpdateTask(), PauseTask(), ResumeTask(), RunTask(), DeleteTask())
