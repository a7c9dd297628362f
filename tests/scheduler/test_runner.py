from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scheduler_support import HOUR, MINUTE, Acts, Clock, add_task, claimant, past_runs, read_task

from turkctl.context import Context
from turkctl.errors import DatabaseReplacedError, DatabaseUnreachableError, InterruptedByUserError, NotFoundError
from turkctl.operations.tasks.kinds import RunSummary
from turkctl.scheduler.lease import SchedulerKeeper, SchedulerRunningError
from turkctl.scheduler.runner import Runner, run_by_hand
from turkctl.scheduler.worlds import Worlds
from turkctl.settings import load
from turkctl.store import leases, tasks
from turkctl.store.base import Place
from turkctl.store.engine import Database

POLL = timedelta(seconds=0.05)


@pytest.fixture
def context(url: str, tmp_path: Path) -> Iterator[Context]:
    made = Context(load({"database_url": url}, {}, tmp_path))
    yield made
    made.close()


def _runner(context: Context, acts: Acts, **options: Any) -> Runner:
    return Runner(context, act=acts, **options)


def _due_task(context: Context, name: str, **changes: Any) -> None:
    """A task that is due now and then not for a long time."""
    now = context.now()
    add_task(context.database, name, **{"next_run": now, "created": now, "every": 86400, **changes})


def test_once_runs_what_is_due_and_gives_the_lease_back(context: Context) -> None:
    _due_task(context, "a")
    _due_task(context, "b")
    acts = Acts(b=ValueError("no"))
    report = _runner(context, acts).once()
    assert (report.runs, report.failing) == (2, {"b"})
    assert _runner(context, acts).once().runs == 0, "and nothing is in the way of the next"


def test_until_idle_leaves_when_nothing_is_due(context: Context) -> None:
    _due_task(context, "a")
    assert _runner(context, Acts()).run(POLL, until_idle=True).runs == 1


def test_what_other_processes_create_is_run_at_the_next_poll(context: Context) -> None:
    stop = threading.Event()
    acts = Acts(
        a=lambda: _due_task(context, "b"),
        b=stop.set,
    )
    _due_task(context, "a")
    _runner(context, acts, stop=stop).run(POLL)
    assert acts.done == ["a", "b"]


def test_what_other_processes_change_or_delete_is_noticed_before_it_runs(context: Context) -> None:
    def change() -> None:
        with context.database.write() as session:
            paused, moved, gone = (tasks.by_name(session, name) for name in ("paused", "moved", "gone"))
            assert paused is not None
            assert moved is not None
            assert gone is not None
            assert tasks.change(session, paused, {"paused": True})
            assert tasks.change(session, moved, {"every": 60, "next_run": context.now() + HOUR})
            assert tasks.remove(session, gone)

    acts = Acts(first=change)
    _due_task(context, "first", next_run=context.now() - HOUR)
    for name in ("paused", "moved", "gone"):
        _due_task(context, name)
    _runner(context, acts).run(POLL, until_idle=True)
    assert acts.done == ["first"]


def test_a_scheduler_that_waits_leaves_at_once_when_asked(context: Context) -> None:
    acts = Acts()
    runner = _runner(context, acts)
    threading.Timer(0.3, runner.stop.set).start()
    runner.run(HOUR)
    assert acts.done == []


def test_stopping_lets_the_task_in_hand_finish_and_leaves_the_rest(context: Context) -> None:
    runner: Runner

    def asked_to_leave() -> RunSummary:
        runner.stop.set()
        return RunSummary("half done", interrupted=True)

    acts = Acts(a=asked_to_leave)
    now = context.now()
    _due_task(context, "a", next_run=now - MINUTE)
    _due_task(context, "b")
    runner = _runner(context, acts)
    runner.run(POLL)
    assert acts.done == ["a"]
    assert [(run.status, run.summary) for run in past_runs(context.database)] == [("interrupted", "half done")]
    assert read_task(context.database, "a").next_run == now - MINUTE


class _Flaky:
    """A database that now and then cannot be read."""

    def __init__(self, database: Database, failures: int) -> None:
        self._database = database
        self._failures = failures

    @contextmanager
    def read(self) -> Iterator[Any]:
        if self._failures:
            self._failures -= 1
            raise DatabaseUnreachableError("the database is locked by another program")
        with self._database.read() as session:
            yield session

    def write(self) -> Any:
        return self._database.write()


def test_a_database_that_fails_costs_ticks_and_not_the_loop(
    context: Context, log_lines: pytest.LogCaptureFixture
) -> None:
    acts = Acts()
    _due_task(context, "a")
    runner = _runner(context, acts)
    runner._database = _Flaky(context.database, 2)  # type: ignore[assignment]  # as if another program locked it
    runner.run(POLL, until_idle=True)
    assert acts.done == ["a"]
    assert [getattr(record, "event", None) for record in log_lines.records].count("tick_failed") == 2


def test_a_fault_of_ours_in_a_tick_is_logged_with_its_traceback_and_not_the_end(
    context: Context, log_lines: pytest.LogCaptureFixture
) -> None:
    class Broken(_Flaky):
        def read(self) -> Any:
            if self._failures:
                self._failures -= 1
                raise ZeroDivisionError
            return self._database.read()

    acts = Acts()
    _due_task(context, "a")
    runner = _runner(context, acts)
    runner._database = Broken(context.database, 1)  # type: ignore[assignment]  # a fault that no test can provoke
    runner.run(POLL, until_idle=True)
    assert acts.done == ["a"]
    (record,) = [each for each in log_lines.records if getattr(each, "event", None) == "tick_failed"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None


def test_a_scheduler_that_was_held_up_and_succeeded_leaves(context: Context) -> None:
    clock = Clock()

    def keeper(owner: str) -> SchedulerKeeper:
        return SchedulerKeeper(
            context.database, clock=clock, seconds=clock.seconds, claimant=claimant(owner), dead=lambda _row: False
        )

    def freeze() -> None:
        clock.advance(leases.LASTS)
        keeper("b").acquire()

    acts = Acts(a=freeze)
    _due_task(context, "a", next_run=context.now() - MINUTE)
    _due_task(context, "b")
    with pytest.raises(SchedulerRunningError):
        _runner(context, acts, keeper=keeper("a")).run(POLL)
    assert acts.done == ["a"]


def test_the_next_scheduler_marks_what_the_last_one_left_running(context: Context) -> None:
    _due_task(context, "a")
    with context.database.write() as session:
        task = tasks.by_name(session, "a")
        assert task is not None
        assert leases.acquire(session, claimant("dead"), context.now(), lambda _row: False)
        assert tasks.claim(session, task, 1, context.now())
        leases.release(session, leases.LeaseGrant("dead", 1), context.now())
    acts = Acts()
    _runner(context, acts).once()
    assert acts.done == [], "its own slot comes round again"
    (left,) = past_runs(context.database)
    assert (left.status, left.error, left.epoch) == ("abandoned", "its process ended before the run did", 1)
    assert read_task(context.database, "a").last_status == "abandoned"


def test_a_second_ctrl_c_ends_the_task_in_hand(context: Context) -> None:
    _due_task(context, "a")
    with pytest.raises(KeyboardInterrupt):
        _runner(context, Acts(a=KeyboardInterrupt())).run(POLL)
    _runner(context, Acts()).once()
    assert [run.status for run in past_runs(context.database)] == ["abandoned"]


def test_a_task_run_by_hand_runs_here_where_no_scheduler_is(context: Context) -> None:
    add_task(
        context.database, "expire", kind="expire", options={"all": True}, paused=True, next_run=context.now() + HOUR
    )
    add_task(context.database, "sync", next_run=context.now())
    made = run_by_hand(context, "expire", threading.Event(), _never)
    assert (made["task"], made["status"]) == ("expire", "ok")
    assert [run.task for run in past_runs(context.database)] == ["expire"], "what else is due is the scheduler's"


def _never(_held: SchedulerRunningError) -> None:
    pytest.fail("nobody runs tasks but this process")


def test_a_task_run_by_hand_while_a_scheduler_runs_is_left_to_that(context: Context, tmp_path: Path) -> None:
    add_task(context.database, "expire", kind="expire", options={"all": True}, next_run=context.now() + HOUR)
    stop = threading.Event()
    told: list[int] = []
    other = Context(context.settings)
    scheduler = Runner(other, stop=stop)
    thread = threading.Thread(target=scheduler.run, args=(POLL,))

    def tell(held: SchedulerRunningError) -> None:
        told.append(held.held_by.pid)

    thread.start()
    try:
        _until(lambda: _held(context))
        made = run_by_hand(context, "expire", threading.Event(), tell)
    finally:
        stop.set()
        thread.join()
        other.close()
    assert made["status"] == "ok"
    assert made["epoch"] == 1, "the scheduler's"
    assert len(told) <= 1


def test_a_run_that_was_asked_for_and_not_made_is_withdrawn(context: Context) -> None:
    add_task(context.database, "expire", kind="expire", options={"all": True}, next_run=context.now() + HOUR)
    other = SchedulerKeeper(context.database)
    stop = threading.Event()
    with other.held(), pytest.raises(InterruptedByUserError):
        run_by_hand(context, "expire", stop, lambda _held: stop.set())
    assert read_task(context.database, "expire").requested is None
    assert past_runs(context.database) == []


def test_a_task_that_does_not_exist_cannot_be_run(context: Context) -> None:
    with pytest.raises(NotFoundError):
        run_by_hand(context, "nothing", threading.Event(), _never)


def _held(context: Context) -> bool:
    with context.database.read() as session:
        return leases.holder(session, leases.machine_clock(session)) is not None


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come to pass")


def test_each_mode_has_a_world_of_its_own(context: Context) -> None:
    stop, beats = threading.Event(), list[int]()
    worlds = Worlds(context, stop, lambda: beats.append(1))
    assert worlds("local").settings is context.settings
    assert worlds("live").settings.mode == "live"
    engine = worlds("live").engine(workers=3)
    assert (engine.workers, engine.stop) == (3, stop)
    engine.beat()
    assert beats == [1]
    worlds.close()


def test_a_scheduler_notices_that_the_market_was_reset_under_it(context: Context) -> None:
    worlds = Worlds(context, threading.Event(), lambda: None)
    before = worlds("local").place
    other = Context(context.settings)
    other.market.reset()
    other.close()
    assert worlds("local").place == Place("local", f"local:{context.market.identity()}") != before


def test_an_endpoint_named_on_the_command_line_is_that_of_one_mode_alone(tmp_path: Path) -> None:
    flags = {"mode": "sandbox", "endpoint_url": "http://127.0.0.1:8800"}
    base = Context(load(flags, {}, tmp_path))
    worlds = Worlds(base, threading.Event(), lambda: None)
    assert worlds("sandbox").settings.endpoint_url == "http://127.0.0.1:8800"
    assert worlds("live").settings.endpoint_url is None
    named = Context(load({"mode": "sandbox"}, {"TURKCTL_ENDPOINT_URL": "http://127.0.0.1:8801"}, tmp_path))
    assert Worlds(named, threading.Event(), lambda: None)("live").settings.endpoint_url == "http://127.0.0.1:8801"


@pytest.mark.parametrize("put_back", [False, True])
def test_a_scheduler_whose_database_is_replaced_stops(tmp_path: Path, put_back: bool) -> None:
    context = Context(load({"database_url": f"sqlite:///{tmp_path / 'turkctl.db'}"}, {}, tmp_path))

    def replace() -> None:
        database = tmp_path / "turkctl.db"
        (tmp_path / "copy.db").write_bytes(database.read_bytes())
        database.unlink()
        if put_back:
            (tmp_path / "copy.db").rename(database)

    _due_task(context, "a")
    _due_task(context, "b")
    acts = Acts(a=replace)
    with pytest.raises(DatabaseReplacedError):
        _runner(context, acts).run(POLL)
    context.close()
    assert acts.done == ["a"]
    assert (tmp_path / "turkctl.db").exists() == put_back


def test_a_batch_ends_when_the_file_with_the_lease_is_replaced(tmp_path: Path) -> None:
    context = Context(load({"database_url": f"sqlite:///{tmp_path / 'turkctl.db'}"}, {}, tmp_path))
    seconds = [1000.0]
    keeper = SchedulerKeeper(context.database, seconds=lambda: seconds[0])
    keeper.acquire()
    (tmp_path / "turkctl.db").rename(tmp_path / "moved.db")
    seconds[0] += 6
    with pytest.raises(DatabaseReplacedError):
        keeper.beat()
    context.close()
