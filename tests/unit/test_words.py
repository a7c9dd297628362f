"""Names that were meant, numbers in words, and that both are made in one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import turkctl
from turkctl.cli.root import ALIASES
from turkctl.errors import UsageError
from turkctl.words import counted, known_column, known_name, meant, meant_or, plural

SOURCES = sorted(Path(turkctl.__file__).parent.rglob("*.py"))


def test_the_nearest_name_is_suggested_and_nothing_where_none_is_near() -> None:
    names = ("amount", "reason")
    assert meant("amuont", names) == "; did you mean 'amount'?"
    assert meant("xyz", names) == meant("amount", ()) == ""
    assert meant_or("reasn", names, "see the list") == "did you mean 'reason'?"
    assert meant_or("reasn", names, "see the list", "--{}".format) == "did you mean --reason?"
    assert meant_or("xyz", names, "see the list") == "see the list"


def test_a_known_name_is_itself_and_an_unknown_one_is_refused_with_a_suggestion() -> None:
    assert known_name("begin_hit", ["begin_hit"], "column") == "begin_hit"
    for name, hint in (("Begin-Hits", "did you mean 'begin_hit'?"), ("x", "give one of: begin_hit, bonus")):
        with pytest.raises(UsageError, match=f"there is no column '{name}'") as caught:
            known_name(name, ["begin_hit", "bonus", "bonus"], "column")
        assert caught.value.hint == hint


def test_an_unknown_column_is_refused_with_the_nearest_and_all() -> None:
    for name in ("begin_hit", "BEGIN HIT", "Begin-Hit"):
        assert known_column(name, ["begin_hit", "bonus"]) == "begin_hit"
    assert known_column("BONUS", ["bonus", "BONUS"]) == "BONUS"
    for name, hint in (("Begin-Hits", "did you mean 'begin_hit'? All columns:"), ("x", "the columns are")):
        with pytest.raises(UsageError, match=f"there is no column '{name}'") as caught:
            known_column(name, ["begin_hit", "bonus", "bonus"])
        assert caught.value.hint == f"{hint} begin_hit, bonus"


def test_numbers_are_told_with_one_thing_or_several() -> None:
    assert [counted(number, "row") for number in (0, 1, 2, 1000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]
    assert [counted(number, "person", "people") for number in (1, 2)] == ["1 person", "2 people"]
    assert [plural(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"get_close_matches", {"words.py"}),
        (r"did you mean", {"words.py"}),
        (r"['\"]s['\"] (\*|if\b)", {"words.py", "validate.py"}),  # the market's own violations are Amazon's words
    ],
)
def test_suggestions_and_plurals_are_made_in_one_place(pattern: str, allowed: set[str]) -> None:
    found = {path.name for path in SOURCES if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert found <= allowed


def test_hints_name_groups_of_commands_as_they_are_listed() -> None:
    alias = re.compile(rf"turkctl ({'|'.join(ALIASES)}) [a-z]")
    texts = [
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if alias.search(text)] == []
