"""A study that recruits on the built-in market, and an eye on the market's own tables.

Nothing here sleeps: waiting turns the market's clock.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from turkctl.context import Context
from turkctl.market.errors import WorkError
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.operations.campaigns.lifecycle import create
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.campaigns.rounds import RoundReport, run_round
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.engine.batch import Engine
from turkctl.operations.project.files import find
from turkctl.settings import load
from turkctl.store.campaigns import Campaign

EXPERIMENT = """
[experiments.{slug}]
code_version = "{version}"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.50"
duration = "30m"
lifetime = "10d"
auto_approval_delay = "3d"
external_url = "https://lab.example.org/pub"
{more}
"""
EACH = "0.60"
"""What one assignment costs, commission included."""


class Clock:
    """Time that passes when somebody waits, for the throttle and the engine; the market's clock goes with it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.world: StudyWorld | None = None

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.world is not None:
            self.world.market.advance(timedelta(seconds=seconds))


class StudyWorld(Context):
    """The context of an invocation, with waiting replaced and the number of threads given."""

    workers = 4

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        super().__init__(load({} if database_url is None else {"database_url": database_url}, {}, folder))
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

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.folder = folder
        self.world = StudyWorld(folder, database_url)

    @classmethod
    def new(cls, folder: Path, experiments: dict[str, str] | None = None, more: str = "") -> Study:
        """A folder with experiments that are configured."""
        study = cls(folder)
        study.configure(experiments or {"stroop": "1.0"}, more)
        return study

    def configure(self, experiments: dict[str, str], more: str = "") -> list[int]:
        """Configure experiments, slug to code version; the campaigns that this supersedes."""
        path = self.folder / "turkctl.toml"
        path.write_text("".join(EXPERIMENT.format(slug=s, version=v, more=more) for s, v in experiments.items()))
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

    def pass_time(self, **duration: float) -> None:
        """Turn the market's clock."""
        self.world.market.advance(timedelta(**duration))

    def accept(self, hit_id: str, worker: str) -> str:
        """Have a worker take a HIT; the id of the assignment."""
        self.world.market.register_worker("production", worker)
        return str(self.world.market.accept("production", worker, hit_id)["AssignmentId"])

    def submit(self, hit_id: str, *workers: str) -> list[str]:
        """Have workers do the HIT; the ids of their assignments."""
        done = []
        for worker in workers:
            done.append(self.accept(hit_id, worker))
            self.world.market.submit("production", worker, done[-1], {"answer": "red"})
        return done

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

    def requests(self) -> dict[str, int]:
        """How often each operation was asked for since the last look."""
        found = dict(self.world.endpoint.requests)
        self.world.endpoint.requests.clear()
        return found

    def close(self) -> None:
        """Close what was opened."""
        self.world.close()


@dataclass(frozen=True)
class InPlay:
    """What the market itself knows of the study."""

    completed: int
    """Distinct people with work that is not rejected."""
    outstanding: int
    largest_hit: int
    hits: tuple[str, ...]


def market_rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Rows of the market's own database, past the market."""
    with closing(sqlite3.connect(f"file:{folder / 'turkctl-market.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def in_play(folder: Path, now_ms: int = 0) -> InPlay:
    """Look at the market's tables."""
    people = "SELECT count(DISTINCT worker_id) FROM market_assignment WHERE status IN ('Submitted', 'Approved')"
    slots = f"SELECT sum(pending + CASE WHEN expires_at <= {now_ms} THEN 0 ELSE available END) FROM market_hit"
    ((completed,),) = market_rows(folder, people)
    ((outstanding,),) = market_rows(folder, slots + " WHERE listed = 1")
    hits = market_rows(folder, "SELECT id, max_assignments FROM market_hit")
    return InPlay(
        int(completed),
        int(outstanding or 0),
        max((size for _, size in hits), default=0),
        tuple(hit_id for hit_id, _ in hits),
    )


def watch(study: Study, goal: int) -> None:
    """From now on, see after every request that the goal holds and that no HIT pays the higher commission."""

    def look(operation: str) -> None:
        check(study, goal, operation)

    study.world.endpoint.after = look


class GoalPassedError(BaseException):
    """More people in play than the goal; nothing in the program catches it."""


def check(study: Study, goal: int, when: str) -> None:
    """See that the market holds no more than the goal."""
    seen = in_play(study.folder, int(study.world.now().timestamp() * 1000))
    if seen.completed + seen.outstanding > goal or seen.largest_hit > 9:
        raise GoalPassedError(f"after {when}: {seen.completed} + {seen.outstanding} of {goal}, {seen.largest_hit}")


def known_hits(study: Study) -> set[str]:
    """The HITs that turkctl's database has rows of."""
    from sqlalchemy import text

    with study.world.database.read() as session:
        return set(session.connection().execute(text("SELECT hit_id FROM turkctl_hit")).scalars())


def people(prefix: str = "AW") -> Iterator[str]:
    """Worker ids, each once."""
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number:06d}"


@contextmanager
def new_study(folder: Path, experiments: dict[str, str] | None = None, more: str = "") -> Iterator[Study]:
    """A study that is closed at the end."""
    study = Study.new(folder, experiments, more)
    try:
        yield study
    finally:
        study.close()
