from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from rows import ELSEWHERE, HERE, HOUR, NOW, make_hit, make_snapshot
from sqlalchemy.exc import IntegrityError

from turkctl.store import experiments, hit_changes, hits
from turkctl.store.base import CHUNK, Place, insert_rows
from turkctl.store.engine import Database
from turkctl.store.hits import HitFilter

DAY = timedelta(days=1)
EVERYTHING = HitFilter(HERE)


@pytest.fixture
def stocked(database: Database) -> Database:
    """Six HITs here, of two experiments and none; one elsewhere."""
    with database.write() as session:
        for slug in ("stroop", "flanker"):
            experiments.save_version(
                session, slug, code_version="1", digest=slug, settings={}, source="turkctl.toml", now=NOW
            )
        stroop, flanker = (experiments.by_slug(session, slug) for slug in ("stroop", "flanker"))
        assert stroop is not None
        assert flanker is not None
        of_stroop = {"experiment_id": stroop.experiment_id, "settings_id": stroop.settings_id, "code_version": "1"}
        of_flanker = {"experiment_id": flanker.experiment_id, "settings_id": flanker.settings_id, "code_version": "2"}
        for hit in (
            make_hit("S1", **of_stroop, campaign_id=1),
            make_hit("S2", **of_stroop, campaign_id=2, status="Reviewable", available=0),
            make_hit("S3", **of_stroop | {"code_version": "0.9"}, expires=NOW - HOUR),
            make_hit("F1", **of_flanker, campaign_id=1),
            make_hit("F2", **of_flanker, status="Unassignable", available=0, pending=4, completed=3),
            make_hit("N1", status="Disposed", disposed_at=NOW),
            make_hit("L1", mode=ELSEWHERE.mode, market=ELSEWHERE.market, **of_stroop),
        ):
            hits.insert(session, hit)
    return database


def _ids(database: Database, wanted: HitFilter = EVERYTHING, **changes: Any) -> list[str]:
    with database.read() as session:
        return [hit.hit_id for hit in hits.select_hits(session, replace(wanted, **changes))]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["S1", "S2", "S3", "F1", "F2", "N1"]),
        ({"place": ELSEWHERE}, ["L1"]),
        ({"place": Place("live", "market-1")}, []),
        ({"place": Place("local", "market-2")}, []),
        ({"ids": ["F1", "L1", "S1", "F1", "unknown"]}, ["S1", "F1"]),
        ({"ids": []}, []),
        ({"slugs": ["stroop"]}, ["S1", "S2", "S3"]),
        ({"slugs": ["stroop", "flanker"]}, ["S1", "S2", "S3", "F1", "F2"]),
        ({"slugs": []}, []),
        ({"pattern": re.compile("^FLA", re.IGNORECASE)}, ["F1", "F2"]),
        ({"pattern": re.compile("troo|lank")}, ["S1", "S2", "S3", "F1", "F2"]),
        ({"pattern": re.compile("none of them")}, []),
        ({"campaign": 1}, ["S1", "F1"]),
        ({"campaign": 1, "slugs": ["stroop"]}, ["S1"]),
        ({"code_version": "1"}, ["S1", "S2"]),
        ({"statuses": ["Reviewable", "Unassignable"]}, ["S2", "F2"]),
        ({"statuses": ["Disposed"]}, ["N1"]),
        ({"active": True, "now": NOW}, ["S1", "F1"]),
        ({"active": False, "now": NOW}, ["S2", "S3", "F2", "N1"]),
        ({"expired": True, "now": NOW}, ["S3"]),
        ({"expired": False, "now": NOW, "slugs": ["stroop"]}, ["S1", "S2"]),
        ({"expired": True, "now": NOW + DAY}, ["S1", "S2", "S3", "F1", "F2", "N1"]),
        ({"disposed": True}, ["N1"]),
        ({"disposed": False, "campaign": None}, ["S1", "S2", "S3", "F1", "F2"]),
        ({"ids": ["S1", "S3", "F1"], "slugs": ["stroop"], "active": True, "now": NOW}, ["S1"]),
    ],
)
def test_filters_combine_by_and(stocked: Database, changes: dict[str, Any], expected: list[str]) -> None:
    assert _ids(stocked, **changes) == expected


def test_a_filter_by_time_needs_the_time(stocked: Database) -> None:
    with pytest.raises(ValueError, match="needs now"):
        _ids(stocked, expired=True)


def test_a_row_tells_what_a_list_shows(stocked: Database) -> None:
    with stocked.read() as session:
        (row,) = hits.select_hits(session, HitFilter(HERE, ids=["F2"]))
    assert (row.experiment, row.code_version, row.campaign, row.mode) == ("flanker", "2", None, "local")
    assert (row.max_assignments, row.available, row.pending, row.completed, row.submitted) == (9, 0, 4, 3, 2)
    assert row.reward == Decimal("0.50")
    assert (row.created, row.expires) == (NOW, NOW + DAY)
    assert not row.expired(NOW)
    assert row.expired(NOW + DAY)


def test_reading_page_by_page_gives_every_hit_once(stocked: Database) -> None:
    seen: list[str] = []
    after = 0
    with stocked.read() as session:
        while page := hits.select_hits(session, EVERYTHING, after=after, limit=4):
            seen += [hit.hit_id for hit in page]
            after = page[-1].row
    assert seen == ["S1", "S2", "S3", "F1", "F2", "N1"]


def test_more_ids_than_fit_one_statement_are_found(database: Database) -> None:
    ids = [f"H{number:05}" for number in range(3 * CHUNK + 7)]
    with database.write() as session:
        rows = [make_hit(hit_id).model_dump(exclude={"id"}) for hit_id in ids]
        insert_rows(session, hits.HITS, rows)
    with database.read() as session:
        found = hits.select_hits(session, HitFilter(HERE, ids=list(reversed(ids))))
        limited = hits.select_hits(session, HitFilter(HERE, ids=list(reversed(ids))), after=found[9].row, limit=5)
        assert [hit.hit_id for hit in found] == ids
        assert [hit.hit_id for hit in limited] == ids[10:15]
        assert hits.unknown_ids(session, HERE, [*ids, "no", "H00001", "nor"]) == ["no", "nor"]


def test_ids_of_another_place_are_unknown_here_and_can_be_located(stocked: Database) -> None:
    with stocked.read() as session:
        assert hits.unknown_ids(session, HERE, ["L1", "S1", "X"]) == ["L1", "X"]
        assert hits.get(session, HERE, "L1") is None
        assert hits.where_is(session, "L1") == [ELSEWHERE]
        assert hits.where_is(session, "X") == []


def test_a_hit_is_read_back_in_full(database: Database) -> None:
    with database.write() as session:
        stored = hits.insert(session, make_hit("H1", masters=True, annotation="turkctl:1", hit_group_id="G"))
        assert stored.id is not None
    with database.read() as session:
        found = hits.get(session, HERE, "H1")
    assert found is not None
    assert found.model_dump() == stored.model_dump()


def test_one_market_has_a_hit_once_and_another_may_have_the_same_id(stocked: Database) -> None:
    with pytest.raises(IntegrityError), stocked.write() as session:
        hits.insert(session, make_hit("S1"))
    with stocked.write() as session:
        hits.insert(session, make_hit("S1", mode=ELSEWHERE.mode, market=ELSEWHERE.market))
        assert hits.where_is(session, "S1") == [HERE, ELSEWHERE]


@pytest.mark.parametrize(
    "changes", [{"reward": 0.5}, {"max_assignments": "9"}, {"hit_id": "x" * 65}, {"expires": "tomorrow"}]
)
def test_a_hit_with_a_value_of_the_wrong_kind_is_refused(database: Database, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError), database.write() as session:
        hits.insert(session, make_hit(**{"hit_id": "H1"} | changes))


def test_counters_follow_the_market_and_never_go_back_in_time(stocked: Database) -> None:
    later = make_snapshot("S1", NOW + HOUR, available=2, completed=4, status="Unassignable")
    with stocked.write() as session:
        assert hit_changes.update_counters(session, HERE, make_snapshot("S1", NOW))
        assert hit_changes.update_counters(session, HERE, later)
        assert not hit_changes.update_counters(session, HERE, make_snapshot("S1", NOW))
        found = hits.get(session, HERE, "S1")
    assert found is not None
    assert (found.available, found.pending, found.completed, found.status) == (2, 1, 4, "Unassignable")
    assert found.synced == NOW + HOUR


def test_counters_of_unknown_foreign_and_disposed_hits_are_not_stored(stocked: Database) -> None:
    with stocked.write() as session:
        for hit_id in ("X", "L1", "N1"):
            assert not hit_changes.update_counters(session, HERE, make_snapshot(hit_id, NOW + DAY))
        assert hits.where_is(session, "L1") == [ELSEWHERE]


def test_expiry_only_moves_forward(stocked: Database) -> None:
    with stocked.write() as session:
        assert hit_changes.mark_expired(session, HERE, "S1", NOW)
        assert not hit_changes.mark_expired(session, HERE, "S1", NOW + HOUR)
        assert not hit_changes.mark_expired(session, HERE, "N1", NOW)
        assert not hit_changes.mark_expired(session, ELSEWHERE, "S1", NOW - HOUR)
        found = hits.get(session, HERE, "S1")
    assert found is not None
    assert found.expires == NOW


def test_a_hit_is_disposed_once_and_keeps_its_last_counters(stocked: Database) -> None:
    with stocked.write() as session:
        assert hit_changes.mark_disposed(session, HERE, "F2", NOW)
        assert not hit_changes.mark_disposed(session, HERE, "F2", NOW + HOUR)
        assert not hit_changes.mark_disposed(session, HERE, "X", NOW)
        found = hits.get(session, HERE, "F2")
    assert found is not None
    assert (found.status, found.disposed_at, found.pending, found.completed) == ("Disposed", NOW, 4, 3)
