"""market workers import, reset-password, and invite with --ask, --from and --qr."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import segno

from turkctl.cli.qr_codes import qr_code

Run = Callable[..., Any]
PEOPLE = "own_id;name;groups;qualifications;locale\n1234567;Anna Müller;class;{};DE\n7654321;Ben;class; ;\n"


@pytest.fixture
def trained(folder: Path, turkctl: Run) -> str:
    """A qualification type of the market."""
    assert turkctl("qualifications", "create", "Trained", "--description", "Knows it.").code == 0
    return "Trained"


def imported(turkctl: Run, text: str, *more: str) -> dict[str, str]:
    Path("people.csv").write_text(text)
    finished = turkctl("market", "workers", "import", "people.csv", "--json", *more)
    assert finished.code == 0, finished.err
    return {each["id"]: each["status"] for each in json.loads(finished.out)["results"]}


def people(turkctl: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(turkctl("market", "workers", "list", "--names", "--json").out)
    return found


def test_a_list_is_imported_once_and_again_only_what_changed(folder: Path, turkctl: Run, trained: str) -> None:
    text = PEOPLE.format("Trained = 90")
    assert imported(turkctl, text, "--dry-run") == {"1234567": "planned", "7654321": "planned"}
    assert people(turkctl) == []
    assert imported(turkctl, text) == {"1234567": "created", "7654321": "created"}
    anna, _ben = before = people(turkctl)
    assert (anna["full_name"], anna["name"], anna["own_id"], anna["groups"]) == (
        "Anna Müller",
        None,
        "1234567",
        "class",
    )
    holders = json.loads(turkctl("qualifications", "workers", trained, "--json").out)
    assert [(each["worker_id"], each["value"]) for each in holders] == [(anna["worker_id"], 90)]
    shown = json.loads(turkctl("market", "workers", "show", "1234567", "--json").out)
    assert shown["locale"] == "DE"
    assert imported(turkctl, text) == {"1234567": "already_done", "7654321": "already_done"}
    assert people(turkctl) == before
    changed = imported(turkctl, text.replace("90", "91").replace("Ben;class", "Ben;staff"))
    assert changed == {"1234567": "updated", "7654321": "updated"}
    assert [each["groups"] for each in people(turkctl)] == ["class", "staff"]
    assert json.loads(turkctl("qualifications", "workers", trained, "--json").out)[0]["value"] == 91


def test_what_a_row_does_not_say_stays_as_it_is(folder: Path, turkctl: Run) -> None:
    imported(turkctl, PEOPLE.format(""))
    before = people(turkctl)
    assert imported(turkctl, "id\n1234567\n7654321\n") == {"1234567": "already_done", "7654321": "already_done"}
    assert imported(turkctl, "own_id,name,groups\n1234567,,\n") == {"1234567": "already_done"}
    assert people(turkctl) == before


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (";Nobody;;;", "row 3: the own id is empty"),
        ("1234567;Twice;;;", "row 3: row 2 has the own id '1234567' too"),
        ("3EXAMPLEASSIGNMENT000000000001;X;;;", "looks like an id that the market gives"),
        ("A1EXAMPLEWORKER;X;;;", "looks like an id that the market gives"),
        ("2;X;;none;", "row 3: there is no qualification type 'none'"),
        ("2;X;;Trained=x;", "row 3: 'x' is not the value"),
        ("2;X;;Trained=2147483648;", "row 3: '2147483648' is not the value"),
        ("2;X;;;nowhere", "row 3: 'nowhere' is not a locale"),
        ("2;X", "row 3"),
        ("2;X\u202e;;;", "row 3: the name has characters that cannot be seen"),
    ],
)
def test_one_bad_row_is_named_and_nobody_is_imported(
    row: str, why: str, folder: Path, turkctl: Run, trained: str
) -> None:
    Path("people.csv").write_text(PEOPLE.format("").splitlines()[0] + f"\n1234567;Anna;;;\n{row}\n")
    for more in ([], ["--dry-run"]):
        finished = turkctl("market", "workers", "import", "people.csv", *more)
        assert (finished.code, finished.out, why in finished.err) == (2, "", True), finished.err
    assert people(turkctl) == []


def test_a_person_is_changed_and_what_is_not_said_stays(folder: Path, turkctl: Run) -> None:
    imported(turkctl, PEOPLE.format(""))
    edit = ("market", "workers", "edit", "1234567")
    done = turkctl(*edit, "--group", "staff", "--remove-group", "class", "--label", "left", "--approved", "9", "--json")
    assert done.code == 0, done.err
    assert turkctl(*edit, "--rejected", "1", "--locale", "US-NY").code == 0
    shown = json.loads(turkctl("market", "workers", "show", "1234567", "--json").out)
    told = (shown["groups"], shown["label"], shown["locale"], shown["full_name"])
    assert told == ("staff", "left", "US-NY", "Anna Müller")
    assert (shown["approved"], shown["rejected"], shown["submitted"]) == (9, 1, 10)
    assert turkctl(*edit, "--label", "", "--approved", "0").code == 0
    shown = json.loads(turkctl("market", "workers", "show", "1234567", "--json").out)
    assert (shown["label"], shown["approved"], shown["submitted"], shown["groups"]) == (None, 0, 1, "staff")
    assert people(turkctl)[1]["groups"] == "class", "nobody else is changed"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "nothing to change"),
        (["--approved", "-1"], "not possible"),
        (["--locale", "nowhere"], "not a locale"),
        (["--group", " "], "the group is empty"),
    ],
)
def test_a_change_that_cannot_be_leaves_the_person_as_they_are(
    argv: list[str], says: str, folder: Path, turkctl: Run
) -> None:
    imported(turkctl, PEOPLE.format(""))
    before = people(turkctl)
    finished = (
        turkctl("market", "workers", "edit", "1234567", "--label", "x", *argv)
        if argv
        else turkctl("market", "workers", "edit", "1234567")
    )
    assert (finished.code, says in finished.err) == (2, True), finished.err
    assert people(turkctl) == before


def test_the_column_of_ids_can_be_named_and_columns_that_are_not_used_are_told(folder: Path, turkctl: Run) -> None:
    Path("people.csv").write_text("number,grade\n1234567,A\n")
    finished = turkctl("market", "workers", "import", "people.csv", "--column", "number")
    assert (finished.code, "not used: grade" in finished.err) == (0, True)
    wrong = turkctl("market", "workers", "import", "people.csv")
    assert (wrong.code, "no column own_id" in wrong.err) == (2, True)


def test_each_row_of_a_file_gets_an_invitation_of_its_own(folder: Path, turkctl: Run) -> None:
    imported(turkctl, "id\n1234567\n")
    Path("people.csv").write_text("id,mail\n1234567,a@example.org\nnew,b@example.org\n")
    finished = turkctl("market", "workers", "invite", "--from", "people.csv", "--group", "class")
    rows = list(csv.DictReader(io.StringIO(finished.out)))
    assert [(row["id"], row["mail"]) for row in rows] == [("1234567", "a@example.org"), ("new", "b@example.org")]
    assert len({row["url"] for row in rows}) == 2
    assert [(each["own_id"], each["groups"]) for each in people(turkctl)] == [("1234567", "class"), ("new", "class")]
    made = json.loads(turkctl("market", "workers", "invitations", "--json").out)
    assert [each["person"] for each in made] == [each["worker_id"] for each in people(turkctl)]
    Path("people.csv").write_text("id,url\n1,x\n")
    assert "'url' already" in turkctl("market", "workers", "invite", "--from", "people.csv").err
    Path("people.csv").write_text("id\n8\n8\n")
    assert "named before" in turkctl("market", "workers", "invite", "--from", "people.csv").err
    assert len(people(turkctl)) == 2


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["invite", "--from", "people.csv", "--uses", "5"], "leave --count"),
        (["invite", "--qr", "--json"], "--qr"),
        (["invite", "--ask", "Number"], "cannot ask who they are"),
        (["invite", "--pattern", "a", "--uses", "5"], "--ask"),
        (["invite", "--uses", "5", "--ask", "Number", "--pattern", "(a+)+"], "too many ways"),
        (["reset-password", "nobody"], "nobody here"),
        (["reset-password", "nobody", "--lasts", "90d"], "at most 30 days"),
    ],
)
def test_what_cannot_be_asked_for_is_wrong_usage(argv: list[str], says: str, folder: Path, turkctl: Run) -> None:
    Path("people.csv").write_text("id\n8\n")
    finished = turkctl("market", "workers", *argv)
    assert (finished.code, finished.out, says in finished.err) == (2, "", True), finished.err


def test_an_invitation_for_many_is_listed_with_what_it_asks(folder: Path, turkctl: Run) -> None:
    asked = ["--uses", "60", "--ask", "Student number", "--pattern", "[0-9]{7}", "--known-only"]
    assert turkctl("market", "workers", "invite", *asked).code == 0
    (row,) = json.loads(turkctl("market", "workers", "invitations", "--json").out)
    assert (row["ask"], row["pattern"], row["known_only"]) == ("Student number", "[0-9]{7}", True)


def test_a_link_for_a_new_password_is_printed(folder: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert turkctl("market", "workers", "add", "--name", "ana", "--password").code == 0
    finished = turkctl("market", "workers", "reset-password", "ana", "--base-url", "https://work.example.org/")
    assert finished.out.startswith("https://work.example.org/worker/reset/")


def squares(drawn: str, *, dark: str) -> list[str]:
    """The rows of a drawn code as 1 for dark squares and 0 for light ones."""
    halves = {"█": "11", "▀": "10", "▄": "01", " ": "00"}
    lines = [line for line in drawn.replace("\x1b[30;107m", "").replace("\x1b[0m", "").splitlines() if line]
    found = ["".join(halves[each][half] for each in line) for line in lines for half in (0, 1)]
    return [row.replace("1", "x").replace("0", dark).replace("x", "10"[dark == "1"]) for row in found]


@pytest.mark.parametrize("color", [True, False])
def test_a_code_says_the_address_and_has_a_light_border(color: bool) -> None:
    url = "https://work.example.org/worker/join/abcdefghijklmnopqrstuvwxyz012345"
    drawn = qr_code(url, color=color)
    wanted = ["".join(map(str, row)) for row in segno.make(url, micro=False).matrix_iter(border=2)]
    found = squares(drawn, dark="0" if color else "1")
    assert found[: len(wanted)] == wanted
    assert ("\x1b[30;107m" in drawn) is color


def test_addresses_are_followed_by_their_codes(folder: Path, turkctl: Run) -> None:
    finished = turkctl("market", "workers", "invite", "--qr")
    url, *code = finished.out.splitlines()
    assert qr_code(url, color=False).splitlines() == code


def test_a_person_is_erased_after_a_confirmation_and_what_cannot_be_reached_is_named(
    folder: Path, turkctl: Run
) -> None:
    imported(turkctl, PEOPLE.format(""))
    (anna, _ben) = people(turkctl)
    planned = turkctl("market", "workers", "erase", "1234567", "--dry-run")
    assert (planned.code, anna["worker_id"] in planned.out) == (0, True)
    asked = turkctl("market", "workers", "erase", "1234567")
    assert (asked.code, "needs to be confirmed" in asked.err) == (3, True)
    assert people(turkctl)[0] == anna
    finished = turkctl("market", "workers", "erase", "1234567", "--yes")
    assert finished.code == 0
    assert "backups" in finished.err
    assert "turkctl workers erase WORKER" in finished.err
    assert [each["own_id"] for each in people(turkctl)] == [None, "7654321"]
    for path in folder.rglob("*"):
        data = b"" if path.is_dir() or path.suffix == ".csv" else path.read_bytes()
        assert not any(word.encode() in data for word in ("1234567", "Anna", anna["worker_id"])), path
    again = turkctl("market", "workers", "erase", "1234567", "--yes")
    assert (again.code, "erased before" in again.err) == (0, True)
    back = turkctl("market", "workers", "import", "people.csv")
    assert (back.code, "row 2: this own id was erased" in back.err) == (2, True)
