"""Measure speed and memory of adding content, adding it again with one row in a hundred changed, and dispatching it.

``python -m benchmarks.bench_content --rows 1000000`` measures at full size, and needs 2 GB of disk. Each line measures
a whole process, start-up included; the market is the built-in one, in that process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench_export import Measured, measure

ROWS = 50_000
DISPATCHED = 10_000
PER_HIT = 10
TARGET_RATE = 20_000
TARGET_MB = 200
PROJECT = f"""
mode = "local"

[experiments.photos]
code_version = "1"
title = "What is on the photos?"
description = "Ten photos, a word for each."
reward = "0.10"
external_url = "https://lab.example.org/photos?of=${{contents_json}}"
contents_per_hit = {PER_HIT}

[market]
opening_balance = "100000.00"
"""


def main(argv: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", help="folder for the temporary files")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        (folder / "turkctl.toml").write_text(PROJECT)
        for file, changed in (("items.csv", 0), ("changed.csv", 100)):
            write_items(folder / file, options.rows, changed)
        program = [sys.executable, "-m", "turkctl", "--quiet", "--config", str(folder / "turkctl.toml")]
        subprocess.run([*program, "experiments", "configure"], check=True, capture_output=True)
        add = [*program, "content", "add", "--priority", "votes / (width + 1)", "--json"]
        print(f"{'content of ' + format(options.rows, ',') + ' rows':<36} {'seconds':>8} {'rows/s':>9} {'peak MB':>8}")
        for title, file in (("add", "items.csv"), ("add again", "items.csv"), ("add, 1 % changed", "changed.csv")):
            show(title, measure([*add, str(folder / file)]), options.rows, TARGET_RATE)
        hits = min(DISPATCHED, options.rows) // PER_HIT
        show("list the first hundred pending", measure([*program, "content", "list", "--pending", "--limit", "100"]))
        dispatch = [*program, "content", "dispatch", "--json", "--hits", str(hits)]
        show(f"dispatch {hits:,} HITs of {PER_HIT}", measure(dispatch), hits * PER_HIT)
        show(f"dispatch {hits:,} more", measure(dispatch), hits * PER_HIT)


def show(title: str, measured: Measured, rows: int | None = None, target: int | None = None) -> None:
    """Print one line, with a note if it misses its target."""
    rate = "" if rows is None else format(round(rows / measured.seconds), ",")
    slow = target is not None and rows is not None and rows / measured.seconds < target
    missed = "  NOT REACHED" if slow or measured.megabytes > TARGET_MB else ""
    print(f"{title:<36} {measured.seconds:>8.1f} {rate:>9} {measured.megabytes:>8.0f}{missed}", flush=True)


def write_items(path: Path, rows: int, changed: int) -> None:
    """Write a file of items; if ``changed`` is not 0, every ``changed``-th row has other votes."""
    with path.open("w", encoding="utf-8") as file:
        file.write("key,image,width,height,votes\n")
        for number in range(rows):
            votes = number % 97 + (1000 if changed and number % changed == 0 else 0)
            image = f"https://images.example.org/{number:08d}.jpg"
            file.write(f"photo-{number:08d},{image},{640 + number % 100},{480 + number % 50},{votes}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
