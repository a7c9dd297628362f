"""A command that is killed at any request, before or after its effect or with its answer lost, and given again."""

from __future__ import annotations

from pathlib import Path

import pytest
from databases import KINDS
from fork_harness import every_ending

SUPPORT = Path(__file__).parents[2] / "support"
HARNESS = SUPPORT / "run_crash_harness.py"
DISPATCH = SUPPORT / "dispatch_crash_harness.py"
# A short compensation is killed by test_compensate.py already.
ACTS = [("create", 1, 20), ("extend", 1, 12), ("compensate", 1, 1)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "act", [ACTS[0][:2], pytest.param(ACTS[1][:2], marks=pytest.mark.slow)], ids=lambda act: act[0]
)
def test_a_command_killed_at_any_request_and_given_again_does_everything_once(
    tmp_path: Path, act: tuple[str, int]
) -> None:
    name, size = act
    assert every_ending(HARNESS, tmp_path, size, name) >= size


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", [(act, full) for act, _small, full in ACTS], ids=lambda act: act[0])
def test_a_long_command_killed_at_any_request_and_given_again_does_everything_once(
    tmp_path: Path, act: tuple[str, int], kind: str
) -> None:
    name, size = act
    assert every_ending(HARNESS, tmp_path, size if kind == "sqlite" else min(size, 4), name, kind=kind) >= 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("act", ["create", "extend", "compensate"])
def test_a_command_on_postgresql_killed_at_any_request_and_given_again_does_everything_once(
    tmp_path: Path, act: str
) -> None:
    assert every_ending(HARNESS, tmp_path, 1, act, kind="postgres") >= 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dispatch_on_postgresql_that_is_killed_at_any_request_posts_each_group_once(tmp_path: Path) -> None:
    assert every_ending(DISPATCH, tmp_path, 1, kind="postgres") >= 1
