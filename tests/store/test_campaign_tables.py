from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from turkctl.store import assignments, campaigns, experiments, hits, qualifications, rounds
from turkctl.store.base import Place, add
from turkctl.store.campaigns import Campaign
from turkctl.store.engine import Database
from turkctl.store.qualifications import MadeType


def _experiment(session: Session, slug: str = "stroop") -> int:
    experiments.save_version(
        session, slug, code_version="1", digest=slug, settings={"title": "A task"}, source="turkctl.toml", now=NOW
    )
    version = experiments.by_slug(session, slug)
    assert version is not None
    return version.experiment_id


def _campaign(experiment_id: int, place: Place = HERE, **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "mode": place.mode,
        "market": place.market,
        "experiment_id": experiment_id,
        "code_version": "1",
        "goal": 20,
        "reward": Decimal("0.50"),
        "duration": 1800,
        "every": 1800,
        "per_round": 9,
        "created": NOW,
    }
    return Campaign(**values | changes)


@pytest.mark.parametrize("status", campaigns.RUNNING)
def test_the_database_itself_holds_one_running_campaign_per_experiment_and_mode(
    database: Database, status: str
) -> None:
    with database.write() as session:
        experiment = _experiment(session)
        campaigns.insert(session, _campaign(experiment, status=status))
    other_market = Place(HERE.mode, "market-9")
    for place in (HERE, other_market):
        with pytest.raises(IntegrityError), database.write() as session:
            campaigns.insert(session, _campaign(experiment, place))
    with database.write() as session:
        campaigns.insert(session, _campaign(experiment, ELSEWHERE))
        campaigns.insert(session, _campaign(_experiment(session, "other")))
        for past in campaigns.PAST:
            campaigns.insert(session, _campaign(experiment, status=past))


def test_a_status_changes_only_from_what_was_expected(database: Database) -> None:
    with database.write() as session:
        number = campaigns.insert(session, _campaign(_experiment(session))).number
        change = {"reason": "enough", "now": NOW + HOUR}
        assert campaigns.set_status(session, number, expected=campaigns.RUNNING, new=campaigns.MET, **change)
        assert not campaigns.set_status(session, number, expected=campaigns.RUNNING, new=campaigns.CANCELLED, **change)
    with database.read() as session:
        stored = campaigns.get(session, number)
    assert stored is not None
    assert (stored.status, stored.ended, stored.running) == ("met", NOW + HOUR, False)


def test_a_campaign_comes_back_as_it_was_stored(database: Database) -> None:
    with database.write() as session:
        made = campaigns.insert(
            session, _campaign(_experiment(session), budget=Decimal("12.34"), start_at=NOW, hours="09:00-17:00")
        )
    with database.read() as session:
        stored = campaigns.get(session, made.number)
        assert campaigns.get(session, 99) is None
        assert [each.number for each in campaigns.list_all(session, HERE)] == [made.number]
        assert campaigns.list_all(session, ELSEWHERE) == []
        assert campaigns.list_all(session, HERE, campaigns.PAST) == []
    assert stored is not None
    assert stored.model_dump() == made.model_dump()


def test_rounds_are_numbered_and_one_that_did_not_end_is_abandoned_by_the_next(database: Database) -> None:
    with database.write() as session:
        number = campaigns.insert(session, _campaign(_experiment(session))).number
        assert rounds.last(session, number) is None
        first = rounds.begin(session, number, NOW)
        second = rounds.begin(session, number, NOW + HOUR)
        assert second.id is not None
        assert first.id is not None
        assert rounds.write(session, second.id, {"outcome": "posted", "finished": NOW + HOUR})
        assert not rounds.write(session, second.id, {"outcome": "failed"})
        assert rounds.write(session, first.id, {"outcome": "waiting"}), "taken for gone, and alive after all"
        rounds.record_posted(session, number, 2, posted=9, hits=1, cost=Decimal("5.40"))
    with database.read() as session:
        found = rounds.of_campaign(session, number)
        assert rounds.counts(session) == {number: 2}
        assert rounds.posted(session, number, 2) == 9
    assert [(each.number, each.outcome, each.posted) for each in found] == [(1, "waiting", 0), (2, "posted", 9)]


def test_a_rounds_number_can_be_claimed_once(database: Database) -> None:
    with database.write() as session:
        number = campaigns.insert(session, _campaign(_experiment(session))).number
        rounds.begin(session, number, NOW)
    with pytest.raises(IntegrityError), database.write() as session:
        add(session, rounds.Round(campaign_id=number, number=1, started=NOW))


def test_workers_without_the_qualification_are_those_with_work_here_and_no_grant(database: Database) -> None:
    with database.write() as session:
        experiment, other = _experiment(session), _experiment(session, "other")
        for hit_id, place, of in (("H1", HERE, experiment), ("H2", HERE, other), ("H3", ELSEWHERE, experiment)):
            hits.insert(session, make_hit(hit_id, mode=place.mode, market=place.market, experiment_id=of))
        work = [
            ("A1", "H1", "W1", HERE),
            ("A2", "H1", "W2", HERE),
            ("A3", "H2", "W3", HERE),
            ("A4", "H3", "W4", ELSEWHERE),
        ]
        assignments.upsert_many(
            session,
            [make_assignment(a, hit_id=h, worker_id=w, mode=p.mode, market=p.market) for a, h, w, p in work],
        )
        made = {"mode": HERE.mode, "market": HERE.market, "experiment_id": experiment, "purpose": "took_part"}
        for type_id in ("TYPE1", "TYPE2"):  # the first one stays
            qualifications.remember(session, MadeType(**made, type_id=type_id, name=type_id, created=NOW))
        found = qualifications.find(session, HERE, experiment)
        assert found is not None
        assert found.type_id == "TYPE1"
        assert qualifications.find(session, ELSEWHERE, experiment) is None
        assert qualifications.without_grant(session, found) == ["W1", "W2"]
        qualifications.record_grants(session, found, [("W1", None)], NOW)
        qualifications.record_grants(session, found, [("W1", None), ("W2", "Refused")], NOW)
        assert qualifications.without_grant(session, found) == []
        qualifications.forget(session, "TYPE1", HERE)
        assert qualifications.find(session, HERE, experiment) is None
