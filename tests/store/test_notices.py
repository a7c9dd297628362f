from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from rows import NOW

from turkctl.store import notices
from turkctl.store.engine import Database
from turkctl.store.leases import machine_clock
from turkctl.store.notices import Notice

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def add(database: Database, key: str, **changes: Any) -> None:
    values: dict[str, Any] = {"mode": "local", "happened": NOW, "campaign": 1}
    with database.write() as session:
        notices.add(session, key, "campaign_met", "campaign 1 has met\nits goal", **values | changes)


def due(database: Database, after: timedelta = MINUTE) -> list[Notice]:
    with database.read() as session:
        return notices.due(session, machine_clock(session) + after, 10)


def claim(database: Database, notice: Notice, until: datetime) -> bool:
    with database.write() as session:
        return notices.claim(session, notice, until)


def now(database: Database) -> datetime:
    with database.read() as session:
        return machine_clock(session)


def test_an_event_is_written_once_whoever_writes_it(database: Database) -> None:
    add(database, "campaign 1 met")
    add(database, "campaign 1 met", campaign=2)
    add(database, "campaign 2 met", campaign=2)
    first, second = due(database)
    assert (first.key, first.campaign, first.message) == ("campaign 1 met", 1, "campaign 1 has met its goal")
    assert (second.campaign, second.state, second.attempts, second.reached) == (2, notices.WAITING, 0, [])
    with database.read() as session:
        assert notices.known(session, ["campaign 1 met", "campaign 9 met"]) == {"campaign 1 met"}


def test_what_is_rolled_back_is_not_told(database: Database) -> None:
    try:
        with database.write() as session:
            notices.add(session, "campaign 1 met", "campaign_met", "met", mode="local", happened=NOW)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert due(database) == []


def test_of_any_number_of_processes_one_claims_a_notice(database: Database) -> None:
    add(database, "campaign 1 met")
    (notice,) = due(database)
    until, won = now(database) + 5 * MINUTE, list[bool]()
    threads = [threading.Thread(target=lambda: won.append(claim(database, notice, until))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    assert due(database) == [], "until the claim has run out"
    assert [each.attempts for each in due(database, 6 * MINUTE)] == [1]


def test_an_attempt_that_another_process_followed_changes_nothing(database: Database) -> None:
    add(database, "campaign 1 met")
    (slow,) = due(database)
    assert claim(database, slow, now(database))
    (next_one,) = due(database)
    assert claim(database, next_one, now(database))
    with database.write() as session:
        assert not notices.attempted(session, slow, ["command"], None)
        assert notices.attempted(session, next_one, ["command"], None)
    assert due(database, DAY) == []


def test_what_reached_a_channel_is_remembered_and_the_rest_is_due_again(database: Database) -> None:
    add(database, "campaign 1 met")
    (notice,) = due(database)
    assert claim(database, notice, now(database) + 5 * MINUTE)
    with database.write() as session:
        assert notices.attempted(session, notice, ["command"], now(database) + MINUTE)
    assert due(database, 0 * MINUTE) == []
    (again,) = due(database, 2 * MINUTE)
    assert (again.attempts, again.reached) == (1, ["command"])


def test_what_is_old_is_given_up_once(database: Database) -> None:
    add(database, "campaign 1 met")
    with database.read() as session:
        assert notices.outdated(session, machine_clock(session) - DAY) == []
        (old,) = notices.outdated(session, machine_clock(session) + DAY)
    with database.write() as session:
        assert notices.give_up(session, old)
        assert not notices.give_up(session, old)
    assert due(database, DAY) == []


def test_what_was_said_is_not_said_again(database: Database) -> None:
    add(database, "campaign 1 met")
    add(database, "task 1 failed", said=True)
    with database.read() as session:
        new = notices.unsaid(session)
    assert [notice.key for notice in new] == ["campaign 1 met"]
    with database.write() as session:
        notices.mark_said(session, new, machine_clock(session))
    with database.read() as session:
        assert notices.unsaid(session) == []
