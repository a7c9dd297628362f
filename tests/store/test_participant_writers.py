"""A psiTurk server that writes all the while, and turkctl that lists, counts, sets bonuses and moves statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from itertools import count as counting
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, text

from turkctl.context import Context
from turkctl.operations.participants.bonus import set_bonus
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import count, grouped, listed
from turkctl.settings import load
from turkctl.store.participant_lists import Ordering
from turkctl.store.participants import CREDITED, SUBMITTED, move_status, participants_table

WRITER = Path(__file__).with_name("psiturk_writer.py")
PEOPLE = 200
OTHERS = 1000
"""Rows of earlier participants, so that reading takes a while."""
TABLE = "assignments"


@pytest.fixture
def psiturk(url: str, tmp_path: Path) -> Context:
    """psiTurk's own database: no table of turkctl's, SQLite's default journal."""
    others = [
        {"uniqueid": f"X{number}", "assignmentid": f"X{number}", "workerid": f"X{number}", "hitid": "H0",
         "mode": "debug", "status": number % 8, "datastring": "x" * 2000}
        for number in range(OTHERS)
    ]  # fmt: skip
    engine = create_engine(url)
    with engine.begin() as connection:
        participants_table(TABLE).create(connection)
        connection.execute(insert(participants_table(TABLE)), others)
    engine.dispose()
    return Context(load({"database_url": url}, {}, tmp_path))


def use_it(context: Context, turn: int, bonuses: dict[str, float]) -> None:
    """One of everything that turkctl does with participants."""
    live = Query(modes=["live"])
    there = count(context, live)
    rows = listed(context, live, Ordering("uniqueid"))[1]
    assert len(rows) >= there
    groups = grouped(context, Query(), Ordering(), ["mode", "status"])[1]
    assert sum(group["count"] for group in groups) >= OTHERS + there
    if rows:
        row = rows[turn % len(rows)]
        amount = Decimal(turn % 100) / 100
        set_bonus(context, row["uniqueid"], amount)
        bonuses[row["uniqueid"]] = float(amount)
    submitted = [row["uniqueid"] for row in rows if row["status"] == "submitted"]
    with context.bare_database.write() as session:
        move_status(session, TABLE, "live", submitted, expected=SUBMITTED, new=CREDITED)


@pytest.mark.slow
def test_neither_side_meets_a_lock_or_loses_an_update(psiturk: Context, url: str, tmp_path: Path) -> None:
    bonuses: dict[str, float] = {}
    log = tmp_path / "written.json"
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), url, str(PEOPLE), str(log)], stderr=subprocess.PIPE, text=True
    )
    try:
        turns = next(turn for turn in counting(1) if use_it(psiturk, turn, bonuses) or writer.poll() is not None)
    finally:
        _out, err = writer.communicate(timeout=60)
    assert (writer.returncode, err) == (0, "")
    assert turns > 3, "the writer was done before turkctl had begun"
    use_it(psiturk, turns, bonuses)

    written = json.loads(log.read_text())
    with psiturk.bare_database.read() as session:
        statement = text("SELECT uniqueid, status, bonus, datastring FROM assignments WHERE mode = 'live'")
        found = {row.uniqueid: row for row in session.connection().execute(statement)}
        if psiturk.bare_database.dialect == "sqlite":
            assert session.connection().execute(text("PRAGMA journal_mode")).scalar() == "delete"
    assert len(found) == PEOPLE
    assert {name: row.datastring for name, row in found.items()} == {name: data for name, (data, _) in written.items()}
    assert {name: row.status for name, row in found.items()} == {
        name: status or CREDITED for name, (_, status) in written.items()
    }
    assert {name: row.bonus for name, row in found.items()} == {name: bonuses.get(name, 0) for name in written}
    psiturk.close()
