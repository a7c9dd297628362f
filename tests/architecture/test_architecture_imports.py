"""What a command may import, and what the parts may know of each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import api  # noqa: F401  # it is there: the contracts below are run by its command

HEAVY = (
    *("boto3", "botocore", "sqlalchemy", "sqlmodel", "pydantic", "rich", "apscheduler", "moto", "numpy", "alembic"),
    *("flask", "argon2"),
)
STORE_ONLY = ("boto3", "botocore", "alembic", "apscheduler", "moto", "numpy", "scipy", "flask", "waitress")
ROOT = Path(__file__).parents[2]
"""The repository."""


def imported(folder: Path, *argv: str) -> set[str]:
    """The top-level packages that one run of the program imports."""
    code = (
        "import sys\nfrom turkctl.cli import run\n"
        f"code = run({list(argv)!r})\n"
        "sys.stderr.write('\\n' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))\n"
        "sys.exit(code)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return set(finished.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["--version"],
        ["hits", "--help"],
        ["hits", "create", "--help"],
        ["config", "path"],
        ["config", "show", "--json"],
        ["config", "get", "mode"],
        ["hits", "cost", "--assignments", "20", "--reward", "0.50"],
        ["labels", "aggregate", "--help"],
        ["dashboard", "hash-password", "--help"],
    ],
)
def test_a_light_command_imports_nothing_heavy(argv: list[str], folder: Path) -> None:
    (folder / "turkctl.toml").write_text('mode = "local"\n', encoding="utf-8")
    assert imported(folder, *argv) & set(HEAVY) == set()


@pytest.mark.parametrize(
    "argv",
    [
        ["hits", "list"],
        ["hits", "deadlines"],
        ["workers", "list", "--wage"],
        ["workers", "assignments"],
        ["participants", "list", "--wage"],
    ],
)
def test_a_list_needs_the_store_alone(argv: list[str], folder: Path) -> None:
    assert imported(folder, "hits", "create", "--help") >= {"turkctl", "typer"}
    made = subprocess.run([sys.executable, "-m", "turkctl", "balance"], cwd=folder, capture_output=True, check=False)
    assert made.returncode == 0
    assert imported(folder, *argv, "-o", "json") & set(STORE_ONLY) == set()


def test_the_parts_know_of_each_other_only_what_the_contracts_allow() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "0 broken" in finished.stdout
