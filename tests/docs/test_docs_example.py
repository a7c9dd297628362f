"""The example study runs as its page says, by the shell that cron has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_support import ROOT, blocks

EXAMPLE = ROOT / "examples" / "colour-words"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A copy of the example, beside a program ``turkctl`` that is the one under test."""
    copy = tmp_path / "colour-words"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("*.db*", "*.log"))
    program = tmp_path / "bin" / "turkctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m turkctl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return copy


def sh(script: str, study: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{study.parent / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        cwd=study,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_example_recruits_its_people_and_pays_each_once(study: Path) -> None:
    for block in blocks(study / "README.md"):
        if block.kind == "sh":
            finished = sh(block.text, study)
            assert finished.returncode == 0, finished.stderr + finished.stdout
    log = (study / "day.log").read_text(encoding="utf-8")
    assert sum(line.startswith("== ") for line in log.splitlines()) == 2
    assert "exit code" not in log
    assert "approve: 9 of 9 assignments done" in log
    asked = sh("turkctl workers list --json; turkctl hits list --json --active", study)
    workers, hits = json.loads("[" + asked.stdout.replace("]\n[", "],\n[") + "]")
    assert sum(worker["approved"] for worker in workers) == 9
    assert hits, "the second round is out"


def test_a_mistake_in_the_project_file_ends_the_day_before_anything_is_posted(study: Path) -> None:
    project = study / "turkctl.toml"
    project.write_text(project.read_text(encoding="utf-8").replace('"0.50"', '"0,50"'), encoding="utf-8")
    finished = sh("exec ./day.sh", study)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("turkctl experiments configure: exit code 2, see ")
    log = (study / "day.log").read_text(encoding="utf-8")
    assert "turkctl: error: " in log
    assert "scheduler" not in log


@pytest.mark.slow  # it waits for the market to come back
def test_a_market_that_is_down_is_said_once(study: Path) -> None:
    down = {"TURKCTL_MODE": "sandbox", "TURKCTL_ENDPOINT_URL": "http://127.0.0.1:9/"}
    keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    finished = sh("exec ./day.sh", study, **down, **keys)
    assert finished.returncode == 4
    assert len(finished.stderr.splitlines()) == 1
