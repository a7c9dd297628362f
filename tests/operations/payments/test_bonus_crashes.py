from __future__ import annotations

from pathlib import Path

import pytest
from fork_harness import every_ending

HARNESS = Path(__file__).parents[2] / "support" / "bonus_crash_harness.py"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bonuses", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_process_that_ends_at_any_request_pays_each_bonus_exactly_once(tmp_path: Path, bonuses: int) -> None:
    """Before the effect, after it, and with the answer lost; the ledger equals the market's list to the cent."""
    assert every_ending(HARNESS, tmp_path, bonuses) > bonuses
