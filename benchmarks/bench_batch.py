"""Measure how fast the batch engine approves: in parallel, one after another, and on a market that throttles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from turkctl.context import Context
from turkctl.market.protocol.switches import Switches
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.project.files import find
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.settings import load

APPROVALS = 1_000
ALONE = 40
"""Number of approvals done one after another; the time for all is extrapolated from these."""
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
    for where, served in (("in process", False), ("over HTTP", True)):
        alone = approve(ALONE, workers=1, switches=Switches(latency=LATENCY), served=served) * APPROVALS / ALONE
        together = approve(APPROVALS, workers=40, switches=Switches(latency=LATENCY), served=served)
        rows.append(
            (
                f"{APPROVALS:,} approvals at {LATENCY * 1000:.0f} ms, side by side, {where}",
                f"1/{alone / together:.1f}",
                f"1/{TARGET_RATIO}",
                together <= alone / TARGET_RATIO,
            )
        )
    seconds = approve(THROTTLED, workers=32, switches=Switches(throttle=RATE))
    # At the beginning the bucket is full, so its burst is added to the rate.
    share = THROTTLED / (RATE * seconds + RATE)
    rows.append(
        (
            f"{THROTTLED} approvals at {RATE:.0f} requests/s",
            f"{100 * share:.1f} %",
            f"{100 * TARGET_SHARE:.0f} %",
            share >= TARGET_SHARE,
        )
    )
    print(f"{'batch':<52} {'measured':>10} {'target':>10}")
    for what, measured, target, reached in rows:
        print(f"{what:<52} {measured:>10} {target:>10}  {'' if reached else 'NOT REACHED'}")


def approve(count: int, *, workers: int, switches: Switches, served: bool = False) -> float:
    """Return how many seconds it takes to approve ``count`` submissions; none may fail.

    Args:
        count: number of submissions.
        workers: number of threads.
        switches: how the market fails.
        served: whether the market is a separate process, reached over HTTP.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "turkctl.toml").write_text(PROJECT)
        with market_server(folder, switches) if served else in_process(folder) as world:
            submit_work(world, folder, count)
            if not served:
                world.endpoint.switches = switches
            plan, act = prepare_approve(world, WorkSelection(Selection(everything=True)))
            assert len(plan.steps) == count
            started = time.perf_counter()
            result = world.engine(workers=workers).apply(plan, act)
            seconds = time.perf_counter() - started
            assert result.succeeded == count, result.summary()
            world.close()
        return seconds


@contextmanager
def in_process(folder: Path) -> Iterator[Context]:
    """Yield a context with the market in this process."""
    yield Context(load({}, {}, folder))


@contextmanager
def market_server(folder: Path, switches: Switches) -> Iterator[Context]:
    """Serve the same market in a separate process, and yield a context of mode live that uses it."""
    os.environ.update(AWS_ACCESS_KEY_ID="BENCH", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")
    environ = {**os.environ, "TURKCTL_MARKET_LATENCY": str(switches.latency)}
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", "--threads", "64"]
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[^ ]+", server.stdout.readline())
            assert found is not None
            yield Context(load({"mode": "live", "endpoint_url": found[0]}, {}, folder))
        finally:
            server.terminate()


def submit_work(world: Context, folder: Path, submissions: int) -> None:
    """Post HITs, submit this number of assignments on the market itself, and read them; approve none."""
    with world.database.read() as session:
        changes = plan_configure(session, find(folder / "turkctl.toml", folder), whole=True)
    apply_configure(world.database, changes, world.now())
    plan, act = prepare_create(world, CreateRequest("stroop", 9, -(-submissions // 9)))
    hits = [item.id for item in world.engine().apply(plan, act).results]
    market = Context(load({}, {}, folder)).market
    for number in range(submissions):
        worker = market.register_worker("production")
        taken = market.accept("production", worker, hits[number // 9])
        market.submit("production", worker, taken["AssignmentId"], {"answer": "red"})
    market.close()
    sync(world)


if __name__ == "__main__":
    main()
