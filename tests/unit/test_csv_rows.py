"""CSV that a spreadsheet opens without taking anybody's answer for a formula."""

from __future__ import annotations

import ast
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import turkctl
from turkctl.csv_rows import harmless_cell, row_writer


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
