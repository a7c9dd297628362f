"""A market that was moved to another database can be looked at, and nothing happens on it any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from turkctl.copying.marks import ARRIVED, INCOMING, KEPT, MOVED, MarkedError, MoveMark
from turkctl.market import servers, tables
from turkctl.market.moves import MarketContents
from turkctl.market.service import Market, Requester
from turkctl.market.timekeeper import Timekeeper

ASKER = Requester("123456789012", "production")
HIT = {
    "Title": "Name the colour", "Description": "A task.", "Reward": "0.05", "MaxAssignments": 2,
    "LifetimeInSeconds": 3600, "AssignmentDurationInSeconds": 60,
    "Question": (
        '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
        'ExternalQuestion.xsd"><ExternalURL>https://example.org/</ExternalURL><FrameHeight>0</FrameHeight>'
        "</ExternalQuestion>"
    ),
}  # fmt: skip


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    made = Market(f"sqlite:///{tmp_path / 'market.db'}")
    made.deposit(ASKER, Decimal(5))
    made.bulk_hits(ASKER, HIT, 1)
    with closing(made):
        yield made


def mark(market: Market, state: str) -> None:
    with market._database.write() as connection:
        MarketContents().set_mark(connection, MoveMark(state, "token", "sqlite:///other.db", "2026-11-30T12:00:00Z"))


@pytest.mark.parametrize("state", [MOVED, KEPT, INCOMING])
def test_a_market_that_does_not_act_can_be_looked_at_and_not_changed(market: Market, state: str) -> None:
    with market._database.write() as connection:
        connection.execute(tables.meta.update().values(clock_offset=7_200_000))  # the HIT has expired
    mark(market, state)
    (hit,) = market.list_hits(ASKER, {})["HITs"]
    assert hit["HITStatus"] == "Assignable", "what is due happens where it was moved to"
    for change in (
        lambda: market.create_hit(ASKER, HIT),
        lambda: market.deposit(ASKER, Decimal(1)),
        lambda: market.register_worker("production"),
        lambda: market.advance(timedelta(hours=1)),
        market.settle,
        market.reset,
        lambda: market.presence().begin(),
        lambda: Timekeeper(market).start(),
    ):
        with pytest.raises(MarkedError):
            change()


def test_a_market_that_does_not_act_keeps_its_rules(market: Market, tmp_path: Path) -> None:
    mark(market, MOVED)
    with closing(Market(f"sqlite:///{tmp_path / 'market.db'}", unit="credits")) as other:
        assert other.get_market_rules(ASKER, {})["Unit"] == "USD"


def test_a_market_that_was_moved_here_acts(market: Market) -> None:
    mark(market, ARRIVED)
    assert market.create_hit(ASKER, HIT)


def test_who_serves_a_market_says_so_until_it_ends(market: Market) -> None:
    now = [1000.0]
    presence = servers.MarketPresence(market._database, lambda: now[0])

    def alive() -> int:
        with market._database.read() as connection:
            return len(servers.alive(connection, lambda: now[0]))

    presence.begin()
    for _ in range(5):
        now[0] += servers.EVERY
        presence.go_on()
        assert alive() == 1
    now[0] += servers.LASTS + 1
    assert alive() == 0, "it was killed, as it were"
    servers.MarketPresence(market._database, lambda: now[0]).begin()
    with market._database.read() as connection:
        assert len(connection.execute(select(tables.server.c.id)).all()) == 1, "the dead one is forgotten"
    presence.end()
