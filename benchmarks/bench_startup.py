"""Measure the time that turkctl takes to start, as a multiple of ``python -c pass`` started the same way."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROUNDS = 15
PROGRAM = [sys.executable, "-m", "turkctl"]
CASES: tuple[tuple[str, Sequence[str], float], ...] = (
    ("turkctl --help", ["--help"], 6),
    ("turkctl --version", ["--version"], 6),
    ("turkctl hits --help", ["hits", "--help"], 12),
    ("turkctl hits create --help", ["hits", "create", "--help"], 12),
    ("turkctl hits list (local)", ["hits", "list"], 40),
    ("turkctl status (local)", ["status"], 48),
    ("turkctl balance (local)", ["balance"], 40),
)
STATUS = 1.2
"""How long ``status`` may take, in times of ``hits list``."""


def main() -> None:
    """Print the table: run all commands in turn, and take the lowest time of all rounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for argv in (["init"], ["experiments", "configure"], ["hits", "create", "--assignments", "20"]):
            seconds([*PROGRAM, *argv], folder)
        commands = {"python -c pass": [sys.executable, "-c", "pass"]}
        commands |= {title: [*PROGRAM, *argv] for title, argv, _ in CASES}
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(ROUNDS):
            for title, command in commands.items():
                best[title] = min(best[title], seconds(command, folder))
    bare, status, hits = (
        best[name] for name in ("python -c pass", "turkctl status (local)", "turkctl hits list (local)")
    )
    print(f"{'start-up':<32} {'ms':>6} {'times bare':>11} {'target':>8}")
    for title, _, target in CASES:
        times = best[title] / bare
        verdict = "" if times <= target else "NOT REACHED"
        print(f"{title:<32} {best[title] * 1000:>6.0f} {times:>10.1f}x {target:>7.0f}x  {verdict}")
    verdict = "" if status <= STATUS * hits else "NOT REACHED"
    print(f"{'status / hits list':<32} {'':>6} {status / hits:>10.2f}x {STATUS:>7.1f}x  {verdict}")


def seconds(command: Sequence[str], folder: Path) -> float:
    """Return the wall-clock time of one whole process; modules are compiled, as those of an installed program are."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
