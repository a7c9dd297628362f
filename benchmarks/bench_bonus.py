"""Measure how fast bonuses are paid, in parallel and one after another, and the share of intents and ledger in it.

The built-in market is measured twice: in this process, where client and market share one interpreter, and over HTTP in
a separate process, where only the client's part is measured. Intents and ledger are written while requests are under
way, so their share is one of processor time; the wall time that passes meanwhile is printed below it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench_batch import PROJECT, in_process, market_server, submit_work
from turkctl.market.protocol.switches import Switches
from turkctl.operations.payments.bonus import Bonus, prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.approve import prepare_approve
from turkctl.units import parse_money

BONUSES = 1_000
ALONE = 40
WORKERS = 40
LATENCY = 0.05
TARGET_RATIO = 20
TARGET_SHARE = 0.15


@dataclass
class Times:
    """Seconds of one batch: wall time and processor time, in total and while intents and ledger were written."""

    wall: float = 0.0
    cpu: float = 0.0
    writing: float = 0.0
    writing_wall: float = 0.0


@dataclass
class Clocked:
    """Measure the time that an act needs for writing; ``perform`` is the act's own."""

    act: Bonus
    times: Times = field(default_factory=Times)

    def __post_init__(self) -> None:
        self.perform = self.act.perform

    def prepare(self, steps: Sequence[Any]) -> None:
        """Commit the intents."""
        self._clocked(self.act.prepare, steps)

    def record(self, outcomes: Sequence[Any]) -> None:
        """Enter the payments."""
        self._clocked(self.act.record, outcomes)

    def _clocked(self, write: Callable[[Sequence[Any]], None], what: Sequence[Any]) -> None:
        cpu, wall = time.thread_time(), time.perf_counter()
        write(what)
        self.times.writing += time.thread_time() - cpu
        self.times.writing_wall += time.perf_counter() - wall


def main() -> None:
    """Print the table."""
    print(f"{f'{BONUSES:,} bonuses at {LATENCY * 1000:.0f} ms, {WORKERS} threads':<52} {'measured':>10} {'target':>10}")
    for where, served in (("market in process", False), ("market over HTTP", True)):
        alone = pay(ALONE, workers=1, served=served).wall * BONUSES / ALONE
        times = pay(BONUSES, workers=WORKERS, served=served)
        ratio, share = alone / times.wall, times.writing / times.wall
        row(f"{where}: against one after another", f"1/{ratio:.1f}", f"1/{TARGET_RATIO}", ratio >= TARGET_RATIO)
        row(
            f"{where}: intents and ledger, of the time",
            f"{100 * share:.1f} %",
            f"{100 * TARGET_SHARE:.0f} %",
            share < TARGET_SHARE,
        )
        passed = times.writing_wall / times.wall
        print(
            f"    {times.wall:.2f} s; {1000 * times.cpu / BONUSES:.2f} ms of processor a bonus, "
            f"{1000 * times.writing / BONUSES:.2f} of them writing, while {100 * passed:.0f} % of the time went by"
        )


def row(what: str, measured: str, target: str, reached: bool) -> None:  # one column of a table
    """Print one line."""
    print(f"{what:<52} {measured:>10} {target:>10}  {'' if reached else 'NOT REACHED'}")


def pay(count: int, *, workers: int, served: bool) -> Times:
    """Return the times for paying ``count`` bonuses; none may fail."""
    with tempfile.TemporaryDirectory() as name:
        folder, switches = Path(name), Switches(latency=LATENCY)
        (folder / "turkctl.toml").write_text(PROJECT)
        with market_server(folder, switches) if served else in_process(folder) as world:
            submit_work(world, folder, count)
            everything = WorkSelection(Selection(everything=True))
            world.engine().apply(*prepare_approve(world, everything))
            plan, act = prepare_bonus(world, everything, BonusRequest("well done", parse_money("0.10")))
            assert len(plan.steps) == count
            if not served:
                world.endpoint.switches = switches
            clocked = Clocked(act)
            wall, cpu = time.perf_counter(), time.process_time()
            result = world.engine(workers=workers).apply(plan, clocked)
            clocked.times.wall, clocked.times.cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert result.succeeded == count, result.summary()
            world.close()
        return clocked.times


if __name__ == "__main__":
    main()
