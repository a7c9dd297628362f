"""Several ``market serve`` processes on one database are one site to people, whichever of them answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.bench_market import HIT
from benchmarks.site_load import Browser, market_serve
from databases import KINDS, new_database
from site_clients import ACCEPT, Client, check_books, market_with_hits, work_together

from turkctl.attempt_limits import PER_PAIR
from turkctl.market.service import Market
from turkctl.newcomers import NewPerson
from turkctl.web.passwords import hash_password

PASSWORD = "correct horse battery"
ASSIGNMENT = re.compile(r"/worker/assignments/([A-Z0-9]+)")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


class Alternating:
    """A browser whose requests go to one process after the other, as a proxy may send them."""

    def __init__(self, ports: list[int]) -> None:
        self.browsers = [Browser(port) for port in ports]
        self.turn = 0

    def next(self) -> Browser:
        """The browser at the next process, with what it got from the last one."""
        last = self.browsers[self.turn % len(self.browsers)]
        self.turn += 1
        following = self.browsers[self.turn % len(self.browsers)]
        following.cookies, following.token = last.cookies, last.token
        return following

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()


def test_a_browser_that_changes_processes_at_each_request_notices_nothing(url: str, tmp_path: Path) -> None:
    (invitation,) = market_with_hits(url, HIT, 3, 1)
    with closing(Market(url)) as market:
        market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    with market_serve(url, tmp_path, 2) as served:
        with closing(Alternating([each.port for each in served])) as browser:
            browser.next().get(f"/worker/join/{invitation}")
            assert browser.next().post(f"/worker/join/{invitation}").status == 303
            found = ACCEPT.search(browser.next().get("/worker").text)
            assert found
            accepted = ASSIGNMENT.match(browser.next().post(found[1]).location)
            assert accepted
            page = browser.next().get(f"/worker/assignments/{accepted[1]}")
            assert f'data-assignment="{accepted[1]}"' in page.text
            assert "Your work was submitted." in browser.next().submit(accepted[1], colour="red").text
            following = browser.next().post(f"/worker/assignments/{accepted[1]}/next")
            second = ASSIGNMENT.match(following.location)
            assert second
            assert second[1] != accepted[1]
            assert browser.next().get(following.location).status == 200
            assert "Submitted" in browser.next().get("/worker/mine").text
            browser.next().token = "forged"
            assert browser.next().post(f"/worker/assignments/{second[1]}/return").status == 400
            assert browser.next().get("/worker").status == 200
            signed_in = dict(browser.next().cookies)
            assert browser.next().post("/worker/sign-out").status == 303
        for each in served:
            with closing(Browser(each.port, signed_in)) as copy:
                assert copy.get("/worker").status == 303, "the session is over at every process"
        with closing(Alternating([each.port for each in served])) as guesser:
            guesser.next().get("/worker/sign-in")
            for _ in range(PER_PAIR):
                guesser.next().post("/worker/sign-in", name="ana", password="wrong")
            told = guesser.next().post("/worker/sign-in", name="ana", password=PASSWORD)
            assert told.status == 429, "attempts at both processes count together"


def test_people_at_two_processes_get_each_slot_once(url: str, tmp_path: Path) -> None:
    hits, people = 20, 4
    invitations = market_with_hits(url, HIT | {"MaxAssignments": 2}, hits, people)
    with market_serve(url, tmp_path, 2) as served:
        ports = [each.port for each in served]
        clients = []
        for number, invitation in enumerate(invitations):
            browser = Browser(ports[number % 2])
            browser.join(invitation)
            browser.close()
            clients.append(Client(f"client {number}", browser))
        work_together(clients, ports, lambda: None)
    check_books(url, clients)
    assert sum(len(client.told) for client in clients) == 2 * hits
