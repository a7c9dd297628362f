"""A market whose clock is not this machine's: doctor says so, and what is open is what the market says is open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cut_support import RawServer, whole

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.wire import answer
from turkctl.market.service import Market

MODE = ("--mode", "sandbox", "--json", "-q")
Run = Callable[..., Any]


class SkewedMarket:
    """A market that lives ``ahead`` of this machine, and says so in its Date header."""

    def __init__(self, folder: Path) -> None:
        self.ahead = timedelta(0)
        self.market = Market(f"sqlite:///{folder / 'skewed.db'}", clock=self.clock)
        self.endpoint = Endpoint(self.market, now=self.clock)

    def clock(self) -> float:
        return time.time() + self.ahead.total_seconds()

    def __call__(self, _operation: str, path: str, headers: dict[str, str], body: bytes) -> Iterable[bytes]:
        status, told, content = answer(self.endpoint, path, headers, body)
        date = format_datetime(datetime.fromtimestamp(self.clock(), UTC), usegmt=True)
        yield b"".join(whole(status, {**told, "Date": date}, content))


@pytest.fixture
def skewed(configured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SkewedMarket]:
    says = SkewedMarket(tmp_path)
    with RawServer(says) as server:
        server.hangs_up = False
        with (configured / "turkctl.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[endpoints]\nsandbox = "{server.url}/sandbox"\n')
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield says
    says.market.close()


def clock_line(turkctl: Run) -> str:
    lines = {row["check"]: row["detail"] for row in json.loads(turkctl("doctor", *MODE).out)}
    return str(lines["clock"])


@pytest.mark.parametrize(
    ("ahead", "says"),
    [
        (timedelta(seconds=40), None),
        (timedelta(seconds=70), "1 min ahead of this machine's"),
        (timedelta(hours=1), "60 min ahead of this machine's"),
        (timedelta(hours=-1), "60 min behind this machine's"),
    ],
)
def test_doctor_says_how_far_the_markets_clock_is_off_from_a_minute_on(
    turkctl: Run, skewed: SkewedMarket, ahead: timedelta, says: str | None
) -> None:
    skewed.ahead = ahead
    line = clock_line(turkctl)
    assert says is None or says in line
    assert says is not None or "market" not in line


def test_doctor_says_so_where_the_market_lets_nobody_in_for_it(turkctl: Run, skewed: SkewedMarket) -> None:
    skewed.endpoint.keys = {"AKIATESTONE": "secret"}
    assert "market" not in clock_line(turkctl)
    skewed.ahead = timedelta(minutes=20)
    assert "20 min ahead" in clock_line(turkctl)


def test_a_hit_that_the_market_still_offers_is_open_and_can_be_expired(turkctl: Run, skewed: SkewedMarket) -> None:
    skewed.ahead = timedelta(hours=-1)
    turkctl("hits", "create", "--assignments", "2", "--lifetime", "30m", *MODE)
    turkctl("sync", *MODE)
    (row,) = json.loads(turkctl("hits", "list", "--active", *MODE).out)
    assert (row["expired"], row["status"]) == (False, "Assignable")
    assert json.loads(turkctl("hits", "expire", "--all", *MODE).out)["succeeded"] == 1
    turkctl("sync", *MODE)
    assert json.loads(turkctl("hits", "list", "--active", *MODE).out) == []
