"""The market's database: both kinds, restarts, several processes and threads, versions, cost per look."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from market_support import REQUESTER, Bench, Clock, hit_request, refused
from sqlalchemy import create_engine, event, text

from turkctl.errors import ConfigError, DatabaseUnreachableError, SchemaError
from turkctl.market.service import Market

PROCESSES = 2
EACH = 20

WORKER = """
import sys
from market_support import REQUESTER, hit_request
from turkctl.market.errors import MarketError, WorkError
from turkctl.market.service import Market

market = Market(sys.argv[1])
sys.stdin.readline()
made = refused = 0
for number in range({each}):
    try:
        market.create_hit(REQUESTER, hit_request(Reward="1.00", UniqueRequestToken=f"shared {{number}}"))
        made += 1
    except MarketError as error:
        assert error.turk_error_code == "AWS.MechanicalTurk.HITAlreadyExists", error
        refused += 1
worker = market.register_worker("production")
done = 0
for hit in market.available_hits("production", worker):
    try:
        assignment = market.accept("production", worker, hit["HITId"])["AssignmentId"]
    except WorkError:  # the other one was faster
        continue
    market.submit("production", worker, assignment, {{"a": "1"}})
    market.approve_assignment(REQUESTER, {{"AssignmentId": assignment}})
    done += 1
    if done == 5:
        break
print(made, refused, done)
market.close()
"""


def test_processes_that_start_and_work_at_once_keep_the_books_right(url: str) -> None:
    command = [sys.executable, "-c", WORKER.format(each=EACH), url]
    environment = {"PYTHONPATH": str(Path(__file__).parent), "PATH": ""}
    running = [
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(PROCESSES)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    finished = [process.communicate(timeout=60) for process in running]
    assert [stderr for _, stderr in finished] == [""] * PROCESSES
    made, already, done = (sum(column) for column in zip(*(map(int, out.split()) for out, _ in finished), strict=True))
    assert (made, already) == (EACH, EACH * (PROCESSES - 1))  # each token made one HIT, whoever came first
    market = Market(url)
    balance = market.get_account_balance(REQUESTER, {})
    assert Decimal(balance["AvailableBalance"]) == Decimal("10000.00") - EACH * Decimal("1.20")
    assert Decimal(balance["OnHoldBalance"]) == (EACH - done) * Decimal("1.20")
    market.close()


def test_everything_survives_a_restart(url: str) -> None:
    first = Bench(url)
    hit = first.hit(MaxAssignments=2, UniqueRequestToken="t")
    _, assignment = first.submitted(hit)
    first.market.advance(timedelta(minutes=30))
    identity, now, balance = first.market.identity(), first.market.now(), first.balance()
    first.market.close()
    again = Market(url, clock=first.clock, rng=random.Random(8))
    assert (again.identity(), again.now()) == (identity, now)
    assert again.get_account_balance(REQUESTER, {})["OnHoldBalance"] == str(balance[1])
    assert again.get_assignment(REQUESTER, {"AssignmentId": assignment})["HIT"]["HITId"] == hit
    with refused("HITAlreadyExists", hit):
        again.create_hit(REQUESTER, hit_request(UniqueRequestToken="t"))
    again.advance(timedelta(minutes=30))
    assert again.get_hit(REQUESTER, {"HITId": hit})["HIT"]["HITStatus"] == "Reviewable"
    again.close()


def test_a_whole_life_runs_on_both_databases(url: str) -> None:
    bench = Bench(url)
    kind = bench.qualification("Größe", AutoGranted=True)
    hit = bench.hit(MaxAssignments=2, QualificationRequirements=[{"QualificationTypeId": kind, "Comparator": "Exists"}])
    worker = bench.worker()
    assert [item["Qualified"] for item in bench.market.available_hits("production", worker)] == [False]
    bench.market.request_qualification("production", worker, kind)
    _, assignment = bench.submitted(hit, worker, answer="größer ≥ 5 😀")
    bench.reject(assignment)
    bench.approve(assignment, OverrideRejection=True)
    bench.market.create_worker_block(REQUESTER, {"WorkerId": worker, "Reason": "r"})
    bench.market.notify_workers(REQUESTER, {"Subject": "s", "MessageText": "m", "WorkerIds": [worker]})
    listings: list[tuple[Any, dict[str, Any]]] = [
        (bench.market.list_hits, {}),
        (bench.market.list_reviewable_hits, {}),
        (bench.market.list_hits_for_qualification_type, {"QualificationTypeId": kind}),
        (bench.market.list_assignments_for_hit, {"HITId": hit}),
        (bench.market.list_bonus_payments, {"HITId": hit}),
        (bench.market.list_qualification_types, {"MustBeRequestable": True, "Query": "GRÖSSE größe"}),
        (bench.market.list_qualification_requests, {}),
        (bench.market.list_workers_with_qualification_type, {"QualificationTypeId": kind}),
        (bench.market.list_worker_blocks, {}),
    ]
    for listing, request in listings:
        first = listing(REQUESTER, {"MaxResults": 1, **request})
        if "NextToken" in first:
            assert listing(REQUESTER, request | {"NextToken": first["NextToken"]})["NumResults"] == 0
    bench.market.advance(timedelta(days=130))
    assert bench.get(hit)["HITStatus"] == "Disposed"
    bench.market.advance(timedelta(days=130))
    with refused("HITDoesNotExist", hit):
        bench.get(hit)
    bench.market.reset()
    assert bench.balance() == (Decimal("10000.00"), Decimal("0.00"))
    bench.market.close()


def test_the_clock_of_one_process_is_the_clock_of_all(url: str) -> None:
    clock = Clock()
    first, second = Bench(url, clock=clock), Bench(url, clock=clock)
    hit = first.hit()
    assert second.get(hit)["HITStatus"] == "Assignable"
    first.market.advance(timedelta(days=1))
    assert second.market.now() == first.market.now()
    assert second.get(hit)["HITStatus"] == "Reviewable"
    first.market.close()
    second.market.close()


def test_a_change_of_notifications_reaches_markets_that_know_the_hit_type(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    clock, heard = Clock(), []
    one = Bench(url, clock=clock, notify=lambda _, body: heard.append(body))
    other = Bench(url, clock=clock)
    one.hit()
    one.hit()  # from memory
    kind = other.market.create_hit_type(REQUESTER, hit_request())["HITTypeId"]
    specification = {
        "Destination": "https://q",
        "Transport": "SQS",
        "Version": "2014-08-15",
        "EventTypes": ["HITCreated"],
    }
    other.market.update_notification_settings(REQUESTER, {"HITTypeId": kind, "Notification": specification})
    one.hit(MaxAssignments=2)
    assert len(heard) == 1
    one.market.close()
    other.market.close()


def test_threads_share_a_market(url: str) -> None:
    market = Market(url)
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(10):
                hit = market.create_hit(REQUESTER, hit_request(Reward="1.00"))["HIT"]["HITId"]
                assert market.get_hit(REQUESTER, {"HITId": hit})["HIT"]["HITStatus"] == "Assignable", (name, number)
        except BaseException as error:  # noqa: BLE001  told to the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert market.get_account_balance(REQUESTER, {})["OnHoldBalance"] == "72.00"
    market.close()


def test_threads_share_a_market_in_memory() -> None:
    test_threads_share_a_market("sqlite://")


def test_a_newer_database_is_refused(url: str) -> None:
    Market(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE market_meta SET version = 99"))
    engine.dispose()
    with pytest.raises(SchemaError, match="version 99"):
        Market(url)


@pytest.mark.parametrize("address", ["sqlite:////nowhere/at/all.db", "postgresql+psycopg://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_opened_says_so(address: str) -> None:
    with pytest.raises(DatabaseUnreachableError, match="cannot be used"):
        Market(address)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    path.write_text("just a text file, long enough to be looked at as a database " * 20)
    with pytest.raises(DatabaseUnreachableError, match="not a database"):
        Market(f"sqlite:///{path}")


@pytest.mark.parametrize("address", ["nonsense", "oracle7://x", "mysql+nosuchdriver://x/y"])
def test_an_address_of_no_usable_database_is_a_configuration_error(address: str) -> None:
    with pytest.raises(ConfigError):
        Market(address)


def test_a_database_that_goes_away_says_so(tmp_path: Path) -> None:
    bench = Bench(f"sqlite:///{tmp_path / 'market.db'}")
    engine = create_engine(f"sqlite:///{tmp_path / 'market.db'}")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE market_meta"))
    engine.dispose()
    with pytest.raises(DatabaseUnreachableError, match="market_meta"):
        bench.hit()
    bench.market.close()


def test_a_file_the_market_made_has_a_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    Market(f"sqlite:///{path}").close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_creating_and_reading_a_hit_take_few_statements_however_many_there_are() -> None:
    bench = Bench()
    bench.get(bench.hit())
    bench.get(bench.hit(UniqueRequestToken="t"))  # from here on the HIT type is in memory
    counts: list[int] = []
    statements: list[str] = []
    event.listen(
        bench.market._database.engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_: statements.append(statement),
    )
    for _ in range(2):
        statements.clear()
        hit = bench.hit(UniqueRequestToken=str(len(counts)))
        bench.get(hit)
        counts.append(len(statements))
        bench.market.bulk_hits(REQUESTER, hit_request(), 300)
    assert counts[0] == counts[1] <= 14
    bench.market.close()


def test_what_is_due_is_found_through_indexes() -> None:
    from turkctl.market import settle

    bench = Bench()
    bench.market.bulk_hits(REQUESTER, hit_request(), 50)
    with bench.market._database.engine.connect() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {settle._LOOK}")).all()
    searched = [row[-1] for row in plan if "SEARCH" in row[-1] or "SCAN market" in row[-1]]
    assert len(searched) == 5
    assert all("INDEX" in step for step in searched)
    bench.market.close()


def test_the_same_seed_makes_the_same_ids_and_another_day_others() -> None:
    one, two = Bench(), Bench()
    assert one.hit() == two.hit()
    one.clock.seconds += 1
    assert one.hit() != two.hit()
    for bench in (one, two):
        bench.market.close()
