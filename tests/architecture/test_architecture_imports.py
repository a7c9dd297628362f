"""What a command may import, and what the parts may know of each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from importlinter import api  # noqa: F401  # it is there: the contracts below are run by its command

HEAVY = (
    *("boto3", "botocore", "sqlalchemy", "sqlmodel", "pydantic", "rich", "apscheduler", "moto", "numpy", "alembic"),
    *("flask", "argon2"),
)
STORE_ONLY = ("boto3", "botocore", "alembic", "apscheduler", "moto", "numpy", "scipy", "flask", "waitress")
ROOT = Path(__file__).parents[2]
"""The repository."""


LIGHT = (
    ("--help",),
    ("--version",),
    ("hits", "--help"),
    ("hits", "create", "--help"),
    ("config", "path"),
    ("config", "show", "--json"),
    ("config", "get", "mode"),
    ("hits", "cost", "--assignments", "20", "--reward", "0.50"),
    ("labels", "aggregate", "--help"),
    ("dashboard", "hash-password", "--help"),
)
LISTS = (
    ("hits", "list"),
    ("hits", "deadlines"),
    ("workers", "list", "--wage"),
    ("workers", "assignments"),
    ("participants", "list", "--wage"),
)
Imported = Callable[..., set[str]]
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, ...], set[str]]:
    return {}


@pytest.fixture
def imported(seen: dict[tuple[str, ...], set[str]], folder: Path) -> Imported:
    """The top-level packages in a process that did a command, and those before it in its list."""

    def get(argv: tuple[str, ...], commands: tuple[tuple[str, ...], ...], *more: str) -> set[str]:
        if argv not in seen:
            seen.update(zip(commands, run_all(folder, [[*each, *more] for each in commands]), strict=True))
        return seen[argv]

    return get


def run_all(folder: Path, commands: list[list[str]]) -> list[set[str]]:
    """The top-level packages that are imported after each run of the program, all in one process."""
    code = (
        "import sys\nfrom turkctl.cli import run\n"
        f"for argv in {commands!r}:\n"
        "    assert run(argv) == 0\n"
        "    sys.stderr.write('\\nNOW ' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})) + '\\n')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return [set(line.split()[1:]) for line in finished.stderr.splitlines() if line.startswith("NOW ")]


@pytest.mark.parametrize("argv", LIGHT, ids=" ".join)
def test_a_light_command_imports_nothing_heavy(argv: tuple[str, ...], imported: Imported) -> None:
    assert imported(("hits", "create", "--help"), LIGHT) >= {"turkctl", "typer"}
    assert imported(argv, LIGHT) & set(HEAVY) == set()


@pytest.mark.parametrize("argv", LISTS, ids=" ".join)
def test_a_list_needs_the_store_alone(argv: tuple[str, ...], imported: Imported, folder: Path, turkctl: Run) -> None:
    assert turkctl("balance").code == 0
    assert imported(argv, LISTS, "-o", "json") >= {"turkctl", "sqlalchemy"}
    assert imported(argv, LISTS, "-o", "json") & set(STORE_ONLY) == set()


def test_the_parts_know_of_each_other_only_what_the_contracts_allow() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "0 broken" in finished.stdout
