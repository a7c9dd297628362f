"""CSV that a spreadsheet opens without taking anybody's answer for a formula."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import turkctl
from turkctl.csv_rows import csv_lines, harmless_cell, row_writer


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://x")', "=1+1", "+49 171 234", "-", "--", "-x", "-1.5.2", "-1,5",
        "@SUM(A1)", "\t=1", "\r=1",
        "+1+1",
        "-0x1f", "-1e", "-٣", "-inf",
    ],
)  # fmt: skip
def test_a_text_that_could_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "value",
    [
        "", "a", "1", "-1.5", "+5", "-.5", "-1e-3", "-1.", "0.50", "a=1", " =1", "'=1", "A1", "2026-01-01",
        -1.5, -2, Decimal("-0.50"), None, True,
    ],
)  # fmt: skip
def test_numbers_and_other_texts_stay_as_they_are(value: Any) -> None:
    assert harmless_cell(value) is value


@pytest.mark.parametrize(("spreadsheet", "line"), [(True, "'=a,'-b,-1\n"), (False, "=a,-b,-1\n")])
def test_cells_change_only_when_it_is_asked_for(spreadsheet: bool, line: str) -> None:
    out = io.StringIO()
    row_writer(out, "\n", spreadsheet=spreadsheet)(["=a", "-b", "-1"])
    assert out.getvalue() == line


def test_one_module_writes_csv() -> None:
    source = Path(turkctl.__file__).parent
    writers = []
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.writer", "csv.DictWriter"):
                writers.append(path.name)
            if isinstance(node, ast.ImportFrom) and node.module == "csv":
                assert not {each.name for each in node.names} & {"writer", "DictWriter"}, path
    assert writers == ["csv_rows.py"]


@pytest.mark.parametrize(("spreadsheet", "shown"), [(False, "=1+1"), (True, "'=1+1")])
def test_lines_have_the_cells_of_tables_and_are_made_one_at_a_time(spreadsheet: bool, shown: str) -> None:
    read: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(3):
            read.append(number)
            yield {"id": "=1+1", "done": True, "began": datetime(2026, 11, 20, 9, 30, 0, 5, UTC), "bonus": None}

    lines = csv_lines(["id", "began", "done", "bonus"], rows(), spreadsheet=spreadsheet)
    assert next(lines) == "id,began,done,bonus\r\n"
    assert read == []
    assert next(lines) == f"{shown},2026-11-20T09:30:00Z,yes,\r\n"
    assert read == [0]
    assert len(list(lines)) == 2
