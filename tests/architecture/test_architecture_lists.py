"""Every list goes through the one place that obeys ``--columns``, ``--sort`` and ``--limit``."""

from __future__ import annotations

import ast
from pathlib import Path

import turkctl

COMMANDS = Path(turkctl.__file__).parent / "cli" / "commands"

NO_LISTS = {
    ("archive", "import_"): "the report of an act",
    ("balance", "balance"): "one row per mode",
    ("campaigns", "run"): "rounds as they happen",
    ("campaigns", "show"): "part of a whole",
    ("content_results", "results"): "a list, and with --format a file",
    ("db", "check"): "differences, none of them if all is well",
    ("db", "import_psiturk"): "the report of an act",
    ("doctor", "doctor"): "the checks, in the order in which they build on each other",
    ("experiments", "configure"): "the report of an act",
    ("experiments", "lint"): "mistakes, in the order of the files",
    ("hits", "why"): "the answer to one question",
    ("label_disagree", "disagree"): "a list, and with --format a file",
    ("label_lists", "export"): "a file",
    ("labels", "_aggregate_experiments"): "the report of an act",
    ("labels", "_aggregate_file"): "the report of an act",
    ("market_payouts", "mark_paid"): "the plan of an act",
    ("market_workers", "_show_invitations"): "what an act made",
    ("notify", "test"): "the report of an act",
    ("participants", "_show_names"): "sorts in the database, where there may be millions",
    ("participants", "list_"): "sorts in the database, where there may be millions",
    ("payments", "reconcile"): "differences, none of them if all is well",
    ("report", "_show"): "parts of one page",
    ("status", "show_status"): "part of a whole",
}
"""Functions of commands that print rows themselves, and why they are no list."""


def printing() -> set[tuple[str, str]]:
    """The functions that call ``rows`` of the output."""
    return {
        (path.stem, function.name)
        for path in COMMANDS.glob("*.py")
        for function in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "rows"
    }


def test_rows_are_printed_by_lists_or_for_a_reason() -> None:
    assert printing() == set(NO_LISTS)
