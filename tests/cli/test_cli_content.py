"""``turkctl content``: files that are good and bad, what is listed, removed and dispatched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from standard_input import standard_input

Run = Callable[..., Any]
COUNTS = ("rows", "added", "updated", "unchanged", "repeated")


@pytest.fixture
def add(configured: Path, turkctl: Run) -> Run:
    """Adds a file of this name and text; what ``content add`` says."""

    def adding(text: str | bytes, *options: str, name: str = "items.csv") -> Any:
        (configured / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return turkctl("content", "add", name, *options, "--json")

    return adding


def counts(finished: Any) -> tuple[int, ...]:
    assert finished.code == 0, finished.err
    report = json.loads(finished.out)
    return tuple(report[name] for name in COUNTS)


def rows(turkctl: Run, *options: str) -> list[dict[str, Any]]:
    return list(json.loads(turkctl("content", "list", *options, "--json").out))


def keys(turkctl: Run, *options: str) -> list[str]:
    return [row["key"] for row in rows(turkctl, *options)]


def test_a_row_has_the_keys_of_the_contract_and_no_more_are_left_out(add: Run, turkctl: Run) -> None:
    assert counts(add("key,url,n\na,x,2\nb,y,1.5\n", "--priority", "n", "--outputs", "3")) == (2, 2, 0, 0, 0)
    first = rows(turkctl)[0]
    assert first == {
        "key": "a",
        "experiment": "stroop",
        "outputs_max": 3,
        "completed": 0,
        "answers": 0,
        "usable": 0,
        "wanted": 3,
        "scheduled": 0,
        "priority": 2.0,
        "gold": None,
        "removed": None,
    }


def test_adding_again_updates_by_key_and_keeps_what_is_not_given(add: Run, turkctl: Run) -> None:
    add("key,url,n,truth\na,x,2,cat\nb,y,1,\n", "--priority", "n", "--gold", "truth", "--outputs", "3")
    assert counts(add("key,url,n\na,x,2\nb,y2,1\nc,z,0\n")) == (3, 1, 1, 1, 0)
    shown = {row["key"]: (row["outputs_max"], row["priority"], row["gold"]) for row in rows(turkctl)}
    assert shown == {"a": (3, 2.0, "cat"), "b": (3, 1.0, None), "c": (1, 0.0, None)}
    assert counts(add("key,url,n\na,x,2\nb,y2,1\nc,z,0\n")) == (3, 0, 0, 3, 0)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("id,url\n7,x\n", "items.csv", ["7"]),
        ("id,key\n7,k\n", "items.csv", ["k"]),
        ('{"id": 7, "n": 1}\n\n{"id": 8}\n', "items.jsonl", ["7", "8"]),
        ("\ufeffkey,url\na,x\n", "items.csv", ["a"]),
        ('key\turl\na\t"x\ty"\n', "items.tsv", ["a"]),
        ('key,url\r\na,"two\r\nlines"\r\n\r\n', "items.csv", ["a"]),
        ("key\n Ärger \n", "ITEMS.CSV", ["Ärger"]),
    ],
)
def test_keys_are_taken_from_the_column_key_or_id(
    add: Run, turkctl: Run, text: str, name: str, expected: list[str]
) -> None:
    assert add(text, name=name).code == 0
    assert keys(turkctl) == expected


def test_without_a_key_the_row_itself_is_it(add: Run, turkctl: Run) -> None:
    first = add("url,n\nx,1\ny,2\nx,1\n")
    assert counts(first) == (3, 2, 0, 0, 1)
    assert "a digest of its row" in first.err
    assert counts(add("n,url\n1,x\n")) == (1, 0, 0, 1, 0)
    assert {len(key) for key in keys(turkctl)} == {32}


def test_of_a_key_that_repeats_the_last_row_counts_and_it_is_said(add: Run, turkctl: Run) -> None:
    finished = add("key,n\na,1\nb,5\na,3\n", "--priority", "n")
    assert counts(finished) == (3, 2, 0, 0, 1)
    assert "rows whose key occurs again later: 1" in finished.err
    assert [(row["key"], row["priority"]) for row in rows(turkctl)] == [("a", 3.0), ("b", 5.0)]


def test_standard_input_is_told_by_its_first_sign(
    configured: Path, turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ('{"key": "j"}\n', "key\nc\n"):
        monkeypatch.setattr("sys.stdin", standard_input(text))
        assert turkctl("content", "add", "-").code == 0
    assert keys(turkctl) == ["j", "c"]


def test_a_dry_run_counts_and_adds_nothing(add: Run, turkctl: Run) -> None:
    add("key,url\na,x\nb,x\n")
    finished = add("key,url\na,x\nb,y\nc,x\n", "--dry-run")
    assert counts(finished) == (3, 1, 1, 1, 0)
    assert json.loads(finished.out)["dry_run"] is True
    assert keys(turkctl) == ["a", "b"]


MANY = "key,n\n" + "".join(f"i{number},{number}\n" for number in range(1, 40_312)) + "i40312,high\nlast,1\n"


def test_a_priority_that_is_no_number_is_named_by_its_row_and_nothing_is_added(add: Run, turkctl: Run) -> None:
    refused = add(MANY, "--priority", "n * 2")
    assert refused.code == 2
    error = last_error(refused.err)
    assert error["message"] == ("items.csv, row 40,313: 'n' is 'high', which is not a number; nothing was changed")
    assert rows(turkctl) == []


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("", (), "items.csv is empty"),
        ("\n\n", (), "items.csv is empty"),
        ("key,url\n", (), "items.csv has no rows"),
        ("key,url\na,x\nb\n", (), "row 3: 1 cell, but the header has 2"),
        ("key,url\na,x,z\n", (), "row 2: 3 cells, but the header has 2"),
        ("key,key\na,b\n", (), "items.csv has two columns 'key'"),
        ("key,,n\na,b,c\n", (), "column 2 of items.csv has no name"),
        ('key,url\na,"x\n', (), "row 2: a quotation mark is never closed"),
        (b"key,url\na,x\nb,\xff\n", (), "items.csv, line 3: this is not UTF-8 text"),
        (b"k\x00e\x00y\x00", (), "items.csv has NUL characters"),
        ("key,url\n,x\n", (), "row 2: its key 'key' is empty"),
        ("key,url\n" + "k" * 256 + ",x\n", (), "longer than 255 characters"),
        ("key,url\na\x07,x\n", (), "cannot be printed"),
        ("key,url\na\u202eb,x\n", (), "cannot be printed"),
        ("key,urgency\na,1\n", ("--priority", "urgncy"), "no column 'urgncy'; did you mean 'urgency'?"),
        ("key,n\na,1\n", ("--priority", "n +"), "no column 'n +'"),
        ("key,n\na,1\n", ("--priority", "n.real"), "is not arithmetic over columns"),
        ("key,n\na,1\n", ("--priority", "__import__('os')"), "__import__ is not a known function"),
        ("key,n\na,0\n", ("--priority", "1 / n"), "row 2: the priority cannot be computed: "),
        ("key,n\na,\n", ("--priority", "n"), "'n' is empty, which is not a number"),
        ("key,n\na,nan\n", ("--priority", "n"), "the priority is nan, which is not a number"),
        ("key,n\na,1\n", ("--key", "keys"), "no column 'keys' (--key); did you mean 'key'?"),
        ("key,n\na,1\n", ("--gold", "truth"), "no column 'truth' (--gold)"),
        ("key,n\na,1\n", ("--outputs", "0"), "--outputs must be between 1 and 1,000, not 0"),
        ("key,n\na,1\n", ("--experiment", "strop"), "there is no experiment 'strop'"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_and_nothing_is_added(
    add: Run, turkctl: Run, text: str | bytes, options: tuple[str, ...], says: str
) -> None:
    refused = add(text, *options)
    assert (refused.code, refused.out) == (2, "")
    assert says in last_error(refused.err)["message"]
    assert rows(turkctl) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[1]", "this is not a JSON object"),
        ('{"key": "b"', "this is not JSON: "),
        ('{"key": NaN}', "NaN is not a number in JSON"),
        ('{"key": null}', "must be text or a whole number"),
        ('{"key": true}', "must be text or a whole number"),
        ('{"key": "b", "t": "\\ud800"}', "half of a surrogate pair"),
        ('{"key": "b", "n": ' + "9" * 5000 + "}", "items.jsonl, line 2: "),
        ('{"n": 1}', "its key 'key' must be text or a whole number, not null"),
    ],
)
def test_a_bad_line_of_json_is_named(add: Run, line: str, says: str) -> None:
    refused = add('{"key": "a"}\n' + line + "\n", name="items.jsonl")
    assert refused.code == 2
    assert says in last_error(refused.err)["message"]


def test_a_file_that_is_not_there_or_is_of_another_kind_is_named(configured: Path, turkctl: Run) -> None:
    (configured / "items.xlsx").write_bytes(b"PK\x03\x04")
    for name, says in (
        ("none.csv", "cannot read none.csv"),
        ("items.xlsx", "items.xlsx is an Excel or LibreOffice file"),
    ):
        refused = turkctl("content", "add", name)
        assert refused.code == 2
        assert says in refused.err


def test_a_placeholder_without_a_column_is_refused(study: Path, turkctl: Run) -> None:
    text = (study / "turkctl.toml").read_text()
    (study / "turkctl.toml").write_text(text.replace("/task", "/task?u=${image_url}"))
    (study / "items.csv").write_text("key,image_ur\na,x\n")
    assert turkctl("experiments", "configure").code == 0
    refused = turkctl("content", "add", "items.csv")
    assert refused.code == 2
    assert "placeholder ${image_url}, but items.csv has no such column; did you mean 'image_ur'?" in refused.err


def test_what_is_removed_is_not_dispatched_and_what_is_out_stays_counted(add: Run, turkctl: Run) -> None:
    add("key,url\na,x\nb,x\nc,x\n")
    assert turkctl("content", "dispatch", "--hits", "1").code == 0
    dry = json.loads(turkctl("content", "remove", "a", "b", "--dry-run", "--json").out)
    assert [item["status"] for item in dry["results"]] == ["planned", "planned"]
    done = json.loads(turkctl("content", "remove", "a", "b", "--json").out)
    assert (done["action"], done["matched"], done["succeeded"], done["failed"]) == ("remove", 2, 2, 0)
    assert [(item["status"], item["detail"]) for item in done["results"]] == [
        ("removed", "outputs of posted HITs that will still be counted: 1"),
        ("removed", None),
    ]
    assert keys(turkctl) == keys(turkctl, "--pending") == ["c"]
    gone = {row["key"]: row["scheduled"] for row in rows(turkctl, "--removed")}
    assert gone == {"a": 1, "b": 0}
    again = json.loads(turkctl("content", "remove", "a", "--json").out)
    assert again["results"][0]["status"] == "already_done"
    note = "1 item of these is in posted HITs, for 1 output that will still be counted"
    assert note in turkctl("content", "remove", "a", "b").err
    assert counts(add("key,url\nb,x\n")) == (1, 0, 1, 0, 0)
    assert keys(turkctl, "--pending") == ["b", "c"]


def test_keys_to_remove_may_come_from_a_file_and_an_unknown_one_stops_it(add: Run, turkctl: Run) -> None:
    add("key,url\na,x\nb,x\nc,x\n")
    add("key\na\nnone\n", "--dry-run", name="gone.csv")
    refused = turkctl("content", "remove", "--file", "gone.csv")
    assert (refused.code, "has no content 'none'" in refused.err) == (2, True)
    assert keys(turkctl) == ["a", "b", "c"]
    add("key\na\nb\n", "--dry-run", name="gone.csv")
    assert turkctl("content", "remove", "--file", "gone.csv").code == 0
    assert keys(turkctl) == ["c"]
    assert turkctl("content", "remove", "--all").code == 0
    assert keys(turkctl) == []
    for arguments in ([], ["a", "--all"]):
        assert turkctl("content", "remove", *arguments).code == 2


def test_lists_are_narrowed_and_paged(add: Run, turkctl: Run) -> None:
    add("key,n,truth\na,1,\nb,3,cat\nc,2,\nd,3,\n", "--priority", "n", "--gold", "truth")
    assert keys(turkctl) == ["a", "b", "c", "d"]
    assert keys(turkctl, "--pending") == ["d", "c", "a"]
    assert keys(turkctl, "--gold") == ["b"]
    assert keys(turkctl, "--limit", "2", "--offset", "1") == ["b", "c"]
    assert keys(turkctl, "--pending", "--limit", "1", "--offset", "1") == ["c"]
    assert keys(turkctl, "--limit", "0") == []
    assert turkctl("content", "list", "--experiment", "strop").code == 2


def test_dispatch_asks_in_mode_live_and_a_dry_run_does_not(
    served: Any, add: Run, configured: Path, turkctl: Run
) -> None:
    live = ("--mode", "live", "--json")
    add("key,url\na,x\nb,x\n")
    dry = json.loads(turkctl("content", "dispatch", "--dry-run", *live).out)
    assert (dry["action"], dry["dry_run"], dry["matched"], dry["succeeded"]) == ("dispatch", True, 2, 0)
    assert ({item["status"] for item in dry["results"]}, dry["cost"]) == ({"planned"}, "1.20")
    refused = turkctl("content", "dispatch", *live)
    assert refused.code == 3
    assert "dispatch 2 HITs, 2 assignments in mode live for $1.20" in last_error(refused.err)["message"]
    assert served.endpoint.requests["CreateHIT"] == 0
    done = json.loads(turkctl("content", "dispatch", "--yes", *live).out)
    assert (done["succeeded"], served.endpoint.requests["CreateHIT"]) == (2, 2)
    assert [row["scheduled"] for row in rows(turkctl, "--mode", "live")] == [1, 1]
    assert [row["scheduled"] for row in rows(turkctl)] == [0, 0], "modes are counted apart"


def test_with_nothing_pending_there_is_nothing_to_do(configured: Path, turkctl: Run, asked: Any) -> None:
    finished = turkctl("content", "dispatch", "--json")
    assert (finished.code, json.loads(finished.out)["matched"]) == (0, 0)
    assert asked.changes == set()


def test_no_money_at_all_exits_3(add: Run, turkctl: Run, configured: Path) -> None:
    add("key,url\na,x\n")
    with (configured / "turkctl.toml").open("a") as file:
        file.write('\n[experiments.stroop.limits]\nmin_balance = "10000.00"\n')
    assert turkctl("experiments", "configure").code == 0
    refused = turkctl("content", "dispatch", "--json")
    assert refused.code == 3
    assert last_error(refused.err)["code"] == "funds"


def test_a_spreadsheets_decimal_commas_are_numbers_to_a_priority(add: Run, turkctl: Run) -> None:
    table = "\ufeffkey;größe;n\r\na;0,5;1\r\nb;1,75;2\r\nc;1.5;10\r\n"
    assert counts(add(table, "--priority", "'größe' * n")) == (3, 3, 0, 0, 0)
    assert {row["key"]: row["priority"] for row in rows(turkctl)} == {"a": 0.5, "b": 3.5, "c": 15.0}
    refused = add("key;n\na;1\nb;1,250\n", "--priority", "n")
    assert refused.code == 2
    assert "items.csv, row 3: 'n' is '1,250', which is not a number" in last_error(refused.err)["message"]


def test_a_folder_gives_an_item_for_each_file_and_adding_it_again_changes_nothing(folder: Path, turkctl: Run) -> None:
    (folder / "turkctl.toml").write_text(
        '[experiments.photos]\ncode_version = "1"\ntitle = "T"\ndescription = "D"\nreward = "0.10"\n'
        'external_url = "https://lab.example.org/?url=${url}&name=${file}"\n'
    )
    assert turkctl("experiments", "configure").code == 0
    pictures = folder / "pictures"
    for name in ("b.png", "cats/a 1.png", "notes.txt", ".hidden.png", ".git/c.png"):
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        (pictures / name).write_text("x")
    (pictures / "out.png").symlink_to(folder / "turkctl.toml")
    finished = turkctl("content", "add", "pictures", "--glob", "*.png", "--json")
    assert (finished.code, json.loads(finished.out)["added"]) == (0, 2), finished.err
    rows = json.loads(turkctl("content", "list", "--json").out)
    assert sorted(row["key"] for row in rows) == ["b.png", "cats/a 1.png"]
    shown = turkctl("experiments", "preview", "photos", "--row", "cats/a 1.png").out
    assert "url=%2Fcontent%2Ffiles%2Fcats%2Fa%25201.png" in shown
    again = json.loads(turkctl("content", "add", "pictures", "--json").out)
    assert (again["added"], again["updated"]) == (1, 0), "the text, without --glob"
    for argv, says in (
        (["pictures", "--glob", "*.gif"], "has no files that match *.gif"),
        (["turkctl.toml", "--glob", "*"], "--glob is for a folder"),
    ):
        finished = turkctl("content", "add", *argv)
        assert (finished.code, says in finished.err) == (2, True), finished.err
