"""Counting people: who is complete, and how many are still in play.

A person is a worker id. The rules are the design's ("Counting people"): the sum of both numbers never falls below
what can still come of the HITs that are out, so that a round which posts only what is missing from it cannot pass
its goal.
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
    """Workers who are done with this code version of the experiment, each counted once.

    Those are the workers with a Submitted or Approved assignment on a HIT of ours with that code version, and those
    of complete participant rows (3, 4, 5, 7) of this mode and code version whose HIT we do not know, provided that
    the code version is this experiment's alone. Rejected work does not count until it is overturned.

    Args:
        session: on turkctl's database.
        place: mode and market.
        experiment_id: the experiment.
        code_version: the HIT's, or the participant row's where we do not know the HIT.
        participants_table: its name, from the settings; a table that is not there adds nobody.
    """
    table = participants_table if claims_unknown_hits(session, experiment_id, code_version) else None
    if table is not None and not participants.exists(session, table):
        table = None
    return people.count_completed(session, place, experiment_id, code_version, participants_table=table)


def outstanding(session: Session, place: Place, experiment_id: int, code_version: str, now: datetime) -> int:
    """Assignments of our HITs that may still become somebody's completed work.

    Over the HITs of this experiment and code version that are not gone: open slots, workers at work, and submissions
    that the counters imply and we have not read. Open slots are given up only once the counters were read after the
    HIT's expiry: until then somebody may have taken one in its last minute.
    """
    return people.count_outstanding(session, place, experiment_id, code_version, now)


def claims_unknown_hits(session: Session, experiment_id: int, code_version: str) -> bool:
    """Whether participants of this code version whose HIT we do not know are this experiment's: no other has it."""
    active = experiments.list_all(session, inactive=False)
    return [each.experiment_id for each in active if each.code_version == code_version] == [experiment_id]


def unclaimed(
    session: Session, place: Place, *, participants_table: str = participants.DEFAULT_NAME
) -> dict[str | None, int]:
    """Complete participants of this mode who count for no experiment, by code version: worth a warning.

    Their HIT is not one of ours, and their code version is that of no configured experiment, or of several.
    """
    if not participants.exists(session, participants_table):
        return {}
    active = [each.code_version for each in experiments.list_all(session, inactive=False)]
    counts = people.complete_of_unknown_hits(session, place, participants_table)
    return {version: number for version, number in counts.items() if active.count(version or "") != 1}


def unclaimed_rows(world: World, place: Place) -> list[dict[str, Any]]:
    """What :func:`unclaimed` finds, as lists have it: ``codeversion`` and the number of ``workers``."""
    with world.database.read() as session:
        found = unclaimed(session, place, participants_table=world.settings["participants_table"])
    rows = [{"codeversion": version, "workers": number} for version, number in found.items()]
    return sorted(rows, key=lambda row: row["codeversion"] or "")


def unclaimed_warning(row: Mapping[str, Any]) -> str:
    """The sentence about one of these rows, with what to do about it."""
    number, version = row["workers"], row["codeversion"]
    who = f"{counted(number, 'worker')} {plural(number, 'is', 'are')}"
    of = "without a code version" if version is None else f"of code version {version}"
    why = "their HITs are not known here, and no experiment, or more than one, is configured with that code version"
    fix = "see: turkctl participants list --complete; turkctl sync --adopt takes HITs in"
    return f"{who} complete in rows {of} and count for no experiment: {why}; {fix}"
