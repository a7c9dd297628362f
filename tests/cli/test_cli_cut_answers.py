"""A market that dies between the headers and the body of an answer: nothing passes for empty, nothing happens twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from cut_support import CuttingMarket, RawServer

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

MODE = ("--mode", "sandbox", "--json", "-q")

CUTS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "before the body": lambda head, _body: head,
    "in the body": lambda head, body: head + body[: len(body) // 2],
    "with a page instead": lambda _head, _body: (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>"
    ),
}


@pytest.fixture
def dying(configured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CuttingMarket, Market]]:
    """What mode sandbox is pointed at."""
    market = Market(f"sqlite:///{tmp_path / 'dying.db'}")
    says = CuttingMarket(Endpoint(market))
    with RawServer(says) as server:
        with (configured / "turkctl.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[endpoints]\nsandbox = "{server.url}/sandbox"\n')
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield says, market
    market.close()


def work(market: Market, hit_id: str) -> str:
    worker = market.register_worker("sandbox")
    assignment: str = market.accept("sandbox", worker, hit_id)["AssignmentId"]
    market.submit("sandbox", worker, assignment, {"colour": "red"})
    return assignment


def posted(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "dying.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM market_hit").fetchone()[0])


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_batch_whose_answers_are_cut_is_posted_once(
    turkctl: Callable[..., Any],
    dying: tuple[CuttingMarket, Market],
    tmp_path: Path,
    cut: Callable[[bytes, bytes], bytes],
) -> None:
    says, _market = dying
    says.cut = {"CreateHIT": (cut, 3)}
    finished = turkctl("hits", "create", "--assignments", "2", "--hits", "3", *MODE)
    assert finished.code == 0, finished.err
    assert len(json.loads(finished.out)["results"]) == posted(tmp_path) == 3


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_work_and_payments_behind_cut_answers_are_approved_paid_and_compared(
    turkctl: Callable[..., Any], dying: tuple[CuttingMarket, Market], cut: Callable[[bytes, bytes], bytes]
) -> None:
    says, market = dying
    made = json.loads(turkctl("hits", "create", "--assignments", "2", *MODE).out)["results"]
    assignments = [work(market, made[0]["id"]) for _ in range(2)]
    says.cut = {"ListHITs": (cut, 1), "ListAssignmentsForHIT": (cut, 1), "GetHIT": (cut, 1)}
    assert turkctl("sync", *MODE).code == 0
    says.cut = {"ApproveAssignment": (cut, 1)}
    approved = json.loads(turkctl("workers", "approve", "--all", *MODE).out)
    assert approved["succeeded"] == 2
    says.cut = {"SendBonus": (cut, 1)}
    bonus = ("--amount", "0.10", "--reason", "well done", "--yes", *MODE)
    paid = turkctl("workers", "bonus", *assignments, *bonus)
    assert json.loads(paid.out)["succeeded"] == 2, paid.err
    says.cut = {"ListBonusPayments": (cut, 1)}
    reconciled = turkctl("workers", "payments", "reconcile", "--mode", "sandbox", "--json")
    assert reconciled.code == 0
    assert "2 bonuses" in reconciled.err


def test_a_market_that_goes_on_cutting_is_out_of_reach_and_not_empty(
    turkctl: Callable[..., Any], dying: tuple[CuttingMarket, Market]
) -> None:
    says, _market = dying
    says.cut = {"GetAccountBalance": (CUTS["before the body"], 100)}
    finished = turkctl("balance", *MODE)
    assert finished.code == 4
    assert last_error(finished.err)["code"] == "answer_lost"
    assert "after 0 of" in last_error(finished.err)["message"]
