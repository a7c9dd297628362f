"""experiments configure: variants, questions of every kind, all mistakes at once; qualifications from the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

COMMON = """[experiments.stroop]
code_version = "1"
title = "T"
description = "D"
reward = "0.10"
external_url = "https://x.example/"
limits = { budget = "50.00", max_active_hits = 5 }
"""
VARIANTS = (
    COMMON
    + """
[experiments.stroop.variants.blue]
title = "Blue"

[experiments.stroop.variants.red]
html_template = "t.html"
limits = { budget = "20.00" }
"""
)


def write(folder: Path, text: str, **files: str | bytes) -> None:
    """Writes the project file, and others by the names of the arguments with a dot for the underscore."""
    (folder / "turkctl.toml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name.replace("_", ".")).write_bytes(data)


def statuses(turkctl: Run, *argv: str) -> dict[str, str]:
    """What experiments configure does to each."""
    finished = turkctl("experiments", "configure", "--json", *argv)
    assert finished.code == 0, finished.err
    return {row["qualification"] or row["experiment"]: row["status"] for row in json.loads(finished.out)}


def test_each_variant_is_an_experiment_with_the_common_keys(folder: Path, turkctl: Run) -> None:
    write(folder, VARIANTS, t_html="<p>x</p>")
    assert statuses(turkctl) == {"stroop:blue": "created", "stroop:red": "created"}
    assert statuses(turkctl) == {"stroop:blue": "unchanged", "stroop:red": "unchanged"}
    red = json.loads(turkctl("experiments", "show", "stroop:red", "--json").out)
    assert (red["variant"], red["title"]) == ("red", "T")
    assert (red["settings"]["external_url"], red["settings"]["html_template"]) == (None, "t.html")
    assert (red["settings"]["limits"]["budget"], red["settings"]["limits"]["max_active_hits"]) == ("20.00", 5)
    listed = json.loads(turkctl("experiments", "list", "--json").out)
    assert [(row["experiment"], row["variant"], row["title"]) for row in listed] == [
        ("stroop:blue", "blue", "Blue"),
        ("stroop:red", "red", "T"),
    ]


def test_selectors_take_variants_by_name_and_all_of_them_by_expression(folder: Path, turkctl: Run) -> None:
    write(folder, VARIANTS, t_html="<p>x</p>")
    statuses(turkctl)
    for slug in ("stroop:blue", "stroop:red"):
        assert turkctl("hits", "create", "--experiment", slug, "--assignments", "1").code == 0
    assert len(json.loads(turkctl("hits", "list", "--experiment", "stroop:red", "--json").out)) == 1
    assert json.loads(turkctl("hits", "expire", "--regex", "^stroop:", "--json").out)["matched"] == 2
    refused = turkctl("hits", "list", "--experiment", "stroop")
    assert refused.code == 2
    assert "did you mean 'stroop:" in refused.err


def test_an_experiment_that_gets_variants_is_no_longer_posted_itself(folder: Path, turkctl: Run) -> None:
    write(folder, COMMON)
    assert statuses(turkctl) == {"stroop": "created"}
    write(folder, VARIANTS, t_html="<p>x</p>")
    assert statuses(turkctl)["stroop"] == "removed"
    refused = turkctl("hits", "create", "--experiment", "stroop", "--assignments", "1")
    assert refused.code == 2
    assert "experiment 'stroop' has variants; name one of them: stroop:blue, stroop:red" in refused.err


def test_a_folder_of_its_own_can_have_variants(folder: Path, turkctl: Run) -> None:
    (folder / "two").mkdir()
    text = COMMON.partition("\n")[2] + '[variants.a]\nreward = "0.20"\n[variants.b]\n'
    (folder / "two" / "experiment.toml").write_text(text, encoding="utf-8")
    assert statuses(turkctl) == {"two:a": "created", "two:b": "created"}


def test_the_history_says_what_each_version_changed(folder: Path, turkctl: Run) -> None:
    write(folder, COMMON)
    statuses(turkctl)
    write(folder, COMMON.replace('"50.00"', '"60.00"').replace('"T"', '"U"'))
    assert statuses(turkctl) == {"stroop": "changed"}
    new, old = json.loads(turkctl("experiments", "show", "stroop", "--json").out)["history"]
    assert (new["version"], old["version"], old["changes"]) == (2, 1, {})
    assert new["changes"] == {
        "title": {"old": "T", "new": "U"},
        "limits.budget": {"old": "50.00", "new": "60.00"},
    }


def test_of_a_long_template_the_change_shows_length_and_digest(folder: Path, turkctl: Run) -> None:
    text = COMMON.replace('external_url = "https://x.example/"', 'html_template = "t.html"')
    write(folder, text, t_html=f"<p>{'a' * 600}</p>")
    statuses(turkctl)
    write(folder, text, t_html=f"<p>{'b' * 600}</p>")
    (row,) = json.loads(turkctl("experiments", "configure", "--json").out)
    assert set(row["changes"]) == {"template"}
    assert row["changes"]["template"]["new"].startswith("607 characters, sha256 ")


def test_every_mistake_is_named_at_once_and_nothing_is_stored(folder: Path, turkctl: Run) -> None:
    text = COMMON.replace('"0.10"', '"0,10"').replace("title", "titel")
    text += '[experiments."Bad name"]\n[experiments.second]\nreward = "1"\n[qualifications.X]\n'
    write(folder, text)
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    lines = finished.err.splitlines()
    file = folder / "turkctl.toml"
    for said in (
        f"{file}:3: experiment 'stroop': unknown key 'titel'; did you mean 'title'?",
        f"{file}:5: experiment 'stroop': reward: '0,10' is not an amount of money",
        f"{file}:8: 'Bad name' is not a valid name of an experiment",
        f"{file}:9: experiment 'second': 'title' is missing",
        f"{file}:11: 'X' is not a valid name of a qualification",
    ):
        assert any(line.startswith(f"turkctl: error: {said}") for line in lines), said
    assert lines[-1].endswith("mistakes, nothing was stored; fix them and run the command again")
    assert json.loads(turkctl("experiments", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("", "is not HTML: it is empty"),
        ("Just a text, 1 < 2 and 3 > 2.", "is not HTML: it has no tags"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not UTF-8 text"),
        (b"<p>a\x00b</p>", "is not a text file: line 1 has a control character, U+0000"),
        ("<p>x</p>".encode("utf-16"), "is not UTF-8 text"),
        ("<p>x</p>".encode("utf-16-le"), "is not a text file: line 1 has a control character"),
        ("<p>\n<a ${x}>k</a>", "line 2: ${x} is where the name of an element or attribute belongs"),
        ("<p>\x0cx</p>", "a character that a question cannot contain: U+000C"),
    ],
)
def test_a_template_that_is_not_html_is_refused(folder: Path, turkctl: Run, page: str | bytes, said: str) -> None:
    write(folder, COMMON.replace('external_url = "https://x.example/"', 'html_template = "t.html"'), t_html=page)
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert f"turkctl.toml:6: {folder / 't.html'}" in finished.err
    assert said in finished.err


def test_a_template_may_begin_with_a_byte_order_mark(folder: Path, turkctl: Run) -> None:
    text = COMMON.replace('external_url = "https://x.example/"', 'html_template = "t.html"')
    write(folder, text, t_html="<form>x</form>".encode("utf-8-sig"))
    statuses(turkctl)
    assert turkctl("experiments", "preview", "stroop").out.endswith("</script>\n<form>x</form>\n")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('external_url = "https://x.example/"\nhit_layout = "3L"', "external_url and hit_layout exclude each other"),
        ("", "the question is missing: give exactly one of external_url"),
        ('question_file = "q.xml"', "a <Question> is not a question"),
        ('question_file = "none.xml"', "cannot read"),
        ('hit_layout = "not an id"', "is not a layout id"),
        (
            'external_url = "https://x.example/"\nhit_layout_parameters = { a = "b" }',
            "hit_layout_parameters needs hit_layout",
        ),
        ('hit_layout = "3L"\nframe_height = 500', "a question file or a layout has its own"),
        ('external_url = "https://x.example/?a=${w}"\ncontents_per_hit = 3', "belongs to no item: a HIT has 3"),
        ('external_url = "https://x.example/"\nvariants = 1', "'variants' must have a table for each variant"),
        ('external_url = "https://x.example/"\nvariants = { "B d" = {} }', "'B d' is not a valid name of a variant"),
    ],
)
def test_a_question_that_cannot_be_is_refused(folder: Path, turkctl: Run, keys: str, said: str) -> None:
    write(folder, COMMON.replace('external_url = "https://x.example/"', keys), q_xml="<Question/>")
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    assert "turkctl.toml:" in finished.err
    assert said in finished.err


def test_two_experiments_of_one_name_are_both_located(folder: Path, turkctl: Run) -> None:
    write(folder, COMMON)
    (folder / "stroop").mkdir()
    (folder / "stroop" / "experiment.toml").write_text(COMMON.partition("\n")[2], encoding="utf-8")
    finished = turkctl("experiments", "configure")
    assert finished.code == 2
    there = folder / "stroop" / "experiment.toml"
    assert f"{there}:1: experiment 'stroop' is already described at {folder / 'turkctl.toml'}:1" in finished.err


# --- qualifications


def batch(turkctl: Run, *argv: str) -> dict[str, Any]:
    """The batch result of a command of the group."""
    finished = turkctl("qualifications", *argv, "--json")
    found: dict[str, Any] = json.loads(finished.out)
    return found


def test_a_type_made_by_hand_is_granted_listed_and_revoked(configured: Path, turkctl: Run) -> None:
    made = json.loads(turkctl("qualification", "create", "Fluent", "--description", "Speaks it.", "--json").out)
    assert (made["qualification"], made["status"]) == ("Fluent", "created")
    again = json.loads(turkctl("qualification", "create", "Fluent", "--description", "Speaks it.", "--json").out)
    assert (again["type_id"], again["status"]) == (made["type_id"], "unchanged")
    (configured / "ids.txt").write_text("worker_id\nAW000001\n\nAW000002  # twice\nAW000001\n", encoding="utf-8")
    planned = batch(turkctl, "grant", "Fluent", "--from", "ids.txt", "--dry-run")
    assert (planned["dry_run"], [item["status"] for item in planned["results"]]) == (True, ["planned", "planned"])
    assert json.loads(turkctl("qualifications", "workers", "Fluent", "--json").out) == []
    turkctl("market", "crowd", "--workers", "2")
    failed = batch(turkctl, "grant", "Fluent", "AW999999")
    assert (failed["failed"], failed["results"][0]["error"] is not None) == (1, True)
    (configured / "bad.txt").write_text("worker_id\nA\x7fW\nAW999999\n", encoding="utf-8")
    mixed = batch(turkctl, "grant", "Fluent", "--from", "bad.txt")
    said = {each["id"]: each["error"]["message"] for each in mixed["results"] if each["error"]}
    (odd,) = (said[each] for each in said if each != "AW999999")
    assert odd.startswith("row 2: ")
    assert said["AW999999"].startswith("row 3: ")
    listed = json.loads(turkctl("qualifications", "list", "--json").out)
    assert [(row["name"], row["purpose"]) for row in listed] == [("Fluent", "own")]
    assert json.loads(turkctl("qualifications", "list", "--all", "--json").out) == listed


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["grant", "Fluent"], "no worker is given"),
        (["grant", "Fluent", "--from", "header.csv"], "header.csv names no worker; give a row per worker"),
        (["grant", "Fluent", "--from", "none.txt"], "cannot read none.txt"),
        (["grant", "Nobody", "AW000001"], "there is no qualification 'Nobody' in mode local"),
        (["workers", "Nobody"], "there is no qualification 'Nobody' in mode local"),
        (["create", " ", "--description", "x"], "name: is empty"),
        (["create", "x" * 201, "--description", "x"], "name: string should have at most 200 characters"),
    ],
)
def test_what_cannot_be_meant_is_exit_2(configured: Path, turkctl: Run, argv: list[str], said: str) -> None:
    (configured / "header.csv").write_text("worker,value\n", encoding="utf-8")
    finished = turkctl("qualifications", *argv)
    assert finished.code == 2
    assert said in finished.err
