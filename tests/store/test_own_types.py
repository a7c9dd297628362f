from __future__ import annotations

from datetime import timedelta

from rows import ELSEWHERE, HERE, NOW

from turkctl.store import qualifications
from turkctl.store.base import Place
from turkctl.store.engine import Database
from turkctl.store.qualifications import OwnType


def own(type_id: str, place: Place = HERE, name: str = "trained", minutes: int = 0, **settings: str) -> OwnType:
    moment = NOW + timedelta(minutes=minutes)
    return OwnType(
        mode=place.mode,
        market=place.market,
        name=name,
        type_id=type_id,
        settings={"name": name, **settings},
        created=moment,
        changed=moment,
    )


def test_a_name_stands_for_one_type_of_each_market(database: Database) -> None:
    with database.write() as session:
        for each in (
            own("3A"),
            own("3B", ELSEWHERE),
            own("3C", name="fluent"),
            own("3D", minutes=5, description="new"),
        ):
            qualifications.save_own(session, each)
    with database.read() as session:
        here = qualifications.own_types(session, HERE)
        elsewhere = qualifications.own_types(session, ELSEWHERE)
    assert {name: each.type_id for name, each in here.items()} == {"fluent": "3C", "trained": "3D"}
    assert here["trained"].settings == {"name": "trained", "description": "new"}
    assert (here["trained"].created, here["trained"].changed) == (NOW, NOW + timedelta(minutes=5))
    assert [each.type_id for each in elsewhere.values()] == ["3B"]


def test_a_type_that_the_market_dropped_is_forgotten_on_that_market_only(database: Database) -> None:
    with database.write() as session:
        qualifications.save_own(session, own("3A"))
        qualifications.save_own(session, own("3A", ELSEWHERE))
        qualifications.forget(session, "3A", HERE)
    with database.read() as session:
        assert qualifications.own_types(session, HERE) == {}
        assert list(qualifications.own_types(session, ELSEWHERE)) == ["trained"]
