"""Where the market of a project may send notifications."""

from __future__ import annotations

from pathlib import Path

import pytest

from turkctl.context import Context
from turkctl.errors import ConfigError
from turkctl.settings import load

HERE, ELSEWHERE = "http://127.0.0.1:9324/1/q", "https://sqs.eu-west-1.amazonaws.com/1/q"


def permitted(folder: Path, *, serve: str | None = None, **variables: str) -> list[str]:
    world = Context(
        load(
            {"database_url": "sqlite:///x.db"}, {f"TURKCTL_{name}": value for name, value in variables.items()}, folder
        )
    )
    if serve is not None:
        world.market_server(serve, 0, 1).close()
    found = [address for address in (HERE, ELSEWHERE) if world._destinations.permit("SQS", address)]
    world.close()
    return found


def test_in_mode_local_this_computer_and_elsewhere_nothing(tmp_path: Path) -> None:
    assert permitted(tmp_path) == [HERE]
    assert permitted(tmp_path, MODE="sandbox") == permitted(tmp_path, MODE="live") == []


def test_what_the_setting_names(tmp_path: Path) -> None:
    names = "sqs.eu-west-1.amazonaws.com, queue.example.org"
    assert permitted(tmp_path, MARKET_NOTIFY_HOSTS=names) == [HERE, ELSEWHERE]
    assert permitted(tmp_path, MODE="live", MARKET_NOTIFY_HOSTS=names) == [ELSEWHERE]


def test_the_queue_that_turkctl_itself_hears_from(tmp_path: Path) -> None:
    assert permitted(tmp_path, MODE="live", NOTIFICATIONS_QUEUE_URL=ELSEWHERE) == [ELSEWHERE]


def test_an_endpoint_for_all_queues_takes_them_all(tmp_path: Path) -> None:
    assert permitted(tmp_path, MODE="live", MARKET_SQS_ENDPOINT_URL="http://moto:5000") == [HERE, ELSEWHERE]


def test_a_server_for_others_does_not_reach_into_this_computer(tmp_path: Path) -> None:
    url = {"MARKET_URL": f"sqlite:///{tmp_path / 'market.db'}"}
    assert permitted(tmp_path, serve="127.0.0.1", **url) == [HERE]
    assert permitted(tmp_path, serve="0.0.0.0", **url) == []
    (tmp_path / "keys.toml").write_text('KEY = "secret"\n')
    assert permitted(tmp_path, serve="127.0.0.1", MARKET_KEYS="keys.toml", **url) == []


def test_what_is_no_destination_is_said_before_the_server_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"market\.notify_hosts: 'user@host' is not a destination"):
        permitted(tmp_path, serve="127.0.0.1", MARKET_NOTIFY_HOSTS="user@host")
