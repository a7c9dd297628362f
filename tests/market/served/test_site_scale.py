"""What the worker site asks does not grow with the number of HITs: each question is answered from an index.

Sizes are small; a full scan, or a statement for each group or HIT, would show all the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from sqlalchemy import create_engine, event, text
from worker_site_support import REQUESTER, SiteBench, external

from turkctl.market import next_work, tables
from turkctl.market.errors import WorkError
from turkctl.market.service import Market
from turkctl.market.site import mine
from turkctl.market.work import Sent
from turkctl.newcomers import NewPerson

WHERE = "production"
REQUEST: dict[str, Any] = {
    "Title": "Name the colour",
    "Description": "A short task.",
    "Reward": "0.50",
    "LifetimeInSeconds": 3600,
    "AssignmentDurationInSeconds": 600,
    "Question": external(),
}


@pytest.fixture
def bench() -> Iterator[SiteBench]:
    made = SiteBench()
    yield made
    made.market.close()


@contextmanager
def statements(market: Market) -> Iterator[list[tuple[str, Any]]]:
    """Gather what the market asks its database."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    event.listen(market._database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(market._database.engine, "before_cursor_execute", note)


def plans(market: Market, seen: list[tuple[str, Any]]) -> dict[str, str]:
    """Each way in which SQLite finds rows, with one of the statements that it is for."""
    found = {}
    with market._database.read() as connection:
        for statement, values in seen:
            if not statement.startswith(("SELECT", "WITH", "INSERT", "UPDATE")):
                continue
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
                found[row.detail] = statement
    return found


def indexes_of(found: dict[str, str], table: str) -> set[str]:
    """The indexes by which rows of a table were found."""
    used = (re.match(rf"(?:SEARCH|SCAN) {table} USING (?:COVERING )?INDEX (\w+)", detail) for detail in found)
    return {match[1] for match in used if match and not match[1].startswith("sqlite_autoindex")}


def steps(market: Market, worker_id: str) -> None:
    """All that a worker does between two HITs."""
    market.person_of_session(WHERE, worker_id, "token", market.now())
    hit_id = market.groups(WHERE, worker_id)[0].hit_id
    accepted = market.accept_like(WHERE, worker_id, hit_id)["AssignmentId"]
    market.assignment(WHERE, accepted)
    market.submit_from_page(WHERE, accepted, worker_id, Sent({"colour": "red"}))
    market.hit_after(WHERE, worker_id, hit_id)
    market.first_of_group(WHERE, worker_id, market.groups(WHERE, worker_id)[0].id)
    market.accept_like(WHERE, worker_id, hit_id)


def test_no_step_reads_a_table_whole_or_sorts(bench: SiteBench) -> None:
    bench.market.bulk_hits(REQUESTER, REQUEST, 9)
    worker = bench.market.add_person(WHERE, NewPerson())
    steps(bench.market, worker)
    with statements(bench.market) as seen:
        steps(bench.market, worker)
    found = plans(bench.market, seen)
    assert [detail for detail in found if detail.startswith(("SCAN market_", "USE TEMP B-TREE"))] == []
    assert indexes_of(found, "market_hit") == {"market_hit_by_state", "market_hit_by_opening", "market_hit_by_due"}
    assert indexes_of(found, "market_assignment") == {"market_assignment_once", "market_assignment_by_due"}


def test_my_work_is_found_by_the_worker(bench: SiteBench) -> None:
    bench.market.bulk_hits(REQUESTER, REQUEST, 2)
    worker = bench.market.add_person(WHERE, NewPerson())
    steps(bench.market, worker)
    with statements(bench.market) as seen:
        bench.market.work_of(WHERE, worker)
        bench.market.earnings_of(WHERE, worker)
    found = plans(bench.market, seen)
    mine = {"market_assignment_by_worker", "market_assignment_by_approval"}
    assert indexes_of(found, "market_assignment") - {"market_assignment_by_due"} == mine
    assert "market_bonus_by_worker" in indexes_of(found, "market_bonus")


def test_steps_take_as_many_statements_with_many_hits_and_groups_as_with_few(bench: SiteBench) -> None:
    def counted() -> int:
        worker = bench.market.add_person(WHERE, NewPerson())
        steps(bench.market, worker)
        with statements(bench.market) as seen:
            steps(bench.market, worker)
        return len(seen)

    def post(groups: int, hits: int) -> None:
        for _ in range(groups):
            bench.clock.seconds += 1
            bench.market.bulk_hits(REQUESTER, REQUEST | {"Title": f"At {bench.clock.seconds}"}, hits)

    post(3, 10)
    counted()  # which reads the types
    few = counted()
    post(30, 20)
    counted()
    assert counted() == few


def test_the_next_hit_is_found_without_reading_those_that_somebody_has_had(bench: SiteBench) -> None:
    """Rows are counted by SQLite's own progress: a callback after each so many steps of its machine."""
    market = bench.market
    market.bulk_hits(REQUESTER, REQUEST | {"MaxAssignments": 9}, 300)
    veteran = market.add_person(WHERE, NewPerson())
    last = market.groups(WHERE, veteran)[0].hit_id
    for _ in range(250):
        taken = market.accept_like(WHERE, veteran, last)
        last = taken["HIT"]["HITId"]
        market.submit(WHERE, veteran, taken["AssignmentId"], {"a": "1"})
    effort = machine_steps(market, lambda: market.accept_like(WHERE, veteran, last))
    somebody = market.add_person(WHERE, NewPerson())
    market.groups(WHERE, somebody)
    usual = machine_steps(market, lambda: market.accept_like(WHERE, somebody, last))
    assert effort < 2 * usual, (effort, usual)


def machine_steps(market: Market, act: Any) -> int:
    """How many tens of steps SQLite's machine takes."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with market._database.engine.connect() as connection:
        connection.connection.driver_connection.set_progress_handler(step, 10)
    act()
    with market._database.engine.connect() as connection:
        connection.connection.driver_connection.set_progress_handler(None, 0)
    return count


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


def expected_next(market: Market, worker_id: str) -> list[str]:
    """Every HIT that is open to somebody, in the order in which they get them, by reading all."""
    with market._database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT id FROM market_hit h WHERE status = 'Assignable' AND NOT EXISTS"
                " (SELECT 1 FROM market_assignment a WHERE a.hit_id = h.id AND a.worker_id = :worker"
                " AND a.status IN ('Accepted', 'Submitted', 'Approved', 'Rejected')) ORDER BY expires_at, seq"
            ),
            {"worker": worker_id},
        )
        return [row.id for row in rows]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_each_gets_the_first_hit_that_they_have_not_had(
    url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes with marks of their own, and accepts, returns, new HITs and other expiries in any order."""
    monkeypatch.setattr(next_work, "_MOST_BEHIND", 2)
    dice = random.Random(seed)
    with closing(Market(url)) as one, closing(Market(url)) as other:
        one.bulk_hits(REQUESTER, REQUEST | {"MaxAssignments": 2}, 8)
        people = [one.add_person(WHERE, NewPerson()) for _ in range(4)]
        held: list[tuple[str, str]] = []
        for turn in range(120):
            market, worker = dice.choice((one, other)), dice.choice(people)
            open_hits = expected_next(market, worker)
            groups = market.groups(WHERE, worker)
            assert [each.hit_id for each in groups] == open_hits[:1], turn
            assert [each.left for each in groups] == ([len(open_hits)] if open_hits else []), turn
            match dice.randrange(6):
                case 0 | 1 | 2 if open_hits:
                    try:
                        held.append((worker, market.accept_like(WHERE, worker, dice.choice(open_hits))["AssignmentId"]))
                    except WorkError as error:
                        raise AssertionError(turn) from error
                case 3 if held:
                    market.return_assignment(WHERE, *held.pop(dice.randrange(len(held))))
                case 4:
                    market.bulk_hits(REQUESTER, REQUEST | {"LifetimeInSeconds": dice.choice((1800, 3600, 7200))}, 1)
                case 5 if open_hits:
                    moved = {"HITId": dice.choice(open_hits), "NumberOfAdditionalAssignments": 1}
                    market.create_additional_assignments_for_hit(REQUESTER, moved)


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_market_gets_what_it_lacks_indexes_too(kind: str, tmp_path: Path) -> None:
    with new_database(kind, tmp_path) as url:
        with closing(Market(url)) as market:
            market.bulk_hits(REQUESTER, REQUEST, 3)
            worker = market.add_person(WHERE, NewPerson())
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP INDEX market_hit_by_opening"))
            connection.execute(text("DROP INDEX market_hit_by_state"))
            connection.execute(text("CREATE INDEX market_hit_by_type ON market_hit (hit_type_id, status)"))
            connection.execute(text("UPDATE market_hit SET opened = NULL"))
            connection.execute(text("UPDATE market_meta SET version = 3"))
        with closing(Market(url)) as market:
            taken = [market.accept_like(WHERE, worker, market.groups(WHERE, worker)[0].hit_id) for _ in range(3)]
            assert len({each["HITId"] for each in taken}) == 3
            market.return_assignment(WHERE, worker, taken[0]["AssignmentId"])
            assert market.groups(WHERE, worker)[0].hit_id == taken[0]["HITId"]
            with market._database.read() as connection:
                found = {each["name"] for each in indexes(connection, "market_hit")}
        engine.dispose()
        assert {str(index.name) for index in tables.hit.indexes} <= found
        assert "market_hit_by_type" not in found


def indexes(connection: Any, table: str) -> Any:
    from sqlalchemy import inspect

    return inspect(connection).get_indexes(table)


def test_my_work_shows_the_latest_of_much_in_any_status(bench: SiteBench, monkeypatch: pytest.MonkeyPatch) -> None:
    market = bench.market
    market.bulk_hits(REQUESTER, REQUEST, 6)
    worker = market.add_person(WHERE, NewPerson())
    hits = (market.groups(WHERE, worker)[0].hit_id for _ in range(6))
    taken = [market.accept_like(WHERE, worker, hit_id)["AssignmentId"] for hit_id in hits]
    market.submit(WHERE, worker, taken[1], {"a": "1"})
    market.return_assignment(WHERE, worker, taken[5])
    assert [each.id for each in market.work_of(WHERE, worker)] == taken[::-1]
    assert set(mine.STATUSES) == {"Accepted", "Submitted", "Approved", "Rejected", "Returned", "Abandoned"}
