"""Two terminals and the scheduler's task pay at once, are killed and go on; some were paid by psiTurk before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from databases import new_database

HARNESS = Path(__file__).parents[2] / "support" / "bonus_storm_harness.py"
FAST = 1
CASES = [
    pytest.param(kind, seed, marks=[] if seed < FAST else [pytest.mark.slow])
    for kind in ("sqlite", "postgres")
    for seed in range(20)
]


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_nobody_is_paid_twice_or_left_out_by_terminals_and_scheduler_at_once(
    tmp_path: Path, kind: str, seed: int
) -> None:
    """Processes end at any request, before or after its effect; psiTurk's credited and bonused are left as paid."""
    with new_database(kind, tmp_path) as url:
        command = [sys.executable, str(HARNESS), str(tmp_path), url, str(seed)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert report["wrong"] is None
    assert report["killed"] > 0
