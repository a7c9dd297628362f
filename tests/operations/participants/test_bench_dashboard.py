"""The measurement of the dashboard reads what it says, on a small table; nothing is timed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks import bench_dashboard
from benchmarks.bench_dashboard import QUERIES, cases, make, opened, optimized, plain_page, read_page

from turkctl.operations.participants.lists import count
from turkctl.store import indexes

ROWS = 600


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench") / "participants.db"
    make(made, ROWS)
    optimized(made)
    return made


def test_each_page_of_the_mix_is_what_sqlite_alone_finds(file: Path) -> None:
    reads = opened(file)
    with closing(sqlite3.connect(file)) as plain:
        totals = {
            sql: plain.execute(f"SELECT count(*) FROM assignments WHERE {sql}").fetchone()[0] for _, sql in QUERIES
        }
        assert totals == {sql: count(reads, query) for query, sql in QUERIES}
        for case in cases(60):
            found = read_page(reads, case, totals)
            expected = plain_page(plain, case, totals)
            assert [row["worker_id"] for row in found.rows] == [row[1] for row in expected], case
    reads.close()


def test_the_table_has_all_indexes_and_missing_values(file: Path) -> None:
    reads = opened(file)
    with reads.bare_database.read() as session:
        assert all(state.there for state in indexes.states(session, "assignments"))
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("SELECT count(*) FROM assignments WHERE beginhit IS NULL").fetchone() == (ROWS // 50,)
    reads.close()


def test_what_is_printed_has_its_targets(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_dashboard.measure(file)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "rows",
        "the",
        "count,",
        "counts",
        "choices",
        "count",
        "page",
        "its",
        "its",
        "its",
        "page",
        "all",
        "memory",
    ]
