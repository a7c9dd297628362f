from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from rows import HOUR, NOW

from turkctl.store import tasks
from turkctl.store.engine import Database
from turkctl.store.tasks import ClaimedRun, RunOutcome, Task

MINUTE = timedelta(minutes=1)


def make_task(name: str, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "name": name,
        "kind": "sync",
        "mode": "local",
        "every": 600,
        "options": {},
        "next_run": NOW,
        "created": NOW,
    }
    return Task(**values | changes)


def _store(database: Database, task: Task) -> Task:
    with database.write() as session:
        assert tasks.create(session, task)
    return _read(database, task.name)


def _read(database: Database, name: str) -> Task:
    with database.read() as session:
        found = tasks.by_name(session, name)
    assert found is not None
    return found


def _claim(database: Database, task: Task, now: datetime, epoch: int = 1) -> ClaimedRun | None:
    with database.write() as session:
        return tasks.claim(session, task, epoch, now)


def _claimed(database: Database, task: Task, now: datetime, epoch: int = 1) -> ClaimedRun:
    claimed = _claim(database, task, now, epoch)
    assert claimed is not None
    return claimed


def _finish(database: Database, claimed: ClaimedRun, outcome: RunOutcome) -> bool:
    with database.write() as session:
        return tasks.finish(session, claimed, outcome)


def test_a_name_is_given_once(database: Database) -> None:
    _store(database, make_task("sync"))
    with database.write() as session:
        assert not tasks.create(session, make_task("sync", mode="live"))
        assert len(tasks.list_tasks(session)) == 1


def test_a_task_is_due_from_its_slot_on_unless_it_is_paused(database: Database) -> None:
    _store(database, make_task("later", next_run=NOW + MINUTE))
    _store(database, make_task("now", next_run=NOW))
    _store(database, make_task("rests", paused=True))
    _store(database, make_task("elsewhere", mode="live"))
    with database.read() as session:
        assert [task.name for task in tasks.due(session, "local", NOW)] == ["now"]
        assert [task.name for task in tasks.due(session, "local", NOW + MINUTE)] == ["now", "later"]
        assert tasks.modes(session) == ["live", "local"]


def test_missed_slots_fold_into_one_and_the_phase_stays(database: Database) -> None:
    task = _store(database, make_task("sync"))
    now = NOW + timedelta(minutes=57)
    claimed = _claimed(database, task, now)
    assert (claimed.slot, claimed.next_run) == (NOW, NOW + HOUR)
    after = _read(database, "sync")
    assert (after.next_run, after.last_run, after.last_status) == (NOW + HOUR, now, "running")
    with database.read() as session:
        assert tasks.due(session, "local", now) == []
        (run,) = tasks.history(session)
    assert (run.task, run.slot, run.started, run.status, run.finished) == ("sync", NOW, now, "running", None)


def test_of_those_that_read_the_same_task_one_claims_it(database: Database) -> None:
    task = _store(database, make_task("sync"))
    assert _claim(database, task, NOW) is not None
    assert _claim(database, task, NOW) is None
    assert _claim(database, _read(database, "sync"), NOW) is None, "its next slot is to come"


@pytest.mark.parametrize(
    "change", [{"paused": True}, {"next_run": NOW + HOUR}, {"every": 60, "next_run": NOW + MINUTE}, None]
)
def test_a_task_that_was_paused_moved_or_deleted_since_it_was_read_is_not_claimed(
    database: Database, change: dict[str, Any] | None
) -> None:
    task = _store(database, make_task("sync"))
    with database.write() as session:
        assert tasks.remove(session, task) if change is None else tasks.change(session, task, change)
    assert _claim(database, task, NOW) is None
    with database.read() as session:
        assert tasks.history(session) == []


def test_threads_that_claim_at_once_never_get_the_same_slot(database: Database) -> None:
    _store(database, make_task("sync", every=60))
    slots: list[datetime] = []

    def work() -> None:
        for minute in range(8):
            now = NOW + minute * MINUTE
            with database.read() as session:
                found = tasks.due(session, "local", now)
            for task in found:
                claimed = _claim(database, task, now)
                if claimed is not None:
                    slots.append(claimed.slot)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slots
    assert len(slots) == len(set(slots))
    with database.read() as session:
        assert len(tasks.history(session)) == len(slots)


CLAIM_ALL = """
import sys
from datetime import datetime, timedelta, UTC
from turkctl.store import tasks
from turkctl.store.engine import connect
database = connect(sys.argv[1])
start = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
for minute in range(10):
    now = start + timedelta(minutes=minute)
    with database.read() as session:
        found = tasks.due(session, "local", now)
    for task in found:
        with database.write() as session:
            claimed = tasks.claim(session, task, 1, now)
        if claimed is not None:
            print(task.name, claimed.slot.isoformat())
database.close()
"""


def test_processes_that_claim_at_once_never_get_the_same_slot(database: Database) -> None:
    for name in ("a", "b"):
        _store(database, make_task(name, every=60))
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "error", "-c", CLAIM_ALL, url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    finished = [process.communicate(timeout=60) for process in processes]
    assert [err for _, err in finished] == [""] * 3
    claims = [line for out, _ in finished for line in out.splitlines()]
    assert len(claims) == len(set(claims))
    assert {line.split()[0] for line in claims} == {"a", "b"}
    with database.read() as session:
        assert len(tasks.history(session)) == len(claims)


def test_a_clock_that_was_turned_back_does_not_keep_a_task_from_running(database: Database) -> None:
    _claimed(database, _store(database, make_task("sync")), NOW)
    _store(database, make_task("new", next_run=NOW, created=NOW))
    before = NOW - timedelta(days=3)
    for name in ("sync", "new"):
        with database.read() as session:
            assert name in {task.name for task in tasks.due(session, "local", before)}
        claimed = _claimed(database, _read(database, name), before)
        assert (claimed.slot, claimed.next_run) == (before, before + 10 * MINUTE)
    with database.read() as session:
        assert tasks.due(session, "local", before) == []
        assert tasks.due(session, "local", before + 9 * MINUTE) == []


def test_hosts_whose_clocks_disagree_a_little_do_not_run_a_task_twice(database: Database) -> None:
    _claimed(database, _store(database, make_task("sync")), NOW)
    behind = NOW - timedelta(seconds=30)
    with database.read() as session:
        assert tasks.due(session, "local", behind) == []
    assert _claim(database, _read(database, "sync"), behind) is None


def test_a_run_that_was_asked_for_leaves_the_grid_alone(database: Database) -> None:
    task = _store(database, make_task("sync", next_run=NOW + HOUR, paused=True))
    with database.write() as session:
        assert tasks.change(session, task, {"requested": NOW})
    task = _read(database, "sync")
    with database.read() as session:
        assert [each.name for each in tasks.due(session, "local", NOW)] == ["sync"]
    claimed = _claimed(database, task, NOW)
    assert (claimed.slot, claimed.next_run) == (NOW, NOW + HOUR)
    after = _read(database, "sync")
    assert (after.requested, after.next_run, after.paused) == (None, NOW + HOUR, True)
    assert _claim(database, task, NOW) is None


def test_finishing_counts_and_keeps_the_error(database: Database) -> None:
    task = _store(database, make_task("sync"))
    bad = RunOutcome("failed", NOW + MINUTE, "nothing came", "throttled: too fast", NOW + 2 * HOUR, setback=True)
    assert _finish(database, _claimed(database, task, NOW), bad)
    task = _read(database, "sync")
    assert (task.runs, task.failures, task.consecutive_failures) == (1, 1, 1)
    assert (task.last_status, task.last_error, task.next_run) == ("failed", "throttled: too fast", NOW + 2 * HOUR)
    good = RunOutcome("ok", NOW + 2 * HOUR, "all well")
    assert _finish(database, _claimed(database, task, NOW + 2 * HOUR), good)
    task = _read(database, "sync")
    assert (task.runs, task.failures, task.consecutive_failures) == (2, 1, 0)
    assert (task.last_status, task.last_error) == ("ok", None)
    with database.read() as session:
        assert [(run.status, run.summary, run.error) for run in tasks.history(session)] == [
            ("ok", "all well", None),
            ("failed", "nothing came", "throttled: too fast"),
        ]


def test_back_off_does_not_move_a_task_that_somebody_rescheduled_meanwhile(database: Database) -> None:
    task = _store(database, make_task("sync"))
    claimed = _claimed(database, task, NOW)
    with database.write() as session:
        tasks.change(session, _read(database, "sync"), {"every": 60, "next_run": NOW + MINUTE})
    _finish(database, claimed, RunOutcome("failed", NOW, next_run=NOW + 5 * HOUR, setback=True))
    assert _read(database, "sync").next_run == NOW + MINUTE


def test_a_run_given_up_by_the_next_runner_stays_so(database: Database) -> None:
    task = _store(database, make_task("sync"))
    claimed = _claimed(database, task, NOW, epoch=1)
    with database.write() as session:
        (left,) = tasks.running(session, 1)
        assert tasks.abandon(session, left, NOW + HOUR, "its process ended before it")
        assert not tasks.abandon(session, left, NOW + HOUR, "twice")
        assert tasks.running(session, 1) == []
    assert not _finish(database, claimed, RunOutcome("ok", NOW + HOUR))
    task = _read(database, "sync")
    assert (task.last_status, task.last_error, task.runs) == ("abandoned", "its process ended before it", 1)


def test_runs_of_the_present_epoch_are_not_left_over(database: Database) -> None:
    _claimed(database, _store(database, make_task("old")), NOW, epoch=4)
    _claimed(database, _store(database, make_task("new")), NOW, epoch=5)
    with database.read() as session:
        assert [run.task for run in tasks.running(session, 4)] == ["old"]


def test_history_outlives_the_task(database: Database) -> None:
    task = _store(database, make_task("sync"))
    claimed = _claimed(database, task, NOW)
    with database.write() as session:
        assert tasks.remove(session, task)
        assert not tasks.remove(session, task)
    _finish(database, claimed, RunOutcome("ok", NOW, "done"))
    with database.read() as session:
        assert [run.status for run in tasks.history(session, name="sync")] == ["ok"]
        assert tasks.history(session, name="other") == []
        assert tasks.history(session, mode="live") == []


def test_a_change_based_on_what_is_no_longer_so_is_not_made(database: Database) -> None:
    task = _store(database, make_task("sync"))
    with database.write() as session:
        assert tasks.change(session, task, {"every": 60})
        assert not tasks.change(session, task, {"every": 30})
    assert _read(database, "sync").every == 60


def test_a_value_that_is_none_is_not_stored(database: Database) -> None:
    task = _store(database, make_task("sync"))
    with pytest.raises(ValidationError), database.write() as session:
        tasks.change(session, task, {"name": "x" * 200})
    with pytest.raises(ValidationError), database.write() as session:
        tasks.create(session, make_task("other", every="soon"))
