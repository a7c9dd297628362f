"""Databases of older psiTurks, whose tables have no mode or bonus, and studies of which only the database is left."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import listening
from databases import KINDS, new_database
from psiturk_study import CONFIG, fill, write_config
from sqlalchemy import create_engine, text

from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market
from turkctl.store.engine import parse_url

Run = Callable[..., Any]
IMPORT = ("db", "import-psiturk")

pytestmark = pytest.mark.usefixtures("outside")  # the import writes the project file

OLD_CONFIG = """[HIT Configuration]
title = Gratings
description = Sort gratings
lifetime = 24
us_only = true
approve_requirement = 95
[Database Parameters]
database_url = sqlite:///participants.db
table_name = turkdemo
[Task Parameters]
experiment_code_version = 1.0
[Shell Parameters]
launch_in_sandbox_mode = true
"""
OLD_TABLE = """CREATE TABLE turkdemo (uniqueid VARCHAR(128) NOT NULL PRIMARY KEY, assignmentid VARCHAR(128) NOT NULL,
workerid VARCHAR(128) NOT NULL, hitid VARCHAR(128) NOT NULL, ipaddress VARCHAR(128), browser VARCHAR(128),
platform VARCHAR(128), language VARCHAR(128), cond INTEGER, counterbalance INTEGER, codeversion VARCHAR(128),
beginhit DATETIME, beginexp DATETIME, endhit DATETIME, bonus FLOAT, status INTEGER, datastring TEXT)"""
RECORDED = {
    "condition": 0,
    "assignmentId": "3ASG1",
    "data": [
        {
            "uniqueid": "AW1:3ASG1",
            "current_trial": 0,
            "dateTime": 1427989470042,
            "trialdata": {"phase": "TEST", "rt": 512},
        }
    ],
    "questiondata": {"age": "30"},
    "eventdata": [],
}


@pytest.fixture
def old(folder: Path) -> Path:
    """The current folder holds a study of psiTurk 2.1."""
    (folder / "config.txt").write_text(OLD_CONFIG)
    began = "2015-04-01 18:44:53.426859"
    row = "INSERT INTO turkdemo VALUES (?, ?, ?, '3HIT', '', '', '', '', 0, 0, '1.0', ?, ?, NULL, 0.0, ?, ?)"
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute(OLD_TABLE)
        done = ("AW1:3ASG1", "3ASG1", "AW1", began, "2015-04-01 18:47:06", 4, json.dumps(RECORDED))
        plain.execute(row, done)
        plain.execute(row, ("AW2:3ASG2", "3ASG2", "AW2", began, None, 2, ""))
        plain.commit()
    return folder


def rows(finished: Any) -> list[dict[str, Any]]:
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


def setting(report: list[dict[str, Any]], to: str) -> dict[str, Any]:
    (found,) = (row for row in report if row["to"] == to)
    return found


def test_a_table_without_modes_is_listed_counted_and_exported_before_the_import(
    old: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_PARTICIPANTS_TABLE", "turkdemo")
    at = ("--database-url", "sqlite:///participants.db")
    found = rows(turkctl("participants", "list", "--json", *at))
    assert [(row["worker_id"], row["status"], row["mode"]) for row in found] == [
        ("AW1", "submitted", None),
        ("AW2", "started", None),
    ]
    assert turkctl("participants", "count", *at).out == "2\n"
    assert turkctl("participants", "count", "--mode", "live", *at).out == "0\n"
    assert turkctl("participants", "show", "AW1", "--json", *at).code == 0
    trial = json.loads(turkctl("participants", "export", "--data", "trial", "--format", "jsonl", *at).out)
    assert (trial["uniqueid"], trial["mode"], trial["phase"], trial["rt"]) == ("AW1:3ASG1", None, "TEST", 512)


def test_the_import_takes_the_mode_of_all_from_launch_in_sandbox_mode(old: Path, turkctl: Run) -> None:
    before = (old / "participants.db").read_bytes()
    dry = rows(turkctl(*IMPORT, "--dry-run", "--json"))
    assert (old / "participants.db").read_bytes() == before
    report = rows(turkctl(*IMPORT, "--json"))
    for each in (dry, report):
        assert setting(each, "participants_mode")["from"] == "launch_in_sandbox_mode"
        assert setting(each, "participants_mode")["detail"].startswith("sandbox")
    document = tomllib.loads((old / "turkctl.toml").read_text())
    assert (document["mode"], document["participants_mode"], document["participants_table"]) == (
        "sandbox", "sandbox", "turkdemo",
    )  # fmt: skip
    assert turkctl("participants", "count", "--mode", "sandbox").out == "2\n"
    assert turkctl("participants", "count", "--mode", "live").out == "0\n"
    groups = rows(turkctl("participants", "list", "--group-by", "mode", "--group-by", "status", "--json"))
    assert [tuple(row.values()) for row in groups] == [("sandbox", "started", 1), ("sandbox", "submitted", 1)]
    exported = turkctl("participants", "export", "--data", "question").out.splitlines()
    assert exported[1].startswith("AW1:3ASG1,3ASG1,AW1,3HIT,0,0,1.0,submitted,sandbox,")
    assert turkctl("db", "check").code == 0
    assert turkctl("status").code == 0


def test_without_that_key_the_mode_stays_blank(old: Path, turkctl: Run) -> None:
    (old / "config.txt").write_text(OLD_CONFIG.replace("launch_in_sandbox_mode = true", ""))
    report = rows(turkctl(*IMPORT, "--json"))
    assert [row for row in report if row["to"] == "participants_mode"] == []
    assert [row["mode"] for row in rows(turkctl("participants", "list", "--json"))] == [None, None]


def test_acts_that_need_the_column_itself_say_how_to_add_it(old: Path, turkctl: Run) -> None:
    rows(turkctl(*IMPORT, "--json"))
    finished = turkctl("db", "optimize")
    assert finished.code == 2
    assert "no column for the mode; add it as psiTurk 3 has it: ALTER TABLE turkdemo ADD COLUMN mode" in finished.err
    with closing(sqlite3.connect(old / "participants.db")) as plain:
        plain.execute("ALTER TABLE turkdemo DROP COLUMN bonus")
        plain.commit()
    assert [row["bonus"] for row in rows(turkctl("participants", "list", "--json"))] == [None, None]
    finished = turkctl("participants", "set", "AW1", "--bonus", "1")
    assert finished.code == 2
    assert "ALTER TABLE turkdemo ADD COLUMN bonus FLOAT" in finished.err


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A study on either database whose table has lost mode and bonus; its address."""
    with new_database(request.param, folder) as url:
        fill(url)
        engine = create_engine(parse_url(url))
        with engine.begin() as connection:
            for name in ("mode", "bonus"):
                connection.execute(text(f"ALTER TABLE people DROP COLUMN {name}"))
        engine.dispose()
        yield url


def test_what_lists_do_with_modes_and_bonuses_works_without_them_on_either_database(
    anywhere: str, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURKCTL_PARTICIPANTS_TABLE", "people")
    monkeypatch.setenv("TURKCTL_PARTICIPANTS_MODE", "live's")
    monkeypatch.setenv("TURKCTL_DATABASE_URL", anywhere)
    for sort in ("mode", "bonus"):
        for more in ((), ("--desc",), ("--limit", "2"), ("--where", "bonus="), ("--mode", "live's")):
            found = rows(turkctl("participants", "list", "--sort", sort, "--json", *more))
            assert len(found) == (2 if "--limit" in more else 6)
            assert {(row["mode"], row["bonus"]) for row in found} == {("live's", None)}
    assert turkctl("participants", "count", "--where", "mode=live's").out == "6\n"
    assert turkctl("participants", "count", "--where", "bonus=1").out == "0\n"
    groups = rows(turkctl("participants", "list", "--group-by", "mode", "--group-by", "bonus", "--json"))
    assert [tuple(row.values()) for row in groups] == [("live's", None, 6)]
    assert rows(turkctl("participants", "list", "--owed", "--json")) == []
    assert turkctl("participants", "export", "--data", "trial").code == 0


def test_assignments_table_name_is_preferred_over_table_name(folder: Path, turkctl: Run) -> None:
    fill(f"sqlite:///{folder / 'participants.db'}")
    config = CONFIG.format(url="sqlite:///participants.db")
    (folder / "config.txt").write_text(
        config.replace("table_name = people", "table_name = gone\nassignments_table_name = people")
    )
    report = rows(turkctl(*IMPORT, "--json"))
    assert setting(report, "participants_table")["from"] == "assignments_table_name"
    assert setting(report, "participants_table")["detail"] == "people"
    assert not [row for row in report if row["from"] == "table_name"]
    assert turkctl("participants", "count").out == "6\n"


def test_no_config_is_needed_where_the_database_is_given(folder: Path, turkctl: Run) -> None:
    fill(f"sqlite:///{folder / 'participants.db'}")
    finished = turkctl(*IMPORT, "--json")
    assert finished.code == 2
    assert "there is no psiTurk configuration" in finished.err
    at = ("--database-url", "sqlite:///participants.db")
    assert turkctl(*IMPORT, "--config", "nope.txt", "--json", *at).code == 2
    report = rows(turkctl(*IMPORT, "--experiment", "stroop", "--json", *at))
    document = tomllib.loads((folder / "turkctl.toml").read_text())
    assert document["participants_table"] == "people"
    assert document["experiments"]["stroop"] == {"code_version": "1.0", "reward": "0.75", "duration": "30m"}
    assert "mode" not in document
    missing = [row["to"] for row in report if row["status"] == "skipped" and row["what"] == "setting"]
    assert missing == [f"experiments.stroop.{name}" for name in ("title", "description", "external_url")]
    assert turkctl("participants", "count").out == "6\n"


def test_a_reward_that_is_missing_is_taken_from_the_hits(
    folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    market = Market(f"sqlite:///{tmp_path / 'served.db'}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with listening(Endpoint(market)) as url:
        other = folder / "other"
        other.mkdir()
        experiment = 'code_version = "9"\ntitle = "t"\ndescription = "d"\nreward = "0.35"\nduration = "45m"\n'
        experiment += 'external_url = "https://lab.example.org/pub"\n'
        (other / "turkctl.toml").write_text(f'[endpoints]\nsandbox = "{url}/sandbox"\n[experiments.t]\n{experiment}')
        elsewhere = ("--config", "other/turkctl.toml", "--mode", "sandbox")
        assert turkctl("experiments", "configure", *elsewhere).code == 0
        posted = json.loads(turkctl("hits", "create", "--assignments", "3", *elsewhere, "--json").out)
        hit_id = posted["results"][0]["id"]
        (folder / "turkctl.toml").write_text(f'[endpoints]\nsandbox = "{url}/sandbox"\n')
        fill(f"sqlite:///{folder / 'participants.db'}", (hit_id, "3GONE"), mode="sandbox")
        with closing(sqlite3.connect(folder / "participants.db")) as plain:
            plain.execute("DELETE FROM campaign")
            plain.commit()
        write_config(folder).write_text(CONFIG.format(url="sqlite:///participants.db").replace("= live", "= sandbox"))
        dry = rows(turkctl(*IMPORT, "--dry-run", "--json"))
        assert setting(dry, "experiments.stroop-task.reward")["status"] == "skipped"
        report = rows(turkctl(*IMPORT, "--json"))
        assert setting(report, "experiments.stroop-task.reward") == {
            "what": "setting",
            "from": f"HIT {hit_id}",
            "to": "experiments.stroop-task.reward",
            "status": "taken",
            "detail": "0.35",
        }
        assert setting(report, "experiments.stroop-task.duration")["detail"] == "45m"
        assert [row["status"] for row in report if row["what"] == "experiment"] == ["taken"]
    market.close()


def test_a_market_that_cannot_be_asked_for_the_reward_is_told(old: Path, turkctl: Run) -> None:
    report = rows(turkctl(*IMPORT, "--json"))
    (told,) = (row for row in report if row["from"] == "its HITs")
    assert told["status"] == "skipped"
    assert "the market could not be asked for the reward" in told["detail"]


def test_what_is_owed_is_listed_and_planned_without_credentials(folder: Path, turkctl: Run) -> None:
    fill(f"sqlite:///{folder / 'participants.db'}")
    write_config(folder)
    at = ("--database-url", "sqlite:///participants.db")
    (folder / "turkctl.toml").write_text('mode = "live"\nparticipants_table = "people"\n')
    before = rows(turkctl("participants", "list", "--owed", "--json", *at))
    assert [(row["worker_id"], row["bonus"], row["status"]) for row in before] == [("AW000002", "0.25", "credited")]
    rows(turkctl(*IMPORT, "--json"))
    assert rows(turkctl("participants", "list", "--owed", "--json")) == before
    assert turkctl("participants", "count", "--owed").out == "1\n"
    finished = turkctl("workers", "bonus", "--all", "--auto", "--dry-run", "--json")
    assert finished.code == 0
    assert "there are no credentials: the market was not asked" in finished.err
    planned = json.loads(finished.out)
    assert [(each["id"], each["status"]) for each in planned["results"]] == [
        ("3A2", "planned"),
        ("3A0", "skipped"),
        ("3A1", "skipped"),
        ("3A3", "skipped"),
    ]
    assert planned["cost"] == "0.30"
    finished = turkctl("workers", "bonus", "--all", "--auto", "--reason", "Thanks", "--yes")
    assert finished.code == 4
    assert "credentials" in finished.err
    finished = turkctl("workers", "bonus", "AW000099", "--auto", "--dry-run")
    assert (finished.code, "there is no worker AW000099" in finished.err) == (2, True)


def test_a_bonus_that_the_ledger_has_is_not_owed(folder: Path, turkctl: Run) -> None:
    fill(f"sqlite:///{folder / 'participants.db'}")
    write_config(folder)
    rows(turkctl(*IMPORT, "--json"))
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute(
            "INSERT INTO turkctl_payment (mode, market, kind, assignment_id, worker_id, hit_id, amount, fee,"
            " purpose, source, paid_at) VALUES ('live', 'm', 'bonus', '3A2', 'AW000002', '3HIT0', 250000, 50000,"
            " 'auto', 'ours', '2026-09-02 10:00:00')"
        )
        plain.commit()
    assert rows(turkctl("participants", "list", "--owed", "--json")) == []
    planned = json.loads(turkctl("workers", "bonus", "--all", "--auto", "--dry-run", "--json").out)
    (paid,) = (each for each in planned["results"] if each["id"] == "3A2")
    assert paid["status"] == "skipped"
    assert "$0.25 was already paid for 'auto'" in paid["detail"]
