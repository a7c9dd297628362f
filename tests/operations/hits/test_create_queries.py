"""What ``hits create`` asks of the database: the settings once for a group of HITs, however many they are."""

from __future__ import annotations

from collections import Counter

from queries import counted
from study_support import Study

from turkctl.operations.hits.create import CreateRequest, prepare_create

READ = ("turkctl_experiment", "turkctl_hit", "turkctl_intent")


def reads(study: Study, hits: int) -> Counter[str]:
    """How often each table is read while HITs of one group are posted, by a clock that stands still."""
    prepared = prepare_create(study.world, CreateRequest("stroop", 3, hits, new=True))
    with counted(study.world.database) as asked:
        assert study.apply(prepared, clock=lambda: 0.0).succeeded == hits
    return Counter({table: len(asked.reading(table)) for table in READ})


def test_posting_forty_hits_reads_as_often_as_posting_two(study: Study) -> None:
    study.post(3)  # which makes the qualification types
    assert reads(study, 40) == reads(study, 2)


def test_planning_the_rest_of_a_run_reads_the_settings_once(study: Study) -> None:
    study.post(3)
    request = CreateRequest("stroop", 3, 40)
    prepared = prepare_create(study.world, request)
    study.switch(fault_before=1.0)
    assert study.apply(prepared, patience=0.0, sleep=lambda _seconds: None).succeeded == 0
    study.switch()
    with counted(study.world.database) as asked:
        plan, _act = prepare_create(study.world, request)
    assert len(plan.steps) == 40
    assert len(asked.reading("turkctl_experiment")) < 10
