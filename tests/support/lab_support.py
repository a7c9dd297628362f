"""A study on the built-in market: an experiment, its HITs, and workers who do them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from turkctl.context import Context
from turkctl.market.protocol.switches import Switches
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.project.files import find
from turkctl.operations.selection.hits import Selection
from turkctl.settings import load

EXPERIMENT = """
[experiments.{slug}]
code_version = "{version}"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
duration = "30m"
lifetime = "24h"
auto_approval_delay = "3d"
external_url = "https://lab.example.org/pub"
"""


class Lab:
    """A project folder with its database and market, and the hands that act on both."""

    def __init__(self, folder: Path, settings: str, experiments: dict[str, str]) -> None:
        text = settings + "".join(EXPERIMENT.format(slug=slug, version=v) for slug, v in experiments.items())
        (folder / "turkctl.toml").write_text(text)
        self.folder = folder
        self.world = Context(load({}, {}, folder))
        configured = find(folder / "turkctl.toml", folder)
        with self.world.database.read() as session:
            changes = plan_configure(session, configured, whole=True)
        apply_configure(self.world.database, changes, self.world.now())

    def post(self, assignments: int = 9, hits: int = 1, experiment: str = "stroop") -> list[str]:
        """Post HITs; their ids."""
        plan, act = prepare_create(self.world, CreateRequest(experiment, assignments, hits, new=True))
        result = self.world.engine().apply(plan, act)
        assert result.failed == 0
        return [item.id for item in result.results]

    def submit(self, hit_id: str, *workers: str) -> list[str]:
        """Have workers do the HIT; the ids of their assignments."""
        return [self._finish(worker, self.accept(hit_id, worker)) for worker in workers]

    def accept(self, hit_id: str, worker: str) -> str:
        """Have a worker take the HIT; the id of the assignment."""
        self.world.market.register_worker("production", worker)
        accepted = self.world.market.accept("production", worker, hit_id)
        return str(accepted["AssignmentId"])

    def _finish(self, worker: str, assignment_id: str) -> str:
        self.world.market.submit("production", worker, assignment_id, {"answer": "red"})
        return assignment_id

    def finish(self, worker: str, assignment_id: str) -> str:
        """Have a worker hand in what was taken."""
        return self._finish(worker, assignment_id)

    def apply(self, prepared: tuple[Any, Any], **options: Any) -> BatchResult:
        """Apply what a prepare function made."""
        plan, act = prepared
        return self.world.engine(**options).apply(plan, act)

    def switch(self, **switches: Any) -> None:
        """Let the market misbehave."""
        self.world.endpoint.switches = Switches(**switches)

    def pass_time(self, **duration: float) -> None:
        """Turn the market's clock."""
        self.world.market.advance(timedelta(**duration))

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of turkctl's database, by hand."""
        with self.world.database.read() as session:
            return [tuple(row) for row in session.connection().execute(text(statement), values)]

    def write(self, statement: str, **values: Any) -> None:
        """A change by hand."""
        with self.world.database.write() as session:
            session.connection().execute(text(statement), values)

    @property
    def requests(self) -> dict[str, int]:
        """How often each operation was asked for since the last look."""
        found = dict(self.world.endpoint.requests)
        self.world.endpoint.requests.clear()
        return found


def worker(number: int) -> str:
    """The id of a worker."""
    return f"AW{number:06d}"


def everything() -> Selection:
    """What ``--all`` selects."""
    return Selection(everything=True)


@contextmanager
def lab(folder: Path, settings: str = "", experiments: dict[str, str] | None = None) -> Iterator[Lab]:
    """A lab that is closed at the end."""
    made = Lab(folder, settings, experiments or {"stroop": "1.0"})
    yield made
    made.world.close()
