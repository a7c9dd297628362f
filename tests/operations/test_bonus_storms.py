"""Two terminals and the scheduler's task pay at once, on a market that fails; some were paid by psiTurk before."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from lab_support import Lab, everything, worker

from databases import new_database
from turkctl.context import Context
from turkctl.errors import TurkctlError
from turkctl.market.switches import Switches
from turkctl.operations.approve import prepare_approve
from turkctl.operations.bonus import prepare_bonus
from turkctl.operations.bonus_orders import BonusRequest
from turkctl.operations.plan import Act, Plan, Step
from turkctl.operations.selection import Selection
from turkctl.operations.sync import sync
from turkctl.operations.work import WorkSelection
from turkctl.scheduler.kinds import bonus_auto
from turkctl.settings import load
from turkctl.store.intents import Intent

WORK = 18
FAST = 2
CASES = [
    pytest.param(kind, seed, marks=[] if kind == "sqlite" and seed < FAST else [pytest.mark.slow])
    for kind in ("sqlite", "postgres")
    for seed in range(20)
]
ALL = WorkSelection(Selection(everything=True))


class _Killed(BaseException):
    """Stands for the end of a process: nothing of it is recorded."""


class _Dying:
    """An act whose process ends when it is about to record for the first time."""

    def __init__(self, act: Act[Intent]) -> None:
        self._act = act
        self.prepare, self.perform = act.prepare, act.perform

    def record(self, _outcomes: object) -> None:
        raise _Killed


def _pay(folder: Path, url: str, seed: int, *, dies: bool, task: bool) -> None:
    world = Context(load({"database_url": url}, {}, folder))
    world.endpoint.switches = Switches(fault_before=0.08, fault_after=0.08, answer_lost=0.08, seed=seed)
    try:
        if task:
            bonus_auto(world, {"all": True}, world.now())
            return
        plan: Plan[Intent]
        plan, act = prepare_bonus(world, ALL, BonusRequest("well done"))
        steps = list(plan.steps)
        random.Random(seed).shuffle(steps)
        shuffled: tuple[Step[Intent], ...] = tuple(steps)
        plan = Plan(plan.action, plan.mode, shuffled)
        engine = world.engine(workers=4, sleep=lambda _seconds: None)
        engine.apply(plan, _Dying(act) if dies else act)
    except (TurkctlError, _Killed):
        pass
    finally:
        world.close()


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_nobody_is_paid_twice_or_left_out_by_terminals_and_task_at_once(tmp_path: Path, kind: str, seed: int) -> None:
    rng = random.Random(seed)
    with new_database(kind, tmp_path) as url:
        study = Lab(tmp_path, f'database_url = "{url}"\n', {"stroop": "1.0"})
        posted = study.post(9, hits=WORK // 9)
        made = [study.submit(posted[each // 9], worker(each))[0] for each in range(WORK)]
        sync(study.world)
        study.apply(prepare_approve(study.world, WorkSelection(everything())))
        study.write("UPDATE assignments SET bonus = 0.25")
        before, told = set(rng.sample(made, 6)), set()
        for number, each in enumerate(sorted(before)):
            if number < 4:
                study.world.mturk.send_bonus(worker(made.index(each)), each, Decimal("0.25"), "earlier", each)
                told.add(each)
            if number % 2:
                study.write("UPDATE assignments SET status = 7 WHERE assignmentid = :id", id=each)
        unpaid = {each for each in before if each not in told and sorted(before).index(each) % 2 == 0}
        for turn in range(2):
            parts = [
                threading.Thread(
                    target=_pay,
                    args=(tmp_path, url, 100 * seed + 10 * turn + number),
                    kwargs={"dies": turn == 0 and rng.random() < 0.6, "task": number == 2},
                )
                for number in range(3)
            ]
            for part in parts:
                part.start()
            for part in parts:
                part.join()
        last = study.apply(prepare_bonus(study.world, ALL, BonusRequest("well done")))
        assert last.exit_code == 0
        ledger = sorted(study.sql("SELECT assignment_id, amount, reason FROM turkctl_payment"))
        left = study.sql("SELECT count(*) FROM turkctl_intent WHERE state IN ('open', 'sent')")
        study.world.close()
    (file,) = [path for path in tmp_path.rglob("*.db") if path.name != "turkctl.db"]
    with closing(sqlite3.connect(file)) as market:
        paid = sorted(market.execute("SELECT assignment_id, amount, reason FROM market_bonus"))
    by_us = {row[0] for row in paid if row[2] != "earlier"}
    assert len(paid) == len({row[0] for row in paid})
    assert by_us == set(made) - before | unpaid
    assert {row[0] for row in paid if row[2] == "earlier"} == told
    untold = {row[0] for row in paid} - {row[0] for row in ledger}
    assert untold <= told
    assert [row for row in paid if row[0] not in untold] == ledger
    assert left == [(0,)]
