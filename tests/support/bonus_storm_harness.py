"""Two terminals and a scheduler pay the same bonuses at once, are killed and started again, on psiTurk's database.

A program of its own (``python bonus_storm_harness.py FOLDER DATABASE_URL SEED``), so that it can fork before any
engine or thread exists. Prints one JSON object: how many processes ended before their time, and what was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401  # what every child needs is there before they are made
from bonus_crash_harness import ALL, market_file
from fork_harness import CLIENT, ENDED_HERE, OVER, WRONG
from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite  # noqa: F401  # as above
from sqlalchemy.orm import configure_mappers
from study_support import Study, worker

from turkctl.context import Context
from turkctl.errors import TurkctlError
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.switches import Switches
from turkctl.mturk import connect
from turkctl.mturk.client import MTurk
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import Plan
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.sync.run import sync
from turkctl.operations.tasks.manage import create_task
from turkctl.operations.workers.approve import prepare_approve
from turkctl.scheduler.kinds import KINDS
from turkctl.scheduler.runner import Runner
from turkctl.schedules import Schedule
from turkctl.settings import load
from turkctl.store import schema
from turkctl.store.engine import connect as connect_database
from turkctl.store.participants import BONUSED, CREDITED, SUBMITTED, participants_table

WORK = 18
"""Approved assignments, of which six have a history with psiTurk."""
TURNS = 2
FAILED = 1
EVERY = timedelta(minutes=10)
EARLIER = "earlier"
"""psiTurk's reason."""


class Ending:
    """Ends the process at the request of that number, before its effect or after it, whichever thread makes it."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number, self.seen = number, 0
        self.before = self._nothing if after else self._count
        self.after = self._count if after else self._nothing

    def _count(self, _operation: str) -> None:
        self.seen += 1
        if self.seen == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    def _nothing(self, _operation: str) -> None:
        """The other side of the effect."""


class World(Context):
    """A context whose engine does not really wait."""

    def engine(self, **options: Any) -> Engine:
        return super().engine(**{"workers": 4, "sleep": lambda _seconds: None, **options})


def history(made: list[str], seed: int) -> tuple[dict[str, int], set[str]]:
    """psiTurk's status by assignment, and those that it really paid: credited or bonused, paid or not, all four."""
    status = dict.fromkeys(made, CREDITED)
    known = sorted(random.Random(seed).sample(made, 6))
    for each in known[1::2]:
        status[each] = BONUSED
    return status, set(known[:4])


def prepare(folder: Path, url: str, seed: int) -> None:
    """A psiTurk database with approved work, some of it paid by psiTurk, and turkctl's tables and task beside it."""
    table = participants_table("assignments")
    database = connect_database(url)
    with database.write() as session:
        table.create(session.connection())
    schema.upgrade(database)
    database.close()
    study = Study.new(folder, settings=f'database_url = "{url}"\nparticipants_source = "psiturk"\n')
    posted = study.post(9, hits=WORK // 9)
    made = [study.submit(posted[each // 9], worker(each))[0] for each in range(WORK)]
    with study.world.database.write() as session:
        people = [_participant(posted[number // 9], each, worker(number)) for number, each in enumerate(made)]
        session.connection().execute(insert(table), people)
    sync(study.world)
    study.apply(prepare_approve(study.world, ALL))
    statuses, paid = history(made, seed)
    for each in sorted(paid):
        study.world.mturk.send_bonus(worker(made.index(each)), each, Decimal("0.25"), EARLIER, each)
    for each, status in statuses.items():
        study.write("UPDATE assignments SET bonus = 0.25, status = :s WHERE assignmentid = :id", s=status, id=each)
    create_task(study.world, KINDS["bonus-auto"], schedule=Schedule(EVERY), name="pay", options={"all": True})
    (folder / "made").write_text(json.dumps(made))
    study.world.close()


def _participant(hit_id: str, assignment_id: str, worker_id: str) -> dict[str, Any]:
    return {
        "uniqueid": f"{worker_id}:{assignment_id}",
        "assignmentid": assignment_id,
        "workerid": worker_id,
        "hitid": hit_id,
        "codeversion": "1.0",
        "bonus": 0.0,
        "status": SUBMITTED,
        "mode": "local",
    }


def terminal(world: World, seed: int) -> int:
    """``workers bonus --auto --all``, in an order of its own; the exit code."""
    plan, act = prepare_bonus(world, ALL, BonusRequest("well done"))
    steps = random.Random(seed).sample(plan.steps, len(plan.steps))
    return int(world.engine().apply(Plan(plan.action, plan.mode, tuple(steps), plan.skipped), act).exit_code)


def scheduler(world: World, _seed: int) -> int:
    """``scheduler run --once``, when the task is due again; the exit code."""
    world.market.advance(EVERY)
    return FAILED if Runner(world).once().failing else OVER


def start(folder: Path, url: str, seed: int, command: Callable[[World, int], int], rng: random.Random | None) -> int:
    """Run a command in a process of its own, on a market that fails; with ``rng`` it may be killed. Its id."""
    pid = os.fork()
    if pid:
        return pid
    code = WRONG
    try:
        world = World(load({"database_url": url}, {}, folder))
        attach(CLIENT.meta.events, world.endpoint)
        world.mturk = MTurk(CLIENT, connect.LOCAL_ENDPOINT, in_process=True)
        world.endpoint.switches = Switches(fault_before=0.08, fault_after=0.08, answer_lost=0.08, seed=seed)
        if rng is not None:
            ending = Ending(rng.randint(3, 14), after=rng.random() < 0.7)
            world.endpoint.before, world.endpoint.after = ending.before, ending.after
        code = command(world, seed)
        world.close()
    except TurkctlError:
        code = FAILED
    except BaseException:  # noqa: BLE001  # the child tells its parent whatever it was
        (folder / "wrong").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """The exit code of a process, once it has one."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check(folder: Path, url: str, seed: int) -> None:
    """See that psiTurk's were not paid again, all others once, and that ledger, rows and market say the same."""
    made = json.loads((folder / "made").read_text())
    statuses, by_psiturk = history(made, seed)
    database = connect_database(url)
    with database.read() as session:
        ask = session.connection().exec_driver_sql
        ledger = sorted(tuple(row) for row in ask("SELECT assignment_id, amount, source FROM turkctl_payment"))
        left = ask("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')").scalar()
        rows = dict(tuple(row) for row in ask("SELECT assignmentid, status FROM assignments"))
    database.close()
    with closing(sqlite3.connect(market_file(folder))) as market:
        paid = sorted(market.execute("SELECT assignment_id, amount, reason FROM market_bonus"))
    due = {each for each in made if statuses[each] == CREDITED} - by_psiturk
    assert sorted(row[0] for row in paid) == sorted(due | by_psiturk), f"paid {paid}, due {due}"
    assert {row[0] for row in paid if row[2] == EARLIER} == by_psiturk
    ours = [row[:2] for row in ledger if row[2] == "ours"]
    assert ours == [row[:2] for row in paid if row[2] != EARLIER], f"ledger {ledger}, paid {paid}"
    theirs = {row[:2] for row in ledger if row[2] == "market"}
    assert theirs <= {row[:2] for row in paid if row[2] == EARLIER}, ledger
    assert {row[0] for row in theirs} >= {each for each in by_psiturk if statuses[each] == CREDITED}, ledger
    assert {each for each, status in rows.items() if status == BONUSED} == {*made}, rows
    assert left == 0


def main(folder: Path, url: str, seed: int) -> None:
    """One seed: prepare, storm, start again until the command exits 0."""
    pid = os.fork()
    if not pid:
        prepare(folder, url, seed)
        os._exit(OVER)
    assert ended(pid) == OVER
    rng, killed = random.Random(seed), 0
    for turn in range(TURNS):
        at_once = [
            start(folder, url, 100 * seed + 10 * turn + number, command, random.Random(rng.random()))
            for number, command in enumerate((terminal, terminal, scheduler))
        ]
        killed += sum(ended(pid) == ENDED_HERE for pid in at_once)
    codes = []
    while OVER not in codes and len(codes) < 5:
        codes.append(ended(start(folder, url, 100 * seed + 50 + len(codes), terminal, None)))
    again = ended(start(folder, url, 100 * seed + 90, scheduler, None))
    wrong = None if codes[-1] == again == OVER else f"exit codes {codes}, of the scheduler {again}"
    if (folder / "wrong").exists():
        wrong = (folder / "wrong").read_text()
    else:
        check(folder, url, seed)
    print(json.dumps({"killed": killed, "wrong": wrong}))  # noqa: T201  # its result


if __name__ == "__main__":
    schema.all_tables()
    configure_mappers()
    gc.freeze()
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
