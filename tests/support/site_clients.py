"""Workers over HTTP who go on with their work whatever becomes of the server, and what they were told."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from benchmarks.site_load import Browser

from turkctl.market.answers import read
from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.newcomers import NewInvitation

LAB = Requester("123456789012", "production")
SUBMITTED, ALREADY = "Your work was submitted.", "Your work was already submitted"
ACCEPT = re.compile(r'action="(/worker/hits/[A-Z0-9]+/accept)"')


def market_with_hits(url: str, request: dict[str, Any], hits: int, people: int) -> list[str]:
    """Make a market with HITs of one group; return invitations for people."""
    with closing(Market(url, opening_balance=Decimal(1_000_000))) as market:
        market.bulk_hits(LAB, request, hits)
        return market.invite("production", NewInvitation(), people)


@dataclass
class Client:
    """Somebody at work, and what the site told them.

    Attributes:
        name: part of their answers, which are all different.
        browser: with the cookies of their session.
        sent: answers by assignment that were sent at least once.
        told: assignments of which the site said that they were submitted.
        repeated: assignments of which it said that they were submitted already.
    """

    name: str
    browser: Browser
    sent: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    _pending: str | None = None

    def work(self, port: int, before_submit: Callable[[], None] = lambda: None) -> None:
        """Work at a server until it goes away or nothing is left."""
        self.browser = self.browser.at(port)
        with closing(self.browser):
            try:
                while self._pending is not None or self._accept():
                    before_submit()
                    self._submit()
            except OSError:
                return

    def _accept(self) -> bool:
        found = ACCEPT.search(self.browser.get("/worker").text)
        if found is None:
            return False
        answer = self.browser.post(found[1])
        accepted = re.fullmatch(r"/worker/assignments/([A-Z0-9]+)", answer.location)
        if accepted is None:  # somebody else was quicker, and nothing is left
            return answer.status == 303
        self._pending = accepted[1]
        return True

    def _submit(self) -> None:
        if self._pending is None:
            return
        answer = self.sent.setdefault(self._pending, f"{self.name} {len(self.sent)}")
        page = self.browser.submit(self._pending, colour=answer)
        assert page.status == 200, page.text
        if ALREADY in page.text:
            self.repeated.add(self._pending)
        else:
            assert SUBMITTED in page.text, page.text
            self.told.add(self._pending)
        self._pending = None


def work_together(clients: Sequence[Client], ports: Sequence[int], before_submit: Callable[[], None]) -> None:
    """Let all work at once, spread over the servers, until these go away or nothing is left."""
    threads = [
        threading.Thread(target=client.work, args=(ports[number % len(ports)], before_submit))
        for number, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)


def check_books(url: str, clients: Sequence[Client]) -> None:
    """Check that what clients were told is true, and that nothing else was submitted."""
    stored: dict[str, str] = {}
    with closing(Market(url)) as market:
        for hit in _all_hits(market):
            done = market.list_assignments_for_hit(LAB, {"HITId": hit["HITId"], "MaxResults": 100})["Assignments"]
            for each in done:
                (stored[each["AssignmentId"]],) = read(each["Answer"])["colour"]
            parts = (hit[f"NumberOfAssignments{part}"] for part in ("Available", "Pending", "Completed"))
            assert sum(parts) + len(done) == hit["MaxAssignments"], hit
            assert len(done) <= hit["MaxAssignments"]
    sent = {key: answer for client in clients for key, answer in client.sent.items()}
    told = set().union(*(client.told | client.repeated for client in clients))
    assert told <= set(stored), "a submission was lost"
    assert stored.items() <= sent.items(), "an answer is not what was sent"
    assert len(set(stored.values())) == len(stored)


def _all_hits(market: Market) -> list[dict[str, Any]]:
    found, token = [], None
    while True:
        request = {"MaxResults": 100} | ({"NextToken": token} if token else {})
        page = market.list_hits(LAB, request)
        found += page["HITs"]
        token = page.get("NextToken")
        if token is None:
            return found
