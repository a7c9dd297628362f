"""Measure cost and accuracy of label aggregation, and compare with the CUBAM reference and with prototypes.

The figures to compare with were measured with the same data, in one thread, on two cores of an AMD EPYC, with Python
3.11. Each method runs in a separate process, whose BLAS has one thread. ``python -m benchmarks.bench_labels --full``
measures a million labels too, and the whole program from CSV to results.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.label_data import REGIMES, draw
from turkctl.labels.methods import aggregate
from turkctl.labels.options import MethodOptions
from turkctl.labels.votes import Votes

SIZES = (10_000, 100_000)
FULL = (*SIZES, 1_000_000)
METHODS = ("majority", "one-coin", "dawid-skene", "cubam", "cubam-marginal")
REFERENCE = "reference CUBAM"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

PROTOTYPE_SECONDS: dict[str, tuple[float, float, float]] = {
    REFERENCE: (1.0, 23.5, 458),
    "majority": (0.01, 0.01, 0.01),
    "one-coin": (0.01, 0.02, 0.4),
    "dawid-skene": (0.01, 0.02, 0.2),
    "cubam": (0.08, 1.0, 7.6),
    "cubam-marginal": (0.04, 0.48, 8.8),
}
"""CPU seconds on ``demo``, by size; for the reference, wall-clock seconds."""
PROTOTYPE_MEGABYTES = {"majority": 108, "one-coin": 155, "dawid-skene": 158, "cubam": 252, "cubam-marginal": 250}
"""At a million labels."""
PROTOTYPE_ACCURACY: dict[str, dict[str, tuple[float, float, float]]] = {
    REFERENCE: {
        "demo": (0.9465, 0.9371, 0.9439), "crowd": (0.9015, 0.9417, 0.9348), "prior": (0.8545, 0.8454, 0.7949),
    },
    "majority": {
        "demo": (0.9235, 0.9037, 0.9107), "crowd": (0.9115, 0.8998, 0.8972), "prior": (0.7410, 0.7380, 0.6914),
    },
    "one-coin": {
        "demo": (0.9340, 0.9052, 0.9369), "crowd": (0.9060, 0.9426, 0.9432), "prior": (0.4995, 0.4995, 0.5005),
    },
    "dawid-skene": {
        "demo": (0.9405, 0.9374, 0.9490), "crowd": (0.9460, 0.9434, 0.9539), "prior": (0.8600, 0.8542, 0.8075),
    },
    "cubam": {
        "demo": (0.9465, 0.9369, 0.9439), "crowd": (0.9015, 0.9417, 0.9350), "prior": (0.8545, 0.8452, 0.7953),
    },
    "cubam-marginal": {
        "demo": (0.9455, 0.9435, 0.9512), "crowd": (0.9430, 0.9456, 0.9544), "prior": (0.8655, 0.8544, 0.8081),
    },
}  # fmt: skip
"""Share of items that are right, by regime and size."""
SLACK = 0.002
"""Largest allowed difference from the prototype's accuracy."""
TARGET_SECONDS = {"majority": 0.1, "dawid-skene": 1, "cubam": 10, "cubam-marginal": 12}
TARGET_MEGABYTES = 400
TARGET_PROGRAM = 15
TARGET_OBJECTIVE = 4934.753
"""The reference's objective on ``demo`` with ten thousand labels; it must be met within 0.05."""


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="measure a million labels too")
    parser.add_argument(
        "--one", nargs=3, metavar=("METHOD", "REGIME", "LABELS"), help="make one measurement, and print it as JSON"
    )
    asked = parser.parse_args([] if argv is None else argv)
    if asked.one:
        method, regime, labels = asked.one
        print(json.dumps(measure(method, regime, int(labels))))
        return
    head = f"{'labels':<16}{'data':<7}{'size':>9}{'CPU s':>9}{'was':>7}{'MB':>6}{'was':>5}{'right':>8}{'was':>7}"
    print(head + "  (reference: " + ", ".join(f"{each:g} s" for each in PROTOTYPE_SECONDS[REFERENCE]) + " on demo)")
    for method in METHODS:
        for regime in REGIMES:
            for at, labels in enumerate(FULL if asked.full else SIZES):
                print(line(method, regime, at, labels), flush=True)
    if asked.full:
        whole_program()


def line(method: str, regime: str, at: int, labels: int) -> str:
    """Return a line with one measurement and the prototype's."""
    found = apart(method, regime, labels)
    seconds = f"{PROTOTYPE_SECONDS[method][at]:g}" if regime == "demo" else ""
    megabytes = str(PROTOTYPE_MEGABYTES[method]) if labels == FULL[-1] else ""
    right = PROTOTYPE_ACCURACY[method][regime][at]
    missed = abs(found["right"] - right) > SLACK and found["right"] < right
    if labels == FULL[-1]:
        missed |= found["seconds"] > TARGET_SECONDS.get(method, 10) or found["megabytes"] > TARGET_MEGABYTES
    if (method, regime, labels) == ("cubam", "demo", SIZES[0]):
        missed |= abs(found["objective"] - TARGET_OBJECTIVE) > 0.05
    return (
        f"{method:<16}{regime:<7}{labels:>9,}{found['seconds']:>9.2f}{seconds:>7}{found['megabytes']:>6.0f}"
        f"{megabytes:>5}{found['right']:>8.4f}{right:>7.4f}{'  NOT REACHED' if missed else ''}"
    )


def apart(method: str, regime: str, labels: int) -> dict[str, float]:
    """Measure in a separate process, so that the peak of memory is only this measurement's."""
    command = [sys.executable, "-m", "benchmarks.bench_labels", "--one", method, regime, str(labels)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(method: str, regime: str, labels: int) -> dict[str, float]:
    """Return CPU seconds of the aggregation, peak memory, and the share of items on the right side of 0."""
    data = draw(labels, regime)
    ids = [list(range(len(data.signal))), list(range(data.workers))]
    votes = Votes.of_codes(*ids, (False, True), data.item, data.worker, data.value)
    started = time.process_time()
    result = aggregate(votes, method, MethodOptions(min_votes=1))
    seconds = time.process_time() - started
    return {
        "seconds": seconds,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "right": float(((result.score > 0) == (data.signal > 0)).mean()),
        "objective": result.run.objective or 0.0,
    }


def whole_program() -> None:
    """Measure the whole program as a user runs it, from a CSV of a million labels to the written results."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = draw(FULL[-1], "demo")
        rows = np.column_stack([data.item, data.worker, data.value])
        np.savetxt(folder / "labels.csv", rows, "%d", ",", header="item,worker,label", comments="")
        command = [sys.executable, "-m", "turkctl", "labels", "aggregate", "labels.csv", "-o", "csv"]
        with (folder / "results.csv").open("wb") as out:
            started = time.perf_counter()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, cwd=folder, env={**os.environ, **ONE_THREAD}, check=True, stdout=out)
            wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        verdict = "" if cpu <= TARGET_PROGRAM else "  NOT REACHED"
        print(
            f"cubam from CSV to results: {cpu:.1f} s of CPU, {wall:.1f} s in all (target {TARGET_PROGRAM} s), "
            f"at most {after.ru_maxrss / 1024:.0f} MB (target {TARGET_MEGABYTES}){verdict}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
