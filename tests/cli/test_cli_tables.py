"""One table, saved by different programs, means the same to every command that takes a file."""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standard_input import standard_input

Run = Callable[..., Any]
COLUMNS = ("key", "item", "worker", "label", "id", "amount", "reason", "größe")


@pytest.fixture
def workers(turkctl: Run, prepare: Run) -> list[str]:
    """Three workers whose work is approved, and a qualification."""
    prepare(
        ["hits", "create", "--assignments", "3"],
        ["market", "crowd", "--workers", "8", "--seed", "5"],
        ["sync"],
        ["workers", "approve", "--all"],
        ["qualifications", "create", "Fluent", "--description", "Speaks German."],
    )
    return [row["worker_id"] for row in json.loads(turkctl("participants", "list", "--json").out)]


def saved(rows: list[list[str]], separator: str, end: str = "\n") -> str:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, lineterminator=end).writerows(rows)
    return written.getvalue()


def dressings(workers: list[str]) -> Iterator[tuple[str, bytes]]:
    """The table as programs save it, by the name of the file."""
    rows = [
        [f"Bild {number}", f"straße {number // 2}", worker, label, worker, amount, f"für Antwort {number}, danke", size]
        for number, (worker, label, amount, size) in enumerate(
            zip(workers, ("Bäume", "Häuser", "Bäume"), ("0.50", "1.25", "12.30"), ("0.5", "1.25", "3"), strict=True)
        )
    ]
    european = [[*row[:5], row[5].replace(".", ","), row[6], row[7].replace(".", ",")] for row in rows]
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    yield "plain.csv", saved([[*COLUMNS], *rows], ",").encode()
    yield "excel.csv", codecs.BOM_UTF8 + saved([[*COLUMNS], *european], ";", "\r\n").encode()
    yield "sep.csv", ("sep=;\r\n" + saved([[*COLUMNS], *european], ";", "\r\n")).encode()
    yield "wide.csv", saved([[*COLUMNS, "", ""], *([*row, "", ""] for row in european), [""] * 10], ";", "\r").encode()
    yield "unicode.txt", codecs.BOM_UTF16_LE + saved([[*COLUMNS], *european], "\t", "\r\n").encode("utf-16-le")
    yield "lines.jsonl", "".join(json.dumps(record) + "\n" for record in records).encode()
    yield "array.json", json.dumps(records, indent=2, ensure_ascii=False).encode()


def test_a_european_spreadsheets_table_is_read_alike_by_every_command(
    workers: list[str], turkctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {
        "content": ("content", "add", "{}", "--priority", "größe", "--gold", "label", "--dry-run"),
        "bonus": ("workers", "bonus", "--from", "{}", "--dry-run"),
        "labels": ("labels", "aggregate", "{}", "--method", "majority", "--min-votes", "1"),
        "grant": ("qualifications", "grant", "Fluent", "--from", "{}", "--dry-run"),
    }

    def said(file: str) -> dict[str, Any]:
        told = {}
        for name, argv in commands.items():
            finished = turkctl(*(word.format(file) for word in argv), "--json")
            assert finished.code == 0, (file, finished.err)
            told[name] = json.loads(finished.out)
        return told

    seen: dict[str, dict[str, Any]] = {}
    for name, content in dressings(workers):
        Path(name).write_bytes(content)
        seen[name] = said(name)
        for command, argv in commands.items():
            monkeypatch.setattr(sys, "stdin", standard_input(content))
            piped = turkctl(*(word.format("-") for word in argv), "--json")
            assert json.loads(piped.out) == seen[name][command], (name, command, piped.err)
    expected = seen["plain.csv"]
    assert [name for name, told in seen.items() if told != expected] == []
    assert (expected["content"]["rows"], expected["content"]["added"]) == (3, 3)
    assert (expected["bonus"]["matched"], expected["bonus"]["cost"]) == (3, "16.86")
    assert {row["item"]: row["label"] for row in expected["labels"]} == {"straße 0": None, "straße 1": "Bäume"}
    assert [row["id"] for row in expected["grant"]["results"]] == workers


def test_an_umlaut_in_another_encoding_is_refused_alike_with_its_line_and_what_to_do(
    workers: list[str], turkctl: Run
) -> None:
    Path("latin.csv").write_bytes("key;item;worker;label;id;amount;reason\n1;1;W;x;A;0,50;für\n".encode("latin-1"))
    for argv in (
        ("content", "add", "latin.csv"),
        ("content", "remove", "--file", "latin.csv"),
        ("workers", "bonus", "--from", "latin.csv"),
        ("labels", "aggregate", "latin.csv"),
        ("labels", "import", "latin.csv", "--experiment", "stroop"),
        ("qualifications", "grant", "Fluent", "--from", "latin.csv"),
        ("qualifications", "revoke", "Fluent", "--from", "latin.csv"),
    ):
        refused = turkctl(*argv)
        assert (refused.code, refused.out) == (2, "")
        assert "latin.csv, line 2: this is not UTF-8 text" in refused.err
        assert 'save it as "CSV UTF-8"' in refused.err


def test_a_list_of_workers_may_be_any_table_with_a_column_of_them(workers: list[str], turkctl: Run) -> None:
    Path("people.csv").write_text(f"person;score\r\n{workers[0]};1\r\nA\x7fB;2\r\n;3\r\n", encoding="utf-8")
    refused = turkctl("qualifications", "grant", "Fluent", "--from", "people.csv")
    assert (refused.code, "people.csv has no column worker_id" in refused.err) == (2, True)
    assert "give its name with --worker-column; the columns are person, score" in refused.err
    near = turkctl("qualifications", "grant", "Fluent", "--from", "people.csv", "--worker-column", "persn")
    assert "people.csv has no column 'persn' (--worker-column); did you mean 'person'?" in near.err
    done = turkctl("qualifications", "grant", "Fluent", "--from", "people.csv", "--worker-column", "person", "--json")
    results = json.loads(done.out)["results"]
    assert (done.code, {each["id"]: each["status"] for each in results}) == (
        1,
        {workers[0]: "granted", "A\x7fB": "failed", "row 4": "failed"},
    )
    taken = turkctl("qualifications", "revoke", "Fluent", "--from", "people.csv", "--worker-column", "person", "--json")
    assert [each["status"] for each in json.loads(taken.out)["results"] if each["id"] == workers[0]] == ["revoked"]
