"""In mode live, what costs money asks first."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from study_support import EXPERIMENT

from turkctl.market.doors.http import serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

Run = Callable[..., Any]


@pytest.fixture
def live(folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A market over HTTP that mode live is pointed at, and an experiment for it."""
    market = Market(f"sqlite:///{folder / 'live.db'}")
    endpoint = Endpoint(market)
    server = serve(endpoint, "127.0.0.1", 0, 4)
    thread = threading.Thread(target=server.run)
    thread.start()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIAQEXAMPLEEXAMPLE1"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("TURKCTL_MODE", "live"),
        ("TURKCTL_ENDPOINT_URL", f"http://127.0.0.1:{server.port}"),
    ):
        monkeypatch.setenv(name, value)
    (folder / "turkctl.toml").write_text(EXPERIMENT.format(slug="stroop", version="1.0", lifetime="10d", more=""))
    turkctl("experiments", "configure")
    yield endpoint
    server.close()
    thread.join(10)
    market.close()


def test_nobody_there_to_agree_means_that_nothing_is_begun(live: Endpoint, turkctl: Run) -> None:
    refused = turkctl("campaign", "create", "--goal", "20")
    assert refused.code == 3
    assert "recruit 20 people in mode live for $12.00, commission included; the balance is $10000.00" in refused.err
    assert json.loads(turkctl("campaign", "list", "--json").out) == []


def test_each_act_that_costs_money_needs_a_yes(live: Endpoint, turkctl: Run) -> None:
    assert turkctl("campaign", "create", "--goal", "20", "--budget", "20", "--yes").code == 0
    round_ = turkctl("campaign", "run", "1")
    assert round_.code == 3
    assert "run a round in mode live for $5.40" in round_.err
    assert live.requests["CreateHIT"] == 0
    assert turkctl("campaign", "run", "1", "-y").code == 0
    assert live.requests["CreateHIT"] == 1
    assert turkctl("campaign", "update", "1", "--goal", "30").code == 3
    assert turkctl("campaign", "update", "1", "--budget", "30").code == 3
    assert turkctl("campaign", "update", "1", "--goal", "30", "--yes").code == 0


def test_what_costs_nothing_does_not_ask(live: Endpoint, turkctl: Run) -> None:
    assert turkctl("campaign", "plan", "--goal", "20").code == 0
    turkctl("campaign", "create", "--goal", "20", "--yes")
    assert turkctl("campaign", "update", "1", "--goal", "10", "--every", "1h").code == 0
    assert turkctl("campaign", "show", "1").code == 0
    assert turkctl("campaign", "cancel", "1", "--expire-hits").code == 0


def test_a_campaign_of_another_mode_is_not_acted_on(live: Endpoint, turkctl: Run) -> None:
    turkctl("campaign", "create", "--goal", "20", "--yes")
    for argv in (["run", "1"], ["cancel", "1"], ["update", "1", "--goal", "30"]):
        elsewhere = turkctl("campaign", *argv, "--mode", "sandbox")
        assert elsewhere.code == 3
        assert "belongs to mode live" in elsewhere.err
