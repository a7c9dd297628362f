"""The worlds that tasks and acts of the dashboard run in: of a mode, with engines that stop on request."""

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


class ChildWorld:
    """A context as one task or act sees it: shared with others, while its origin, stop and beat are its own.

    Attributes:
        origin: the task or the act that this world is for, with its results so far.
        stop: set it, from any thread, to finish the current items and leave the rest.
        beat: called between the groups of a batch, to check that a lease still holds; it raises to end the batch. It
            can be set after the world was made, to that of a line, say.
        notice: called with messages for the user while a batch waits; None: the context's is called.
    """

    def __init__(
        self,
        context: Context,
        origin: CommandOrigin,
        stop: threading.Event | None = None,
        beat: Callable[[], None] = lambda: None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        """Make the world of one act.

        Args:
            context: whose settings, database and market it shares; other threads may use them at the same time.
            origin: of the act, not shared with another one.
            stop: the event that stops its batches.
            beat: called between their groups.
            notice: called with messages for the user while a batch waits; by default the context's.
        """
        self._context = context
        self.notice = notice
        self.origin = origin
        self.stop = stop or threading.Event()
        self.beat = beat

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""
        return self._context.settings

    @property
    def database(self) -> Database:
        """Return turkctl's database at the current schema."""
        return self._context.database

    @property
    def bare_database(self) -> Database:
        """Return the database as it is."""
        return self._context.bare_database

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
        """Return a batch engine that stops with this world, and continues only while the lease is held."""
        own = {"stop": self.stop, "beat": self.beat, "journal": lambda plan: logged(self, plan.action)}
        if self.notice is not None:
            own["notice"] = self.notice
        return self._context.engine(**{**own, **options})


def _of_task(task: Task) -> CommandOrigin:
    kind = KINDS.get(task.kind)
    return CommandOrigin(f"task {task.name}", task.next_run, act=None if kind is None else kind.act)


class Worlds:
    """The world of each mode, opened when a task of that mode is first run. Several threads can share it."""

    def __init__(
        self, context: Context, stop: threading.Event | None = None, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._contexts = {context.settings.mode: context}
        self._lock = threading.Lock()
        self._own = context
        self._stop = stop or threading.Event()
        self._beat = beat

    def __call__(self, mode: str, task: Task | None = None) -> ChildWorld:
        """Return the world of a mode, for a task whose slot is its ``next_run``."""
        context = self.context(mode)
        origin = context.origin if task is None else _of_task(task)
        return ChildWorld(context, origin, self._stop, self._beat)

    def context(self, mode: str) -> Context:
        """Return the context of a mode, which looks anew for the built-in market's identity."""
        with self._lock:
            if mode not in self._contexts:
                self._contexts[mode] = type(self._own)(in_mode(self._own.settings, mode))
                self._contexts[mode].notice = self._own.notice
            context = self._contexts[mode]
        context.look_again()
        return context

    def now(self, mode: str) -> datetime:
        """Return the time in the world of a mode."""
        return self(mode).now()

    def close(self) -> None:
        """Close the contexts that were opened here."""
        for context in self._contexts.values():
            if context is not self._own:
                context.close()
