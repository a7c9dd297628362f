"""``kill -9`` of the worker site at any moment loses no submission that it answered, and none can be made twice."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import site_crash_harness
from benchmarks.bench_market import HIT
from benchmarks.site_load import SECRET_KEY, Browser, Served, market_serve
from databases import KINDS, new_database
from site_clients import Client, check_books, market_with_hits, work_together

PEOPLE = 4
MANY_ROUNDS = 25


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


def ending(url: str, folder: Path, way: str, number: int) -> Served:
    """A server that is killed at a submission."""
    environment = {"TURKCTL_MARKET_URL": url, "TURKCTL_MARKET_SITE_SECRET_KEY": SECRET_KEY}
    served = Served([sys.executable, site_crash_harness.__file__, way, str(number)], environment, folder)
    served.wait()
    return served


def people(port: int, invitations: list[str]) -> list[Client]:
    found = []
    for number, invitation in enumerate(invitations):
        browser = Browser(port)
        browser.join(invitation)
        browser.close()
        found.append(Client(f"client {number}", browser))
    return found


def test_what_was_answered_as_submitted_survives_a_kill_and_can_be_sent_again(url: str, tmp_path: Path) -> None:
    invitations = market_with_hits(url, HIT, 24, PEOPLE)
    with ExitStack() as stack:
        first = ending(url, tmp_path, site_crash_harness.ANSWER, 5)
        stack.callback(first.stop)
        clients = people(first.port, invitations)
        work_together(clients, [first.port], lambda: None)
        assert first.process.wait(60) == -9
        second = ending(url, tmp_path, site_crash_harness.INSIDE, 4)
        stack.callback(second.stop)
        work_together(clients, [second.port], lambda: None)
        assert second.process.wait(60) == -9
        check_books(url, clients)
        assert sum(len(client.repeated) for client in clients) >= 1, "the lost answer was repeated"
        with market_serve(url, tmp_path) as served:
            work_together(clients, [served[0].port], lambda: None)
    check_books(url, clients)
    submitted = sum(len(client.told | client.repeated) for client in clients)
    assert submitted == sum(len(client.sent) for client in clients), "each was answered in the end"
    assert submitted >= 24 - 2 * PEOPLE, "only what was being accepted at a kill is still at work"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_at_any_moment_lose_nothing(url: str, tmp_path: Path) -> None:
    dice = random.Random(16)
    hits = MANY_ROUNDS * 40
    invitations = market_with_hits(url, HIT, hits, PEOPLE)
    with market_serve(url, tmp_path) as served:
        clients = people(served[0].port, invitations)
    for _ in range(MANY_ROUNDS):
        with market_serve(url, tmp_path) as served:
            work_together(clients, [served[0].port], Killer(served[0], dice.randrange(1, 60), dice.random() / 50))
        check_books(url, clients)
    with market_serve(url, tmp_path) as served:
        work_together(clients, [served[0].port], lambda: None)
    check_books(url, clients)
    assert all(client.sent.keys() == client.told | client.repeated for client in clients)


class Killer:
    """Kills a server some milliseconds after a certain submission has begun."""

    def __init__(self, served: Served, number: int, seconds: float) -> None:
        self._served, self._left, self._seconds = served, number, seconds
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                threading.Timer(self._seconds, self._served.process.kill).start()
