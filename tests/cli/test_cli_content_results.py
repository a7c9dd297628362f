"""``turkctl content results``, and the items in ``participants export`` and ``hits show``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import last_error
from pyarrow import parquet

Run = Callable[..., Any]

PROJECT = """\
mode = "local"
[experiments.x]
code_version = "1"
title = "T"
description = "D"
reward = "0.10"
html_template = "p.html"
"""
PAGE = '<crowd-form><p>${sentence}</p><crowd-input name="translation" required></crowd-input></crowd-form>'
ITEMS = "id,sentence\ns1,Guten Tag\ns2,Gute Nacht\n"


@pytest.fixture
def translated(folder: Path, turkctl: Run, prepared: tuple[Path, dict[Any, Path]]) -> Path:
    """A study in which each of two sentences was translated by somebody."""
    import shutil

    where, made = prepared
    if "translated" not in made:
        for name, text in (("turkctl.toml", PROJECT), ("p.html", PAGE), ("s.csv", ITEMS)):
            (folder / name).write_text(text, encoding="utf-8")
        for words in (
            "experiments configure",
            "content add s.csv",
            "content dispatch",
            "market crowd --workers 6 --seed 1",
            "sync",
        ):
            assert turkctl(*words.split(), "-q").code == 0
        made["translated"] = where / "translated"
        shutil.copytree(folder, made["translated"])
    else:
        shutil.copytree(made["translated"], folder, dirs_exist_ok=True)
    return folder


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_exported_answer_carries_the_key_of_its_item(translated: Path, turkctl: Run) -> None:
    exported = table(turkctl("participants", "export", "--data", "question", "-o", "csv").out)
    assert sorted(row["item_key"] for row in exported) == ["s1", "s2"]
    assert {row["question"] for row in exported} == {"translation"}
    shown = json.loads(turkctl("content", "results", "--json").out)
    assert {row["key"]: row["answer"] for row in shown} == {row["item_key"]: row["value"] for row in exported}
    for row in shown:
        hit = json.loads(turkctl("hits", "show", row["hit_id"], "--json").out)
        assert [item["key"] for item in hit["items"]] == [row["key"]]
        assert [each["key"] for work in hit["assignments"] for each in work["results"]] == [row["key"]]
        people = turkctl("hits", "show", row["hit_id"]).out
        assert f"{row['assignment_id']}  {row['key']}   translation  {row['answer']}" in people


def test_people_have_a_row_each_with_begin_end_and_a_column_for_each_question(translated: Path, turkctl: Run) -> None:
    rows = table(turkctl("participants", "export", "--wide", "--item-columns").out)
    assert [row["item_key"] for row in rows] == [row["item.id"] for row in rows]
    assert {row["item.sentence"] for row in rows} == {"Guten Tag", "Gute Nacht"}
    assert all(
        row["begin_hit"] < row["end_hit"] and row["end_hit"].endswith("Z") and row["translation"] for row in rows
    )
    lines = [json.loads(line) for line in turkctl("participants", "export", "--wide", "--json").out.splitlines()]
    assert [row["translation"] for row in lines] == [row["translation"] for row in rows]
    assert turkctl("participants", "export", "--wide", "--data", "question").code == 0


@pytest.mark.parametrize("wide", [(), ("--wide",)])
def test_every_format_has_the_same_answers(translated: Path, turkctl: Run, wide: tuple[str, ...]) -> None:
    plain = json.loads(turkctl("content", "results", *wide, "--json").out)
    named = "translation" if wide else "answer"
    answers = [(row["key"], row[named]) for row in plain]
    assert [(row["key"], row[named]) for row in table(turkctl("content", "results", *wide, "-o", "csv").out)] == answers
    lines = turkctl("content", "results", *wide, "--format", "jsonl").out.splitlines()
    assert [(row["key"], row[named]) for row in map(json.loads, lines)] == answers
    for name in ("r.csv", "r.jsonl", "r.parquet"):
        report = json.loads(turkctl("content", "results", *wide, "--file", name, "--json").out)
        assert (report["file"], report["rows"], report["unread"]) == (name, 2, 0)
        assert (translated / name).stat().st_mode & 0o077 == 0
    assert [(row["key"], row[named]) for row in table((translated / "r.csv").read_text())] == answers
    packed = parquet.read_table(translated / "r.parquet").to_pylist()
    assert [(row["key"], row[named]) for row in packed] == answers
    assert list(packed[0]) == list(plain[0])
    assert turkctl("content", "results", *wide, "--file", "-").out == (translated / "r.csv").read_text()


def test_a_list_obeys_the_options_of_lists(translated: Path, turkctl: Run) -> None:
    shown = turkctl("content", "results", "--sort", "key", "--desc", "--limit", "1", "--columns", "key,question")
    assert shown.out.split() == ["KEY", "QUESTION", "s2", "translation"]
    (row,) = json.loads(turkctl("content", "results", "--item", "s1", "--columns", "key", "--json").out)
    assert row == {"key": "s1"}
    turkctl("content", "results", "--sort", "key", "--columns", "key,worker_id", "--file", "r.csv")
    assert [list(row) for row in table((translated / "r.csv").read_text())] == [["key", "worker_id"]] * 2


def test_pseudonyms_are_those_of_the_other_exports(translated: Path, turkctl: Run) -> None:
    shown = turkctl("content", "results", "--anonymize", "key", "--json")
    assert "made the key key" in shown.err
    exported = table(turkctl("participants", "export", "--wide", "--anonymize", "key").out)
    rows = json.loads(shown.out)
    assert {(row["worker_id"], row["hit_id"]) for row in rows} == {
        (row["worker_id"], row["hit_id"]) for row in exported
    }
    known = {row["worker_id"] for row in json.loads(turkctl("content", "results", "--json").out)}
    assert known.isdisjoint(row["worker_id"] for row in rows)


def test_nothing_to_show_still_has_its_columns(translated: Path, turkctl: Run) -> None:
    assert turkctl("content", "results", "--gold", "only", "--json").out.strip() == "[]"
    assert turkctl("content", "results", "--gold", "only", "-o", "csv").out.startswith(
        "key,keys,position,gold,question,answer"
    )
    shown = turkctl("content", "results", "--status", "rejected")
    assert (shown.code, shown.out, "nothing to show" in shown.err) == (0, "", True)


@pytest.mark.parametrize(
    ("argv", "fix"),
    [
        (("--file", "r.xlsx"), ".parquet"),
        (("--file", "none/r.csv"), "create the folder"),
        (("--file", "turkctl.db"), "another"),
        (("--file", "key.csv", "--anonymize", "key.csv"), "another"),
        (("--format", "xml"), "one of them"),
        (("--format", "parquet"), "--file"),
        (("--format", "parquet", "--file", "-"), "--file"),
        (("--anonymize", "-"), "--anonymize"),
        (("--status", "done"), "one of"),
        (("--regex", "("), ""),
        (("--columns", "nothing"), ""),
        (("A404",), "turkctl sync"),
        (("--experiment", "none"), ""),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_the_fix(
    translated: Path, turkctl: Run, argv: tuple[str, ...], fix: str
) -> None:
    shown = turkctl("content", "results", *argv, "--json")
    assert (shown.code, shown.out) == (2, "")
    assert fix in (last_error(shown.err)["hint"] or "")
