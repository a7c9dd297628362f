"""Measure lists and counts of a large psiTurk database in SQLite, without turkctl's indexes, and psiTurk's own query.

Each line measures a whole process, with warm caches. psiTurk's dashboard has one query for everything: it loads all
participants as whole objects and filters them in the browser; this is measured once. The full size, ``--rows 1000000``
or TURKCTL_BENCH_PARTICIPANTS=1000000, needs 3 GB of disk and, for psiTurk's way, 3 GB of memory.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from turkctl.store.participants import participants_table

FULL = 1_000_000
ROWS = 20_000
DATA = 20_000
"""Number of characters of the datastring in every tenth row."""
STATUSES = (0, 1, 2, 3, 4, 5, 5, 5, 6, 7)
ROUNDS = 3
MEMORY = 150
LIST = ["list", "--limit", "50"]
CASES: tuple[tuple[Sequence[str], float], ...] = (
    (LIST, 1.0),
    ([*LIST, "--mode", "live"], 1.0),
    ([*LIST, "--condition", "1"], 1.0),
    ([*LIST, "--codeversion", "1.2"], 1.0),
    ([*LIST, "--status", "credited"], 1.0),
    ([*LIST, "--complete"], 1.0),
    ([*LIST, "--incomplete"], 1.0),
    ([*LIST, "--worker", "A00000000000042"], 1.0),
    ([*LIST, "--hit", "3H0000000000000000000000000042"], 1.0),
    ([*LIST, "--since", "2025-06-01"], 1.0),
    ([*LIST, "--until", "2024-06-01"], 1.0),
    ([*LIST, "--where", "language=UNKNOWN"], 1.0),
    ([*LIST, "--mode", "live", "--sort", "begin_hit", "--desc"], 1.0),
    (["count", "--complete"], 1.0),
    (["show", "A00000000000042"], 1.0),
    (["list", "--group-by", "condition", "--group-by", "status"], 2.0),
)
PSITURK = """
import sys
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, registry
from turkctl.store.participants import participants_table
class Participant: pass
registry().map_imperatively(Participant, participants_table("assignments"))
with Session(create_engine(sys.argv[1])) as session:
    found = session.query(Participant).filter(Participant.mode != "debug").all()
    assert len(found) > 0
"""


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("TURKCTL_BENCH_PARTICIPANTS", ROWS)))
    rows = parser.parse_args(arguments).rows
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'participants.db'}"
        make(Path(name) / "participants.db", url, rows)
        theirs, _cpu, their_memory = measured([sys.executable, "-c", PSITURK, url], Path(name), rounds=1)
        size = f"{rows:,} participants" + ("" if rows >= FULL else " (targets are for 1,000,000)")
        print(f"{size:<66} {'s':>6} {'cpu':>6} {'MB':>5} {'target':>7}   psiTurk's way: s, MB")
        for argv, target in CASES:
            command = [sys.executable, "-m", "turkctl", "participants", *argv, "--database-url", url]
            seconds, cpu, memory = measured(command, Path(name), rounds=ROUNDS)
            verdict = "" if seconds <= target and memory <= MEMORY else "  NOT REACHED"
            line = f"{' '.join(argv):<66} {seconds:>6.2f} {cpu:>6.2f} {memory:>5.0f} {target:>6.1f}s"
            print(f"{line}   {theirs:.1f}, {their_memory:.0f}{verdict}")


def make(path: Path, url: str, rows: int) -> None:
    """Write a database as psiTurk leaves it: only its table, with its order of columns."""
    table = participants_table("assignments")
    engine = create_engine(url)
    table.create(engine)
    engine.dispose()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA synchronous=OFF")
        marks = ", ".join("?" * len(table.columns))
        plain.executemany(f"INSERT INTO assignments VALUES ({marks})", people(rows))
        plain.commit()


def people(rows: int) -> Iterator[tuple[Any, ...]]:
    """Yield the participants of two years, in the order in which they started."""
    dice = random.Random(1)
    data = '{"data": "' + "x" * DATA + '"}'
    start, apart = datetime.fromisoformat("2024-01-01"), timedelta(days=730) / rows
    for number in range(rows):
        began = f"{start + number * apart:%Y-%m-%d %H:%M:%S.%f}"
        ids = (f"A{number:014}", f"3A{number:028}", f"3H{number // 9:028}")
        yield (
            f"{ids[0]}:{ids[1]}", ids[1], ids[0], ids[2], "203.0.113.9", "chrome", "windows", "UNKNOWN",
            dice.randrange(4), dice.randrange(2), f"1.{4 * number // rows}", began, began,
            began if dice.random() < 0.7 else None, dice.randrange(200) / 100, dice.choice(STATUSES),
            dice.choice(("live", "live", "live", "sandbox", "debug")), data if number % 10 == 0 else None,
        )  # fmt: skip


def measured(command: Sequence[str], folder: Path, *, rounds: int) -> tuple[float, float, float]:
    """Return the lowest wall-clock and processor seconds, and the highest memory in MB, of a whole process."""
    best, least, most = float("inf"), float("inf"), 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        best = min(best, time.perf_counter() - started)
        least = min(least, usage.ru_utime + usage.ru_stime)
        most = max(most, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    return best, least, most


if __name__ == "__main__":
    main(sys.argv[1:])
