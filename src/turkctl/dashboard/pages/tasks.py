"""Recurring tasks: what runs by itself, when, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.task_forms import LABELS, option_facts, schedule_words
from turkctl.dashboard.addresses import address, page_address, page_number
from turkctl.dashboard.desk import desk, page
from turkctl.dashboard.pages.experiment_choice import experiment_options
from turkctl.operations.project.labels import METHODS
from turkctl.operations.tasks.kinds import SELECTORS
from turkctl.operations.tasks.manage import history, list_tasks, show_task
from turkctl.operations.tasks.scheduler import scheduler_status
from turkctl.scheduler.kinds import KINDS, require_kind
from turkctl.units import format_duration

pages = Blueprint("tasks", __name__)

SIZE = 20
"""Runs of a page."""
USUAL = "1h"
"""The interval that a new task begins with."""


@pages.get("/tasks")
def index() -> ResponseReturnValue:
    """Show the tasks, who runs them, and the last runs; or the form of a new task of one kind (``new``)."""
    kind = request.args.get("new")
    if kind:
        return _new(kind)
    here, all_modes = desk(), request.args.get("all_modes") == "1"
    return page(
        "tasks.html",
        ["tasks", "list", *(["--all-modes"] if all_modes else [])],
        tasks=[_shown(row) for row in list_tasks(here.world, all_modes=all_modes)],
        scheduler=scheduler_status(here.world),
        all_modes=all_modes,
        kinds=[(each.name, f"{each.name}: {each.does}") for each in KINDS.values() if each.by_hand],
        usual=USUAL,
        address=address,
        **_history(None, all_modes=all_modes),
    )


def _new(name: str) -> str:
    kind = require_kind(name)
    everything = ["--all"] if "all" in kind.options else []
    return page(
        "task_new.html",
        ["tasks", "create", kind.name, "--every", USUAL, *everything],
        kind=kind,
        usual=USUAL,
        **_choices(kind.options, {}),
    )


@pages.get("/tasks/<name>")
def show(name: str) -> ResponseReturnValue:
    """Show one task with its runs, and the form that changes it."""
    here = desk()
    task = show_task(here.world, name)
    kind = KINDS.get(task["kind"])
    return page(
        "task.html",
        ["tasks", "show", name],
        task=_shown(task),
        kind=kind,
        every="" if task["cron"] is not None else format_duration(task["every"]),
        options=option_facts(task["options"]),
        scheduler=scheduler_status(here.world),
        **_choices(() if kind is None else kind.options, task["options"]),
        **_history(name, all_modes=False),
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "schedule": schedule_words(row)}


def _choices(names: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields of a kind's options offer, and hold now."""
    return {
        "selectors": [name for name in names if name in SELECTORS and name != "all"],
        "others": [name for name in names if name not in SELECTORS],
        "values": values,
        "labels": LABELS,
        "experiments": experiment_options(desk().world, "all", values.get("experiment")),
        "methods": [("", "The experiment's own"), *((each, each) for each in METHODS)],
    }


def _history(name: str | None, *, all_modes: bool) -> dict[str, Any]:
    """Return a page of past runs, newest first."""
    number = page_number()
    found = history(desk().world, name, all_modes=all_modes, limit=SIZE + 1, offset=(number - 1) * SIZE)
    columns = ("started", "finished", "status", "summary", "error")
    return {
        "runs": found[:SIZE],
        "run_columns": (*(["mode"] if all_modes else []), *(["task"] if name is None else []), *columns),
        "more": len(found) > SIZE,
        "number": number,
        "page_address": page_address,
    }
