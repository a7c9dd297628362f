"""Modes live and sandbox against a market behind HTTP: asking first, modes apart, silence, credentials."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal, last_error, listening

from turkctl.context import Context
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market
from turkctl.mturk.connect import connect
from turkctl.operations.engine import health
from turkctl.operations.engine.batch import Engine

Run = Callable[..., Any]
LIVE = ("--mode", "live")


def create(turkctl: Run, *argv: str) -> list[str]:
    """Posts HITs; their ids."""
    finished = turkctl("hits", "create", *argv, "--json", "-q")
    assert finished.code == 0, finished.err
    return [item["id"] for item in json.loads(finished.out)["results"]]


def test_what_costs_money_asks_first_and_without_a_terminal_exits_3(
    served: Any, configured: Path, turkctl: Run
) -> None:
    finished = turkctl("hits", "create", "--assignments", "2", *LIVE, "--json")
    assert (finished.code, finished.out) == (3, "")
    error = last_error(finished.err)
    assert error["code"] == "confirmation_needed"
    assert (
        "create 1 HIT, 2 assignments in mode live for $1.20, commission included; the balance is $10000.00"
        in error["message"]
    )
    assert "--yes" in error["hint"]
    assert served.endpoint.requests["CreateHIT"] == 0

    done = json.loads(turkctl("hits", "create", "--assignments", "2", *LIVE, "--yes", "--json").out)
    assert (done["mode"], done["succeeded"], served.endpoint.requests["CreateHIT"]) == ("live", 1, 1)
    hit_id = done["results"][0]["id"]
    for argv in (["extend", hit_id, "--assignments", "1"], ["delete", hit_id, "--force"]):
        assert turkctl("hits", *argv, *LIVE).code == 3
        assert turkctl("hits", *argv, *LIVE, "-y").code == 0
    assert turkctl("hits", "list", *LIVE, "--json", "--status", "Disposed").out.count(hit_id) == 1


def test_a_dry_run_needs_no_yes(served: Any, configured: Path, turkctl: Run) -> None:
    finished = turkctl("hits", "create", "--assignments", "2", *LIVE, "--dry-run", "--json")
    assert (finished.code, json.loads(finished.out)["cost"]) == (0, "1.20")
    assert served.endpoint.requests["CreateHIT"] == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 3), ("\n", 3), ("", 3)])
def test_at_a_terminal_the_answer_decides(
    answer: str, code: int, served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal.take_over(monkeypatch, answer)
    finished = turkctl("hits", "create", "--assignments", "2", *LIVE)
    assert finished.code == code
    assert "create 1 HIT, 2 assignments in mode live for $1.20" in shown.getvalue()
    assert served.endpoint.requests["CreateHIT"] == (1 if code == 0 else 0)


def test_sandbox_does_not_ask(served: Any, configured: Path, turkctl: Run) -> None:
    assert create(turkctl, "--assignments", "1", "--mode", "sandbox")


def test_expire_is_the_emergency_brake_and_never_asks(served: Any, configured: Path, turkctl: Run) -> None:
    create(turkctl, "--assignments", "1", "--hits", "3", "-y", *LIVE)
    finished = turkctl("hits", "expire", "--all", *LIVE, "--json")
    assert (finished.code, json.loads(finished.out)["succeeded"]) == (0, 3)


def test_a_plan_with_nothing_to_do_does_not_ask(served: Any, configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "delete", "--all", *LIVE).code == 0


def test_modes_never_mix(served: Any, configured: Path, turkctl: Run) -> None:
    by_mode = {
        mode: create(turkctl, "--assignments", "1", "--mode", mode, "-y")[0] for mode in ("local", "sandbox", "live")
    }
    before = served.endpoint.requests.copy()
    for mode in by_mode:
        listed = json.loads(turkctl("hits", "list", "--mode", mode, "--json").out)
        assert [row["hit_id"] for row in listed] == [by_mode[mode]]
        for other, hit_id in by_mode.items():
            if other == mode:
                continue
            for argv in (["show", hit_id], ["expire", hit_id], ["delete", hit_id, "-y"], ["list", hit_id]):
                finished = turkctl("hits", *argv, "--mode", mode, "--json")
                assert (finished.code, finished.out) == (3, "")
                error = last_error(finished.err)
                assert error["code"] == "wrong_market"
                assert error["hint"] == f"add --mode {other}"
    assert served.endpoint.requests == before


def test_hits_of_another_account_are_not_touched(
    served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    [hit_id] = create(turkctl, "--assignments", "1", "-y", *LIVE)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTWO")
    for argv in (["show", hit_id], ["expire", hit_id], ["delete", hit_id, "-y"]):
        finished = turkctl("hits", *argv, *LIVE, "--json")
        assert finished.code in (2, 3)
        assert finished.out == ""
    assert json.loads(turkctl("hits", "expire", "--all", *LIVE, "--json").out)["matched"] == 0


def test_hits_of_another_endpoint_are_not_touched(served: Any, configured: Path, turkctl: Run, tmp_path: Path) -> None:
    [hit_id] = create(turkctl, "--assignments", "1", "-y", *LIVE)
    market = Market(f"sqlite:///{tmp_path / 'second.db'}")
    with listening(Endpoint(market)) as url:
        finished = turkctl("hits", "expire", hit_id, *LIVE, "--endpoint-url", f"{url}/", "--json")
        assert (finished.code, last_error(finished.err)["code"]) == (3, "wrong_market")
        none = turkctl("hits", "expire", "--all", *LIVE, "--endpoint-url", f"{url}/", "--json")
        assert json.loads(none.out)["matched"] == 0
    market.close()


COMMANDS = (
    ["balance"],
    ["hits", "create", "--assignments", "1", "-y"],
    ["hits", "show", "3ABCDEFGHIJKLMNOPQRSTUVWXYZ012"],
    ["hits", "expire", "--all-studies"],
)


def silent_in_every_command(turkctl: Run, code: str, *argv: str) -> None:
    """Each command says in one line what is wrong and exits 4."""
    for command in COMMANDS:
        finished = turkctl(*command, *argv, "--json")
        assert (finished.code, finished.out) == (4, ""), command
        assert last_error(finished.err)["code"] == code, command
        told = [line for line in finished.err.splitlines() if not line.startswith("requests fail with")]
        assert len(told) == 2, command


def test_a_market_that_refuses_connections_is_exit_4(
    served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "OUTAGE", -1.0)  # nobody waits for it
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        silent_in_every_command(turkctl, "market_unreachable", *LIVE, "--endpoint-url", closed)


def test_a_market_that_never_answers_is_exit_4(
    served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connect.__kwdefaults__, "read_timeout", 0.1)
    monkeypatch.setattr(Context, "engine", lambda _self, **_options: Engine(patience=0.0))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        silent_in_every_command(turkctl, "answer_lost", *LIVE, "--endpoint-url", url)
        assert "no answer came in time" in turkctl("balance", *LIVE, "--endpoint-url", url).err


class _Nonsense(BaseHTTPRequestHandler):
    """Answers every request with a web page."""

    status = 200

    def do_POST(self) -> None:
        page = b"<html>Welcome to nginx!</html>"
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(params=[(200, "answer_lost"), (404, "market_unreachable")], ids=["200", "404"])
def web_page(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The address of a server that is no market, and the error that it is; a page with 200 may hide what was done."""
    status, code = request.param
    handler = type("Handler", (_Nonsense,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", code
        server.shutdown()
        thread.join(10)


def test_a_server_that_is_no_market_is_exit_4(
    web_page: tuple[str, str], served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "engine", lambda _self, **_options: Engine(patience=0.0))
    address, code = web_page
    silent_in_every_command(turkctl, code, *LIVE, "--endpoint-url", address)


def test_missing_credentials_are_exit_4(
    served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    silent_in_every_command(turkctl, "credentials", *LIVE)
    assert "AWS_ACCESS_KEY_ID" in turkctl("balance", *LIVE).err


def test_wrong_credentials_are_exit_4(served: Any, configured: Path, turkctl: Run) -> None:
    served.endpoint.keys["AKIATESTONE"] = "another secret"
    silent_in_every_command(turkctl, "credentials", *LIVE)
    finished = turkctl("balance", *LIVE, "-vv")
    assert "another secret" not in finished.err


def test_a_profile_that_is_not_there_is_exit_4(served: Any, turkctl: Run) -> None:
    finished = turkctl("balance", *LIVE, "--profile", "nowhere", "--json")
    assert finished.code == 4
    assert "nowhere" in last_error(finished.err)["message"]


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:99999/", "http://a b/"])
def test_an_endpoint_that_is_no_address_is_wrong_usage(url: str, served: Any, turkctl: Run) -> None:
    finished = turkctl("balance", *LIVE, "--endpoint-url", url)
    assert finished.code == 2
    assert "is not the address of a market" in finished.err


def test_the_endpoint_can_come_from_the_environment(served: Any, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", f"{served.url}/sandbox")
    assert turkctl("balance", "--mode", "sandbox").code == 0
    monkeypatch.setenv("TURKCTL_ENDPOINT_URL", "http://127.0.0.1:1/")
    assert turkctl("balance", "--mode", "sandbox").code == 4
    assert turkctl("balance", "--mode", "sandbox", "--endpoint-url", f"{served.url}/sandbox").code == 0
    assert turkctl("balance").code == 0


def test_a_list_in_mode_live_needs_no_credentials(
    served: Any, configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    [hit_id] = create(turkctl, "--assignments", "1", "-y", *LIVE)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert [row["hit_id"] for row in json.loads(turkctl("hits", "list", *LIVE, "--json").out)] == [hit_id]


def test_a_market_that_fails_and_loses_answers_posts_each_hit_once(served: Any, configured: Path, turkctl: Run) -> None:
    served.endpoint.switches = Switches(fault_before=0.2, fault_after=0.2, answer_lost=0.2, seed=1)
    ids = create(turkctl, "--assignments", "1", "--hits", "6", "-y", *LIVE)
    served.endpoint.switches = Switches()
    listed = json.loads(turkctl("hits", "list", "--all-studies", *LIVE, "--json").out)
    assert sorted(row["hit_id"] for row in listed) == sorted(ids)
    assert len(set(ids)) == 6
    assert served.endpoint.requests["CreateHIT"] > 6
