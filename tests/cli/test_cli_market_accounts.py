"""market accounts: list, show, deposit; and what the command line says where a market has rules of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from turkctl.own_market import DOLLARS
from turkctl.units import count_in

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _dollars_again() -> Iterator[None]:
    """Commands of a test run in its thread; the next test counts in dollars."""
    yield
    count_in(DOLLARS)


def _read(turkctl: Run, *argv: str) -> Any:
    finished = turkctl(*argv, "--json")
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def _account(turkctl: Run) -> str:
    """The account of this project, which asking for the balance opens."""
    turkctl("balance")
    (row,) = _read(turkctl, "market", "accounts", "list")
    assert row["environment"] == "production"
    return str(row["account"])


def test_a_deposit_is_listed(configured: Path, turkctl: Run) -> None:
    number = _account(turkctl)
    finished = turkctl("market", "accounts", "deposit", number, "2.50", "--yes")
    assert f"$2.50 paid into account {number}, which has $10002.50 now" in finished.out
    shown = _read(turkctl, "market", "accounts", "show", number)
    assert (shown["balance"], shown["deposits"], shown["charged"], shown["unit"]) == (
        "10002.50",
        "10002.50",
        "0.00",
        "USD",
    )


def test_a_deposit_asks_first(configured: Path, turkctl: Run) -> None:
    number = _account(turkctl)
    finished = turkctl("market", "accounts", "deposit", number, "2.50")
    assert finished.code == 3
    assert f"pay $2.50 into account {number}, which has $10000.00" in finished.err
    assert _read(turkctl, "market", "accounts", "show", number)["balance"] == "10000.00"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["show", "000000000000"], "no account '000000000000'"),
        (["deposit", "000000000000", "1.00", "--yes"], "no account '000000000000'"),
        (["deposit", "000000000000", "0.00", "--yes"], "a deposit of 0.00 is not possible"),
        (["deposit", "000000000000", "1.00", "--yes", "--sandbox"], "the sandbox has no money"),
    ],
)
def test_what_makes_no_sense_is_refused(configured: Path, turkctl: Run, argv: list[str], says: str) -> None:
    finished = turkctl("market", "accounts", *argv)
    assert finished.code == 2
    assert says in finished.err


def test_sentences_count_in_the_unit_of_the_market(
    configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_MARKET_UNIT", "credits")
    monkeypatch.setenv("TURKCTL_MARKET_FEE", "none")
    number = _account(turkctl)
    finished = turkctl("market", "accounts", "deposit", number, "3", "--yes")
    assert "3.00 credits paid into" in finished.out
    assert "20.00 credits" in turkctl("hits", "create", "--assignments", "40", "--dry-run").out
    assert (
        "a reward of 0.00 credits is too low"
        in turkctl("hits", "cost", "--assignments", "1", "--reward", "0", "--fee", "mturk").err
    )
    assert [each["currency"] for each in _read(turkctl, "report", "stroop")["money"]] == ["credits"]
    assert _read(turkctl, "balance")["currency"] == "credits"


def test_hits_cost_takes_the_rule_from_the_flag_or_the_settings(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sixty = ("hits", "cost", "--assignments", "60", "--reward", "1.00")
    assert _read(turkctl, *sixty)["cost"] == "72.00"
    assert _read(turkctl, *sixty, "--fee", "none")["cost"] == "60.00"
    monkeypatch.setenv("TURKCTL_MARKET_FEE", "none")
    assert _read(turkctl, *sixty)["hits"] == 1
    assert _read(turkctl, *sixty, "--fee", "mturk")["cost"] == "72.00"
    assert _read(turkctl, *sixty, "--mode", "live")["cost"] == "72.00"
    assert "mturk or none" in turkctl(*sixty, "--fee", "some").err
