"""``kill -9`` of real processes, at moments that nobody chose."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaign_support import check, in_play, known_hits
from study_support import Study, new_study, people

from turkctl.errors import TurkctlError

GOAL = 25
KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_at_any_moment_neither_loses_nor_adds_anybody(tmp_path: Path) -> None:
    rng, everybody = random.Random(9), people()
    with new_study(tmp_path, turned=True) as study:
        study.create(GOAL, per_round=11)
        for _ in range(KILLS):
            process = _watch_rounds(tmp_path)
            _work_until(study, everybody, rng, time.monotonic() + rng.uniform(0.8, 3.0))
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            check(study, GOAL, "a kill")
        for _ in range(50):
            try:
                if not study.round().campaign.running:
                    break
            except TurkctlError:
                continue
            study.work(everybody, limit=3)
            study.pass_time(minutes=31)
        assert study.round().campaign.status == "met"
        assert in_play(tmp_path).completed == GOAL
        assert set(in_play(tmp_path).hits) == known_hits(study)


def _watch_rounds(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "turkctl", "campaign", "run", "1", "--watch", "--quiet"],
        cwd=folder,
        env={**os.environ, "TURKCTL_MARKET_FAULT_AFTER": "0.1", "TURKCTL_MARKET_LATENCY": "0.02"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _work_until(study: Study, everybody: object, rng: random.Random, deadline: float) -> None:
    """People work, and the market's clock runs ahead, so that one round follows another."""
    while time.monotonic() < deadline:
        if rng.random() < 0.1:
            study.work(everybody, limit=1)
        study.pass_time(minutes=10)
        check(study, GOAL, "a moment")
        time.sleep(0.05)
