"""Other credentials at the same address are another account: what it left is named, and nothing is mixed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from turkctl.accounts import market_account, told_apart, with_market

MODE = ("--mode", "sandbox")


def test_a_market_is_told_apart_by_its_account_where_the_address_is_the_same() -> None:
    assert told_apart("http://lab:8800#1", "http://lab:8800#2") == "account 1"
    assert told_apart("http://lab:8800#1", "http://lab:8801#1") == "http://lab:8800#1"
    assert told_apart("http://lab:8800", "http://lab:8800#1") == "http://lab:8800"


def test_a_list_names_the_market_where_its_rows_are_of_several() -> None:
    here, there = {"id": 1, "market": "http://lab:8800#1"}, {"id": 2, "market": "http://lab:8800#2"}
    assert with_market(("id",), [here, here]) == ("id",)
    assert with_market(("id",), [here, there]) == ("id", "market")


@pytest.mark.usefixtures("configured", "served")
def test_what_another_account_left_unfinished_is_named_and_its_hits_are_told_apart(
    folder: Path, turkctl: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ("hits", "create", "--assignments", "2", *MODE)
    assert turkctl(*create).code == 0
    assert "market" not in turkctl("hits", "list", *MODE).out
    with closing(sqlite3.connect(folder / "turkctl.db")) as connection, connection:
        connection.execute("UPDATE turkctl_intent SET state = 'sent'")  # as a crash leaves it

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTWO")
    first, second = market_account("AKIATESTONE"), market_account("AKIATESTTWO")
    finished = turkctl(*create)
    assert finished.code == 0
    assert f"1 request of an interrupted run is on account {first}" in finished.err
    assert f"#{second}: it was not checked" in finished.err

    rows = json.loads(turkctl("hits", "list", *MODE, "--json").out)
    assert {row["market"].rpartition("#")[2] for row in rows} == {first, second}
    assert first in turkctl("hits", "list", *MODE, "--output", "csv").out
    started = turkctl("campaign", "create", "--goal", "3", *MODE, "--json")
    assert json.loads(started.out)["market"].endswith(f"#{second}")
    assert "#" not in turkctl("campaign", "list", *MODE).out, "those of one account alone"
    doctor = {row["check"]: row["detail"] for row in json.loads(turkctl("doctor", *MODE, "--json").out)}
    assert f"#{second} answers" in doctor["market"]
    assert f"also has HITs of account {first}" in doctor["market"]

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
    assert "not checked" not in turkctl("sync", *MODE).err
