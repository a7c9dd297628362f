"""``turkctl archive``: an account is taken home whole."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from archive_support import KEY_ID, Account, contents, make_account
from cli_support import listening

from turkctl.market.errors import RequestError
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Account]:
    """A market with a small account, made once, for copies."""
    path = tmp_path_factory.mktemp("account") / "market.db"
    market = Market(f"sqlite:///{path}")
    account = make_account(market, 10, 5)
    market.close()
    return path, account


@dataclass(frozen=True)
class Source:
    """A market behind HTTP with the account."""

    endpoint: Endpoint
    url: str
    account: Account


@pytest.fixture
def source(
    filled: tuple[Path, Account], outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Source]:
    shutil.copy(filled[0], tmp_path / "source.db")
    market = Market(f"sqlite:///{tmp_path / 'source.db'}")
    endpoint = Endpoint(market)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with listening(endpoint) as url:
        yield Source(endpoint, url, filled[1])
    market.close()


def test_an_account_is_archived_whole_and_verified(source: Source, turkctl: Run) -> None:
    finished = turkctl("archive", "create", "home", "--endpoint-url", source.url, "--json")
    assert finished.code == 0, finished.err
    told = json.loads(finished.out)
    assert told["items"]["hits"] == len(source.account.hits)
    assert told["items"]["assignments"] == len(source.account.assignments)
    verified = turkctl("archive", "verify", "home", "--json")
    assert verified.code == 0, verified.err + verified.out


def create(turkctl: Run, source: Source, *more: str) -> Any:
    return turkctl("archive", "create", "saved", "--endpoint-url", source.url, *more)


def test_people_read_what_was_saved(source: Source, turkctl: Run) -> None:
    finished = create(turkctl, source)
    assert finished.code == 0, finished.err
    assert finished.out == (
        f"saved: {len(source.account.hits)} HITs, {len(source.account.assignments)} assignments, 20 bonuses,"
        " 3 qualification types, 3 blocks\n"
    )
    assert turkctl("archive", "verify", "saved").out == "saved: all is well\n"
    shown = json.loads(turkctl("archive", "show", "saved", "--json").out)
    assert shown["market"].startswith(source.url)
    assert (shown["mode"], shown["finished"], shown["missing"]) == ("live", True, [])
    assert {each["what"] for each in shown["unobtainable"]} >= {"notification settings of HIT types"}
    (year,) = shown["money"]
    assert Decimal(year["bonuses"]) == Decimal("0.25") * 20
    page = turkctl("archive", "show", "saved").out
    assert "notification settings of HIT types" in page
    assert "no call reads them" in page


def test_mode_local_is_refused_and_that_of_a_project_file_is_not_meant(
    source: Source, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = turkctl("archive", "create", "saved", "--mode", "local")
    assert (refused.code, refused.out) == (2, "")
    assert "--mode sandbox" in refused.err
    assert not Path("saved").exists()
    assert turkctl("init").code == 0
    assert create(turkctl, source).code == 0
    monkeypatch.setenv("TURKCTL_MODE", "local")
    assert turkctl("archive", "show", "saved").code == 2


def test_what_is_refused_is_told_with_exit_code_1(source: Source, turkctl: Run) -> None:
    def before(operation: str) -> None:
        if operation == "ListWorkerBlocks":
            raise RequestError("NotAuthorized", "This user is not authorized to perform the requested operation.")

    source.endpoint.before = before
    finished = create(turkctl, source)
    assert finished.code == 1
    assert "ListWorkerBlocks: 1 refused with credentials" in finished.err
    assert "11 HITs" in finished.out
    source.endpoint.before = None
    again = create(turkctl, source, "--json")
    assert (again.code, json.loads(again.out)["resumed"]) == (0, True)
    assert "going on with run 1, which left 1 call to make" in again.err
    anew = create(turkctl, source, "--json")
    assert len(json.loads(anew.out)["runs"]) == 2


def test_an_endpoint_that_is_gone_is_exit_code_4_with_a_way_out(
    source: Source, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turkctl.operations.engine import health

    monkeypatch.setattr(health, "OUTAGE", 0.2)
    finished = turkctl("archive", "create", "saved", "--endpoint-url", "http://127.0.0.1:9")
    assert finished.code == 4
    assert "archive add-csv" in finished.err
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    finished = create(turkctl, source)
    assert (finished.code, "AWS_ACCESS_KEY_ID" in finished.err) == (4, True)


def test_the_folder_of_another_market_is_exit_code_3(source: Source, turkctl: Run) -> None:
    assert create(turkctl, source).code == 0
    finished = turkctl("archive", "create", "saved", "--endpoint-url", f"{source.url}/sandbox", "--mode", "sandbox")
    assert (finished.code, "is an archive of" in finished.err) == (3, True)


def test_result_files_are_added(source: Source, turkctl: Run) -> None:
    assert create(turkctl, source).code == 0
    (result, *_) = sorted(Path("saved/csv/results").glob("*.csv"))
    text = result.read_text(encoding="utf-8")
    Path("Batch_1.csv").write_text(text, encoding="utf-8", newline="")
    finished = turkctl("archive", "add-csv", "saved", "Batch_1.csv")
    assert finished.code == 0, finished.err
    assert "0 assignments are new" in finished.out
    Path("odd.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    finished = turkctl("archive", "add-csv", "saved", "Batch_1.csv", "odd.csv")
    assert (finished.code, "odd.csv is not a result file" in finished.err) == (2, True)


def test_a_folder_that_others_can_read_is_warned_about(source: Source, turkctl: Run) -> None:
    assert create(turkctl, source).code == 0
    Path("saved").chmod(0o755)
    for command in ("verify", "show"):
        finished = turkctl("archive", command, "saved")
        assert (finished.code, "chmod 700" in finished.err) == (0, True)


def test_an_archive_is_served_to_boto3(source: Source, turkctl: Run, tmp_path: Path) -> None:
    assert create(turkctl, source).code == 0
    command = [sys.executable, "-m", "turkctl", "archive", "serve", "saved", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/", running.stdout.readline())
        assert found is not None
        client = boto3.client(
            "mturk", endpoint_url=found[0], region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        pages = client.get_paginator("list_hits").paginate()
        assert [hit["HITId"] for page in pages for hit in page["HITs"]] == source.account.hits
        with pytest.raises(client.exceptions.RequestError, match="archive"):
            client.create_worker_block(WorkerId="A1WORKER", Reason="x")
        running.terminate()
        assert running.wait(30) == 0
    assert turkctl("archive", "verify", "saved").code == 0, "reading changes nothing"


def test_an_archive_becomes_a_study(source: Source, turkctl: Run) -> None:
    assert create(turkctl, source).code == 0
    asked = sum(source.endpoint.requests.values())
    assert turkctl("archive", "import", "saved").code == 2, "there is no project"
    assert turkctl("init").code == 0
    planned = json.loads(turkctl("archive", "import", "saved", "--dry-run", "--json").out)
    done = json.loads(turkctl("archive", "import", "saved", "--json").out)
    assert planned == done
    assert [row["experiment"] for row in done] == ["name-the-colour", "read-a-text"]
    assert sum(row["new_assignments"] for row in done) == len(source.account.assignments)
    assert sum(row["new_bonuses"] for row in done) == 20
    again = json.loads(turkctl("archive", "import", "saved", "--json").out)
    assert {(row["status"], row["new_hits"], row["new_assignments"], row["new_bonuses"]) for row in again} == {
        ("known", 0, 0, 0)
    }
    assert sum(source.endpoint.requests.values()) == asked, "no market is asked"
    with Path("turkctl.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[endpoints]\nlive = "{source.url}"\n')
    listed = json.loads(turkctl("hits", "list", "--mode", "live", "--experiment", "read-a-text", "--json").out)
    assert len(listed) == sum(row["hits"] for row in done if row["experiment"] == "read-a-text")
    assert {row["codeversion"] for row in listed} == {"batch 0"}, "an annotation that several HITs have"
    others = json.loads(turkctl("hits", "list", "--mode", "live", "--experiment", "name-the-colour", "--json").out)
    assert {row["codeversion"] for row in others} == {"batch 0", "archived"}
    workers = json.loads(turkctl("workers", "list", "--mode", "live", "--json").out)
    assert {row["worker_id"] for row in workers} == set(source.account.workers)
    ledger = json.loads(turkctl("workers", "payments", "list", "--mode", "live", "--json").out)
    bonuses = [row for row in ledger if row["kind"] == "bonus"]
    assert sum(Decimal(row["amount"]) for row in bonuses) == Decimal("0.25") * 20
    people = json.loads(turkctl("participants", "list", "--mode", "live", "--json").out)
    assert len(people) == len(source.account.assignments)
    reconciled = turkctl("workers", "payments", "reconcile", "--mode", "live")
    assert reconciled.code == 0, reconciled.err + reconciled.out
    excluded = turkctl("workers", "exclude", "--experiment", "read-a-text", "--mode", "live", "--json")
    assert excluded.code == 0, excluded.err
    assert json.loads(excluded.out)["succeeded"] > 3
    logged = json.loads(turkctl("log", "--mode", "live", "--json").out)
    assert {row["act"] for row in logged} >= {"archive import"}


def test_hits_of_a_title_that_the_project_has_belong_to_its_experiment(source: Source, turkctl: Run) -> None:
    assert create(turkctl, source).code == 0
    Path("turkctl.toml").write_text(
        'mode = "local"\n[experiments.mine]\ncode_version = "2"\ntitle = "Read a text"\ndescription = "Mine."\n'
        'reward = "0.10"\nexternal_url = "https://example.org/mine"\n',
        encoding="utf-8",
    )
    assert turkctl("experiments", "configure").code == 0
    done = json.loads(turkctl("archive", "import", "saved", "--json").out)
    assert [(row["experiment"], row["status"]) for row in done] == [("name-the-colour", "created"), ("mine", "known")]
    shown = json.loads(turkctl("experiments", "list", "--json").out)
    assert [row["codeversion"] for row in shown if row["experiment"] == "mine"] == ["2"], "its settings stay"


@pytest.mark.slow
def test_an_interrupted_archive_says_how_to_go_on(source: Source, turkctl: Run) -> None:
    source.endpoint.switches = Switches(latency=0.05)
    command = [sys.executable, "-m", "turkctl", "archive", "create", "saved", "--endpoint-url", source.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while sum(source.endpoint.requests.values()) < 10 and running.poll() is None:
            threading.Event().wait(0.002)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "run the same command again" in err
    source.endpoint.switches = Switches()
    assert json.loads(create(turkctl, source, "--json").out)["resumed"] is True


@pytest.mark.slow
def test_an_archive_survives_kill_9(source: Source, turkctl: Run, tmp_path: Path) -> None:
    source.endpoint.switches = Switches(latency=0.01)
    command = [sys.executable, "-m", "turkctl", "archive", "create", "saved", "--endpoint-url", source.url]
    kills = 0
    for number in range(6):
        source.endpoint.requests.clear()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            while sum(source.endpoint.requests.values()) < 7 + 3 * number and running.poll() is None:
                threading.Event().wait(0.002)
            running.kill()
            kills += running.wait(30) == -9
    assert kills >= 3
    finished = create(turkctl, source, "--json")
    assert finished.code == 0, finished.err
    assert turkctl("archive", "verify", "saved").code == 0
    assert turkctl("archive", "create", "whole", "--endpoint-url", source.url).code == 0
    saved, whole = contents(Path("saved")), contents(Path("whole"))
    assert {name: rows for name, rows in saved.items() if name != "call"} == {
        name: rows for name, rows in whole.items() if name != "call"
    }
