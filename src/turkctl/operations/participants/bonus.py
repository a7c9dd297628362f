"""Set the bonus that a participant is owed, in psiTurk's own column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turkctl.errors import RefusedError
from turkctl.operations.participants.lists import Reads, dollars, refuse_missing, row_of
from turkctl.store import participant_bonuses
from turkctl.units import money_text

_TRIES = 3
"""Number of tries: a psiTurk server may write the row between our read and our write, a few times per participant."""


def set_bonus(reads: Reads, wanted: str, bonus: Decimal) -> dict[str, Any]:
    """Write only a participant's bonus, by compare-and-set; return the old and the new one.

    Args:
        reads: settings and database; a psiTurk database without tables of turkctl's will do.
        wanted: a uniqueid, an assignment id or a worker id.
        bonus: dollars, not negative; 0 owes nothing.

    Raises:
        NotFoundError: the participant is unknown.
        UsageError: the worker took part more than once.
        SchemaError: the table lacks psiTurk's columns.
        RefusedError: another program keeps writing the row.
    """
    name: str = reads.settings["participants_table"]
    for _ in range(_TRIES):
        row = row_of(reads, wanted, ["bonus"])
        refuse_missing(reads, ["bonus"])
        with reads.bare_database.write() as session:
            done = participant_bonuses.set_bonus(
                session, name, row["uniqueid"], expected=row["bonus"], bonus=float(bonus)
            )
        if done:
            before = dollars(row["bonus"])
            reads.origin.tally.say(f"bonus of {row['workerid']} set to {money_text(bonus)}")
            return {"uniqueid": row["uniqueid"], "worker_id": row["workerid"], "before": before, "bonus": bonus}
    raise RefusedError(f"another program keeps changing the row of {wanted}", hint="try again")
