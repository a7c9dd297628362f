"""An assignment id does not name a participant: whoever returned it left a row with the same one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import turkctl

STORE = Path(turkctl.__file__).parent / "store"
COUNTS_ASSIGNMENTS = {"known_ids", "_of_participant"}
"""Functions that hand on ids and look nothing up by them."""


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def attributes(function: ast.FunctionDef) -> set[str]:
    return {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", sorted(STORE.glob("*.py")), ids=lambda path: path.stem)
def test_a_query_that_reads_the_assignment_of_a_participant_reads_the_worker_too(path: Path) -> None:
    alone = [
        function.name
        for function in functions(path)
        if "assignmentid" in attributes(function)
        and "workerid" not in attributes(function)
        and function.name not in COUNTS_ASSIGNMENTS
    ]
    assert alone == []


def test_the_rule_sees_a_query_that_breaks_it() -> None:
    (function,) = ast.parse("def f(table):\n    return table.c.assignmentid.in_(ids)").body
    assert isinstance(function, ast.FunctionDef)
    assert "assignmentid" in attributes(function)
    assert "workerid" not in attributes(function)
