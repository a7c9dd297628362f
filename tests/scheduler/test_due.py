from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduler_support import HOUR, MINUTE, NOW, Acts, Clock, FreeLease, add_task, past_runs, read_task, run

from turkctl.errors import DatabaseUnreachableError, TurkctlError
from turkctl.operations.tasks.kinds import RunSummary
from turkctl.scheduler.due import LONGEST_WAIT, SchedulerReport, backed_off, nothing_due, sweep
from turkctl.scheduler.lease import LeaseLostError
from turkctl.store import tasks
from turkctl.store.engine import Database
from turkctl.store.tasks import ClaimedRun, Task


def test_a_task_runs_once_in_each_slot(database: Database) -> None:
    clock, acts = Clock(), Acts()
    add_task(database, "sync")
    for _ in range(30):
        run(database, clock, acts)
        clock.advance(MINUTE)
    assert [each.slot for each in past_runs(database)] == [NOW, NOW + 10 * MINUTE, NOW + 20 * MINUTE]
    assert [each.status for each in past_runs(database)] == ["ok"] * 3


def test_slots_missed_while_nobody_ran_are_made_up_for_by_one_run(database: Database) -> None:
    clock, acts = Clock(), Acts()
    add_task(database, "sync")
    clock.advance(timedelta(minutes=95))
    assert run(database, clock, acts) == 1
    assert run(database, clock, acts) == 0
    assert read_task(database, "sync").next_run == NOW + timedelta(minutes=100)


def test_what_is_due_longest_runs_first(database: Database) -> None:
    clock, acts = Clock(), Acts()
    add_task(database, "second", next_run=NOW - MINUTE)
    add_task(database, "first", next_run=NOW - HOUR)
    add_task(database, "later", next_run=NOW + MINUTE)
    run(database, clock, acts)
    assert acts.done == ["first", "second"]


def test_a_task_that_always_fails_stays_scheduled_with_its_error_and_stops_no_other(database: Database) -> None:
    clock, acts = Clock(), Acts(bad=ValueError("no such thing"))
    add_task(database, "bad", every=60)
    add_task(database, "good", every=60)
    report = SchedulerReport()
    for _ in range(8):
        run(database, clock, acts, report=report)
        clock.advance(MINUTE)
    assert acts.done.count("good") == 8
    bad = read_task(database, "bad")
    assert (bad.last_status, bad.last_error) == ("failed", "ValueError: no such thing")
    assert [each.slot - NOW for each in past_runs(database, "bad")] == [0 * MINUTE, MINUTE, 3 * MINUTE, 7 * MINUTE]
    assert (bad.failures, bad.consecutive_failures) == (4, 4)
    assert report.failing == {"bad"}


def test_a_task_that_works_again_goes_back_to_its_interval(database: Database) -> None:
    clock, acts = Clock(), Acts(sync=TurkctlError("out of order"))
    add_task(database, "sync", every=60)
    for _ in range(2):
        run(database, clock, acts)
        clock.advance(MINUTE)
    assert read_task(database, "sync").next_run == NOW + 3 * MINUTE
    acts.by_name = {}
    clock.advance(MINUTE)
    run(database, clock, acts)
    task = read_task(database, "sync")
    assert (task.next_run, task.consecutive_failures, task.last_error) == (NOW + 4 * MINUTE, 0, None)


@given(every=st.integers(1, 10 * 86400), failures=st.integers(0, 1000), late=st.integers(0, 10**6))
def test_back_off_stays_on_the_grid_and_below_its_cap(every: int, failures: int, late: int) -> None:
    task = Task(
        name="t", kind="sync", mode="local", every=every, options={}, next_run=NOW, created=NOW,
        consecutive_failures=failures,
    )  # fmt: skip
    step, now = timedelta(seconds=every), NOW + timedelta(seconds=late)
    again = backed_off(ClaimedRun(task, 1, 1, NOW, NOW + step), now)
    assert (again - NOW) % step == timedelta(0)
    assert now < again <= now + max(step, LONGEST_WAIT) + step


def test_what_failed_in_part_is_an_error_but_no_reason_to_wait(database: Database) -> None:
    clock, acts = Clock(), Acts(sync=RunSummary("9 of 10 done", error="1 failed"))
    add_task(database, "sync", every=60)
    for _ in range(3):
        run(database, clock, acts)
        clock.advance(MINUTE)
    task = read_task(database, "sync")
    assert (task.runs, task.failures, task.consecutive_failures) == (3, 3, 0)
    assert task.last_error == "1 failed"


def test_stopping_leaves_the_rest_and_an_interrupted_task_is_due_again(database: Database) -> None:
    clock = Clock()
    stopped: list[bool] = []

    def interrupted() -> RunSummary:
        stopped.append(True)
        return RunSummary("5 of 9 done", interrupted=True)

    acts = Acts(a=interrupted)
    add_task(database, "a", every=86400)
    add_task(database, "b", every=86400)
    assert run(database, clock, acts, stopped=lambda: bool(stopped)) == 1
    assert acts.done == ["a"]
    assert [each.status for each in past_runs(database)] == ["interrupted"]
    assert read_task(database, "a").next_run == NOW
    assert run(database, clock, Acts()) == 2


def test_a_task_whose_request_gave_up_because_of_the_stop_counts_no_failure(database: Database) -> None:
    clock = Clock()
    stopped: list[bool] = []

    def cut_off() -> None:
        stopped.append(True)
        raise TurkctlError("did not answer in time")

    add_task(database, "sync")
    run(database, clock, Acts(sync=cut_off), stopped=lambda: bool(stopped))
    task = read_task(database, "sync")
    assert (task.last_status, task.failures, task.next_run) == ("interrupted", 0, NOW)


def test_without_the_lease_nothing_is_begun(database: Database) -> None:
    lease, acts = FreeLease(), Acts()
    lease.lost = True
    add_task(database, "sync")
    with pytest.raises(LeaseLostError):
        run(database, Clock(), acts, lease=lease)
    assert acts.done == []
    assert past_runs(database) == []
    assert read_task(database, "sync").next_run == NOW


def test_a_lease_lost_by_a_task_ends_the_turn_and_leaves_its_run_to_the_next_holder(database: Database) -> None:
    clock, acts = Clock(), Acts(a=LeaseLostError())
    add_task(database, "a")
    add_task(database, "b")
    with pytest.raises(LeaseLostError):
        run(database, clock, acts)
    assert acts.done == ["a"]
    assert sweep(database, clock, 2) == 1
    (left,) = past_runs(database)
    assert (left.status, left.finished) == ("abandoned", NOW)
    assert read_task(database, "a").last_status == "abandoned"


def test_a_task_that_ends_is_deleted_and_its_history_kept(database: Database) -> None:
    add_task(database, "campaign-1", kind="campaign")
    run(database, Clock(), Acts(**{"campaign-1": RunSummary("met", ended=True)}))
    with database.read() as session:
        assert tasks.list_tasks(session) == []
    assert [(each.task, each.status) for each in past_runs(database)] == [("campaign-1", "ok")]


def test_a_task_deleted_while_it_runs_stays_deleted(database: Database) -> None:
    def delete() -> None:
        with database.write() as session:
            task = tasks.by_name(session, "sync")
            assert task is not None
            tasks.remove(session, task)

    add_task(database, "sync")
    run(database, Clock(), Acts(sync=delete))
    with database.read() as session:
        assert tasks.list_tasks(session) == []
    assert [each.status for each in past_runs(database)] == ["ok"]


def test_each_mode_has_its_own_clock_and_one_that_cannot_be_read_stops_no_other(database: Database) -> None:
    def now(mode: str) -> datetime:
        if mode == "sandbox":
            raise DatabaseUnreachableError("cannot open the market")
        return NOW + 10 * HOUR if mode == "local" else NOW

    acts = Acts()
    add_task(database, "local", next_run=NOW + HOUR)
    add_task(database, "sandbox", mode="sandbox")
    add_task(database, "live", mode="live", next_run=NOW + HOUR)
    run(database, now, acts)  # type: ignore[arg-type]  # a function is a clock too
    assert acts.done == ["local"]
    assert not nothing_due(database, lambda _mode: NOW)
    assert nothing_due(database, now) is True


def test_only_the_task_that_is_named_runs(database: Database) -> None:
    acts = Acts()
    add_task(database, "a")
    add_task(database, "b")
    run(database, Clock(), acts, only="b")
    assert acts.done == ["b"]


def test_a_run_is_logged_as_a_sentence_with_its_values(database: Database, log_lines: pytest.LogCaptureFixture) -> None:
    add_task(database, "sync", every=60)
    run(database, Clock(), Acts(sync=TurkctlError('says "no"')))
    started, finished = log_lines.messages
    assert started == "event=run_started task=sync run=1 mode=local slot=2026-11-22T09:00:00Z"
    assert finished == 'task sync failed: error: says "no"; it runs again at 2026-11-22T09:01:00Z'
    (fields,) = [record.fields for record in log_lines.records if record.event == "run_finished"]  # type: ignore[attr-defined]  # ours
    values = {"task": "sync", "run": 1, "mode": "local", "status": "failed", "error": 'error: says "no"'}
    assert fields == values | {"next_run": NOW + MINUTE}
