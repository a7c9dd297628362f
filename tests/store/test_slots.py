from __future__ import annotations

from decimal import Decimal

from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit

from turkctl.store import assignments, experiments, hits
from turkctl.store.base import Scope
from turkctl.store.engine import Database
from turkctl.store.slots import Slots, slots


def test_slots_are_added_up_by_what_each_costs(database: Database) -> None:
    with database.write() as session:
        experiments.save_version(session, "stroop", code_version="1", digest="d", settings={}, source="s", now=NOW)
        stroop = experiments.by_slug(session, "stroop")
        assert stroop is not None
        for hit in (
            make_hit("H1", experiment_id=stroop.experiment_id, available=2, pending=1, completed=4),  # 2 unreviewed
            make_hit("H2", available=9),
            make_hit(
                "H3", available=5, completed=1, expires=NOW - HOUR, synced=NOW, status="Reviewable"
            ),  # 3 unreviewed
            make_hit("H8", available=5, completed=4, expires=NOW - HOUR, synced=NOW),  # 5 open, the market says
            make_hit("H7", available=4, completed=5, expires=NOW - HOUR, synced=NOW - 2 * HOUR),  # 4 not known about
            make_hit("H4", available=6, completed=3, disposed_at=NOW, status="Disposed"),
            make_hit("H5", max_assignments=10, available=10, reward=Decimal("1.00"), masters=True),
            make_hit("H6", mode=ELSEWHERE.mode, market=ELSEWHERE.market),
        ):
            hits.insert(session, hit)
        rejected = [make_assignment(f"A{number}", worker_id=f"W{number}", status="Rejected") for number in range(2)]
        assignments.upsert_many(session, [*rejected, make_assignment("A2", status="Approved", approved=NOW)])
    half = Decimal("0.50")
    with database.read() as session:
        found = sorted(slots(Scope(session, HERE, NOW)), key=lambda group: group.max_assignments)
        of_stroop = slots(Scope(session, HERE, NOW), experiment_id=stroop.experiment_id)
        elsewhere = slots(Scope(session, ELSEWHERE, NOW))
    # H1: 2 + 1 + 2 open and 4 decided, 2 of them rejected; H2: 9; H3: 3 and 1; H7: 9; H4: 3; H8: 9
    assert found == [
        Slots(half, 9, False, None, 7 + 9 + 4 + 9 + 3 + 9, 5 + 9 + 3 + 5, 2 + 1 + 5 + 3 + 4),
        Slots(Decimal("1.00"), 10, True, None, 10, 10),
    ]
    assert of_stroop == [Slots(half, 9, False, None, 7, 5, 2)]
    assert elsewhere == [Slots(half, 9, False, None, 9, 9)]
