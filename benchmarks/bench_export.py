"""Measure speed and memory of exporting what psiTurk recorded, compared with psiTurk's own way.

``python -m benchmarks.bench_export --rows 1000000`` measures at full size, and needs 5 GB of disk. psiTurk's way needs
5 GB of memory too; ``--alone`` leaves it out. ``--anonymize`` adds an export with pseudonyms.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Session, deferred

from benchmarks.psiturk_rows import make_database
from turkctl.store.participants import DEFAULT_NAME, participants_table

ROWS = 20_000
TARGET_MB = 150
FORMATS = ("csv", "jsonl", "parquet")
PROGRAM = [sys.executable, "-m", "turkctl", "--quiet", "participants", "export", "--data", "trial"]
PSITURKS_WAY = [sys.executable, "-m", "benchmarks.bench_export", "--as-psiturk"]


@dataclass(frozen=True)
class Measured:
    """Time and memory of one whole process."""

    seconds: float
    megabytes: float
    """Peak of resident memory."""


def main(argv: Sequence[str] = ()) -> None:
    """Print the table."""
    options = _options(argv)
    if options.as_psiturk:
        download(*options.as_psiturk)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        database = folder / "participants.db"
        make_database(database, options.rows)
        trials = count_trials(database)
        here = ["--database-url", f"sqlite:///{database}", "--file"]
        cases = {f"turkctl, {form}": [*PROGRAM, *here, str(folder / f"out.{form}")] for form in options.formats}
        if options.anonymize:
            cases["turkctl, csv, anonymous"] = [*cases["turkctl, csv"], "--anonymize", str(folder / "key")]
        if not options.alone:
            cases["psiTurk's way, csv"] = [*PSITURKS_WAY, str(database), str(folder / "psiturk.csv")]
        head = f"trials of {options.rows:,} participants"
        print(f"{head:<36} {'seconds':>8} {'trials/s':>10} {'peak MB':>8} {'target':>7}")
        for title, command in cases.items():
            measured = measure(command)
            target = TARGET_MB if title.startswith("turkctl") else None
            missed = target is not None and measured.megabytes > target
            line = (
                f"{title:<36} {measured.seconds:>8.1f} {trials / measured.seconds:>10,.0f} {measured.megabytes:>8.0f}"
            )
            print(f"{line} {target or '':>7}{'  NOT REACHED' if missed else ''}", flush=True)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--anonymize", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--folder", help="folder for the temporary files")
    parser.add_argument("--as-psiturk", nargs=2, metavar=("DATABASE", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def count_trials(database: Path) -> int:
    """Return the number of trials in the database."""
    with closing(sqlite3.connect(database)) as plain:
        every = plain.execute("SELECT datastring, count(*) FROM assignments WHERE datastring IS NOT NULL").fetchone()
    return len(json.loads(every[0])["data"]) * int(every[1])


LAUNCHER = """
import os, sys
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent), 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""
"""A small program that starts the command, because the peak of a new process begins at that of its parent."""


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end, and return its time and memory."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", LAUNCHER, *command], check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return Measured(seconds, int(done.stdout) * unit / 1e6)


def download(database: str, file: str) -> None:
    """Export as psiTurk 3 does: load all participants as objects, query each datastring, and join them to one text."""

    class Base(DeclarativeBase):
        pass

    class Participant(Base):
        __table__ = participants_table(DEFAULT_NAME).to_metadata(Base.metadata)
        datastring = deferred(__table__.c.datastring)

    with Session(create_engine(f"sqlite:///{database}")) as session:
        text = "".join(
            _trials(person.uniqueid, person.datastring) for person in session.scalars(select(Participant)).all()
        )
    Path(file).write_text(text, encoding="utf-8")


def _trials(uniqueid: str, recorded: str | None) -> str:
    if recorded is None:
        return ""
    lines = io.StringIO()
    writer = csv.writer(lines)
    for trial in json.loads(recorded)["data"]:
        writer.writerow((uniqueid, trial["current_trial"], trial["dateTime"], json.dumps(trial["trialdata"])))
    return lines.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
