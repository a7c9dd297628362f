"""A study on the built-in market: a project folder, its HITs and campaigns, and workers who do them.

Where ``turned`` is set nothing sleeps: waiting turns the market's clock.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import text

from turkctl import own_market
from turkctl.context import Context
from turkctl.market.errors import WorkError
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.operations.campaigns.lifecycle import create
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.campaigns.rounds import RoundReport, run_round
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.project.files import find
from turkctl.operations.selection.hits import Selection
from turkctl.settings import Settings, load
from turkctl.store.campaigns import Campaign

EXPERIMENT = """
[experiments.{slug}]
code_version = "{version}"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
duration = "30m"
lifetime = "{lifetime}"
auto_approval_delay = "3d"
external_url = "https://lab.example.org/pub"
{more}
"""


class Clock:
    """Time that passes when somebody waits, for the throttle and the engine; the market's clock goes with it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.world: TurnedWorld | None = None

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.world is not None:
            self.world.market.advance(timedelta(seconds=seconds))


class TurnedWorld(Context):
    """The context of an invocation, in which waiting turns the market's clock, with four threads."""

    workers = 4

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.clock = Clock()
        self.clock.world = self

    def engine(self, **options: Any) -> Engine:
        chosen = {"workers": self.workers, "sleep": self.clock.sleep, "clock": self.clock, "rng": random.Random(1)}
        return Engine(**(chosen | options))

    @cached_property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.market, clock=self.clock, sleep=self.clock.sleep)


class Study:
    """A project folder with its database and market, and the hands that act on both."""

    settings = ""

    def __init__(self, folder: Path, database_url: str | None = None, *, turned: bool = False) -> None:
        self.folder = folder
        self.lifetime = "10d" if turned else "24h"  # days pass where waiting turns the clock
        flags = {} if database_url is None else {"database_url": database_url}
        self.world = (TurnedWorld if turned else Context)(load(flags, {}, folder))

    @classmethod
    def new(
        cls,
        folder: Path,
        experiments: dict[str, str] | None = None,
        more: str = "",
        *,
        settings: str = "",
        turned: bool = False,
    ) -> Study:
        """A folder with settings of the project, and experiments that are configured.

        Args:
            folder: of the project.
            experiments: slug to code version; by default ``stroop`` in version 1.0.
            more: lines of each experiment's table.
            settings: lines of the project file before them.
            turned: turn the market's clock instead of waiting.
        """
        (folder / "turkctl.toml").write_text(settings)
        study = cls(folder, turned=turned)
        study.settings = settings
        study.configure(experiments or {"stroop": "1.0"}, more)
        return study

    def configure(self, experiments: dict[str, str], more: str = "") -> list[int]:
        """Configure experiments, slug to code version; the campaigns that this supersedes."""
        path = self.folder / "turkctl.toml"
        tables = [
            EXPERIMENT.format(slug=slug, version=version, lifetime=self.lifetime, more=more)
            for slug, version in experiments.items()
        ]
        path.write_text(self.settings + "".join(tables))
        return self.configure_file()

    def configure_file(self) -> list[int]:
        """Configure what the project file describes; the campaigns that this supersedes."""
        path = self.folder / "turkctl.toml"
        with self.world.database.read() as session:
            changes = plan_configure(session, find(path, self.folder), whole=True)
        return apply_configure(self.world.database, changes, self.world.now())

    def create(self, goal: int, **request: Any) -> Campaign:
        """Start a campaign."""
        return create(self.world, plan_campaign(self.world, CampaignRequest(goal, **request)))

    def round(self, campaign: int | Campaign = 1) -> RoundReport:
        """Run its next round."""
        number = campaign if isinstance(campaign, int) else campaign.number
        return run_round(self.world, number, self.world.now())

    def switch(self, **switches: Any) -> None:
        """Let the market misbehave."""
        self.world.endpoint.switches = Switches(**switches)

    def on_another_market(self) -> None:
        """Have the client's answers lack the header by which it knows turkctl's own market."""
        self.world.mturk._client.meta.events.register("before-parse.mturk", _without_header)

    def pass_time(self, **duration: float) -> None:
        """Turn the market's clock."""
        self.world.market.advance(timedelta(**duration))

    def post(self, assignments: int = 9, hits: int = 1, experiment: str = "stroop") -> list[str]:
        """Post HITs; their ids."""
        result = self.apply(prepare_create(self.world, CreateRequest(experiment, assignments, hits, new=True)))
        assert result.failed == 0
        return [item.id for item in result.results]

    def apply(self, prepared: tuple[Any, Any], **options: Any) -> BatchResult:
        """Apply what a prepare function made."""
        plan, act = prepared
        return self.world.engine(**options).apply(plan, act)

    def accept(self, hit_id: str, worker: str) -> str:
        """Have a worker take a HIT; the id of the assignment."""
        self.world.market.register_worker("production", worker)
        return str(self.world.market.accept("production", worker, hit_id)["AssignmentId"])

    def submit(self, hit_id: str, *workers: str) -> list[str]:
        """Have workers do the HIT; the ids of their assignments."""
        return [self.finish(worker, self.accept(hit_id, worker)) for worker in workers]

    def finish(self, worker: str, assignment_id: str) -> str:
        """Have a worker hand in what was taken."""
        self.world.market.submit("production", worker, assignment_id, {"answer": "red"})
        return assignment_id

    def work(self, people: Iterator[str], limit: int = 1000) -> int:
        """Have one person after another do whatever can be taken; how many submitted."""
        done = 0
        for hit_id, available in market_rows(self.folder, "SELECT id, available FROM market_hit WHERE listed = 1"):
            for _ in range(min(int(available), limit - done)):
                try:
                    self.submit(hit_id, next(people))
                except WorkError:
                    continue
                done += 1
        return done

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of turkctl's database, by hand."""
        with self.world.database.read() as session:
            return [tuple(row) for row in session.connection().execute(text(statement), values)]

    def write(self, statement: str, **values: Any) -> None:
        """A change by hand."""
        with self.world.database.write() as session:
            session.connection().execute(text(statement), values)

    def requests(self) -> dict[str, int]:
        """How often each operation was asked for since the last look."""
        found = dict(self.world.endpoint.requests)
        self.world.endpoint.requests.clear()
        return found

    def close(self) -> None:
        """Close what was opened."""
        self.world.close()


def _without_header(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["headers"].pop(own_market.HEADER)


def market_rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Rows of the market's own database, past the market."""
    with closing(sqlite3.connect(f"file:{folder / 'turkctl-market.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def worker(number: int) -> str:
    """The id of a worker."""
    return f"AW{number:06d}"


def people(prefix: str = "AW") -> Iterator[str]:
    """Worker ids, each once."""
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number:06d}"


def everything() -> Selection:
    """What ``--all`` selects."""
    return Selection(everything=True)


@contextmanager
def new_study(
    folder: Path, experiments: dict[str, str] | None = None, more: str = "", **options: Any
) -> Iterator[Study]:
    """A study that is closed at the end; the options are those of :meth:`Study.new`."""
    study = Study.new(folder, experiments, more, **options)
    try:
        yield study
    finally:
        study.close()
