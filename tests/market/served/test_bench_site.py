"""The measurement of the worker site counts right, on small sizes; nothing is timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks import bench_site, site_scale
from benchmarks.bench_market import HIT
from benchmarks.site_load import Load, generate, market_serve, sign_in
from databases import KINDS, new_database
from site_clients import LAB, market_with_hits


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


@pytest.mark.parametrize("like_browser", [True, False])
def test_each_pair_of_the_load_is_an_assignment_that_was_submitted(tmp_path: Path, *, like_browser: bool) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    invitations = market_with_hits(url, HIT, 12, 3)
    with market_serve(url, tmp_path) as served:
        sessions = sign_in(served[0].port, invitations)
        found = generate(Load([served[0].port], sessions, pairs=2, like_browser=like_browser))
        assert served[0].cpu() > 0
    with closing(bench_site.Market(url)) as market:
        hits = market.list_hits(LAB, {"MaxResults": 100})["HITs"]
        stored = [
            each["AssignmentId"]
            for hit in hits
            for each in market.list_assignments_for_hit(LAB, {"HITId": hit["HITId"]})["Assignments"]
        ]
    assert sorted(found.pairs) == sorted(stored)
    kinds = {kind: len(times) for kind, times in found.took.items()}
    assert len(stored) == kinds["submit"] == 6
    assert kinds["accept"] + kinds.get("accept next", 0) == 6
    assert kinds.get("page of the task", 0) == (6 if like_browser else 0)


def test_racing_processes_get_each_slot_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_site, "RACERS", 2)
    wrong, _seconds = bench_site.run_race(url, 60)
    assert wrong == []


def test_a_slot_that_is_given_twice_or_lost_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_site, "_race_apart", lambda asked: [])
    wrong, _seconds = bench_site.run_race(f"sqlite:///{tmp_path / 'market.db'}", 10)
    assert "0 acceptances were told of, not 10" in wrong


def test_markets_of_two_sizes_are_compared_in_every_step(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_scale, "BIG", 5)
    monkeypatch.setattr(site_scale, "SMALL_GROUPS", 3)
    with (
        closing(site_scale.build(url, 400)) as few,
        closing(site_scale.build(f"sqlite:///{tmp_path / 'many.db'}", 800)) as many,
    ):
        assert len(few.market.groups("production", few.excluded)) == 1
        assert len(few.market.groups("production", few.workers[0])) >= site_scale.SMALL_GROUPS
        steps = {step.what for step in site_scale.compare(few, many, 1)}
    assert steps == set(site_scale.STEPS)
