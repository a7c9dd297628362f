"""Count people: those who have completed an experiment, and assignments that may still add people.

A person is a worker id. The sum of both numbers is never below the number of people that the posted HITs may still
bring, so that a round which posts only the missing assignments cannot exceed its goal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from turkctl.operations.engine.world import World
from turkctl.store import experiments, participants, people
from turkctl.store.base import Place
from turkctl.words import counted, plural


def completed(
    session: Session,
    place: Place,
    experiment_id: int,
    code_version: str,
    *,
    participants_table: str = participants.DEFAULT_NAME,
) -> int:
    """Return the number of distinct workers who have completed this code version of the experiment.

    These are the workers with a Submitted or Approved assignment on a HIT of this database with that code version,
    and those of complete participant rows (3, 4, 5, 7) of this mode and code version whose HIT is unknown, if no other
    experiment has that code version. Rejected work does not count until the rejection is overturned.

    Args:
        session: on turkctl's database.
        place: mode and market.
        experiment_id: the experiment.
        code_version: the code version of the HIT, or of the participant row if the HIT is unknown.
        participants_table: the table's name, from the settings; a missing table adds nobody.
    """
    table = participants_table if claims_unknown_hits(session, experiment_id, code_version) else None
    if table is not None and not participants.exists(session, table):
        table = None
    return people.count_completed(session, place, experiment_id, code_version, participants_table=table)


def outstanding(session: Session, place: Place, experiment_id: int, code_version: str, now: datetime) -> int:
    """Return the number of assignments that may still become completed work.

    For the HITs of this experiment and code version that still exist on the market, these are open slots, workers at
    work, and submissions that the counters imply but that are not read yet. Open slots count until the counters were
    read after the HIT's expiry: until then somebody may have taken one in its last minute.
    """
    return people.count_outstanding(session, place, experiment_id, code_version, now)


def claims_unknown_hits(session: Session, experiment_id: int, code_version: str) -> bool:
    """Return whether this is the only experiment with that code version, so that participants of unknown HITs count."""
    active = experiments.list_all(session, inactive=False)
    return [each.experiment_id for each in active if each.code_version == code_version] == [experiment_id]


def unclaimed(
    session: Session, place: Place, *, participants_table: str = participants.DEFAULT_NAME
) -> dict[str | None, int]:
    """Return the number of complete participants of this mode who count for no experiment, by code version.

    Their HIT is unknown to this database, and their code version is that of no configured experiment, or of several.
    """
    if not participants.exists(session, participants_table):
        return {}
    active = [each.code_version for each in experiments.list_all(session, inactive=False)]
    counts = people.complete_of_unknown_hits(session, place, participants_table)
    return {version: number for version, number in counts.items() if active.count(version or "") != 1}


def unclaimed_rows(world: World, place: Place) -> list[dict[str, Any]]:
    """Return the result of :func:`unclaimed` as rows: ``codeversion`` and the number of ``workers``."""
    with world.database.read() as session:
        found = unclaimed(session, place, participants_table=world.settings["participants_table"])
    rows = [{"codeversion": version, "workers": number} for version, number in found.items()]
    return sorted(rows, key=lambda row: row["codeversion"] or "")


def unclaimed_warning(row: Mapping[str, Any]) -> str:
    """Return a warning about one of these rows, with what to do."""
    number, version = row["workers"], row["codeversion"]
    who = f"{counted(number, 'worker')} {plural(number, 'is', 'are')}"
    of = "without a code version" if version is None else f"of code version {version}"
    why = "their HITs are not in this database, and no experiment or several are configured with that code version"
    fix = "see: turkctl participants list --complete; to adopt the HITs, run: turkctl sync --adopt"
    count = plural(number, "counts", "count")
    return f"{who} complete in rows {of} and {count} for no experiment: {why}; {fix}"
