"""Measure how well ``archive create`` uses the rate that a market allows, and how much memory it needs.

``python -m benchmarks.bench_archive 500`` does the same with 500 HITs.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from turkctl.accounts import market_account
from turkctl.market.service import Market, Requester

HITS = 10_000
EACH = 9
RATE = 50
TARGET_SHARE = 0.95
TARGET_MB = 150
KEY_ID = "BENCHARCHIVE"
HIT = {
    "Title": "Name the colour of a word",
    "Description": "A ten-minute reading task.",
    "Keywords": "psychology, reading",
    "Reward": "0.05",
    "MaxAssignments": EACH,
    "LifetimeInSeconds": 86_400,
    "AssignmentDurationInSeconds": 1_800,
    "Question": (
        '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
        'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/pub</ExternalURL><FrameHeight>0</FrameHeight>'
        "</ExternalQuestion>"
    ),
}
ANSWER = (
    '<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/'
    'AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">'
    + "".join(
        f"<Answer><QuestionIdentifier>item{number}</QuestionIdentifier><FreeText>{'word ' * 5}</FreeText></Answer>"
        for number in range(8)
    )
    + "</QuestionFormAnswers>"
)


def main(hits: int = HITS) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "market.db", hits)
        with served(folder) as url:
            megabytes, seconds = archive(folder, url)
        calls, span = asked(folder / "saved" / "archive.db")
    # At the beginning the bucket is full, so its burst is added to the rate.
    share = calls / (RATE * span + RATE)
    print(f"archive of {hits:,} HITs, {hits * EACH:,} assignments: {calls:,} requests, {seconds:.0f} s in all")
    rows = (
        (f"share of {RATE} requests/s", f"{100 * share:.1f} %", f"{100 * TARGET_SHARE:.0f} %", share >= TARGET_SHARE),
        ("peak memory", f"{megabytes:.0f} MB", f"{TARGET_MB} MB", megabytes <= TARGET_MB),
    )
    print(f"{'archive':<52} {'measured':>10} {'target':>10}")
    for what, measured, target, reached in rows:
        print(f"{what:<52} {measured:>10} {target:>10}  {'' if reached else 'NOT REACHED'}")


def fill(path: Path, hits: int) -> None:
    """Make a market with an account of approved work; every third HIT has a bonus."""
    account = market_account(KEY_ID)
    market = Market(f"sqlite:///{path}")
    market.deposit(Requester(account, "production"), Decimal(1_000_000))
    ids = market.bulk_hits(Requester(account, "production"), HIT, hits)
    market.close()
    with closing(sqlite3.connect(path)) as connection:
        now = int(time.time() * 1000)
        for number, hit_id in enumerate(ids):
            rows = [
                (f"3ASSIGNMENT{number:08}{place}", account, hit_id, f"A{number % 500:03}X{place}", now, ANSWER)
                for place in range(EACH)
            ]
            connection.executemany(
                "INSERT INTO market_assignment (id, environment, account, hit_id, worker_id, status, accepted_at,"
                " deadline, submitted_at, auto_approve_at, approved_at, answer)"
                " VALUES (?, 'production', ?, ?, ?, 'Approved', ?5, ?5, ?5, ?5, ?5, ?6)",
                rows,
            )
            if number % 3 == 0:
                connection.execute(
                    "INSERT INTO market_bonus (environment, account, hit_id, assignment_id, worker_id, amount, fee,"
                    " reason, at) VALUES ('production', ?, ?, ?, ?, 100000, 20000, 'thanks', ?)",
                    (account, hit_id, rows[0][0], rows[0][3], now),
                )
        connection.execute(
            "UPDATE market_hit SET status = 'Reviewable', available = 0, completed = max_assignments, open_held = 0"
        )
        connection.commit()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the market in a process of its own, with the throttle on."""
    environ = {**os.environ, "TURKCTL_MARKET_THROTTLE": str(RATE), "TURKCTL_MARKET_LATENCY": "0.05"}
    command = [sys.executable, "-m", "turkctl", "market", "serve", "--port", "0", "--threads", "64", "--no-site"]
    command += ["--market-url", f"sqlite:///{folder / 'market.db'}"]
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[^ ]+", server.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            server.terminate()


def archive(folder: Path, url: str) -> tuple[float, float]:
    """Archive in a process of its own; return its peak memory in megabytes, and the seconds that it took."""
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "bench"}
    command = [sys.executable, "-m", "turkctl", "archive", "create", "saved", "--endpoint-url", url]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    return usage.ru_maxrss / 1024, time.perf_counter() - started


def asked(path: Path) -> tuple[int, float]:
    """Return the number of requests that were answered, and the seconds from the first to the last."""
    with closing(sqlite3.connect(path)) as connection:
        (calls,) = connection.execute("SELECT count(*) FROM call WHERE state = 'answered'").fetchone()
        began, ended = connection.execute("SELECT began, ended FROM run").fetchone()
    return calls, (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
