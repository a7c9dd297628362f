"""The program's own source, parsed when somebody looks at it first, and once in a test process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import turkctl

SOURCE = Path(turkctl.__file__).parent
MODULES = tuple(sorted(each.relative_to(SOURCE).as_posix() for each in SOURCE.rglob("*.py")))


@cache
def tree(path: str) -> ast.Module:
    """A module of the package by its path in it."""
    return ast.parse((SOURCE / path).read_text(encoding="utf-8"))


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package by its path."""
    return ((path, tree(path)) for path in MODULES)


def called(node: ast.Call) -> str:
    """The name after the last dot of what is called; nothing if it has no name."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
