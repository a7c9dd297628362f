"""What waits for the disk, that nobody else's turn does, and how many statements a turn takes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from databases import new_database
from market_support import REQUESTER, hit_request
from sqlalchemy import create_engine, event, text

from turkctl.errors import DatabaseUnreachableError
from turkctl.market.errors import WorkError
from turkctl.market.flushes import SharedFlush, Wait
from turkctl.market.requester import Environment
from turkctl.market.service import Market
from turkctl.market.work import Sent
from turkctl.newcomers import NewEntry, NewPerson

WHERE: Environment = "production"
ACCEPT, NEXT, SUBMIT = 7, 10, 8
AGAIN = 5
"""Statements of one turn, with that which begins it: a further one is paid by everybody who waits for theirs. To accept
again shows the assignment."""


class Worker:
    """Somebody at work in a market."""

    def __init__(self, market: Market) -> None:
        self.market = market
        market.bulk_hits(REQUESTER, hit_request(), 9)
        self.id = market.add_person(WHERE, NewPerson())
        self.last = ""

    def accept(self) -> str:
        self.last = self.market.groups(WHERE, self.id)[0].hit_id
        return str(self.market.accept_like(WHERE, self.id, self.last)["AssignmentId"])

    def next(self) -> str:
        return str(self.market.next_like(WHERE, self.id, self.last)["AssignmentId"])

    def submit(self, assignment_id: str) -> None:
        self.market.submit_from_page(WHERE, assignment_id, None, Sent({"colour": "red"}, raw=b"colour=red"))


@pytest.fixture(params=["sqlite", "postgres"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    with new_database(request.param, tmp_path) as url, closing(Market(url)) as market:
        yield Worker(market)


@contextmanager
def statements(market: Market) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(market._database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(market._database.engine, "before_cursor_execute", note)


@contextmanager
def flushing(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Gather each wait for the disk: whether the market's lock was free meanwhile."""
    seen: list[bool] = []
    database = worker.market._database
    waited = database._flush

    def flush() -> None:
        seen.append(lock_is_free(worker.market))
        waited()

    monkeypatch.setattr(database, "_flush", flush)
    yield seen
    monkeypatch.setattr(database, "_flush", waited)


def lock_is_free(market: Market) -> bool:
    database = market._database
    if database.sqlite:
        free = database._lock.acquire(blocking=False)
        if free:
            database._lock.release()
        return free
    engine = create_engine(database.engine.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id FROM market_meta FOR UPDATE SKIP LOCKED")).all()
    engine.dispose()
    return bool(rows)


def test_a_submission_waits_for_the_disk_after_its_turn(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    first = worker.accept()
    with flushing(worker, monkeypatch) as seen:
        worker.submit(first)
        second = worker.next()
        worker.market.submit_form(WHERE, worker.id, second, Sent({"colour": "red"}))
        assert seen == [True, True]
        with pytest.raises(WorkError):
            worker.submit(first)
        assert len(seen) == 3, "who is told that it was submitted already waits as well"


def test_accepting_and_returning_wait_for_no_disk(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    with flushing(worker, monkeypatch) as seen:
        worker.submit(worker.accept())
        seen.clear()
        worker.market.return_assignment(WHERE, worker.id, worker.next())
        worker.market.settle()
        assert seen == []


def test_attempts_to_come_in_wait_for_no_disk(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    with flushing(worker, monkeypatch) as seen:
        worker.market.note_sign_in("ann", "192.0.2.1", now, failed=True)
        worker.market.note_own_id("S-001", "192.0.2.1", now, failed=True)
        worker.market.note_entrance("192.0.2.1", now)
        assert seen == []


def test_people_are_counted_for_the_list_of_entries_alone_and_at_once_for_all(worker: Worker) -> None:
    entries = [worker.market.add_entry(WHERE, NewEntry(name, ("id",))) for name in ("sona", "moodle", "class")]
    for number, entry in enumerate(entries):
        for who in range(number):
            worker.market.enter(WHERE, entry.panel, entry.key, {"id": str(who)})
    with statements(worker.market) as seen:
        assert [each.people for each in worker.market.entries(WHERE)] == [0, 1, 2]
        assert len([each for each in seen if "entry_visit" in each]) == 1
        seen.clear()
        worker.market.panel_member(WHERE, entries[2].panel, entries[2].key, {"id": "1"})
        assert not [each for each in seen if "entry_visit" in each]


def test_what_requesters_do_waits_as_the_database_s_users_expect(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment_id = worker.accept()
    worker.submit(assignment_id)
    with flushing(worker, monkeypatch) as seen:
        worker.market.approve_assignment(REQUESTER, {"AssignmentId": assignment_id})
        assert seen == ([] if worker.market._database.sqlite else [True])


def test_only_the_flush_makes_postgres_wait(tmp_path: Path) -> None:
    with new_database("postgres", tmp_path) as url, closing(Market(url)) as market:
        worker = Worker(market)
        modes: list[str] = []

        def note(connection: Any) -> None:
            modes.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())

        event.listen(market._database.engine, "commit", note)
        worker.accept()
        with market._database.engine.connect() as connection:
            usual = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
        assert (modes[-1], usual) == ("off", "on"), "it ends with the transaction"


def test_sqlite_s_log_is_on_the_disk_when_a_submission_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        flushed.append(os.fstat(file).st_ino)
        real(file)

    with closing(Market(f"sqlite:///{tmp_path / 'market.db'}")) as market:
        worker = Worker(market)
        assignment_id = worker.accept()
        monkeypatch.setattr(os, "fsync", fsync)
        worker.submit(assignment_id)
        assert flushed == [(tmp_path / "market.db-wal").stat().st_ino]


def test_a_disk_that_fails_is_told_and_the_submission_can_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: int) -> None:
        raise OSError(5, "Input/output error")

    with closing(Market(f"sqlite:///{tmp_path / 'market.db'}")) as market:
        worker = Worker(market)
        assignment_id = worker.accept()
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", fail)
            for _ in range(2):
                with pytest.raises(DatabaseUnreachableError, match="Input/output error"):
                    worker.submit(assignment_id)
        with pytest.raises(WorkError, match="already submitted"):
            worker.submit(assignment_id)


def test_a_market_without_a_log_has_nothing_to_wait_for(tmp_path: Path) -> None:
    with closing(Market("sqlite://")) as memory:
        memory._database.flush(Wait.ALWAYS)
    url = f"sqlite:///{tmp_path / 'market.db'}"
    with closing(Market(url)) as market:
        market._database.engine.dispose()  # the last who closes it moves all into the database's file
        assert not (tmp_path / "market.db-wal").exists()
        market._database.flush(Wait.ALWAYS)


def test_those_who_ask_while_a_flush_runs_share_the_next_one() -> None:
    began, may_end = threading.Semaphore(0), threading.Semaphore(0)
    count: list[int] = []

    def flush() -> None:
        count.append(1)
        began.release()
        assert may_end.acquire(timeout=60)

    shared = SharedFlush(flush)
    first = start(shared)
    assert began.acquire(timeout=60)
    others = [start(shared) for _ in range(5)]
    while shared._asked < 6:
        pass
    assert all(other.is_alive() for other in others), "what began before they asked does not cover them"
    may_end.release()
    assert began.acquire(timeout=60)
    may_end.release()
    for thread in [first, *others]:
        thread.join(60)
    assert len(count) == 2


def test_each_tries_again_after_a_flush_that_failed() -> None:
    fails = [True]

    def flush() -> None:
        if fails.pop():
            raise OSError("full")

    shared = SharedFlush(flush)
    with pytest.raises(OSError, match="full"):
        shared()
    fails.append(False)
    shared()
    assert fails == []


def start(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_a_turn_takes_few_statements(worker: Worker) -> None:
    def count(act: Callable[[], object]) -> int:
        with statements(worker.market) as seen:
            act()
        return len([each for each in seen if "pg_logical_emit_message" not in each])

    market = worker.market
    worker.submit(worker.accept())  # which reads the type into memory, and notes the first time
    hit_id, now = market.groups(WHERE, worker.id)[0].hit_id, market.now()
    assert count(lambda: market.accept_like(WHERE, worker.id, hit_id)) == ACCEPT
    assert count(lambda: worker.submit(market.accept_like(WHERE, worker.id, hit_id)["AssignmentId"])) - AGAIN == SUBMIT
    worker.submit(worker.next())  # which remembers what they have had
    assert count(worker.next) == NEXT
    alone = 2 if market._database.sqlite else 1
    assert count(lambda: market.person_of_session(WHERE, worker.id, "token", now)) == alone


def test_threads_queue_for_their_turn_without_holding_a_connection(worker: Worker) -> None:
    database = worker.market._database
    pool = database.engine.pool
    waiting = [threading.Thread(target=worker.market.register_worker, args=(WHERE,)) for _ in range(3)]
    with database.write():
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join(0.05)
        assert all(thread.is_alive() for thread in waiting)
        assert pool.checkedout() == 1  # type: ignore[attr-defined]  # of the pool that both databases use
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)


def test_more_requests_are_answered_at_once_where_each_waits_for_another_process(worker: Worker) -> None:
    sqlite = worker.market._database.sqlite
    assert worker.market.prompt_threads() == (4 if sqlite else 8)
