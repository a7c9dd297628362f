"""Define kinds of tasks and the result of a run, and check the options of a kind."""

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
"""The options that select what a task acts on."""


@dataclass(frozen=True)
class RunSummary:
    """The result of one run.

    Attributes:
        text: one line for the history.
        error: why it failed, as a whole or in part.
        setback: whether it achieved nothing, so that the next try may wait longer.
        interrupted: whether it was stopped before it was complete.
        ended: whether nothing will ever be left to do: the task is deleted.
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
        run: runs it once, in the world of the task's mode, with the task's options.
        options: the names of the options it takes.
        needs_selection: whether it needs a selection, even for everything.
        by_hand: whether ``tasks create`` can create it.
        act: the command that does the same, for the log.
        does: what a run does, in words that begin with a verb.
        spends: what a run spends, as in "pays all bonuses that are due then"; None if it costs nothing.
    """

    name: str
    run: Callable[[World, Mapping[str, Any], datetime], RunSummary]
    options: tuple[str, ...] = ()
    needs_selection: bool = False
    by_hand: bool = True
    act: str | None = None
    does: str = ""
    spends: str | None = None


def selection_of(options: Mapping[str, Any]) -> Selection:
    """Return a task's selectors; everything if it has none."""
    selection = Selection(
        regex=options.get("regex"),
        experiment=options.get("experiment"),
        campaign=options.get("campaign"),
        code_version=options.get("codeversion"),
    )
    return selection if selection.filters else Selection(everything=True)


def check_options(world: World, kind: TaskKind, options: Mapping[str, Any]) -> None:
    """Raise unless a kind of task can run with these options.

    Raises:
        UsageError: an option is not one of the kind's, or a needed selection is missing.
        NotFoundError: an experiment or a campaign is unknown.
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
