from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parent / "dispatch_crash_harness.py"
PARTS = 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("groups", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_a_dispatch_that_ends_at_any_request_and_runs_again_posts_each_group_exactly_once(
    tmp_path: Path, groups: int
) -> None:
    """Before the effect, after it, and with the answer lost; every HIT of the market is known, and what it shows."""
    command = [sys.executable, str(HARNESS), str(tmp_path), str(groups)]
    running = [
        subprocess.Popen([*command, str(part), str(PARTS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for part in range(PARTS)
    ]
    finished = [process.communicate(timeout=580) for process in running]
    assert [process.returncode for process in running] == [0] * PARTS, "\n".join(err for _, err in finished)
    reports = [json.loads(out) for out, _ in finished]
    assert [report["wrong"] for report in reports] == [[]] * PARTS
    assert sum(report["cases"] for report in reports) == 3 * reports[0]["requests"] > 3 * groups
