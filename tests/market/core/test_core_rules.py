"""The market's own rules of money: its fee and its unit stand in its database, for every process that uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from turkctl.market.requester import Requester
from turkctl.market.service import Market

LAB = Requester("111122223333", "production")


def rules(market: Market) -> Any:
    told = market.get_market_rules(LAB, {})
    return told["Fee"], told["Unit"]


def test_a_market_takes_amazons_fee_in_dollars_unless_told_otherwise() -> None:
    assert rules(Market("sqlite://")) == ("mturk", "USD")


def test_a_process_that_names_no_rules_follows_the_markets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    Market(url, fee="none", unit="credits").close()
    assert rules(Market(url)) == ("none", "credits")


def test_a_process_that_is_open_follows_the_rules_that_another_one_sets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    served = Market(url)
    Market(url, fee="none").close()
    assert rules(served) == ("none", "USD")


def test_a_reset_market_has_the_rules_of_the_process_that_reset_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    Market(url, fee="none", unit="credits").close()
    market = Market(url, unit="points")
    market.reset()
    assert rules(market) == ("mturk", "points")
