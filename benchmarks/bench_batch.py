"""How fast the batch engine approves: side by side against one after another, and against a market that throttles."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from turkctl.context import Context
from turkctl.market.switches import Switches
from turkctl.operations.approve import prepare_approve
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.create import CreateRequest, prepare_create
from turkctl.operations.experiment_files import find
from turkctl.operations.selection import Selection
from turkctl.operations.sync import sync
from turkctl.operations.work import WorkSelection
from turkctl.settings import load

APPROVALS = 1_000
ALONE = 40
"""Approvals done one after another, from which the time for all is reckoned."""
THROTTLED = 300
LATENCY = 0.05
RATE = 20.0
TARGET_RATIO = 20
TARGET_SHARE = 0.95
PROJECT = """
[experiments.stroop]
code_version = "1"
title = "Name the colour of a word"
description = "A ten-minute reading task."
reward = "0.10"
external_url = "https://lab.example.org/pub"
"""


def main() -> None:
    """Print the table."""
    rows = []
    alone = approve(ALONE, workers=1, switches=Switches(latency=LATENCY)) * APPROVALS / ALONE
    together = approve(APPROVALS, workers=32, switches=Switches(latency=LATENCY))
    rows.append(
        (
            f"{APPROVALS:,} approvals at {LATENCY * 1000:.0f} ms, side by side",
            f"1/{alone / together:.1f}",
            f"1/{TARGET_RATIO}",
            together <= alone / TARGET_RATIO,
        )
    )
    seconds = approve(THROTTLED, workers=32, switches=Switches(throttle=RATE))
    # The bucket is full at the beginning: its burst comes on top of the rate.
    share = THROTTLED / (RATE * seconds + RATE)
    rows.append(
        (
            f"{THROTTLED} approvals at {RATE:.0f} requests/s",
            f"{100 * share:.1f} %",
            f"{100 * TARGET_SHARE:.0f} %",
            share >= TARGET_SHARE,
        )
    )
    print(f"{'batch':<44} {'measured':>10} {'target':>10}")
    for what, measured, target, reached in rows:
        print(f"{what:<44} {measured:>10} {target:>10}  {'' if reached else 'NOT REACHED'}")


def approve(count: int, *, workers: int, switches: Switches) -> float:
    """Seconds that approving ``count`` submissions takes; none may fail."""
    with tempfile.TemporaryDirectory() as name:
        world = study(Path(name), count)
        world.endpoint.switches = switches
        plan, act = prepare_approve(world, WorkSelection(Selection(everything=True)))
        assert len(plan.steps) == count
        started = time.perf_counter()
        result = world.engine(workers=workers).apply(plan, act)
        seconds = time.perf_counter() - started
        assert result.succeeded == count, result.summary()
        world.close()
        return seconds


def study(folder: Path, submissions: int) -> Context:
    """A study on the built-in market with so many submissions, all read and none approved."""
    (folder / "turkctl.toml").write_text(PROJECT)
    world = Context(load({}, {}, folder))
    with world.database.read() as session:
        changes = plan_configure(session, find(folder / "turkctl.toml", folder), whole=True)
    apply_configure(world.database, changes, world.now())
    plan, act = prepare_create(world, CreateRequest("stroop", 9, -(-submissions // 9)))
    hits = [item.id for item in world.engine().apply(plan, act).results]
    for number in range(submissions):
        worker = world.market.register_worker("production")
        taken = world.market.accept("production", worker, hits[number // 9])
        world.market.submit("production", worker, taken["AssignmentId"], {"answer": "red"})
    sync(world)
    return world


if __name__ == "__main__":
    main()
