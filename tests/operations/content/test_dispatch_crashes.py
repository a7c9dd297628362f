from __future__ import annotations

from pathlib import Path

import pytest
from fork_harness import every_ending

HARNESS = Path(__file__).parents[2] / "support" / "dispatch_crash_harness.py"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("groups", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_a_dispatch_that_ends_at_any_request_and_runs_again_posts_each_group_exactly_once(
    tmp_path: Path, groups: int
) -> None:
    """Before the effect, after it, and with the answer lost; every HIT of the market is known, and what it shows."""
    assert every_ending(HARNESS, tmp_path, groups) > groups
