"""The market in numbers, and copies of it while it is used."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from market_support import Bench

from turkctl.errors import UsageError
from turkctl.market.service import Market
from turkctl.newcomers import NewPerson

DAY = 86_400


def test_the_market_in_numbers(url: str) -> None:
    bench = Bench(url)
    bench.market.add_person("production", NewPerson())
    hit = bench.hit(MaxAssignments=4, LifetimeInSeconds=10 * DAY, AutoApprovalDelayInSeconds=10 * DAY)
    for minutes in (1, 2, 9):
        who, assignment = bench.accepted(hit)
        bench.clock.seconds += 60 * minutes
        bench.market.submit("production", who, assignment, {"answer": "red"})
        if minutes == 9:
            bench.approve(assignment)
        bench.clock.seconds += DAY - 60 * minutes
    bench.accepted(hit)
    found = bench.market.figures("production", timedelta(days=14))
    assert (found.people, found.workers) == (1, 5)
    assert found.hits == {"Unassignable": 1}
    assert found.assignments == {"Accepted": 1, "Approved": 1, "Submitted": 2}
    assert (found.waiting, found.median_minutes) == (2, 2.0)
    assert found.oldest_waiting is not None
    assert [(each.submissions, each.people, each.median_minutes) for each in found.days] == [
        (1, 1, 9.0),
        (1, 1, 2.0),
        (1, 1, 1.0),
    ]
    assert found.days == sorted(found.days, key=lambda each: each.day, reverse=True)
    assert [each.median_minutes for each in bench.market.figures("production", timedelta(days=2)).days] == [9.0]
    assert bench.market.figures("sandbox", timedelta(days=14)).assignments == {}
    bench.market.close()


def test_an_empty_market_has_numbers_too(bench: Bench) -> None:
    found = bench.market.figures("production", timedelta(days=14))
    assert (found.hits, found.waiting, found.oldest_waiting, found.median_minutes, found.days) == (
        {},
        0,
        None,
        None,
        [],
    )


def test_a_copy_of_a_market_that_is_written_to_is_one_moment_of_it(tmp_path: Path) -> None:
    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}")
    stop = threading.Event()
    hit = bench.hit(MaxAssignments=5000)

    def work() -> None:
        while not stop.is_set():
            bench.submitted(hit)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(3):
            copy = tmp_path / f"copy-{number}.db"
            assert bench.market.copy_to(copy) == copy.stat().st_size
            with closing(sqlite3.connect(copy)) as made:
                (row,) = made.execute("SELECT available + pending + submitted + completed FROM market_hit")
                (taken,) = made.execute("SELECT count(*) FROM market_assignment")
                (left,) = made.execute("SELECT available FROM market_hit")
            assert (row[0], left[0] + taken[0]) == (5000, 5000), "counters and rows are of one moment"
    finally:
        stop.set()
        worker.join(30)
    bench.market.close()
    restored = Market(f"sqlite:///{tmp_path / 'copy-2.db'}")
    assert restored.identity()
    restored.close()


def test_only_sqlite_is_copied_by_the_market_itself(url: str, tmp_path: Path) -> None:
    if url.startswith("sqlite"):
        pytest.skip("the other database")
    market = Market(url)
    with pytest.raises(UsageError, match="SQLite"):
        market.copy_to(tmp_path / "copy.db")
    market.close()
