"""How fast bonuses are paid: side by side against one after another, and what the ledger's writes cost of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench_batch import PROJECT, in_process, submit_work
from turkctl.market.switches import Switches
from turkctl.operations.approve import prepare_approve
from turkctl.operations.bonus import Bonus, prepare_bonus
from turkctl.operations.bonus_orders import BonusRequest
from turkctl.operations.plan import Step
from turkctl.operations.selection import Selection
from turkctl.operations.work import WorkSelection
from turkctl.store.intents import Intent
from turkctl.units import parse_money

BONUSES = 1_000
ALONE = 40
LATENCY = 0.05
TARGET_RATIO = 20
TARGET_SHARE = 0.15


class Bare(Bonus):
    """Pays the same bonuses and writes nothing down: what is left is the market's share."""

    def prepare(self, steps: Sequence[Step[Intent]]) -> None:
        """Only in memory."""
        self._stored |= {step.payload.token: step.payload for step in steps}

    def record(self, outcomes: Sequence[Any]) -> None:
        """Nothing."""


def main() -> None:
    """Print the table."""
    alone = pay(ALONE, Bonus, workers=1) * BONUSES / ALONE
    together, bare = pay(BONUSES, Bonus, workers=40), pay(BONUSES, Bare, workers=40)
    print(f"{BONUSES:,} bonuses at {LATENCY * 1000:.0f} ms: 1/{alone / together:.1f} of one after another", end=" ")
    print(f"(target 1/{TARGET_RATIO}){'' if together <= alone / TARGET_RATIO else '  NOT REACHED'}")
    share = max(0.0, 1 - bare / together)
    print(f"intents and ledger: {100 * share:.1f} % of the time", end=" ")
    print(f"(target {100 * TARGET_SHARE:.0f} %){'' if share < TARGET_SHARE else '  NOT REACHED'}")


def pay(count: int, kind: type[Bonus], *, workers: int) -> float:
    """Seconds that so many bonuses take; none may fail."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "turkctl.toml").write_text(PROJECT)
        with in_process(folder) as world:
            submit_work(world, folder, count)
            everything = WorkSelection(Selection(everything=True))
            world.engine().apply(*prepare_approve(world, everything))
            plan, _act = prepare_bonus(world, everything, BonusRequest("well done", parse_money("0.10")))
            assert len(plan.steps) == count
            world.endpoint.switches = Switches(latency=LATENCY)
            act = kind(world)
            started = time.perf_counter()
            result = world.engine(workers=workers).apply(plan, act)
            seconds = time.perf_counter() - started
            assert result.succeeded == count, result.summary()
            world.close()
        return seconds


if __name__ == "__main__":
    main()
