"""What people read is in plain English: phrases that have to be decoded are refused in help, errors and docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from source_trees import called, trees
from typer.main import get_command

from turkctl.cli.common import accept_everywhere
from turkctl.cli.help_pages import FULL
from turkctl.cli.root import make_root
from turkctl.cli.top import COMMANDS

RELICS = (
    *(r"\bso (many|much|long|far ahead)\b", r"\bmend(s|ed|ing)?\b", r"\bcame to\b", r"\bcannot be meant\b"),
    *(r"\bhis or her\b", r"\bhe or she\b", r"\bwhat came of\b", r"\bto be taken\b", r"\bby itself, and\b"),
    *(r"\bis no way to\b", r"\bis no id of\b", r"\bsays nothing without\b", r"\bnothing says what\b"),
    *(r"\bmust be (from )?\d[\w, ]* to \d", r"\blies outside\b", r"\bpoint --endpoint-url\b", r"\bin play\b"),
    *(r"\blest\b", r"\bonly these\.$", r"\bposts? nothing before\b", r"\bdo not ask\.$", r"\bthe other way round\b"),
)
"""Phrases that stood in help and errors, and that nobody should have to decode again."""
_RELIC = re.compile("|".join(RELICS), re.IGNORECASE | re.MULTILINE)

TELLING = ("note", "warn", "ask", "confirm_question", "confirm_spending", "BadParameter")
"""What shows its arguments to people, besides errors."""


def relics(text: str) -> list[str]:
    return [match[0] for match in _RELIC.finditer(" ".join(text.split()))]


def helps() -> Iterator[tuple[str, Any]]:
    """Every help page's command, by its words; the root with all common options first."""
    yield "turkctl", make_root()
    for name in COMMANDS:
        yield from _below(
            f"turkctl {name}", accept_everywhere(get_command(import_module(f"turkctl.cli.commands.{name}").app))
        )


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _below(f"{path} {name}", child)


@pytest.mark.parametrize("text", ["Do it so many times.", "mend that line", "What settling came to.", "Only these."])
def test_a_relic_is_seen(text: str) -> None:
    assert relics(text)


@pytest.mark.parametrize("text", ["We recommend it.", "Show what would be done.", "Add these and only these HITs."])
def test_plain_words_are_let_be(text: str) -> None:
    assert relics(text) == []


def test_no_help_page_has_a_relic() -> None:
    found = {}
    for path, command in helps():
        context = command.context_class(
            command, info_name=path, help_option_names=["--help", "-h"], terminal_width=1000
        )
        context.meta[FULL] = True
        found[path] = relics(command.get_help(context))
    assert {path: seen for path, seen in found.items() if seen} == {}


def told(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the text of what a module tells people: the literals in errors, hints, notes and questions."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        hints = [each.value for each in node.keywords if each.arg in ("hint", "message")]
        for part in [*node.args, *hints] if name.endswith("Error") or name in TELLING else hints:
            for literal in ast.walk(part):
                if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                    yield literal.lineno, literal.value


def test_what_errors_say_is_looked_at() -> None:
    source = "raise UsageError(f'{name} is bad', hint='mend it')\nrun.output.note('so many rows')\nprint('mend')"
    assert [text for _, text in told(ast.parse(source))] == [" is bad", "mend it", "so many rows"]


def test_no_error_hint_or_note_has_a_relic() -> None:
    found = [(path, line, seen) for path, tree in trees() for line, text in told(tree) if (seen := relics(text))]
    assert found == []


def test_no_docstring_is_a_word_that_explains_nothing() -> None:
    found = []
    for path, module in trees():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                text = (ast.get_docstring(node) or "").split("\n\n")[0].strip()
                found += [(path, text)] if text in ("Itself.", "As one value.") else []
    assert found == []


NO_VERB = (
    *("A", "All", "An", "By", "Each", "From", "How", "None", "Only", "Same", "That", "The", "These", "This", "Those"),
    *("What", "When", "Where", "Whether", "Which", "Who", "Why", "With"),
)
"""Words that begin a docstring which says what is there instead of what the function does."""


def nouns(tree: ast.AST) -> list[str]:
    """Return the first lines of docstrings of functions that do not open with a verb."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    texts = (ast.get_docstring(function) or "" for function in functions)
    return [text.splitlines()[0] for text in texts if text and text.split()[0] in NO_VERB]


def test_a_docstring_without_a_verb_is_seen() -> None:
    assert nouns(ast.parse('def f():\n    """The sum of it."""')) == ["The sum of it."]
    assert nouns(ast.parse('def f():\n    """Return the sum of it."""')) == []


def test_docstrings_of_functions_open_with_a_verb() -> None:
    assert [(path, found) for path, module in trees() if (found := nouns(module))] == []
