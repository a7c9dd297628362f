"""The worlds that tasks run in: one per mode, with engines that stop on request and keep the lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.intents.runs import logged
from turkctl.scheduler.kinds import KINDS
from turkctl.settings import Settings

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.mturk.client import MTurk
    from turkctl.store.base import Place
    from turkctl.store.engine import Database
    from turkctl.store.tasks import Task


def in_mode(settings: Settings, mode: str) -> Settings:
    """Return the settings for another mode. An ``--endpoint-url`` applies to the first mode only."""
    values = {**settings.values, "mode": mode}
    if settings.origins["endpoint_url"].kind == "flag":
        values["endpoint_url"] = None
    return replace(settings, values=values)


class TaskWorld:
    """A context as a task sees it."""

    def __init__(
        self, context: Context, stop: threading.Event, beat: Callable[[], None], origin: CommandOrigin
    ) -> None:
        self._context = context
        self._stop = stop
        self._beat = beat
        self.origin = origin
        """The task that this world is for."""

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""
        return self._context.settings

    @property
    def database(self) -> Database:
        """Return turkctl's database at the current schema."""
        return self._context.database

    @property
    def mturk(self) -> MTurk:
        """Return the client of the mode's market."""
        return self._context.mturk

    @property
    def place(self) -> Place:
        """Return mode and identity of the market."""
        return self._context.place

    @property
    def listing_place(self) -> Place:
        """Return the place whose rows are listed."""
        return self._context.listing_place

    def now(self) -> datetime:
        """Return the time that studies live in."""
        return self._context.now()

    def engine(self, **options: Any) -> Engine:
        """Return a batch engine that stops with the scheduler, and continues only while the lease is held."""
        own = {"stop": self._stop, "beat": self._beat, "journal": lambda plan: logged(self, plan.action)}
        return self._context.engine(**{**own, **options})


def _of_task(task: Task) -> CommandOrigin:
    kind = KINDS.get(task.kind)
    return CommandOrigin(f"task {task.name}", task.next_run, act=None if kind is None else kind.act)


class Worlds:
    """The world of each mode, opened when a task of that mode is first run."""

    def __init__(self, context: Context, stop: threading.Event, beat: Callable[[], None]) -> None:
        self._contexts = {context.settings.mode: context}
        self._own = context
        self._stop = stop
        self._beat = beat

    def __call__(self, mode: str, task: Task | None = None) -> TaskWorld:
        """Return the world of a mode, for a task whose slot is its ``next_run``."""
        if mode not in self._contexts:
            self._contexts[mode] = type(self._own)(in_mode(self._own.settings, mode))
            self._contexts[mode].notice = self._own.notice
        context = self._contexts[mode]
        context.look_again()
        origin = context.origin if task is None else _of_task(task)
        return TaskWorld(context, self._stop, self._beat, origin)

    def now(self, mode: str) -> datetime:
        """Return the time in the world of a mode."""
        return self(mode).now()

    def close(self) -> None:
        """Close the contexts that were opened here."""
        for context in self._contexts.values():
            if context is not self._own:
                context.close()
