"""Every command that changes something takes ``--yes``, so that a script can give it to all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from command_tree import ALL
from source_trees import called, trees

from turkctl.cli.acts import ACTS as LOGGED
from turkctl.cli.help_pages import ActCommand
from turkctl.operations.engine.plan import ACTED_ON

UNLOGGED = {
    "archive add-csv": "changes an archive, and no study",
    "archive create": "changes an archive, and no study",
    "config set": "changes the project file",
    "db copy": "moves the study, and nothing is logged where it was moved from",
    "db upgrade": "changes the schema alone",
    "demo": "acts in a study that it makes",
    "init": "makes a study",
    "market accounts deposit": "changes the built-in market, and no study",
    "market clock": "changes the built-in market, and no study",
    "market crowd": "changes the built-in market, and no study",
    "market entries add": "changes the built-in market, and no study",
    "market entries remove": "changes the built-in market, and no study",
    "market payouts mark-paid": "changes the built-in market, and no study",
    "market reset": "changes the built-in market, and no study",
    "market workers add": "changes the built-in market, and no study",
    "market workers edit": "changes the built-in market, and no study",
    "market workers erase": "changes the built-in market, and no study",
    "market workers import": "changes the built-in market, and no study",
    "market workers invite": "changes the built-in market, and no study",
    "market workers reset-password": "changes the built-in market, and no study",
    "market workers revoke": "changes the built-in market, and no study",
    "notify test": "sends a test, and changes nothing",
    "workers erase": "its line would name whom it erased",
    "scheduler run": "its tasks leave lines of their own",
}
"""Commands that act and leave no line in the log all the same, and why."""
ACTS = LOGGED | set(UNLOGGED)
"""The commands that change something: in the database, on the market, in the project's files, or elsewhere."""
LOOKS = {
    *(
        "agreement",
        "answers",
        "assignments",
        "backup",
        "balance",
        "check",
        "codes",
        "cost",
        "count",
        "current",
        "deadlines",
    ),
    *("disagree", "doctor", "export", "get"),
    *(
        "hash-password",
        "help",
        "history",
        "invitations",
        "lint",
        "list",
        "log",
        "path",
        "plan",
        "results",
        "preview",
        "report",
        "serve",
        "show",
        "verify",
    ),
    *("stats", "status", "submission", "unit", "why", "workers"),
}
"""The last words of commands that change nothing but what they write to a file."""


TREE = {path.removeprefix("turkctl "): command for path, command in ALL.items()}


def takes(command: Any, option: str) -> bool:
    return any(option in param.opts for param in command.params)


def test_the_acts_are_those_that_take_yes() -> None:
    assert {words for words, command in TREE.items() if takes(command, "--yes")} == ACTS
    assert {words for words, command in TREE.items() if isinstance(command, ActCommand)} == ACTS
    assert all(takes(TREE[words], "-y") for words in ACTS)


@pytest.mark.parametrize("words", TREE)
def test_a_command_is_an_act_or_only_looks(words: str) -> None:
    assert (words in ACTS) is not (words.split()[-1] in LOOKS), "register it with app.act(), and name it here"
    assert words in ACTS or not takes(TREE[words], "--dry-run")


def actions() -> Iterator[str]:
    """The actions of all plans and batch results, where they are written out."""
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in ("Plan", "BatchResult") and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def test_what_each_action_acts_on_has_a_noun() -> None:
    found = set(actions())
    assert len(found) > 10
    assert found - ACTED_ON.keys() == set()
