"""Pay bonuses by a process that ends at request N, in every way; see :mod:`fork_harness`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from fork_harness import Scenario
from study_support import Study, everything, worker

from turkctl.context import Context
from turkctl.operations.engine.plan import BatchResult
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.sync.run import sync
from turkctl.operations.workers.approve import prepare_approve
from turkctl.settings import load

ALL = WorkSelection(everything())


def cents(number: int) -> int:
    """What the assignment of this number is to get."""
    return 5 + number


def prepare(folder: Path, bonuses: int) -> None:
    """Approved work with a bonus in each row."""
    study = Study.new(folder)
    posted = study.post(9, hits=-(-bonuses // 9))
    for number in range(bonuses):
        study.submit(posted[number // 9], worker(number))
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    for number in range(bonuses):
        study.write("UPDATE assignments SET bonus = :b WHERE workerid = :w", b=cents(number) / 100, w=worker(number))
    study.world.close()


def pay(world: Context, folder: Path, threads: int) -> BatchResult:
    """``workers bonus --all --auto``."""
    plan, act = prepare_bonus(world, ALL, BonusRequest("well done"))
    if not (folder / "planned").exists():
        (folder / "planned").write_text(str(plan.cost))
    return world.engine(workers=threads, sleep=lambda _seconds: None).apply(plan, act)


def check(folder: Path, bonuses: int) -> None:
    """See that everybody was paid once and the right amount, that the ledger says the same, and nothing is open."""
    columns = "assignment_id, worker_id, amount, fee, reason"
    with closing(sqlite3.connect(folder / "turkctl.db")) as database:
        ledger = sorted(database.execute(f"SELECT {columns} FROM turkctl_payment"))
        left = database.execute("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')").fetchone()
        bonused = database.execute("SELECT count(*) FROM assignments WHERE status = 7").fetchone()
    world = Context(load({}, {}, folder))
    with closing(sqlite3.connect(market_file(folder))) as market:
        paid = sorted(market.execute(f"SELECT {columns} FROM market_bonus"))
    world.close()
    assert ledger == paid, f"ledger {ledger}, market {paid}"
    wanted = sorted((worker(number), cents(number) * 10_000) for number in range(bonuses))
    assert sorted(row[1:3] for row in paid) == wanted, paid
    assert sum(row[2] + row[3] for row in ledger) == planned(folder), ledger
    assert (left, bonused) == ((0,), (bonuses,))


def planned(folder: Path) -> int:
    """Micro-dollars that the plan of an undisturbed run came to, commission included."""
    return int(Decimal((folder / "planned").read_text()) * 1_000_000)


def market_file(folder: Path) -> Path:
    """The file of the built-in market."""
    (found,) = [path for path in folder.rglob("*.db") if path.name != "turkctl.db"]
    return found


if __name__ == "__main__":
    # Every other request is one of several that are under way at once.
    Scenario(prepare, pay, check, threads=lambda number: 1 + 3 * (number % 2)).main()
