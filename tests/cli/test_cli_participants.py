"""participants list, count and show, and sync, on the command line."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error

Run = Callable[..., Any]
ROW = ["uniqueid", "assignment_id", "worker_id", "hit_id", "condition", "counterbalance", "codeversion", "begin_hit",
       "begin_exp", "end_hit", "bonus", "status", "mode", "complete"]  # fmt: skip
REPORT = ["full", "hits_checked", "hits_changed", "assignments_new", "assignments_changed", "disposed",
          "participants_added", "participants_credited_again", "found", "psiturk", "unassigned", "unknown", "adopted",
          "not_adopted", "failed", "requests", "unclaimed", "disabled"]  # fmt: skip


@pytest.fixture
def psiturk(folder: Path) -> str:
    """A database of psiTurk's with participants of three modes; its address."""
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        columns = (
            "uniqueid, assignmentid, workerid, hitid, ipaddress, browser, platform, language, cond, counterbalance"
        )
        columns += ", codeversion, beginhit, beginexp, endhit, bonus, status, mode, datastring"
        plain.execute(f"CREATE TABLE assignments ({columns})")
        for number, mode in enumerate(["live", "live", "sandbox", "debug"]):
            values = {"uniqueid": f"W{number}:A{number}", "workerid": f"W{number}", "assignmentid": f"A{number}"}
            values |= {"hitid": "H", "cond": str(number % 2), "mode": mode, "status": str(number + 3)}
            marks = ", ".join(f":{name}" for name in values)
            plain.execute(f"INSERT INTO assignments ({', '.join(values)}) VALUES ({marks})", values)
        plain.execute("UPDATE assignments SET status = CAST(status AS INTEGER), cond = CAST(cond AS INTEGER)")
        plain.commit()
    return f"sqlite:///{folder / 'participants.db'}"


def workers(finished: Any) -> list[str]:
    assert finished.code == 0, finished.err
    return [row["worker_id"] for row in json.loads(finished.out)]


def test_a_list_shows_all_modes_unless_the_command_line_says_which(psiturk: str, turkctl: Run) -> None:
    here = ("--database-url", psiturk, "--json")
    assert workers(turkctl("participants", "list", *here)) == ["W0", "W1", "W2", "W3"]
    assert workers(turkctl("participants", "list", *here, "--mode", "debug")) == ["W3"]
    assert workers(turkctl("--mode", "debug", "participants", "list", *here)) == ["W3"]
    assert workers(turkctl("participants", "-m", "debug", "list", *here, "-m", "sandbox")) == ["W2", "W3"]
    assert workers(turkctl("participant", "list", *here, "--mode", "never")) == []


def test_the_environment_and_the_project_file_do_not_choose_participants(
    psiturk: str, turkctl: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "turkctl.toml").write_text('mode = "sandbox"\n')
    monkeypatch.setenv("TURKCTL_MODE", "live")
    assert turkctl("participants", "count", "--database-url", psiturk).out == "4\n"


def test_other_commands_still_refuse_a_mode_that_is_none(configured: Path, turkctl: Run) -> None:
    for argv in (("--mode", "debug", "hits", "list"), ("hits", "list", "--mode", "debug")):
        finished = turkctl(*argv)
        assert (finished.code, "debug" in finished.err) == (2, True)


def test_rows_groups_counts_and_one_in_full(psiturk: str, turkctl: Run) -> None:
    here = ("--database-url", psiturk, "--json")
    rows = json.loads(turkctl("participants", "list", *here, "--sort", "worker_id", "--desc", "--limit", "1").out)
    assert (list(rows[0]), rows[0]["worker_id"], rows[0]["status"], rows[0]["complete"]) == (
        ROW, "W3", "quit_early", False,
    )  # fmt: skip
    assert json.loads(turkctl("participants", "list", *here, "--group-by", "condition").out) == [
        {"condition": 0, "count": 2},
        {"condition": 1, "count": 2},
    ]
    chosen = turkctl("participants", "list", *here, "--columns", "worker_id, status", "--condition", "0", "--complete")
    assert json.loads(chosen.out) == [
        {"worker_id": "W0", "status": "completed"},
        {"worker_id": "W2", "status": "credited"},
    ]
    assert turkctl("participants", "count", *here, "--incomplete", "--where", "cond=1").out == "1\n"
    assert json.loads(turkctl("participants", "show", "A1", *here).out)["uniqueid"] == "W1:A1"
    table = turkctl("participants", "list", "--database-url", psiturk, "--status", "submitted")
    assert "W1" in table.out
    assert "W0" not in table.out


@pytest.mark.parametrize(
    "argv",
    [
        ("list", "--status", "done"),
        ("list", "--group-by", "colour"),
        ("list", "--group-by", "mode", "--columns", "worker_id"),
        ("list", "--sort", "colour"),
        ("list", "--limit", "-1"),
        ("list", "--condition", "red"),
        ("count", "--since", "soon"),
        ("count", "--where", "cond"),
        ("count", "--campaign", "1"),
        ("count", "--current"),
        ("show", "W9"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_the_fix(psiturk: str, turkctl: Run, argv: tuple[str, ...]) -> None:
    finished = turkctl("participants", *argv, "--database-url", psiturk, "--json")
    assert (finished.code, finished.out) == (2, "")
    assert last_error(finished.err)["message"]


def test_sync_prints_what_it_found_and_fills_the_participants_table(configured: Path, turkctl: Run) -> None:
    assert turkctl("hits", "create", "--assignments", "3").code == 0
    turkctl("market", "crowd", "--workers", "3", "--seed", "3", "--drop-out", "0", "--abandon", "0")
    finished = turkctl("sync", "--json")
    report = json.loads(finished.out)
    assert (finished.code, list(report)) == (0, REPORT)
    assert (report["hits_checked"], report["assignments_new"], report["participants_added"]) == (1, 3, 3)
    assert report["requests"] == 4, "one asks for the market's rules"
    assert turkctl("participants", "count", "--status", "submitted", "--mode", "local").out == "3\n"
    full = json.loads(turkctl("sync", "--full", "--json").out)
    assert (full["full"], full["unknown"], full["assignments_new"]) == (True, [], 0)


def test_sync_names_the_hits_of_the_account_that_are_not_ours(configured: Path, turkctl: Run) -> None:
    posted = json.loads(turkctl("hits", "create", "--assignments", "3", "--json", "-q").out)["results"][0]["id"]
    other = ("--database-url", f"sqlite:///{configured / 'other.db'}")
    where = ("--market-url", f"sqlite:///{configured / 'turkctl-market.db'}")
    assert json.loads(turkctl("sync", "--full", "--json", *other, *where).out)["unknown"] == [posted]


def test_a_bonus_is_set_by_any_id_and_nothing_else_of_the_row_changes(psiturk: str, turkctl: Run, folder: Path) -> None:
    def row() -> tuple[Any, ...]:
        with closing(sqlite3.connect(folder / "participants.db")) as plain:
            found: tuple[Any, ...] = plain.execute("SELECT * FROM assignments WHERE workerid = 'W1'").fetchone()
        return found

    before = row()
    for wanted, amount, was in (("W1:A1", "0.35", None), ("A1", "1.10", "0.35"), ("W1", "0", "1.10")):
        done = turkctl("participants", "set", wanted, "--bonus", amount, "--database-url", psiturk, "--json")
        assert done.code == 0, done.err
        shown = json.loads(done.out)
        assert (shown["uniqueid"], shown["before"], float(shown["bonus"])) == ("W1:A1", was, float(amount))
        after = row()
        changed = [place for place, value in enumerate(before) if after[place] != value]
        assert [after[place] for place in changed] == [float(amount)]


def test_bonuses_are_money_although_psiturk_keeps_a_float(psiturk: str, turkctl: Run, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute("UPDATE assignments SET bonus = 0.1 + 0.2 WHERE workerid <> 'W3'")
        plain.execute("UPDATE assignments SET bonus = 9e999 WHERE workerid = 'W2'")
        plain.commit()
    rows = json.loads(turkctl("participants", "list", "--database-url", psiturk, "--json").out)
    assert [row["bonus"] for row in rows] == ["0.30", "0.30", "inf", None]
    done = turkctl("participants", "set", "A1", "--bonus", "2.5", "--database-url", psiturk, "--json")
    assert [json.loads(done.out)[name] for name in ("before", "bonus")] == ["0.30", "2.50"]


def test_an_id_cannot_command_the_terminal(psiturk: str, turkctl: Run, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute("UPDATE assignments SET workerid = char(27) || '[2Jä' || char(155), datastring = '[' WHERE cond")
        plain.commit()
    here = ("--database-url", psiturk)
    for argv in (("list",), ("show", "A1"), ("export", "--data", "trial"), ("list", "--group-by", "worker")):
        finished = turkctl("participants", *argv, *here)
        assert not {"\x1b", "\x9b"} & {*finished.err}
        assert argv[0] == "export" or "\\x1b[2Jä\\x9b" in finished.out
    assert workers(turkctl("participants", "list", *here, "--json"))[1] == "\x1b[2Jä\x9b"


def test_columns_that_name_none_end_with_2(psiturk: str, turkctl: Run) -> None:
    for nothing in ("", " , "):
        refused = turkctl("participants", "list", "--columns", nothing, "--database-url", psiturk)
        assert (refused.code, "--columns is empty" in refused.err) == (2, True)


def test_a_word_that_is_no_text_ends_with_2(psiturk: str, turkctl: Run) -> None:
    refused = turkctl("participants", "count", "--worker", os.fsdecode(b"A\xff"), "--database-url", psiturk)
    assert (refused.code, "'A\\udcff' is not text" in refused.err) == (2, True)


@pytest.mark.parametrize("amount", ["-1", "0.345", "much", "1e3"])
def test_a_bonus_that_is_no_amount_of_money_ends_with_2_and_writes_nothing(
    psiturk: str, turkctl: Run, folder: Path, amount: str
) -> None:
    before = (folder / "participants.db").read_bytes()
    refused = turkctl("participants", "set", "A1", f"--bonus={amount}", "--database-url", psiturk)
    assert refused.code == 2
    assert (folder / "participants.db").read_bytes() == before


def test_a_bonus_for_nobody_or_for_more_than_one_ends_with_2(psiturk: str, turkctl: Run, folder: Path) -> None:
    assert turkctl("participants", "set", "nobody", "--bonus", "1", "--database-url", psiturk).code == 2
    with closing(sqlite3.connect(folder / "participants.db")) as plain:
        plain.execute("UPDATE assignments SET workerid = 'W1'")
        plain.commit()
    several = turkctl("participants", "set", "W1", "--bonus", "1", "--database-url", psiturk, "--json")
    assert (several.code, "4 participants" in last_error(several.err)["message"]) == (2, True)


def test_a_row_that_changed_since_it_was_read_is_left_as_it_is(psiturk: str) -> None:
    from turkctl.store.engine import connect
    from turkctl.store.participant_bonuses import set_bonus

    database = connect(psiturk)
    with database.write() as session:
        assert set_bonus(session, "assignments", "W1:A1", expected=None, bonus=0.5)
        assert not set_bonus(session, "assignments", "W1:A1", expected=None, bonus=0.7)
        assert set_bonus(session, "assignments", "W1:A1", expected=0.5, bonus=0.7)
    database.close()
