"""``workers approve --watch`` as a process: it ends with Ctrl-C, and reports what it approved."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turkctl.context import Context
from turkctl.settings import load

Run = Callable[..., Any]


@pytest.mark.parametrize(("output", "found"), [("json", "batch"), ("jsonl", "lines")])
def test_an_interrupt_ends_it_with_130_and_what_was_approved(
    configured: Path, turkctl: Run, output: str, found: str
) -> None:
    hit = json.loads(turkctl("hits", "create", "--assignments", "1", "--json").out)["results"][0]["id"]
    context = Context(load({}, {}, configured))
    context.market.register_worker("production", "AW000001")
    assignment = context.market.accept("production", "AW000001", hit)["AssignmentId"]
    context.market.submit("production", "AW000001", assignment, {"answer": "red"})
    context.close()
    command = [sys.executable, "-m", "turkctl", "workers", "approve", "--all", "--watch", "-o", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "approving submissions as they arrive in mode local" in process.stderr.readline()
        first = process.stderr.readline() if found == "batch" else process.stdout.readline()
        assert assignment in first
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (130, False)
    if found == "batch":
        result = json.loads(out)
        assert (result["action"], result["succeeded"], result["results"][0]["id"]) == ("approve", 1, assignment)
    else:
        assert (json.loads(first)["status"], out) == ("approved", "")


def test_watching_is_not_combined_with_what_makes_no_sense(configured: Path, turkctl: Run) -> None:
    assert turkctl("workers", "approve", "--all", "--watch", "--dry-run").code == 2
    assert turkctl("workers", "approve", "--all", "--watch", "--override-rejection").code == 2
    bad = turkctl("workers", "approve", "--watch")
    assert (bad.code, "nothing is selected" in bad.err) == (2, True)
