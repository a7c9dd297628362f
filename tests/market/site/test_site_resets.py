"""A forgotten password: a link that works once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from worker_site_support import PASSWORD, SiteBench

from turkctl.errors import NotFoundError, UsageError
from turkctl.newcomers import NewPerson
from turkctl.web.passwords import hash_password

NEW = "another long password"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


def test_a_link_sets_a_new_password_once_and_ends_other_sessions(bench: SiteBench, hashed: str) -> None:
    bench.market.add_person("production", NewPerson(name="ana", own_id="4711", password_hash=hashed))
    elsewhere = bench.visitor()
    elsewhere.get("/worker/sign-in")
    elsewhere.post("/worker/sign-in", {"name": "ana", "password": PASSWORD})
    assert elsewhere.path == "/worker"
    token = bench.market.make_reset("production", "4711", DAY)
    person = bench.visitor()
    person.get(f"/worker/reset/{token}")
    elsewhere.get("/worker")
    assert elsewhere.path == "/worker", "opening the link does nothing by itself"
    person.post(f"/worker/reset/{token}", {"password": "short"})
    assert (person.status, "fewer than 8" in person.text) == (400, True)
    person.post(f"/worker/reset/{token}", {"password": NEW})
    assert (person.path, "(ana)" in person.text) == ("/worker", True)
    elsewhere.get("/worker")
    assert elsewhere.path == "/worker/sign-in"
    person.get(f"/worker/reset/{token}")
    assert person.status == 404
    person.get("/worker")
    person.post(f"/worker/reset/{token}", {"password": PASSWORD})
    assert person.status == 404
    other = bench.visitor()
    other.get("/worker/sign-in")
    other.post("/worker/sign-in", {"name": "ana", "password": NEW})
    assert other.path == "/worker"


def test_a_link_ends_and_a_later_one_takes_its_place(bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(name="ana", password_hash="x"))
    first = bench.market.make_reset("production", "ana", DAY)
    second = bench.market.make_reset("production", "ana", DAY)
    visitor = bench.visitor()
    visitor.get(f"/worker/reset/{first}")
    assert visitor.status == 404
    visitor.get(f"/worker/reset/{second}")
    assert visitor.status == 200
    bench.clock.seconds += DAY.total_seconds()
    visitor.get(f"/worker/reset/{second}")
    assert (visitor.status, "ask" in visitor.text.lower()) == (404, True)


def test_the_token_is_stored_hashed(bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(name="ana", password_hash="x"))
    token = bench.market.make_reset("production", "ana", DAY)
    with bench.market._database.read() as connection:
        assert token not in str(connection.execute(text("SELECT * FROM market_password_reset")).all())


def test_only_who_has_a_password_can_get_another_one(bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(own_id="4711"))
    with pytest.raises(UsageError, match="no name and password"):
        bench.market.make_reset("production", "4711", DAY)
    with pytest.raises(NotFoundError):
        bench.market.make_reset("production", "nobody", DAY)
    for wrong in (timedelta(), timedelta(days=31)):
        with pytest.raises(UsageError, match="at most 30 days"):
            bench.market.make_reset("production", "4711", wrong)


def test_the_sign_in_page_says_whom_to_ask(bench: SiteBench) -> None:
    assert "If you forgot your password, ask whoever" in bench.visitor().get("/worker/sign-in")
