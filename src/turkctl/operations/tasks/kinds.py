"""Kinds of tasks: what a kind is, what a run of it comes to, and whether options suit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from turkctl.errors import UsageError
from turkctl.operations.engine.world import World
from turkctl.operations.project.labels import check_method
from turkctl.operations.selection.hits import Selection, hit_filter
from turkctl.operations.workers.decide import check_feedback

SELECTORS = ("regex", "experiment", "campaign", "codeversion", "all")
"""The options by which a task's kind is told what to act on."""


@dataclass(frozen=True)
class RunSummary:
    """What one run came to.

    Attributes:
        text: one line for the history.
        error: why it failed, or what of it did.
        setback: whether nothing came of it, so that the next try may wait longer.
        interrupted: whether it was asked to stop with some of it left.
        ended: whether there is nothing left to do for ever: the task is deleted.
    """

    text: str
    error: str | None = None
    setback: bool = False
    interrupted: bool = False
    ended: bool = False


@dataclass(frozen=True)
class TaskKind:
    """One kind of task.

    Attributes:
        run: does it once, in the world of the task's mode, with the task's options.
        options: the names of those it takes.
        needs_selection: whether it has to be told what to act on, everything included.
        by_hand: whether ``tasks create`` makes it.
    """

    name: str
    run: Callable[[World, Mapping[str, Any], datetime], RunSummary]
    options: tuple[str, ...] = ()
    needs_selection: bool = False
    by_hand: bool = True


def selection_of(options: Mapping[str, Any]) -> Selection:
    """A task's selectors; everything where it has none."""
    selection = Selection(
        regex=options.get("regex"),
        experiment=options.get("experiment"),
        campaign=options.get("campaign"),
        code_version=options.get("codeversion"),
    )
    return selection if selection.filters else Selection(everything=True)


def check_options(world: World, kind: TaskKind, options: Mapping[str, Any]) -> None:
    """See that a kind of task can be run with these options.

    Raises:
        UsageError: an option it does not take, or none where it has to be told what to act on.
        NotFoundError: an experiment or a campaign that is not there.
    """
    for name in options:
        if name not in kind.options:
            takes = ", ".join(map(_flag, kind.options)) or "no options"
            raise UsageError(f"a task of kind {kind.name} has no {_flag(name)}", hint=f"it takes {takes}")
    if kind.needs_selection and not any(name in options for name in SELECTORS):
        raise UsageError(
            f"a task of kind {kind.name} needs a selection",
            hint="give --experiment, --regex, --campaign, --codeversion or --all",
        )
    check_feedback(options.get("feedback"))
    check_method(options.get("method"))
    if any(name in options for name in SELECTORS):
        with world.database.read() as session:
            hit_filter(session, world.listing_place, selection_of(options))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
