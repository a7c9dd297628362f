"""market entries, payouts, backup, stats: what whoever runs the market types."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal

from turkctl.market.requester import Requester
from turkctl.market.service import Market
from turkctl.market.tables import metadata
from turkctl.newcomers import NewPerson
from turkctl.site_texts import MOST_TEXT

Run = Callable[..., Any]
REQUESTER = Requester("123456789012", "production")
XSD = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
HIT = {
    "Title": "Name the colour",
    "Description": "A short task.",
    "Reward": "0.50",
    "LifetimeInSeconds": 3600,
    "AssignmentDurationInSeconds": 600,
    "Question": f'<ExternalQuestion xmlns="{XSD}"><ExternalURL>https://lab.example.org/a</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>",
}


@pytest.fixture
def market(folder: Path, turkctl: Run) -> Iterator[Market]:
    """The market of the folder's study."""
    assert turkctl("market", "clock").code == 0
    made = Market(f"sqlite:///{folder / 'turkctl-market.db'}")
    yield made
    made.close()


def earn(market: Market, who: str, reward: str = "0.50") -> None:
    hit = market.create_hit(REQUESTER, HIT | {"Reward": reward})["HIT"]["HITId"]
    taken = market.accept("production", who, hit)["AssignmentId"]
    market.submit("production", who, taken, {"answer": ["red"]})
    market.approve_assignment(REQUESTER, {"AssignmentId": taken})


@pytest.fixture
def owed(market: Market) -> dict[str, str]:
    """Two people who earned something, by their own ids."""
    found = {own: market.add_person("production", NewPerson(own_id=own)) for own in ("4711", "4712")}
    earn(market, found["4711"], "1.20")
    earn(market, found["4712"])
    return found


def rows(turkctl: Run, *argv: str) -> list[dict[str, Any]]:
    finished = turkctl("market", *argv, "--json")
    assert finished.code == 0, finished.err
    found: list[dict[str, Any]] = json.loads(finished.out)
    return found


# Entries


def test_an_entry_s_address_names_panel_key_and_parameters(folder: Path, turkctl: Run) -> None:
    said = turkctl(
        *("market", "entries", "add", "sona", "--parameter", "survey_code", "--parameter", "ref"),
        *("--done", "https://lab.example.org/c?id={survey_code}", "--base-url", "https://work.example.org/"),
    )
    address = r"https://work\.example\.org/worker/enter/sona/[\w-]{32}\?survey_code=\{survey_code\}&ref=\{ref\}\n"
    assert re.fullmatch(address, said.out), said.err
    (row,) = rows(turkctl, "entries", "list", "--base-url", "https://work.example.org")
    assert (row["url"] + "\n", row["people"], row["done"]) == (
        said.out,
        0,
        "https://lab.example.org/c?id={survey_code}",
    )
    shown = json.loads(turkctl("market", "entries", "show", "sona", "--json").out)
    assert (shown["panel"], shown["removed"]) == ("sona", None)
    assert "secret" not in shown
    assert rows(turkctl, "entries", "list", "--sandbox") == []
    assert turkctl("market", "entries", "remove", "sona").out == "1 entry removed\n"
    assert turkctl("market", "entries", "remove", "sona").out == "0 entries removed\n"


def test_the_panel_s_ids_are_shown_only_where_they_are_asked_for(market: Market, turkctl: Run) -> None:
    turkctl("market", "entries", "add", "sona", "--parameter", "id")
    (entry,) = market.entries("production")
    who = market.enter("production", "sona", entry.key, {"id": "somebody"})
    earn(market, who)
    (row,) = rows(turkctl, "entries", "codes", "sona")
    assert list(row) == ["code", "status", "submitted", "worker_id", "assignment_id"]
    (named,) = rows(turkctl, "entries", "codes", "sona", "--names")
    assert (named["panel_id"], named["code"]) == ("somebody", row["code"])


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["add", "sona"], 2, "--parameter"),
        (["add", "So na", "--parameter", "a"], 2, "name of the entry"),
        (["add", "sona", "--parameter", "a b"], 2, "parameter"),
        (["add", "sona", "--parameter", "a", "--done", "javascript:alert(1)"], 2, "address of the web"),
        (["add", "sona", "--parameter", "a", "--done", "https://x.example/{b}"], 2, "'b'"),
        (["add", "sona", "--parameter", "a", "--until", "2001-01-01"], 2, "--until"),
        (["show", "nothing"], 2, "no entry"),
        (["remove", "nothing"], 2, "no entry"),
        (["codes", "nothing"], 2, "no entry"),
    ],
)
def test_an_entry_that_cannot_be_is_wrong_usage(
    argv: list[str], code: int, says: str, folder: Path, turkctl: Run
) -> None:
    finished = turkctl("market", "entries", *argv)
    assert (finished.code, finished.out, says in finished.err) == (code, "", True), finished.err


# Payouts


def test_what_is_owed_is_marked_once_and_stays_in_the_history(owed: dict[str, str], turkctl: Run) -> None:
    listed = {row["own_id"]: row["amount"] for row in rows(turkctl, "payouts", "list", "--names")}
    assert listed == {"4711": "1.20", "4712": "0.50"}
    assert "own_id" not in rows(turkctl, "payouts", "list")[0]
    done = turkctl("market", "payouts", "mark-paid", "4711", "--reference", "Transfer 7", "--yes")
    assert done.out == "marked $1.20 to 1 person as paid\n"
    assert turkctl("market", "payouts", "mark-paid", "4711", "--yes").out == "nothing was marked: nothing is owed\n"
    assert [row["worker_id"] for row in rows(turkctl, "payouts", "list")] == [owed["4712"]]
    (paid,) = rows(turkctl, "payouts", "history")
    assert (paid["worker_id"], paid["amount"], paid["reference"]) == (owed["4711"], "1.20", "Transfer 7")


def test_the_plan_shows_the_amounts_and_is_asked_about(
    owed: dict[str, str], turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = turkctl("market", "payouts", "mark-paid", "--all", "--dry-run")
    assert (owed["4711"] in plan.out, "1.20" in plan.out, "$1.70 to 2 people" in plan.err) == (True, True, True)
    refused = turkctl("market", "payouts", "mark-paid", "--all")
    assert (refused.code, "$1.70 to 2 people" in refused.err) == (3, True)
    shown = Terminal.take_over(monkeypatch, "n\n")
    assert turkctl("market", "payouts", "mark-paid", "--all").code == 3
    assert "mark $1.70 to 2 people as paid. Go ahead?" in shown.getvalue()
    assert rows(turkctl, "payouts", "history") == []


def test_an_export_is_marked_as_it_was_paid(owed: dict[str, str], market: Market, folder: Path, turkctl: Run) -> None:
    turkctl("market", "payouts", "export", "--file", "owed.csv", "--names")
    assert (folder / "owed.csv").stat().st_mode & 0o077 == 0
    earn(market, owed["4711"], "0.30")
    again = ("market", "payouts", "mark-paid", "--from", "owed.csv", "--yes")
    first = turkctl(*again)
    assert first.out == "marked $1.70 to 2 people as paid\n", first.err
    assert turkctl(*again).out == "nothing was marked: nothing is owed\n"
    (left,) = rows(turkctl, "payouts", "list")
    assert (left["worker_id"], left["amount"]) == (owed["4711"], "0.30"), "what was earned later is still owed"


def test_an_amount_that_was_changed_in_the_file_is_refused(owed: dict[str, str], folder: Path, turkctl: Run) -> None:
    turkctl("market", "payouts", "export", "--file", "owed.csv")
    text = (folder / "owed.csv").read_text(encoding="utf-8")
    (folder / "owed.csv").write_text(text.replace("1.20", "12.00"), encoding="utf-8")
    finished = turkctl("market", "payouts", "mark-paid", "--from", "owed.csv", "--yes")
    assert (finished.code, "is owed 1.20 now, not 12.00; nothing is marked" in finished.err) == (2, True)
    assert rows(turkctl, "payouts", "history") == []


def test_a_file_of_ids_alone_is_enough(owed: dict[str, str], folder: Path, turkctl: Run) -> None:
    (folder / "paid.txt").write_text("4711\n4712\n", encoding="utf-8")
    assert turkctl("market", "payouts", "mark-paid", "--from", "paid.txt", "--yes").out.startswith("marked $1.70")


def test_an_export_to_standard_output_is_csv_alone(owed: dict[str, str], turkctl: Run) -> None:
    said = turkctl("market", "payouts", "export", "--file", "-", "--names")
    found = list(csv.DictReader(io.StringIO(said.out)))
    assert {row["own_id"]: row["amount"] for row in found} == {"4711": "1.20", "4712": "0.50"}
    assert all(row["until"] for row in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,amount\n4711,much\n", "paid.csv, row 2: 'much'"),
        ("id,amount\n4711,1.20\n,0.50\n", "paid.csv, row 3: there is no id"),
        ("id,until\n4711,soon\n", "paid.csv, row 2: 'soon'"),
        ("id;amount\n4711;1,2,0\n", "paid.csv, row 2"),
        ("id\nnobody\n", "'nobody'"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_marked(
    text: str, says: str, owed: dict[str, str], folder: Path, turkctl: Run
) -> None:
    (folder / "paid.csv").write_text(text, encoding="utf-8")
    finished = turkctl("market", "payouts", "mark-paid", "--from", "paid.csv", "--yes")
    assert (finished.code, says in finished.err) == (2, True), finished.err
    assert rows(turkctl, "payouts", "history") == []


NOT_TEXT = "a\udcff"
"""As Python hands over an argument with a byte that is not UTF-8."""


@pytest.mark.parametrize(
    "argv",
    [
        ["payouts", "mark-paid", NOT_TEXT, "--yes"],
        ["payouts", "mark-paid", "--all", "--yes", "--reference", NOT_TEXT],
        ["entries", "add", NOT_TEXT, "--parameter", "a"],
        ["entries", "add", "a", "--parameter", NOT_TEXT],
        ["entries", "add", "a", "--parameter", "a", "--panel", NOT_TEXT],
        ["entries", "add", "a", "--parameter", "a", "--code", NOT_TEXT],
        ["entries", "add", "a", "--parameter", "a", "--group", NOT_TEXT],
        ["entries", "add", "a", "--parameter", "a", "--done", f"https://a.example/{NOT_TEXT}"],
        ["entries", "show", NOT_TEXT],
        ["entries", "codes", NOT_TEXT],
        ["entries", "remove", NOT_TEXT],
        ["workers", "show", NOT_TEXT],
        ["workers", "revoke", NOT_TEXT],
        ["workers", "add", "--id", NOT_TEXT],
        ["workers", "add", "--label", NOT_TEXT],
        ["workers", "invite", "--group", NOT_TEXT],
    ],
)
def test_what_is_no_text_is_wrong_usage(argv: list[str], folder: Path, turkctl: Run) -> None:
    finished = turkctl("market", *argv)
    assert (finished.code, "fault in turkctl" in finished.err) == (2, False), finished.err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["mark-paid"], "--all"),
        (["mark-paid", "4711", "--all"], "--from"),
        (["mark-paid", "nobody"], "nobody here"),
        (["mark-paid", "--from", "missing.csv"], "missing.csv"),
        (["mark-paid", "--from", "wrong.csv"], "no column of ids"),
        (["mark-paid", "--all", "--reference", ""], "reference"),
        (["mark-paid", "--all", "--since", "2030-01-01", "--until", "2029-01-01"], "--until"),
        (["list", "--since", "soon"], "not a time"),
        (["export", "--file", "turkctl.toml"], "not replaced"),
    ],
)
def test_a_payout_that_cannot_be_is_wrong_usage(argv: list[str], says: str, folder: Path, turkctl: Run) -> None:
    (folder / "wrong.csv").write_text("who,much\nx,1\n", encoding="utf-8")
    more = ["--yes"] if argv[0] == "mark-paid" else []
    finished = turkctl("market", "payouts", *argv, *more)
    assert (finished.code, says in finished.err) == (2, True), finished.err


# Backup and stats


def test_a_copy_is_whole_and_for_its_owner_alone(owed: dict[str, str], folder: Path, turkctl: Run) -> None:
    before = os.umask(0)
    try:
        assert turkctl("market", "backup", "copy.db").code == 0
    finally:
        os.umask(before)
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not [each for each in folder.iterdir() if each.name.startswith((".turkctl-", "copy.db-"))]
    with (
        closing(sqlite3.connect(folder / "copy.db")) as copy,
        closing(sqlite3.connect(folder / "turkctl-market.db")) as live,
    ):
        for table in metadata.sorted_tables:
            asked = f"SELECT * FROM {table.name}"
            assert copy.execute(asked).fetchall() == live.execute(asked).fetchall(), table.name
    listed = turkctl("--market-url", "sqlite:///copy.db", "market", "payouts", "list", "--json")
    assert len(json.loads(listed.out)) == 2


@pytest.mark.parametrize(
    "name", ["there.txt", "turkctl.toml", "turkctl.db", "turkctl-market.db", "-", "missing/x", "."]
)
def test_a_copy_never_takes_the_place_of_anything(name: str, market: Market, folder: Path, turkctl: Run) -> None:
    (folder / "there.txt").write_text("precious", encoding="utf-8")
    (folder / "turkctl.db").write_bytes(b"SQLite format 3\x00")
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    finished = turkctl("market", "backup", "--", name)
    assert (finished.code, finished.out) == (2, "")
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_a_copy_works_where_there_are_no_hard_links_and_replaces_nothing_that_came_meanwhile(
    market: Market, folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert turkctl("market", "backup", "copy.db").code == 0
    with closing(sqlite3.connect(folder / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copied = Market.copy_to

    def slow(self: Market, target: Path) -> int:
        (folder / "late.db").write_text("precious", encoding="utf-8")
        return copied(self, target)

    monkeypatch.setattr(Market, "copy_to", slow)
    finished = turkctl("market", "backup", "late.db")
    assert (finished.code, "not replaced" in finished.err) == (2, True)
    assert (folder / "late.db").read_text(encoding="utf-8") == "precious"


def test_for_postgresql_the_command_that_copies_it_is_named(folder: Path, turkctl: Run) -> None:
    url = "postgresql+psycopg://lab:secret@db.example.org:5433/market"
    finished = turkctl("--market-url", url, "market", "backup", "copy.dump")
    assert finished.code == 2
    assert "pg_dump --format=custom --file copy.dump postgresql://lab@db.example.org:5433/market" in finished.err
    assert "secret" not in finished.err


def test_the_numbers_are_one_object(owed: dict[str, str], turkctl: Run) -> None:
    found = json.loads(turkctl("market", "stats", "-o", "json").out)
    assert (found["people"], found["assignments"], found["waiting"]) == (2, {"Approved": 2}, 0)
    assert found["days"][0]["submissions"] == 2
    assert turkctl("market", "stats").code == 0
    assert turkctl("market", "stats", "--days", "0").code == 2


# The foot of the site's pages


@pytest.mark.parametrize("name", ["missing.html", ".", "latin.txt", "long.txt"])
def test_a_note_on_privacy_that_cannot_be_shown_is_one_error(
    name: str, folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "latin.txt").write_bytes("Datenschutz für alle".encode("latin-1"))
    (folder / "long.txt").write_text("x" * (MOST_TEXT + 1), encoding="utf-8")
    monkeypatch.setenv("TURKCTL_MARKET_SITE_PRIVACY", name)
    finished = turkctl("market", "serve", "--port", "0")
    assert (finished.code, finished.out) == (2, "")
    assert "market.site.privacy" in finished.err
