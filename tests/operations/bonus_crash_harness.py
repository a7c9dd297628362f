"""Pay bonuses by a process that ends at request N, in every way, then by the same command until it is done.

A program of its own (``python bonus_crash_harness.py FOLDER BONUSES PART PARTS``), so that it can fork before any
engine or thread exists. Prints one JSON object: requests of an undisturbed run, cases, and what was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sqlite3
import sys
import threading
import traceback
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from lab_support import Lab, everything, worker
from sqlalchemy.dialects import sqlite  # noqa: F401  # what every child needs is there before they are made
from sqlalchemy.orm import configure_mappers

from turkctl.context import Context
from turkctl.market.doors.inprocess import attach
from turkctl.market.endpoint import AnswerLostError
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.operations.approve import prepare_approve
from turkctl.operations.bonus import prepare_bonus
from turkctl.operations.bonus_orders import BonusRequest
from turkctl.operations.sync import sync
from turkctl.operations.work import WorkSelection
from turkctl.settings import load
from turkctl.store import schema

OVER, ENDED_HERE, WRONG = 0, 9, 77
WAYS = ("before", "after", "lost")
ALL = WorkSelection(everything())
CLIENT = connect._client(connect.LOCAL_ENDPOINT, None, connect.REGION, True, (1.0, 1.0))
"""A boto3 client that no market answers yet: half of what a child would take to begin."""


class Ending:
    """Ends the process at request N, before its effect or after it, or loses its answer."""

    def __init__(self, way: str, number: int) -> None:
        self.way, self.number, self.seen = way, number, 0
        self._lock = threading.Lock()
        self._mine = threading.local()
        """The number of the request that this thread has under way."""

    def before(self, _operation: str) -> None:
        with self._lock:
            self.seen += 1
            self._mine.number = self.seen
        if (self.way, self.number) == ("before", self._mine.number):
            os._exit(ENDED_HERE)

    def after(self, operation: str) -> None:
        if (self.way, self.number) == ("lost", self._mine.number):
            raise AnswerLostError(operation)
        if (self.way, self.number) == ("after", self._mine.number):
            os._exit(ENDED_HERE)


def cents(number: int) -> int:
    """What the assignment of this number is to get."""
    return 5 + number


def prepare(folder: Path, bonuses: int) -> None:
    """Approved work with a bonus in each row, made by a process of its own."""
    folder.mkdir()
    pid = os.fork()
    if not pid:
        study = Lab(folder, "", {"stroop": "1.0"})
        posted = study.post(9, hits=-(-bonuses // 9))
        for number in range(bonuses):
            study.submit(posted[number // 9], worker(number))
        sync(study.world)
        study.apply(prepare_approve(study.world, ALL))
        for number in range(bonuses):
            study.write(
                "UPDATE assignments SET bonus = :b WHERE workerid = :w", b=cents(number) / 100, w=worker(number)
            )
        study.world.close()
        os._exit(OVER)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == OVER


def child(folder: Path, ending: Ending | None, bonuses: int, threads: int = 1) -> int:
    """Run the command once, in a process of its own; its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = WRONG
    try:
        world = Context(load({}, {}, folder))
        attach(CLIENT.meta.events, world.endpoint)
        world.mturk = MTurk(CLIENT, connect.LOCAL_ENDPOINT, in_process=True)
        if ending is not None:
            world.endpoint.before, world.endpoint.after = ending.before, ending.after
        plan, act = prepare_bonus(world, ALL, BonusRequest("well done"))
        if not (folder / "planned").exists():
            (folder / "planned").write_text(str(plan.cost))
        result = world.engine(workers=threads, sleep=lambda _seconds: None).apply(plan, act)
        (folder / "requests").write_text(str(world.endpoint.requests.total()))
        world.close()
        if result.exit_code == 0:
            check(folder, bonuses)
        code = int(result.exit_code)
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        (folder / "wrong").write_text(traceback.format_exc())
    finally:
        os._exit(code)


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


def case(template: Path, folder: Path, way: str, number: int, bonuses: int) -> str | None:
    """One ending, and the same command after it until it exits 0; what went wrong, or None."""
    shutil.copytree(template, folder)
    # Every other request is one of several that are under way at once.
    first = code = child(folder, Ending(way, number), bonuses, threads=1 + 3 * (number % 2))
    for _ in range(3):
        if code == OVER:
            break
        code = child(folder, None, bonuses)
    if code == OVER:
        code = child(folder, None, bonuses)
    wrong = None
    if first != (OVER if way == "lost" else ENDED_HERE):
        wrong = f"it ended with {first}"
    if code != OVER:
        wrong = (folder / "wrong").read_text() if (folder / "wrong").exists() else f"exit code {code}"
    shutil.rmtree(folder)
    return None if wrong is None else f"request {number}, {way}: {wrong}"


def main(folder: Path, bonuses: int, part: int, parts: int) -> None:
    """Every ending whose turn it is in this part."""
    template, undisturbed = folder / f"template{part}", folder / f"undisturbed{part}"
    prepare(template, bonuses)
    shutil.copytree(template, undisturbed)
    assert child(undisturbed, None, bonuses) == OVER, (undisturbed / "wrong").read_text()
    requests = int((undisturbed / "requests").read_text())
    shutil.copy(undisturbed / "planned", template)
    cases = [(way, number) for number in range(1, requests + 1) for way in WAYS][part::parts]
    found = [case(template, folder / f"case{part}", way, number, bonuses) for way, number in cases]
    wrong = [each for each in found if each is not None]
    print(json.dumps({"requests": requests, "cases": len(cases), "wrong": wrong}))  # noqa: T201  # its result


if __name__ == "__main__":
    schema.all_tables()
    configure_mappers()
    gc.freeze()
    main(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:5]))
