"""The acts that leave a line in the log are commands, and tasks are logged by the same names."""

from __future__ import annotations

from command_tree import ALL

from turkctl.cli.acts import ACTS
from turkctl.scheduler.kinds import KINDS

COMMANDS = {path.removeprefix("turkctl "): command for path, command in ALL.items()}


def test_the_acts_are_commands() -> None:
    assert set(COMMANDS) >= ACTS


def test_what_a_task_does_has_the_name_of_the_command_that_does_the_same() -> None:
    assert {kind.act for kind in KINDS.values()} <= ACTS
