"""Who could take a HIT, as only the market itself can tell."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event
from study_support import Study, new_study


def test_who_could_accept_is_who_can(tmp_path) -> None:
    more = 'qualifications = { locale = ["US"], hits_approved = 5 }'
    with new_study(tmp_path, more=more) as study:
        market = study.world.market
        (hit,) = study.post(3)
        for worker, record in {
            "AGOOD": {"approved": 9},
            "AGONE": {"approved": 9},
            "ABLOCKED": {"approved": 9},
            "ANEW": {},
            "AABROAD": {"approved": 9, "locale": "DE"},
        }.items():
            market.register_worker("production", worker, **record)
        market.register_worker("sandbox", "AELSEWHERE", approved=9)
        assert market.eligible("production", [hit]) == (5, 3)
        study.world.mturk.block("ABLOCKED", "for the test")
        market.accept("production", "AGONE", hit)
        assert market.eligible("production", [hit]) == (5, 1)
        assert _able(study, hit) == ["AGOOD"]
        study.world.mturk.expire_hit(hit)
        assert market.eligible("production", [hit]) is None
        assert market.eligible("production", []) is None


def test_more_hits_take_no_more_queries(tmp_path) -> None:
    with new_study(tmp_path) as study:
        market = study.world.market
        hits = study.post(1, hits=12)
        for worker in ("AONE", "ATWO", "ABLOCKED"):
            market.register_worker("production", worker)
        market.accept("production", "AONE", hits[0])
        study.world.mturk.block("ABLOCKED", "for the test")
        assert market.eligible("production", hits[:1]) is None, "its only place is taken, so that it is not open"
        assert market.eligible("production", hits) == (3, 2), "who holds one may take another"
        assert _statements(study, hits[1:3]) == _statements(study, hits[1:])


def _statements(study: Study, hits: list[str]) -> int:
    """How many statements the question takes."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        study.world.market.eligible("production", hits)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(seen)


def _able(study: Study, hit: str) -> list[str]:
    """Those who the market offers the HIT to and lets take it."""
    workers = ("AGOOD", "AGONE", "ABLOCKED", "ANEW", "AABROAD")
    return [
        worker
        for worker in workers
        if any(
            each["HITId"] == hit and each["Qualified"]
            for each in study.world.market.available_hits("production", worker)
        )
    ]
