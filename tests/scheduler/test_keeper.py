from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from scheduler_support import MINUTE, Acts, Clock, add_task, claimant, past_runs, run

from turkctl.errors import DatabaseUnreachableError
from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.operations.intents import lease, processes
from turkctl.scheduler.due import SchedulerReport
from turkctl.scheduler.lease import LeaseLostError, SchedulerKeeper, SchedulerRunningError, is_gone
from turkctl.store import leases
from turkctl.store.engine import Database

SECOND = timedelta(seconds=1)


def keeper(database: Database, clock: Clock, owner: str, *, dead: bool = False, **changes: Any) -> SchedulerKeeper:
    return SchedulerKeeper(
        database,
        clock=clock,
        seconds=clock.seconds,
        claimant=claimant(owner, **changes),
        dead=lambda _row: dead,
    )


def test_a_second_scheduler_is_told_host_pid_and_when_the_lease_ends(database: Database) -> None:
    clock = Clock()
    keeper(database, clock, "a", pid=77, host="lab-2").acquire()
    clock.advance(MINUTE)
    with pytest.raises(SchedulerRunningError) as caught:
        keeper(database, clock, "b").acquire()
    assert caught.value.exit_code == 3
    assert "process 77 on lab-2, since 2026-11-22T09:00:00Z" in caught.value.message
    assert "its lease ends at 2026-11-22T09:01:30Z" in str(caught.value.hint)


def test_the_lease_of_another_boot_is_waited_for(database: Database) -> None:
    clock = Clock()
    me = processes.myself()
    gone = _finished_pid()
    SchedulerKeeper(
        database,
        clock=clock,
        seconds=clock.seconds,
        claimant=claimant("a", pid=gone, boot_id="another-boot", pid_namespace=me["namespace"]),
    ).acquire()
    other = SchedulerKeeper(database, clock=clock, seconds=clock.seconds)
    clock.advance(leases.LASTS - SECOND)
    with pytest.raises(SchedulerRunningError):
        other.acquire()
    clock.advance(SECOND)
    other.acquire()
    assert other.epoch == 2


def test_a_holder_of_this_boot_that_is_no_more_is_replaced_at_once(database: Database) -> None:
    clock = Clock()
    me = processes.myself()
    dead = claimant("a", pid=_finished_pid(), boot_id=me["boot"], pid_namespace=me["namespace"], started="1")
    SchedulerKeeper(database, clock=clock, seconds=clock.seconds, claimant=dead).acquire()
    other = SchedulerKeeper(database, clock=clock, seconds=clock.seconds)
    other.acquire()
    assert other.epoch == 2


def test_a_living_holder_of_this_boot_is_not_replaced(database: Database) -> None:
    clock = Clock()
    first = SchedulerKeeper(database, clock=clock, seconds=clock.seconds)
    first.acquire()
    with pytest.raises(SchedulerRunningError, match=f"process {os.getpid()} on"):
        SchedulerKeeper(database, clock=clock, seconds=clock.seconds).acquire()


def test_a_later_process_with_the_pid_of_the_holder_is_not_taken_for_it(database: Database) -> None:
    clock = Clock()
    me = processes.myself()
    reused = claimant("a", pid=os.getpid(), boot_id=me["boot"], pid_namespace=me["namespace"], started="1")
    keeper_of_the_past = SchedulerKeeper(database, clock=clock, seconds=clock.seconds, claimant=reused)
    keeper_of_the_past.acquire()
    with database.read() as session:
        row = leases.holder(session, clock())
    assert row is not None
    assert is_gone(row)


def _finished_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(timeout=30)
    return process.pid


def test_a_frozen_holder_finds_its_lease_gone_before_it_runs_anything(database: Database) -> None:
    clock, acts = Clock(), Acts()
    frozen = keeper(database, clock, "a")
    frozen.acquire()
    add_task(database, "sync")
    clock.advance(leases.LASTS + SECOND)
    successor = keeper(database, clock, "b")
    successor.acquire()
    with pytest.raises(LeaseLostError):
        run(database, clock, acts, lease=frozen)
    with pytest.raises(LeaseLostError):
        frozen.beat()
    with pytest.raises(SchedulerRunningError):
        frozen.acquire()
    assert acts.done == []
    assert run(database, clock, acts, lease=successor) == 1
    assert [each.epoch for each in past_runs(database)] == [2]


def test_a_holder_that_nobody_succeeded_takes_the_lease_anew(database: Database) -> None:
    clock = Clock()
    one = keeper(database, clock, "a")
    one.acquire()
    clock.advance(leases.LASTS)
    with pytest.raises(LeaseLostError):
        one.renew()
    one.acquire()
    assert one.epoch == 2
    one.renew()


class _Sent(Act[str]):
    """An act that notes what went to the market."""

    def __init__(self, clock: Clock, freeze_after: str) -> None:
        self.clock = clock
        self.freeze_after = freeze_after
        self.sent: list[str] = []

    def perform(self, step: Step[str]) -> Done:
        self.sent.append(step.id)
        if step.id == self.freeze_after:
            self.clock.advance(timedelta(hours=1))
        return Done("approved")


def test_a_batch_whose_process_was_frozen_stops_before_its_next_group(database: Database) -> None:
    clock = Clock()
    one = keeper(database, clock, "a")
    one.acquire()
    act = _Sent(clock, "A2")
    plan = Plan("approve", "local", tuple(Step(f"A{n}", "x") for n in range(12)))
    with pytest.raises(LeaseLostError):
        Engine(workers=1, group=4, beat=one.beat).apply(plan, act)
    assert act.sent[:3] == ["A0", "A1", "A2"]
    assert set(act.sent) <= {"A0", "A1", "A2", "A3"}


def test_a_long_batch_keeps_its_lease(database: Database) -> None:
    clock = Clock()
    one = keeper(database, clock, "a")
    one.acquire()

    class Slow(_Sent):
        def perform(self, step: Step[str]) -> Done:
            clock.advance(timedelta(seconds=20))
            return super().perform(step)

    act = Slow(clock, "")
    plan = Plan("approve", "local", tuple(Step(f"A{n}", "x") for n in range(12)))
    result = Engine(workers=1, group=1, beat=one.beat).apply(plan, act)
    assert result.succeeded == 12
    with pytest.raises(SchedulerRunningError):
        keeper(database, clock, "b").acquire()


class _Unreachable:
    """A database that does not answer."""

    def write(self) -> Any:
        raise DatabaseUnreachableError("is locked by another program")


def test_a_database_that_does_not_answer_costs_a_batch_nothing_while_the_lease_is_sure(database: Database) -> None:
    clock = Clock()
    one = keeper(database, clock, "a")
    one.acquire()
    one._database = _Unreachable()  # type: ignore[assignment]  # as if the server had gone away
    clock.advance(timedelta(seconds=lease.SURE_FOR) - SECOND)
    one.beat()
    clock.advance(2 * SECOND)
    with pytest.raises(LeaseLostError):
        one.beat()


def test_holding_gives_the_lease_back_whatever_happens(database: Database) -> None:
    clock = Clock()
    with pytest.raises(ZeroDivisionError), keeper(database, clock, "a").held():
        raise ZeroDivisionError
    keeper(database, clock, "b").acquire()


def test_the_thread_renews_the_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.01)
    clock = Clock()
    one = keeper(database, clock, "a")
    with one.held():
        clock.advance(MINUTE)
        for _ in range(500):
            with database.read() as session:
                row = leases.holder(session, clock())
            assert row is not None
            if row.heartbeat == clock():
                break
        else:
            pytest.fail("the lease was not renewed")


def test_a_report_forgets_a_failure_that_was_fixed() -> None:
    report = SchedulerReport()
    report.add("sync", "failed")
    report.add("other", "failed")
    report.add("sync", "ok")
    assert (report.runs, report.failing) == (3, {"other"})
