from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "support" / "campaign_crash_harness.py"
PARTS = 2
EVERY_SEVENTEENTH = 17
"""Neither two nor three divide it: all ways of ending have their turns, and both processes."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("apart", [EVERY_SEVENTEENTH, pytest.param(1, marks=pytest.mark.slow)])
def test_a_process_that_ends_at_any_request_neither_loses_nor_adds_anybody(tmp_path: Path, apart: int) -> None:
    """Before the effect, after it, and with the answer lost; at every entry of the market's log the goal holds."""
    running = [
        subprocess.Popen(
            [sys.executable, str(HARNESS), str(tmp_path), str(part * apart), str(PARTS * apart)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in range(PARTS)
    ]
    finished = [process.communicate(timeout=800) for process in running]
    assert [process.returncode for process in running] == [0] * PARTS, "\n".join(err for _, err in finished)
    reports = [json.loads(out) for out, _ in finished]
    assert [report["wrong"] for report in reports] == [[]] * PARTS
    requests = reports[0]["requests"]
    assert requests > 15
    assert sum(report["cases"] for report in reports) == -(-3 * requests // apart)
