"""Crowds on the built-in market."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from crowd_support import (
    LAB,
    NOON,
    answered,
    assignments,
    counters,
    external_question,
    label_question,
    new_market,
    post,
    workers_of,
)

from turkctl.errors import UsageError
from turkctl.market.crowd.behaviour import CrowdOptions, worker_id
from turkctl.market.crowd.report import CrowdEvent
from turkctl.market.crowd.simulation import Crowd
from turkctl.market.service import Market, Requester


def steady(**changes: Any) -> CrowdOptions:
    return CrowdOptions(**{"drop_out": 0.0, "abandon": 0.0, "repeat": 1.0, **changes})


@pytest.fixture
def market() -> Iterator[Market]:
    market = new_market()
    yield market
    market.close()


def test_a_crowd_does_every_hit_and_stops_when_nothing_is_left(market: Market) -> None:
    hits = [post(market, Question=label_question(item), MaxAssignments=3) for item in range(4)]
    report = Crowd(market, "production", steady(workers=5)).run()
    assert (report.accepted, report.submitted, report.returned, report.abandoned) == (12, 12, 0, 0)
    assert [counters(market, hit) for hit in hits] == [(0, 0, 3)] * 4
    assert report.workers == 5
    assert report.passed > timedelta()


def test_nobody_does_one_hit_twice(market: Market) -> None:
    hits = [post(market, MaxAssignments=9) for _ in range(3)]
    Crowd(market, "production", CrowdOptions(workers=9, repeat=1, drop_out=0.3, abandon=0.2)).run()
    for hit in hits:
        people = workers_of(market, hit)
        assert len(set(people)) == len(people)


def test_accurate_workers_agree_and_a_wrong_one_says_otherwise(market: Market) -> None:
    hits = [post(market, Question=label_question(item), MaxAssignments=5) for item in range(20)]
    Crowd(market, "production", steady(workers=5, accuracy=1)).run()
    labels = [{answer["cat"][0] for answer in answered(market, hit)} for hit in hits]
    assert all(len(given) == 1 for given in labels)
    assert set.union(*labels) == {"yes", "no"}

    again = [post(market, Question=label_question(item), MaxAssignments=5) for item in range(20)]
    Crowd(market, "production", steady(workers=5, accuracy=0, seed=2)).run()
    wrong = [{answer["cat"][0] for answer in answered(market, hit)} for hit in again]
    assert [one | other for one, other in zip(labels, wrong, strict=True)] == [{"yes", "no"}] * 20


def test_a_page_that_cannot_be_read_gets_the_fields_the_options_name(market: Market) -> None:
    hit = post(market, Question=external_question())
    Crowd(market, "production", steady(workers=1)).run()
    (answer,) = answered(market, hit)
    assert sorted(answer) == ["answer", "comment"]
    assert answer["answer"][0] in ("yes", "no")


def test_a_returned_hit_is_free_for_others_and_left_alone_by_who_returned_it(market: Market) -> None:
    hit = post(market, MaxAssignments=2)
    report = Crowd(market, "production", CrowdOptions(workers=30, drop_out=1, abandon=0, repeat=1)).run()
    assert (report.accepted, report.returned, report.submitted) == (30, 30, 0)
    assert counters(market, hit) == (2, 0, 0)
    Crowd(market, "production", steady(workers=2, seed=9)).run()
    assert counters(market, hit) == (0, 0, 2)


def test_abandoned_work_is_free_again_after_its_deadline(market: Market) -> None:
    hit = post(market, MaxAssignments=1, AssignmentDurationInSeconds=3600)
    crowd = Crowd(market, "production", CrowdOptions(workers=1, drop_out=0, abandon=1, repeat=0))
    accepted, abandoned = crowd.step(), crowd.step()
    assert accepted is not None
    assert abandoned is not None
    assert (accepted.kind, abandoned.kind) == ("accepted", "abandoned")
    assert counters(market, hit) == (1, 0, 0)
    assert crowd.step() is None


def test_work_that_the_deadline_overtook_counts_as_abandoned_and_refused(market: Market) -> None:
    hit = post(market)
    crowd = Crowd(market, "production", steady(workers=1, repeat=0))
    crowd.step()
    market.advance(timedelta(days=1))
    report = crowd.run()
    assert (report.submitted, report.abandoned, dict(report.refused)) == (0, 1, {"DeadlinePassed": 1})
    assert counters(market, hit) == (1, 0, 0)


def test_work_comes_in_late_but_comes_when_somebody_moved_the_clock_a_little(market: Market) -> None:
    post(market, AssignmentDurationInSeconds=86400)
    crowd = Crowd(market, "production", steady(workers=1, work=60))
    crowd.step()
    before = market.advance(timedelta(hours=2))
    report = crowd.run()
    assert report.submitted == 1
    assert market.now() >= before


def test_a_qualification_that_must_not_exist_keeps_repeat_visitors_out(market: Market) -> None:
    done = market.create_qualification_type(
        LAB, {"Name": "took part", "Description": "Took part before.", "QualificationTypeStatus": "Active"}
    )["QualificationType"]["QualificationTypeId"]
    newcomers = [{"QualificationTypeId": done, "Comparator": "DoesNotExist", "ActionsGuarded": "Accept"}]
    first = post(market, MaxAssignments=3, QualificationRequirements=newcomers)
    Crowd(market, "production", steady(workers=5, seed=7)).run()
    early = set(workers_of(market, first))
    for person in early:
        market.associate_qualification_with_worker(LAB, {"QualificationTypeId": done, "WorkerId": person})

    second = post(market, MaxAssignments=5, QualificationRequirements=newcomers)
    report = Crowd(market, "production", steady(workers=5, seed=7)).run()
    late = set(workers_of(market, second))
    assert len(late) == 2
    assert late | early == {worker_id(7, index) for index in range(5)}
    assert not late & early
    assert report.refused["DoesNotMeetRequirements"] == 3
    assert report.requested == 0


def test_workers_ask_for_a_qualification_that_is_granted_at_once(market: Market) -> None:
    kind = market.create_qualification_type(
        LAB,
        {
            "Name": "agreed",
            "Description": "Agreed to the terms.",
            "QualificationTypeStatus": "Active",
            "AutoGranted": True,
            "AutoGrantedValue": 3,
        },
    )["QualificationType"]["QualificationTypeId"]
    wanted = [{"QualificationTypeId": kind, "Comparator": "EqualTo", "IntegerValues": [3]}]
    hit = post(market, MaxAssignments=2, QualificationRequirements=wanted)
    report = Crowd(market, "production", steady(workers=2)).run()
    assert (report.submitted, report.requested) == (2, 2)
    assert counters(market, hit) == (0, 0, 2)


def test_workers_take_the_test_of_a_qualification_and_wait_for_the_requester(market: Market) -> None:
    form = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd"
    test = (
        f'<QuestionForm xmlns="{form}"><Question><QuestionIdentifier>q</QuestionIdentifier><QuestionContent>'
        "<Text>Two and two?</Text></QuestionContent><AnswerSpecification><FreeTextAnswer/></AnswerSpecification>"
        "</Question></QuestionForm>"
    )
    kind = market.create_qualification_type(
        LAB,
        {
            "Name": "sums",
            "Description": "Can add.",
            "QualificationTypeStatus": "Active",
            "Test": test,
            "TestDurationInSeconds": 60,
        },
    )["QualificationType"]["QualificationTypeId"]
    post(market, QualificationRequirements=[{"QualificationTypeId": kind, "Comparator": "Exists"}])
    crowd = Crowd(market, "production", steady(workers=1))
    report = crowd.run()
    assert (report.accepted, report.requested, dict(report.refused)) == (0, 1, {"DoesNotMeetRequirements": 1})
    (asked,) = market.list_qualification_requests(LAB, {})["QualificationRequests"]
    assert "<QuestionIdentifier>q</QuestionIdentifier>" in asked["Answer"]
    market.accept_qualification_request(LAB, {"QualificationRequestId": asked["QualificationRequestId"]})
    assert crowd.run().submitted == 1


def test_people_live_where_the_options_say(market: Market) -> None:
    abroad = [
        {"QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo", "LocaleValues": [{"Country": "GB"}]}
    ]
    post(market, MaxAssignments=5, QualificationRequirements=abroad)
    assert Crowd(market, "production", steady(workers=5)).run().submitted == 0
    mixed = steady(workers=5, seed=3, locales=(("GB", 1.0),))
    assert Crowd(market, "production", mixed).run().submitted == 5


def test_a_blocked_worker_finds_nothing_of_that_requester(market: Market) -> None:
    post(market, MaxAssignments=2)
    person = market.register_worker("production", worker_id(0, 0))
    market.create_worker_block(LAB, {"WorkerId": person, "Reason": "spam"})
    report = Crowd(market, "production", steady(workers=1)).run()
    assert (report.accepted, report.workers) == (0, 1)


def test_the_better_paid_hit_is_done_first(market: Market) -> None:
    post(market, Reward="0.05")
    better = post(market, Reward="0.50")
    event = Crowd(market, "production", steady(workers=1)).step()
    assert event is not None
    assert event.hit_id == better


def test_people_who_do_not_come_back_do_one_hit_each(market: Market) -> None:
    for item in range(10):
        post(market, Question=label_question(item), MaxAssignments=2)
    report = Crowd(market, "production", steady(workers=4, repeat=0)).run()
    assert (report.submitted, report.workers) == (4, 4)


def _doings(seed: int, ids: int) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    market = new_market(seed=ids)
    hits = [post(market, Question=label_question(item), MaxAssignments=3) for item in range(10)]
    places = {hit: index for index, hit in enumerate(hits)}
    events: list[CrowdEvent] = []
    options = CrowdOptions(workers=8, seed=seed, drop_out=0.2, abandon=0.1, accuracy=0.7)
    Crowd(market, "production", options).run(on_event=events.append)
    submitted = [
        [(one["WorkerId"], one["SubmitTime"], one["Answer"]) for one in assignments(market, hit)] for hit in hits
    ]
    market.close()
    return [(one.kind, f"{one.worker_id} {places.get(one.hit_id or '')}") for one in events], submitted


def test_the_same_seed_does_the_same_whatever_ids_the_market_gives() -> None:
    assert _doings(seed=5, ids=1) == _doings(seed=5, ids=2)
    assert _doings(seed=5, ids=1) != _doings(seed=6, ids=1)


def test_steps_do_what_a_run_does() -> None:
    kinds = []
    for by_steps in (False, True):
        market = new_market()
        post(market, MaxAssignments=4)
        crowd = Crowd(market, "production", steady(workers=4, repeat=0))
        events: list[CrowdEvent] = []
        if by_steps:
            while (event := crowd.step()) is not None:
                events.append(event)
        else:
            crowd.run(on_event=events.append)
        kinds.append([(event.kind, event.worker_id) for event in events])
        market.close()
    assert kinds[0] == kinds[1]
    assert Counter(kind for kind, _ in kinds[0]) == {"accepted": 4, "submitted": 4}


def test_a_run_ends_after_the_submissions_asked_for_and_goes_on_later(market: Market) -> None:
    hits = [post(market) for _ in range(10)]
    crowd = Crowd(market, "production", steady(workers=3))
    assert crowd.run(max_submissions=4).submitted == 4
    assert crowd.run(max_submissions=0).submitted == 0
    assert crowd.run().submitted == 6
    assert all(counters(market, hit) == (0, 0, 1) for hit in hits)


def test_a_run_ends_at_its_time_and_brings_the_clock_there(market: Market) -> None:
    for _ in range(50):
        post(market)
    crowd = Crowd(market, "production", steady(workers=2, work=300, arrival=10))
    began = market.now()
    report = crowd.run(until=timedelta(minutes=30))
    assert market.now() - began == timedelta(minutes=30) == report.passed
    assert 0 < report.submitted < 20


def test_a_run_that_waits_for_new_hits_passes_the_whole_time(market: Market) -> None:
    report = Crowd(market, "production", steady(workers=2)).run(timedelta(days=1), idle=False)
    assert (report.passed, report.accepted, report.workers) == (timedelta(days=1), 0, 2)


def test_a_crowd_finds_the_hits_of_a_later_round_soon(market: Market) -> None:
    post(market)
    crowd = Crowd(market, "production", steady(workers=3))
    assert crowd.run().submitted == 1
    crowd.run(timedelta(days=2), idle=False)
    post(market)
    again = crowd.run(max_submissions=1)
    assert again.submitted == 1
    assert again.passed < timedelta(hours=1)


def test_an_interrupted_run_keeps_what_was_done(market: Market) -> None:
    for _ in range(10):
        post(market)
    submitted = 0

    def count(event: CrowdEvent) -> None:
        nonlocal submitted
        submitted += event.kind == "submitted"

    crowd = Crowd(market, "production", steady(workers=3))
    report = crowd.run(stop=lambda: submitted >= 3, on_event=count)
    assert report.submitted == 3
    assert crowd.run(stop=lambda: True).submitted == 0
    assert crowd.run().submitted == 7


def test_a_run_without_an_end_is_refused(market: Market) -> None:
    with pytest.raises(UsageError, match="never stop"):
        Crowd(market, "production").run(idle=False)


def test_in_real_time_the_crowd_waits_and_moves_no_clock() -> None:
    passed = 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        assert 0 < seconds <= 0.5
        passed += seconds

    market = Market("sqlite://", clock=lambda: NOON + passed, rng=random.Random(1))
    post(market)
    report = Crowd(market, "production", steady(workers=1, work=20, arrival=5), real_time=True, sleep=sleep).run()
    assert report.submitted == 1
    assert abs(report.passed.total_seconds() - passed) < 0.01
    assert passed > 10
    market.close()


def test_waiting_in_real_time_ends_when_told_to_stop() -> None:
    naps = 0

    def sleep(_seconds: float) -> None:
        nonlocal naps
        naps += 1

    market = new_market()
    post(market)
    crowd = Crowd(market, "production", steady(workers=1, arrival=1000), real_time=True, sleep=sleep)
    assert crowd.run(stop=lambda: naps >= 3).workers == 0
    assert naps == 3
    market.close()


def test_a_worker_keeps_the_record_that_earlier_runs_made(market: Market) -> None:
    person = worker_id(0, 0)
    for _ in range(2):
        post(market, AutoApprovalDelayInSeconds=0)
        assert Crowd(market, "production", steady(workers=1, experience=0)).run().submitted == 1
    many = [{"QualificationTypeId": "00000000000000000040", "Comparator": "EqualTo", "IntegerValues": [2]}]
    hit = post(market, QualificationRequirements=many)
    Crowd(market, "production", steady(workers=1, experience=0)).run()
    assert workers_of(market, hit) == [person]


def test_a_crowd_goes_on_after_the_market_was_reset(market: Market) -> None:
    post(market)
    crowd = Crowd(market, "production", steady(workers=2))
    assert crowd.run().submitted == 1
    market.reset()
    post(market)
    assert crowd.run().submitted == 1


def test_items_named_by_the_caller_have_the_same_truth_on_different_pages(market: Market) -> None:
    hits = [post(market, Question=label_question(item), RequesterAnnotation="picture 7") for item in range(12)]
    Crowd(market, "production", steady(workers=3, accuracy=1), item=lambda hit: hit["RequesterAnnotation"]).run()
    assert len({answered(market, hit)[0]["cat"][0] for hit in hits}) == 1


def test_two_crowds_on_one_market_share_the_work(tmp_path: Path) -> None:
    markets = [new_market(tmp_path, seed) for seed in (1, 2)]
    hits = [post(markets[0], MaxAssignments=2) for _ in range(10)]
    # The same seed: the same people at two places at once, the hardest case.
    crowds = [Crowd(market, "production", steady(workers=4, seed=1)) for market in markets]
    done = 0
    for _ in range(400):
        for crowd in crowds:
            event = crowd.step()
            done += event is not None and event.kind == "submitted"
    assert done == 20
    for hit in hits:
        assert counters(markets[0], hit) == (0, 0, 2)
        assert len(set(workers_of(markets[0], hit))) == 2
    for market in markets:
        market.close()


def test_production_and_sandbox_are_worked_on_apart(market: Market) -> None:
    post(market)
    sandbox = post(market, Requester("123456789012", "sandbox"))
    assert Crowd(market, "sandbox", steady(workers=2)).run().submitted == 1
    assert (
        len(market.list_assignments_for_hit(Requester("123456789012", "sandbox"), {"HITId": sandbox})["Assignments"])
        == 1
    )


@pytest.mark.slow
def test_a_thousand_submissions_on_a_file(tmp_path: Path) -> None:
    market = new_market(tmp_path)
    for item in range(120):
        post(market, Question=label_question(item), MaxAssignments=9)
    report = Crowd(market, "production", steady(workers=60, accuracy=0.7, arrival=5)).run(max_submissions=1000)
    assert report.submitted == 1000
    market.close()
