from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parent / "bonus_crash_harness.py"
PARTS = 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bonuses", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_a_process_that_ends_at_any_request_pays_each_bonus_exactly_once(tmp_path: Path, bonuses: int) -> None:
    """Before the effect, after it, and with the answer lost; the ledger equals the market's list to the cent."""
    command = [sys.executable, str(HARNESS), str(tmp_path), str(bonuses)]
    running = [
        subprocess.Popen([*command, str(part), str(PARTS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for part in range(PARTS)
    ]
    finished = [process.communicate(timeout=580) for process in running]
    assert [process.returncode for process in running] == [0] * PARTS, "\n".join(err for _, err in finished)
    reports = [json.loads(out) for out, _ in finished]
    assert [report["wrong"] for report in reports] == [[]] * PARTS
    assert sum(report["cases"] for report in reports) == 3 * reports[0]["requests"] > 3 * bonuses
