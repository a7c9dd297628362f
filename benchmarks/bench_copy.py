"""Measure ``db copy`` of a large study, in time and memory, beside what SQLite's and PostgreSQL's own tools need.

Each line measures a whole process. SQLite's backup copies the file's pages; pg_dump and pg_restore copy the rows from
one database to another. Neither checks anything, while ``db copy`` looks at all rows before, and sums them on both
sides after. The full size, ``--rows 1000000`` or TURKCTL_BENCH_PARTICIPANTS=1000000, needs 7 GB of disk. PostgreSQL is
measured where TURKCTL_TEST_POSTGRES_URL names a server.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from benchmarks.bench_participants import measured

ROWS = 20_000
MEMORY = 200
"""Megabytes that a copy may need, whatever its size."""
MAKE = """
import sys
from benchmarks.psiturk_rows import make_database
make_database(sys.argv[1], int(sys.argv[2]))
"""
BACKUP = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as source, sqlite3.connect(sys.argv[2]) as target:
    source.backup(target)
"""


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("TURKCTL_BENCH_PARTICIPANTS", ROWS)))
    rows = parser.parse_args(arguments).rows
    server = os.environ.get("TURKCTL_TEST_POSTGRES_URL")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "turkctl.toml").write_text('participants_source = "psiturk"\n', encoding="utf-8")
        # A process counts the memory of the one that started it, so that one stays small.
        subprocess.run([sys.executable, "-c", MAKE, str(folder / "turkctl.db"), str(rows)], check=True)
        subprocess.run(turkctl("db", "upgrade"), cwd=folder, check=True, stdout=subprocess.DEVNULL)
        print(f"{f'copy of {rows:,} participants':<52} {'s':>7} {'cpu':>7} {'MB':>5} {'target':>7}")
        files = [str(folder / each) for each in ("turkctl.db", "backup.db")]
        tell("sqlite3's backup, SQLite to SQLite", [sys.executable, "-c", BACKUP, *files], folder)
        (folder / "backup.db").unlink()
        tell("db copy, SQLite to SQLite", turkctl("db", "copy", "--keep", "--to", "sqlite:///copy.db"), folder, MEMORY)
        (folder / "copy.db").unlink()
        if server:
            on_postgresql(server, folder)
        else:
            print("PostgreSQL: TURKCTL_TEST_POSTGRES_URL is not set")


def on_postgresql(server: str, folder: Path) -> None:
    """Measure the way to PostgreSQL, from there to another database of the server, and back to SQLite."""
    with new_database(server) as one, new_database(server) as other:
        tell("db copy, SQLite to PostgreSQL", turkctl("db", "copy", "--to", one), folder, MEMORY)
        dumped, restored = (shlex.quote(each.replace("+psycopg", "")) for each in (one, other))
        pipe = f"pg_dump --format custom --compress 0 {dumped} | pg_restore --no-owner --dbname {restored}"
        tell("pg_dump | pg_restore, PostgreSQL to PostgreSQL", ["sh", "-c", pipe], folder)
        back = turkctl("--database-url", one, "db", "copy", "--to", "sqlite:///back.db")
        tell("db copy, PostgreSQL to SQLite", back, folder, MEMORY)


def turkctl(*words: str) -> list[str]:
    """Return a command line of the program."""
    return [sys.executable, "-m", "turkctl", "--quiet", *words]


def tell(what: str, command: Sequence[str], folder: Path, target: int | None = None) -> None:
    """Measure a process once, and print the line."""
    seconds, cpu, memory = measured(command, folder, rounds=1)
    verdict = "" if target is None else f" {target:>4} MB{'' if memory <= target else '  NOT REACHED'}"
    print(f"{what:<52} {seconds:>7.1f} {cpu:>7.1f} {memory:>5.0f} {verdict}", flush=True)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Make a database on the server for the length of the block."""
    name = f"turkctl_bench_{secrets.token_hex(4)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
