"""A campaign's round and an aggregation of labels are held by leases, whose clock is the database's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, new_database
from label_support import VOTES, LabelStudy, rows_of
from sqlmodel import Session
from study_support import Study, new_study

from turkctl.context import Context
from turkctl.errors import RefusedError
from turkctl.operations.campaigns.lists import show_campaign
from turkctl.operations.campaigns.rounds import RoundKeeper, RoundReport, run_round
from turkctl.operations.intents.lease import Keeper, this_process
from turkctl.operations.labels.lists import history
from turkctl.store import experiments, label_results, label_state, leases, rounds
from turkctl.store.engine import Database
from turkctl.store.leases import Claimant, machine_clock

SECOND = timedelta(seconds=1)
ELSEWHERE = Claimant("another", "lab-2", 77, "another-boot", "pid:[1]", "1")
"""A process of which nothing can be known here."""


class DatabaseClock:
    """The time of the database, which both hosts see alike, whatever their own clocks say."""

    def __init__(self) -> None:
        self.time = datetime.fromisoformat("2026-11-22T09:00:00+00:00")

    def __call__(self, _session: Session) -> datetime:
        return self.time


def gone() -> Claimant:
    """This process in an earlier life: of the same pid, and started at another time."""
    me = this_process()
    return Claimant("gone", me.host, me.pid, me.boot_id, me.pid_namespace, "another")


def hold(database: Database, name: str, holder: Claimant, **options: Any) -> Keeper:
    """Have a process hold a lease."""
    keeper = Keeper(database, name=name, claimant=holder, **options)
    keeper.acquire()
    return keeper


@pytest.fixture
def recruiting(study: Study) -> Study:
    """A campaign whose first round another process has begun."""
    study.create(9)
    with study.world.database.write() as session:
        rounds.begin(session, 1, study.world.now())
    return study


def outcomes(study: Study) -> list[str]:
    """How the rounds of the campaign ended."""
    return [each["outcome"] for each in show_campaign(study.world, 1)["history"]]


def test_a_round_that_another_process_runs_is_refused(recruiting: Study) -> None:
    hold(recruiting.world.database, "round 1", ELSEWHERE)
    with pytest.raises(RefusedError, match="process 77 on lab-2 is already running a round of campaign 1"):
        recruiting.round()
    assert outcomes(recruiting) == ["running"]


def test_a_round_whose_process_is_gone_is_taken_over_at_once(recruiting: Study) -> None:
    hold(recruiting.world.database, "round 1", gone())
    assert recruiting.round().posted == 9
    assert outcomes(recruiting) == ["abandoned", "posted"]


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_round_of_another_host_is_taken_over_when_the_databases_clock_says_so(recruiting: Study, hours: int) -> None:
    clock, database = DatabaseClock(), recruiting.world.database

    def own_clock() -> float:
        return clock.time.timestamp() + hours * 3600

    def run() -> RoundReport:
        keeper = RoundKeeper(database, 1, clock=clock, seconds=own_clock)
        return run_round(recruiting.world, 1, recruiting.world.now(), keeper=keeper)

    hold(database, "round 1", ELSEWHERE, clock=clock)
    clock.time += leases.LASTS - SECOND
    with pytest.raises(RefusedError):
        run()
    clock.time += SECOND
    assert run().posted == 9
    assert outcomes(recruiting) == ["abandoned", "posted"]


class WrongDatetime(datetime):
    """The clock of a host that is a day ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(days=1)


def test_on_a_server_no_hosts_own_clock_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_database("postgres", tmp_path) as url:
        study = Study(tmp_path, url)
        hold(study.world.database, "round 1", ELSEWHERE)
        monkeypatch.setattr("turkctl.store.leases.datetime", WrongDatetime)
        with pytest.raises(RefusedError, match="process 77"):
            RoundKeeper(study.world.database, 1, seconds=lambda: 0.0).acquire()
        study.close()


def overtake(study: Study) -> None:
    """Have another process take every lease, as if this one had been frozen for long."""
    study.write("UPDATE turkctl_lease SET owner = 'another', epoch = epoch + 1")


def test_a_round_that_lost_its_lease_while_it_looked_posts_nothing(study: Study) -> None:
    study.create(9)
    looked: list[str] = []

    def looking(operation: str) -> None:
        if operation == "GetAccountBalance" and not looked:
            looked.append(operation)
            overtake(study)

    study.world.endpoint.before = looking
    with pytest.raises(RefusedError, match="another process may be running campaign 1 now"):
        study.round()
    assert looked
    assert "CreateHIT" not in study.requests()
    assert outcomes(study) == ["failed"]


def test_a_round_that_lost_its_lease_while_it_posted_posts_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Context.engine
    monkeypatch.setattr(Context, "engine", lambda self, **options: engine(self, **{"group": 10, **options}))
    with new_study(tmp_path) as study:
        study.create(9 * 60, per_round=9 * 60)
        posted: list[str] = []

        def posting(operation: str) -> None:
            if operation == "CreateHIT":
                posted.append(operation)
                if len(posted) == 1:
                    overtake(study)

        study.world.endpoint.before = posting
        with pytest.raises(RefusedError, match="another process may be running campaign 1 now"):
            study.round()
        assert 0 < len(posted) < 60, "what was in hand, and not the rest"
        study.write("DELETE FROM turkctl_lease")
        study.world.endpoint.before = None
        study.round()
        assert study.sql("SELECT sum(max_assignments) FROM turkctl_hit") == [(9 * 60,)]


def test_a_round_gives_its_lease_back(study: Study) -> None:
    study.create(9)
    study.round()
    assert study.sql("SELECT count(*) FROM turkctl_lease") == [(0,)]


@pytest.fixture(params=KINDS)
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabelStudy]:
    """Labels that a run was begun for, which has not ended."""
    with new_database(request.param, tmp_path) as url:
        made = LabelStudy(tmp_path, url=url)
        made.import_rows(rows_of(VOTES))
        with made.world.database.write() as session:
            version = experiments.by_slug(session, "photos")
            assert version is not None
            label_state.clear(session, version.experiment_id, "local")
            label_results.begin(session, version.experiment_id, "local", "cubam", made.world.now())
        yield made
        made.world.close()


def statuses(study: LabelStudy) -> list[str]:
    """How the runs ended, the newest first."""
    return [row["status"] for row in history(study.world, "photos", None)]


def test_labels_that_another_host_aggregates_are_left_to_it(photos: LabelStudy) -> None:
    hold(photos.world.database, "labels 1 local", ELSEWHERE)
    assert not photos.dirty
    assert statuses(photos) == ["running"]
    with pytest.raises(RefusedError, match="experiment photos is being aggregated by process 77 on lab-2"):
        photos.aggregate(force=True)


def an_hour_ago(session: Session) -> datetime:
    return machine_clock(session) - timedelta(hours=1)


@pytest.mark.parametrize(("holder", "options"), [(gone, {}), (lambda: ELSEWHERE, {"clock": an_hour_ago})])
def test_a_run_whose_process_is_gone_or_whose_lease_ran_out_is_taken_over(
    photos: LabelStudy, holder: Callable[[], Claimant], options: dict[str, Any]
) -> None:
    hold(photos.world.database, "labels 1 local", holder(), **options)
    assert photos.dirty
    assert statuses(photos) == ["interrupted"]
    (outcome,) = photos.aggregate(None)
    assert outcome.status == "done"
    assert statuses(photos) == ["done", "interrupted"]
    assert photos.sql("SELECT count(*) FROM turkctl_lease") == [(0,)]


def test_a_frozen_run_stops_at_its_next_look(photos: LabelStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turkctl.operations.intents.lease.BEAT_EVERY", 0.0)
    monkeypatch.setattr(label_results, "put_items", lambda *_: os.abort())  # never gets there
    asked: list[bool] = []

    def frozen() -> bool:
        if not asked:
            overtake(photos)
        asked.append(True)
        return False

    with pytest.raises(RefusedError, match="another run has taken over experiment photos"):
        photos.aggregate(stop=frozen)
    assert photos.results() == {}
