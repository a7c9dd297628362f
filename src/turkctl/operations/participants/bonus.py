"""The bonus that a participant is owed, written in psiTurk's own column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turkctl.errors import RefusedError
from turkctl.operations.participants.lists import Reads, dollars, row_of
from turkctl.store import participant_bonuses

_TRIES = 3
"""A psiTurk server may write the row between our look and our write; it does so a few times in a participant's life."""


def set_bonus(reads: Reads, wanted: str, bonus: Decimal) -> dict[str, Any]:
    """Write a participant's bonus by compare-and-set, and nothing else of the row; what was and what is.

    Args:
        reads: settings and database; a psiTurk database without tables of turkctl's will do.
        wanted: a uniqueid, an assignment id or a worker id.
        bonus: dollars, not negative; 0 owes nothing.

    Raises:
        NotFoundError: there is no such participant.
        UsageError: a worker who took part more than once.
        SchemaError: the table lacks psiTurk's columns.
        RefusedError: another program keeps writing the row.
    """
    name: str = reads.settings["participants_table"]
    for _ in range(_TRIES):
        row = row_of(reads, wanted, ["bonus"])
        with reads.bare_database.write() as session:
            done = participant_bonuses.set_bonus(
                session, name, row["uniqueid"], expected=row["bonus"], bonus=float(bonus)
            )
        if done:
            before = dollars(row["bonus"])
            return {"uniqueid": row["uniqueid"], "worker_id": row["workerid"], "before": before, "bonus": bonus}
    raise RefusedError(f"the row of {wanted} changes all the time", hint="try again")
