"""A psiTurk server, as the database sees it: a process that inserts and updates participants all the while.

Its connection is its own, with the driver's defaults. Arguments: the address, how many participants begin, and a file.
Into that it writes, as JSON, what it last wrote of each: what was recorded, and the status where only it may change it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

BONUSED_EVERY = 3
"""Each so many participants are set to 7 by psiTurk's own bonus."""
STEPS = ((1, ""), (2, "begun"), (3, "data"), (4, "whole data"), (4, "whole data, saved again"))


def connect(url: str) -> tuple[Any, str]:
    """A connection and the sign for a value."""
    if url.startswith("sqlite"):
        import sqlite3

        return sqlite3.connect(url.removeprefix("sqlite:///")), "?"
    import psycopg

    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql")), "%s"


def main(url: str, number: int, file: str) -> None:
    connection, sign = connect(url)
    written: dict[str, tuple[str, int | None]] = {}
    insert = (
        "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, cond, codeversion, mode, bonus, status, "
        f"datastring) VALUES ({sign}, {sign}, {sign}, 'H', 0, '1.0', 'live', 0, 1, '')"
    )
    for person in range(number + len(STEPS)):
        if person < number:
            connection.cursor().execute(insert, (f"W{person}:A{person}", f"A{person}", f"W{person}"))
            connection.commit()
        # Participants overlap: each goes a step further whenever another one begins.
        for step in range(1, len(STEPS)):
            earlier = person - step
            if 0 <= earlier < number:
                written[f"W{earlier}:A{earlier}"] = update(connection, sign, earlier, step)
    connection.close()
    Path(file).write_text(json.dumps(written), encoding="utf-8")


def update(connection: Any, sign: str, person: int, step: int) -> tuple[str, int | None]:
    status, data = STEPS[step]
    recorded = data * 20
    name = f"W{person}:A{person}"
    cursor = connection.cursor()
    if step < len(STEPS) - 1:
        cursor.execute(
            f"UPDATE assignments SET status = {sign}, datastring = {sign} WHERE uniqueid = {sign}",
            (status, recorded, name),
        )
    else:  # what psiTurk saves late is the data alone, or a bonus of its own
        cursor.execute(f"UPDATE assignments SET datastring = {sign} WHERE uniqueid = {sign}", (recorded, name))
        if person % BONUSED_EVERY == 0:
            cursor.execute(f"UPDATE assignments SET status = 7 WHERE uniqueid = {sign}", (name,))
    connection.commit()
    return recorded, 7 if person % BONUSED_EVERY == 0 else None


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
