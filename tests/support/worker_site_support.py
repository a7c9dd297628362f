"""A market in memory with its worker site, and people with browsers that run no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from html import unescape
from random import Random
from typing import Any

from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.market.site.app import SiteOptions, make_site
from turkctl.newcomers import NewInvitation
from turkctl.web.sign_in import now_utc

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
START = 1_700_000_000
REQUESTER = Requester("123456789012", "production")
PASSWORD = "correct horse battery"
SECRET_KEY = "k" * 64
TASK = "https://lab.example.org/pub?a=1&b=2#top"


def external(address: str = TASK, height: int = 0) -> str:
    """Return an ExternalQuestion."""
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{address.replace('&', '&amp;')}</ExternalURL><FrameHeight>{height}</FrameHeight>"
        "</ExternalQuestion>"
    )


class Clock:
    """Seconds that move only by hand."""

    def __init__(self) -> None:
        self.seconds = float(START)

    def __call__(self) -> float:
        return self.seconds


class SiteBench:
    """A market with its site."""

    def __init__(
        self,
        database: str = "sqlite://",
        rng: Random | None = None,
        *,
        fee: str | None = None,
        unit: str | None = None,
        **options: Any,
    ) -> None:
        self.clock = Clock()
        self.market = Market(database, clock=self.clock, rng=rng, fee=fee, unit=unit)
        self.later = timedelta()
        self.app = make_site(self.market, "production", SiteOptions(SECRET_KEY, **options), clock=self.now)

    def now(self) -> datetime:
        """Return the real time, as far as the test has moved it."""
        return now_utc() + self.later

    def post(self, **changes: Any) -> dict[str, Any]:
        """Post a HIT; what a test cares about is given by name."""
        request = {
            "Title": "Name the colour",
            "Description": "A short task.",
            "Reward": "0.50",
            "LifetimeInSeconds": 3600,
            "AssignmentDurationInSeconds": 600,
            "Question": external(),
        }
        return self.market.create_hit(REQUESTER, request | changes)["HIT"]

    def invite(self, **new: Any) -> str:
        """Make an invitation; return its token."""
        return self.market.invite("production", NewInvitation(**new))[0]

    def visitor(self) -> Visitor:
        """Return somebody who has not signed in."""
        return Visitor(self)

    def person(self) -> Visitor:
        """Return somebody who came in by an invitation."""
        found = self.visitor()
        found.join(self.invite())
        assert found.status == 200, found.text
        return found


class Visitor:
    """Somebody with a browser that runs no scripts."""

    def __init__(self, bench: SiteBench) -> None:
        self.client = bench.app.test_client()
        self.market = bench.market
        self.text = ""
        self.status = 0
        self.path = ""

    def get(self, path: str, **more: Any) -> str:
        """Open a page; return its text."""
        return self._keep(self.client.get(path, follow_redirects=True, **more))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, *, token: bool = True) -> str:
        """Send a form, with the token of the page that was opened last; return the page that answers."""
        data = dict(fields or {})
        if token:
            data["csrf_token"] = self.token
        return self._keep(self.client.post(path, data=data, follow_redirects=True))

    @property
    def token(self) -> str:
        """The token of the page."""
        found = re.search(r'"X-CSRFToken": "([^"]+)"', self.text)
        assert found, "the page has no token"
        return unescape(found[1])

    @property
    def worker_id(self) -> str:
        """Who they are, as the page says."""
        found = re.search(r"Worker id (A[A-Z0-9]+)", self.text)
        assert found, self.text
        return found[1]

    def join(self, token: str) -> str:
        """Open an invitation, and press "Start"."""
        self.get(f"/worker/join/{token}")
        return self.post(f"/worker/join/{token}")

    def accept(self, hit_id: str) -> str:
        """Accept a HIT from its preview; return the id of the assignment."""
        self.get(f"/worker/hits/{hit_id}")
        self.post(f"/worker/hits/{hit_id}/accept")
        found = re.search(r'data-assignment="([A-Z0-9]+)"', self.text)
        assert found, self.text
        return found[1]

    def submit(self, assignment_id: str, **fields: Any) -> str:
        """Submit as a task does: from another origin, without cookies and without a token."""
        other = self.client.application.test_client()
        return self._keep(other.post("/mturk/externalSubmit", data={"assignmentId": assignment_id, **fields}))

    def frame_address(self) -> str:
        """Where the frame of the page leads."""
        found = re.search(r'<iframe [^>]*src="([^"]+)"', self.text)
        assert found, self.text
        return unescape(found[1])

    def _keep(self, response: Any) -> str:
        self.text, self.status = response.get_data(as_text=True), response.status_code
        self.path, self.headers = response.request.path, response.headers
        return self.text


@contextmanager
def site_bench(**options: Any) -> Iterator[SiteBench]:
    """Make a market with its site for the block."""
    bench = SiteBench(**options)
    try:
        yield bench
    finally:
        bench.market.close()
