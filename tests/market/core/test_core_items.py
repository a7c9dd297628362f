"""Items of HITs: the market neither offers nor gives a worker an item that they answered or have at hand."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from market_support import REQUESTER, STRANGER, Bench, hit_request, not_allowed
from sqlalchemy import create_engine, text

from turkctl.market.errors import RequestError, WorkError
from turkctl.market.hit_items import ALREADY_ANSWERED, KNOWN_REPEATED


def showing(bench: Bench, *items: str, known: tuple[str, ...] = (), **changes: Any) -> str:
    """A HIT that shows these items, to three people."""
    told = {"Items": list(items)} | ({"KnownItems": list(known)} if known else {})
    return bench.hit(**{"MaxAssignments": 3, **told, **changes})


def offered(bench: Bench, worker: str) -> list[str]:
    """The HITs in the API's list and those that the site counts and offers, which agree."""
    listed = [hit["HITId"] for hit in bench.market.available_hits("production", worker)]
    groups = bench.market.groups("production", worker)
    assert sum(group.left for group in groups) == len(listed)
    assert {group.hit_id for group in groups} <= set(listed)
    return listed


@pytest.fixture(params=["submitted", "accepted", "approved", "rejected"])
def had(request: pytest.FixtureRequest, bench: Bench) -> str:
    """A worker who has had the item ``one``, whatever became of their work."""
    worker = bench.worker()
    hit = showing(bench, "one", "two")
    if request.param == "accepted":
        bench.accepted(hit, worker)
    else:
        _, assignment = bench.submitted(hit, worker)
        if request.param != "submitted":
            {"approved": bench.approve, "rejected": bench.reject}[request.param](assignment)
    return worker


def test_nobody_is_offered_or_given_an_item_that_they_have_had(bench: Bench, had: str) -> None:
    again = showing(bench, "three", "one")
    version = showing(bench, "one", Title="another code version", Reward="0.70")
    other = showing(bench, "three")
    assert offered(bench, had) == [other]
    for hit in (again, version):
        with not_allowed(ALREADY_ANSWERED):
            bench.accepted(hit, had)
        assert "once" in bench.market.look_at("production", had, hit)["WhyNot"]
    assert set(offered(bench, bench.worker())) >= {again, version, other}
    assert bench.market.eligible("production", [again]) == (2, 1)


def test_a_hit_that_was_posted_before_somebody_took_its_item_is_closed_to_them_too(bench: Bench) -> None:
    first, second = showing(bench, "one"), showing(bench, "one")
    worker = bench.worker()
    assert offered(bench, worker) == [first, second]
    taken = bench.market.accept_like("production", worker, first)
    assert offered(bench, worker) == []
    with not_allowed("NoHITsAvailable"):
        bench.market.accept_like("production", worker, second)
    assert taken["HIT"]["HITId"] == first


@pytest.mark.parametrize("way", ["returned", "abandoned"])
def test_what_is_given_back_is_open_to_the_same_person_again(bench: Bench, way: str) -> None:
    first, second, third = showing(bench, "one"), showing(bench, "one", "two"), showing(bench, "two")
    worker = bench.worker()
    _, assignment = bench.accepted(first, worker)
    assert offered(bench, worker) == [third]
    assert offered(bench, worker) == [third]  # the site has a mark of what they passed by now
    if way == "returned":
        bench.market.return_assignment("production", worker, assignment)
    else:
        bench.market.advance(timedelta(minutes=10))
    assert offered(bench, worker) == [first, second, third]
    bench.accepted(second, worker)
    assert offered(bench, worker) == []


def test_who_has_two_items_of_a_hit_stays_out_until_both_are_given_back(bench: Bench) -> None:
    both = showing(bench, "one", "two")
    worker = bench.worker()
    given = [bench.accepted(showing(bench, item), worker)[1] for item in ("one", "two")]
    for assignment in given:
        assert both not in offered(bench, worker)
        bench.market.return_assignment("production", worker, assignment)
    assert both in offered(bench, worker)


def test_items_are_their_requesters_own_and_of_one_environment(bench: Bench) -> None:
    worker, _ = bench.submitted(showing(bench, "one"))
    theirs = bench.market.create_hit(STRANGER, hit_request(Items=["one"]))["HIT"]["HITId"]
    plain = bench.hit()
    assert offered(bench, worker) == [theirs, plain]


def test_what_somebody_had_as_a_known_item_is_not_asked_of_them_when_it_is_an_ordinary_one(bench: Bench) -> None:
    before = showing(bench, "x")
    worker, _ = bench.submitted(showing(bench, "i", known=("x",)))
    after, other = showing(bench, "x", "y"), showing(bench, "z")
    assert offered(bench, worker) == [other]
    assert bench.market.accept_like("production", worker, before)["HIT"]["HITId"] == other
    assert set(offered(bench, bench.worker())) >= {before, after}


def test_an_item_is_told_once_and_a_known_one_is_no_other(bench: Bench) -> None:
    for told in ({"Items": ["a", "a"]}, {"Items": ["a"], "KnownItems": ["a"]}):
        with pytest.raises(RequestError, match="once"):
            bench.hit(**told)


def test_known_items_come_once_until_nothing_else_is_near(bench: Bench) -> None:
    hits = [showing(bench, f"i{n}", known=(f"g{n % 2}",)) for n in range(4)]
    worker = bench.worker()
    order = []
    for _ in hits:
        taken = bench.market.accept_like("production", worker, hits[0])
        order.append(taken["HIT"]["HITId"])
        bench.market.submit("production", worker, taken["AssignmentId"], {"a": "b"})
    assert order[:2] == [hits[0], hits[1]]
    assert set(order) == set(hits)


def test_a_known_item_cannot_be_taken_twice_by_asking_for_its_hit(bench: Bench) -> None:
    one, two, three = (showing(bench, f"i{n}", known=(known,)) for n, known in enumerate(("g0", "g0", "g1")))
    worker, _ = bench.submitted(one)
    with not_allowed(KNOWN_REPEATED):
        bench.accepted(two, worker)
    assert bench.market.accept_like("production", worker, two)["HIT"]["HITId"] == three
    bench.accepted(two, worker)  # all known items are used up


def test_of_two_hits_with_one_item_a_worker_gets_one_even_at_the_same_moment(url: str) -> None:
    bench = Bench(url)
    worker = bench.worker()
    pairs = [(showing(bench, f"i{n}"), showing(bench, f"i{n}", "x")) for n in range(6)]
    gate = threading.Barrier(4)

    def take(hits: list[str]) -> list[str]:
        gate.wait()
        found = []
        for hit in hits:
            try:
                found.append(bench.market.accept("production", worker, hit)["HITId"])
            except WorkError as error:
                if error.code not in (ALREADY_ANSWERED, "AssignmentAlreadyExists"):
                    raise
        return found

    with ThreadPoolExecutor(4) as pool:
        sides = [[pair[side] for pair in pairs] for side in (0, 1, 0, 1)]
        taken = [hit for found in pool.map(take, sides) for hit in found]
    held = [sum(hit in taken for hit in pair) for pair in pairs]
    assert held == [1] * 6
    bench.market.close()


def test_the_database_itself_refuses_a_second_holder_of_an_item(url: str) -> None:
    bench = Bench(url)
    worker, assignment = bench.accepted(showing(bench, "one"))
    bench.market.close()
    row = "INSERT INTO market_item_worker VALUES ('production', :a, 'one', :w, 'other')"
    engine = create_engine(url)
    with pytest.raises(Exception, match=r"(?i)unique"), engine.begin() as connection:
        connection.execute(text(row), {"a": REQUESTER.account, "w": worker})
    engine.dispose()
    assert assignment


def test_a_market_of_an_older_version_gets_the_tables(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'market.db'}"
    bench = Bench(address)
    old = bench.hit()
    bench.market.close()
    engine = create_engine(address)
    with engine.begin() as connection:
        for table in ("market_kept_out", "market_item_worker", "market_hit_item"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE market_hit DROP COLUMN items"))
        connection.execute(text("UPDATE market_meta SET version = 4"))
    engine.dispose()
    bench = Bench(address)
    worker, _ = bench.submitted(showing(bench, "one"))
    assert offered(bench, worker) == [old]
    bench.market.close()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_do_what_they_are_offered_is_what_they_can_take(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    people = [bench.worker() for _ in range(3)]
    shown: dict[str, set[str]] = {}
    holds: dict[tuple[str, str], str] = {}
    for _ in range(60):
        who, what = rng.choice(people), rng.random()
        mine = [hit for worker, hit in holds if worker == who]
        if what < 0.4:
            items = rng.sample([f"i{n}" for n in range(8)], rng.randint(1, 3))
            shown[showing(bench, *items, MaxAssignments=9, LifetimeInSeconds=90_000)] = set(items)
        elif what < 0.75 and shown:
            hit = rng.choice(list(shown))
            free = all(not shown[hit] & shown[other] for other in mine)
            try:
                holds[who, hit] = bench.accepted(hit, who)[1]
                assert free
            except WorkError:
                assert not free
        elif mine:
            hit = rng.choice(mine)
            assignment = holds[who, hit]
            try:
                if rng.random() < 0.5:
                    bench.market.return_assignment("production", who, assignment)
                    del holds[who, hit]
                else:
                    bench.market.submit("production", who, assignment, {"a": "b"})
            except WorkError as error:
                if error.code != "AlreadySubmitted":
                    raise
        submitted = {key for key in holds if key[0] == who}
        taken = set().union(*(shown[hit] for _who, hit in submitted)) if submitted else set()
        assert set(offered(bench, who)) == {hit for hit, items in shown.items() if not items & taken}
