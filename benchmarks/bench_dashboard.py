"""Measure what the dashboard reads of many participants in SQLite after ``db optimize``: rows, counts, choices, memory.

Beside the rows stand the same SELECTs sent by ``sqlite3`` alone, to the same file. It needs 2.5 GB of disk and two
minutes; ``--rows`` or TURKCTL_BENCH_PARTICIPANTS measures with fewer.
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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from benchmarks.dashboard_pages import Pages
from turkctl.context import Context
from turkctl.operations.participants.counting import CountCache, choices
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import TABLE, count, grouped
from turkctl.operations.participants.optimize import optimize
from turkctl.operations.participants.pages import ParticipantPage, page_of, stream
from turkctl.settings import load
from turkctl.store.participant_lists import Ordering
from turkctl.store.participants import participants_table

FULL = 1_000_000
DATA = 1000
"""Characters of the datastring: what SQLite keeps beside a row's other columns, however much more there is."""
STATUSES = (0, 1, 2, 3, 4, 5, 5, 5, 6, 7)
SIZE = 50
CASES = 240
REFERENCES = 24
"""How many of the cases are repeated by ``sqlite3`` alone, which sorts a million rows in many of them."""
ROWS_S, COUNTS_S, KEPT_S, MEMORY_MB, PAGE_KB = 0.3, 2.0, 0.001, 250.0, 60.0
BOTH = Query(modes=["live"], complete=True)
QUERIES: tuple[tuple[Query, str], ...] = (
    (Query(), "1"),
    (Query(modes=["live"]), "mode = 'live'"),
    (Query(conditions=[1]), "cond = 1"),
    (Query(code_versions=["1.2"]), "codeversion = '1.2'"),
    (Query(complete=True), "status IN (3, 4, 5, 7)"),
    (Query(complete=False), "(status IS NULL OR status NOT IN (3, 4, 5, 7))"),
    (Query(statuses=["quit_early"]), "status = 6"),
    (Query(since="2025-06-01"), "beginhit >= '2025-06-01 00:00:00.000000'"),
    (Query(until="2024-06-01"), "beginhit < '2024-06-01 00:00:00.000000'"),
    (BOTH, "mode = 'live' AND status IN (3, 4, 5, 7)"),
    (
        Query(modes=["live", "sandbox"], conditions=[1, 2], statuses=["submitted", "credited"]),
        "mode IN ('live', 'sandbox') AND cond IN (1, 2) AND status IN (4, 5)",
    ),
    (
        Query(modes=["debug"], conditions=[3], code_versions=["1.1"], statuses=["bonused"]),
        "mode = 'debug' AND cond = 3 AND codeversion = '1.1' AND status = 7",
    ),
    (
        Query(modes=["live"], since="2024-03-01", until="2025-03-01"),
        "mode = 'live' AND beginhit >= '2024-03-01 00:00:00.000000' AND beginhit < '2025-03-01 00:00:00.000000'",
    ),
)
"""The filters, and the same in SQL."""
DEPTHS = (0.0, 0.001, 0.5, 1.0)
"""Where in the list the page is: the first, one near it, in the middle, and the last."""
GROUPS = (
    ["condition"],
    ["status"],
    ["day"],
    ["mode", "codeversion"],
    ["condition", "status", "codeversion", "mode", "day"],
)
COLUMNS = {"assignment_id": "assignmentid", "worker_id": "workerid", "hit_id": "hitid", "condition": "cond"}
COLUMNS |= {"codeversion": "codeversion", "begin_hit": "beginhit", "bonus": "bonus", "status": "status", "mode": "mode"}


@dataclass(frozen=True)
class Case:
    """One page of a list."""

    query: Query
    sql: str
    by: str
    descending: bool
    depth: float

    def page(self, total: int) -> int:
        """Return its number, given the number of participants of the list."""
        last = max(1, -(-total // SIZE))
        return min(last, 1 + int(self.depth * last))


def cases(number: int = CASES) -> list[Case]:
    """Return the fixed mix: any filter, column of the default table, direction and depth."""
    every = [Case(*query, *rest) for query, *rest in product(QUERIES, TABLE, (False, True), DEPTHS)]
    return random.Random(15).sample(every, number)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table. Writing and reading have processes of their own: a peak begins at that of the parent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=int(os.environ.get("TURKCTL_BENCH_PARTICIPANTS", FULL)))
    parser.add_argument("--write", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--read", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.write or options.read:
        make(Path(options.write), options.rows) if options.write else measure(Path(options.read))
        return
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "participants.db"
        made, _cpu = took(again, "--write", str(file), "--rows", str(options.rows))
        size = f"{options.rows:,} participants" + ("" if options.rows >= FULL else " (targets are for 1,000,000)")
        indexed, _cpu = took(optimized, file)
        print(f"{size}: written in {made:.0f} s, db optimize {indexed:.1f} s")
        print(f"{'':<64} {'s':>8} {'cpu s':>8} {'target':>7}", flush=True)
        again("--read", str(file))


def again(*options: str) -> None:
    """Run this program in another process."""
    subprocess.run([sys.executable, "-m", "benchmarks.bench_dashboard", *options], check=True)


def make(file: Path, rows: int) -> None:
    """Write a database as psiTurk leaves it: only its table."""
    table = participants_table("assignments")
    engine = create_engine(f"sqlite:///{file}")
    table.create(engine)
    engine.dispose()
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA synchronous=OFF")
        plain.execute("PRAGMA cache_size=-400000")  # the keys come in no order
        plain.executemany(f"INSERT INTO assignments VALUES ({', '.join('?' * len(table.columns))})", people(rows))
        plain.commit()


def people(rows: int) -> Iterator[tuple[Any, ...]]:
    """Yield the participants of two years in the order in which they began; their ids are in none."""
    dice = random.Random(1)
    data = '{"data": "' + "x" * DATA + '"}'
    start, apart = datetime.fromisoformat("2024-01-01"), timedelta(days=730) / rows
    for number in range(rows):
        began = None if number % 50 == 0 else f"{start + number * apart:%Y-%m-%d %H:%M:%S.%f}"
        worker, assignment = f"A{dice.getrandbits(52):013X}", f"3{dice.getrandbits(116):029X}"
        yield (
            f"{worker}:{assignment}", assignment, worker, f"3H{number // 9 * 7919 % 1_000_003:028}", "203.0.113.9",
            "chrome", "windows", "UNKNOWN", dice.randrange(4), dice.randrange(2), f"1.{4 * number // rows}", began,
            began, began if dice.random() < 0.7 else None, dice.randrange(200) / 100, dice.choice(STATUSES),
            dice.choice(("live", "live", "live", "sandbox", "debug")), data,
        )  # fmt: skip


def opened(file: Path) -> Context:
    """Return a project on the database."""
    return Context(load({"database_url": f"sqlite:///{file}"}, {}, file.parent))


def optimized(file: Path) -> None:
    """Run ``db optimize``."""
    context = opened(file)
    optimize(context, drop=False, dry_run=False)
    context.close()


def measure(file: Path) -> None:
    """Print what reading takes, and the memory of this process."""
    reads = opened(file)
    totals = {sql: count(reads, query) for query, sql in QUERIES}
    measure_rows(reads, file, totals)
    measure_counts(reads)
    measure_pages(reads, totals)
    report("all rows, as for a file", took(exhaust, stream(reads, Query(), Ordering("worker_id"))))
    memory = peak_mb()
    print(f"{'memory of the process, MB':<64} {memory:>8.0f} {'':>8} {MEMORY_MB:>7.0f}{missed(memory, MEMORY_MB)}")


def measure_rows(reads: Context, file: Path, totals: Mapping[str, int]) -> None:
    """Print what a page takes, and what it takes ``sqlite3`` alone."""
    every = cases()
    report(
        f"rows of a page, p95 of {len(every)}", p95([took(read_page, reads, case, totals) for case in every]), ROWS_S
    )
    with closing(sqlite3.connect(file)) as plain:
        some = random.Random(2).sample(every, REFERENCES)
        reference = p95([took(plain_page, plain, case, totals) for case in some])
    report(f"  the same SELECTs by sqlite3 alone, p95 of {REFERENCES}", reference)


def measure_counts(reads: Context) -> None:
    """Print what counts, groups and choices take, each in its slowest case."""
    queries = [query for query, _sql in QUERIES]
    report("count, slowest filter", max(took(count, reads, query) for query in queries), COUNTS_S)
    by_groups = [took(grouped, reads, query, Ordering(), by) for query, by in product((Query(), BOTH), GROUPS)]
    report("counts by group, slowest", max(by_groups), COUNTS_S)
    report("choices of a filter bar, slowest", max(took(choices, reads, query) for query in queries), COUNTS_S)
    cache = CountCache()
    cache.count(reads, BOTH)
    report("count that is kept", took(cache.count, reads, BOTH), KEPT_S)


def measure_pages(reads: Context, totals: Mapping[str, int]) -> None:
    """Print what whole pages take, as HTML by HTTP's rules but without a network, and how long they are."""
    pages, every = Pages(reads), cases()
    times = [
        took(partial(pages.rows, each.query, each.by, each.page(totals[each.sql]), descending=each.descending))
        for each in every
    ]
    report(f"page with its rows, p95 of {len(every)}", p95(times), ROWS_S)
    queries = [query for query, _sql in QUERIES]
    report("its count, slowest filter", max(took(pages.count, query) for query in queries), COUNTS_S)
    report("its menus, slowest filter", max(took(pages.choices, query) for query in queries), COUNTS_S)
    report("its count again within 30 s", took(pages.count, queries[-1]))
    size = pages.empty() / 1000
    print(f"{'page without rows, KB':<64} {size:>8.1f} {'':>8} {PAGE_KB:>7.0f}{missed(size, PAGE_KB)}")
    pages.close()


def exhaust(rows: Iterable[object]) -> None:
    """Read all rows and keep none."""
    for _row in rows:
        pass


def read_page(reads: Context, case: Case, totals: Mapping[str, int]) -> ParticipantPage:
    """Return a page as the dashboard reads it."""
    ordering = Ordering(case.by, case.descending)
    return page_of(reads, case.query, ordering, case.page(totals[case.sql]), SIZE)


def plain_page(plain: sqlite3.Connection, case: Case, totals: Mapping[str, int]) -> list[Any]:
    """Return the same page as one SELECT finds it."""
    direction = "DESC" if case.descending else "ASC"
    offset = (case.page(totals[case.sql]) - 1) * SIZE
    order = f"{COLUMNS[case.by]} {direction} NULLS LAST, uniqueid {direction}"
    return plain.execute(
        f"SELECT {', '.join(COLUMNS.values())} FROM assignments WHERE {case.sql}"
        f" ORDER BY {order} LIMIT {SIZE} OFFSET {offset}"
    ).fetchall()


Took = tuple[float, float]
"""Seconds by the clock, and of the processor in this process: on a busy machine they are far apart."""


def took(act: Callable[..., object], *arguments: Any) -> Took:
    """Return how long it takes."""
    started, cpu = time.perf_counter(), time.process_time()
    act(*arguments)
    return time.perf_counter() - started, time.process_time() - cpu


def p95(values: Sequence[Took]) -> Took:
    """Return what 95 of 100 do not exceed, by the clock and of the processor."""
    clock, cpu = (sorted(each)[-(-95 * len(values) // 100) - 1] for each in zip(*values, strict=True))
    return clock, cpu


def report(title: str, value: Took, target: float | None = None) -> None:
    """Print a line with its target for the seconds by the clock."""
    line = f"{title:<64} {value[0]:>8.3f} {value[1]:>8.3f}"
    print(line if target is None else f"{line} {target:>7.3f}{missed(value[0], target)}", flush=True)


def missed(value: float, target: float) -> str:
    """Return what stands at the end of a line."""
    return "" if value <= target else "  NOT REACHED"


def peak_mb() -> float:
    """Return the most memory that this process had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main(sys.argv[1:])
