"""Change what is known of a person: groups, label, where they live, and the counts that system qualifications go by."""

from __future__ import annotations

from turkctl.errors import UsageError
from turkctl.market import people, tables, workers
from turkctl.market.given_text import checked_text
from turkctl.market.tx import Tx
from turkctl.newcomers import PersonChange

MOST_COUNTED = 10_000_000
"""Assignments that can be said to have been approved or rejected."""


def edit(tx: Tx, who: str, change: PersonChange) -> str:
    """Change a person, and return their worker id. Groups that they have already, or not, stay as they are.

    Raises:
        NotFoundError: there is nobody of this id.
        UsageError: nothing is to be changed, or a text, the locale or a count is not usable.
    """
    if change == PersonChange():
        raise UsageError("there is nothing to change", hint="give --group, --locale, --label or another option")
    person = people.named(tx, who)
    kept = [each for each in person.groups if each not in change.remove_groups]
    people.change(tx, person.worker_id, groups=people.groups_text([*kept, *change.groups]))
    if change.label is not None:
        people.change(tx, person.worker_id, label=checked_text(change.label, "label") if change.label else None)
    if change.locale is not None:
        workers.move(tx, person.worker_id, change.locale)
    _count(tx, person.worker_id, change)
    return person.worker_id


def _count(tx: Tx, worker_id: str, change: PersonChange) -> None:
    """Set how many assignments were approved and rejected; what was submitted and not decided stays undecided."""
    before = people.record(tx, worker_id)
    given = {"approved": change.approved, "rejected": change.rejected}
    counts = {name: before[name] if number is None else number for name, number in given.items()}
    if any(not 0 <= number <= MOST_COUNTED for number in counts.values()):
        raise UsageError(
            "the number of approved or rejected assignments is not possible", hint=f"give 0 to {MOST_COUNTED:,}"
        )
    undecided = max(0, before["submitted"] - before["approved"] - before["rejected"])
    mine = (tables.worker.c.environment == tx.environment, tables.worker.c.id == worker_id)
    tx.run(tables.worker.update().where(*mine).values(**counts, submitted=sum(counts.values()) + undecided))
