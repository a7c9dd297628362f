"""Write a psiTurk database of any size, as psiTurk 3 leaves it, in seconds and the same at every run."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from turkctl.store.participants import DEFAULT_NAME, participants_table

BATCH = 10_000
HIT_SIZE = 9
MODES = ("live", "live", "live", "sandbox", "debug")
STATUSES = (0, 1, 2, 2, 3, 4, 4, 5, 5, 5, 6, 7, 7)
VERSIONS = ("1.0", "1.1", "2.0")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
START = datetime.fromisoformat("2022-01-01T00:00:00")  # the table's times have no zone
_ID = "UNIQUEID"


def make_database(
    path: Path | str,
    rows: int,
    *,
    datastring_every: int = 10,
    datastring_bytes: int = 20_000,
    table: str = DEFAULT_NAME,
) -> None:
    """Write a new SQLite file with only psiTurk's table, which has no index except that of the key.

    Every ``datastring_every``-th row has a datastring of about ``datastring_bytes``; the others have none. Like the
    ids of real workers, keys are in no order. One worker in 50 took part twice.
    """
    path = Path(path)
    path.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    participants_table(table).create(engine)
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
            plain.execute(f"PRAGMA {pragma}")
        names = [column.name for column in participants_table(table).columns]
        marks = ", ".join("?" * len(names))
        statement = f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks})'
        made = _rows(rows, datastring_every, recorded(datastring_bytes))
        for _ in range(0, rows, BATCH):
            plain.execute("BEGIN")
            plain.executemany(statement, islice(made, BATCH))
            plain.execute("COMMIT")


def recorded(size: int) -> str:
    """Return a datastring of about ``size`` bytes for the participant ``UNIQUEID``; a tenth is events and answers."""
    chance = random.Random(7)
    document: dict[str, Any] = {
        "condition": 0, "counterbalance": 0, "assignmentId": "", "workerId": "", "hitId": "", "currenttrial": 0,
        "bonus": 0, "data": [], "questiondata": {"age": "31", "engagement": "7", "comments": "fine"},
        "eventdata": [_event(chance, number) for number in range(max(1, size // 1000))], "mode": "live",
    }  # fmt: skip
    trial = _trial(chance, 0)
    room = size - len(json.dumps(document))
    document["data"] = [_trial(chance, number) for number in range(max(1, room // (len(json.dumps(trial)) + 37)))]
    document["currenttrial"] = len(document["data"])
    return json.dumps(document)


def _trial(chance: random.Random, number: int) -> dict[str, Any]:
    word = chance.choice(("red", "green", "blue"))
    answer = {
        "phase": "TEST", "word": word, "colour": chance.choice(("red", "green", "blue")), "response": word[0],
        "hit": chance.random() < 0.9, "rt": round(chance.gauss(700, 150), 1),
    }  # fmt: skip
    return {"uniqueid": _ID, "current_trial": number, "dateTime": 1_641_000_000_000 + 900 * number, "trialdata": answer}


def _event(chance: random.Random, number: int) -> dict[str, Any]:
    at = 1_641_000_000_000 + 5000 * number
    return {"eventtype": "focus", "value": chance.choice(("on", "off")), "timestamp": at, "interval": 5000}


def _rows(rows: int, every: int, template: str) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(1)
    worker = ""
    for number in range(rows):
        if number % 50 != 1:
            worker = "A" + _letters(chance, 13)
        assignment = "3" + _letters(chance, 29)
        hit = f"3HIT{number // HIT_SIZE:026d}"
        uniqueid = f"{worker}:{assignment}"
        began = START + timedelta(seconds=90 * number)
        finished = None if chance.random() < 0.3 else str(began + timedelta(minutes=12))
        data = template.replace(_ID, uniqueid) if number % every == 0 else None
        yield (
            uniqueid, assignment, worker, hit, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "chrome",
            "macos", "en-US", number % 4, number % 2, VERSIONS[number * len(VERSIONS) // rows], f"{began}.000000",
            f"{began + timedelta(minutes=1)}.000000", finished and f"{finished}.000000", 0.0,
            chance.choice(STATUSES), chance.choice(MODES), data,
        )  # fmt: skip


def _letters(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(LETTERS, k=count))
