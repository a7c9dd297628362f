"""Every command that changes something is listed as an act, so that it leaves a line in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from command_tree import ALL

from turkctl.cli.acts import ACTS
from turkctl.scheduler.kinds import KINDS

COMMANDS = {path.removeprefix("turkctl "): command for path, command in ALL.items()}

NO_ACTS = {
    "market reset": "changes the built-in market, and no study",
}
"""Commands that ask or can be tried, and leave no line all the same, and why."""


def can_be_tried(commands: dict[str, Any]) -> Iterator[str]:
    """The commands that take ``--dry-run`` or ``--yes``: only what changes something does."""
    for name, command in commands.items():
        if {"--dry-run", "--yes"} & {opt for param in command.params for opt in param.opts}:
            yield name


def test_the_acts_are_commands() -> None:
    assert set(COMMANDS) >= ACTS


def test_what_asks_or_can_be_tried_is_an_act() -> None:
    assert set(can_be_tried(COMMANDS)) - ACTS == set(NO_ACTS)


def test_what_a_task_does_has_the_name_of_the_command_that_does_the_same() -> None:
    assert {kind.act for kind in KINDS.values()} <= ACTS
