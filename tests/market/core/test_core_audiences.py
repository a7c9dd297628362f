"""Audiences: HITs that only people of certain groups find, and gates that mark people for other studies."""

from __future__ import annotations

import json

import pytest
from market_support import REQUESTER, STRANGER, Bench
from study_rules_support import EVERYWHERE, audience, gate, make_type

from turkctl.market.errors import RequestError, WorkError
from turkctl.newcomers import NewPerson
from turkctl.own_market import AUDIENCE


@pytest.fixture
def people(bench: Bench) -> dict[str, str]:
    """A student, one of the staff, and a worker who is no person of the market."""
    add = bench.market.add_person
    found = {each: add("production", NewPerson(groups=(each, "here"))) for each in ("class", "staff")}
    return found | {"nobody": bench.market.register_worker("production", "ANOBODY")}


def test_only_people_of_the_groups_find_see_and_accept_a_hit(bench: Bench, people: dict[str, str]) -> None:
    hit = bench.hit(QualificationRequirements=[audience(bench.market, REQUESTER, "class", "other")])
    market = bench.market
    student, others = people["class"], (people["staff"], people["nobody"])
    assert [each.hit_id for each in market.groups("production", student)] == [hit]
    assert market.groups("production", student)[0].why_not is None
    assert market.preview("production", student, hit)["HITId"] == hit
    for worker in others:
        assert market.groups("production", worker) == []
        assert market.available_hits("production", worker) == []
        with pytest.raises(WorkError, match="no such HIT"):
            market.look_at("production", worker, hit)
        for act in (market.preview, market.accept):
            with pytest.raises(WorkError) as refused:
                act("production", worker, hit)
            assert refused.value.code == "DoesNotMeetRequirements"
    assert market.eligible("production", [hit]) == (3, 1)
    market.accept("production", student, hit)


def test_requesters_see_the_requirement_as_any_other(bench: Bench) -> None:
    asked = audience(bench.market, REQUESTER, "class")
    hit = bench.hit(QualificationRequirements=[asked])
    (told,) = bench.market.get_hit(REQUESTER, {"HITId": hit})["HIT"]["QualificationRequirements"]
    assert told == {**asked, "RequiredToPreview": True}


def test_an_audience_of_somebody_else_is_a_plain_qualification(bench: Bench, people: dict[str, str]) -> None:
    theirs = audience(bench.market, STRANGER, "class")
    hit = bench.hit(QualificationRequirements=[theirs])
    assert bench.market.groups("production", people["class"]) == []
    assert bench.market.eligible("production", [hit]) == (3, 0)


@pytest.mark.parametrize(
    "description", ["staff", "[]", '{"groups": []}', '{"groups": [1]}', json.dumps({"groups": "x"})]
)
def test_an_audience_must_name_its_groups(bench: Bench, description: str) -> None:
    with pytest.raises(RequestError, match="must name its groups"):
        make_type(bench.market, REQUESTER, "audience", AUDIENCE, Description=description)


def test_the_groups_of_an_audience_stay(bench: Bench) -> None:
    type_id = audience(bench.market, REQUESTER, "class")["QualificationTypeId"]
    change = {"QualificationTypeId": type_id, "Description": json.dumps({"groups": ["staff"]})}
    with pytest.raises(RequestError, match="create another one"):
        bench.market.update_qualification_type(REQUESTER, change)


def marking(type_id: str) -> dict[str, str]:
    return {"QualificationTypeId": type_id, "Comparator": "Exists"}


def behind(type_id: str, guarded: str = EVERYWHERE) -> dict[str, str]:
    return {"QualificationTypeId": type_id, "Comparator": "DoesNotExist", "ActionsGuarded": guarded}


def test_a_hit_that_marks_its_people_keeps_nobody_out_and_hides_later_studies(bench: Bench) -> None:
    kind, market = gate(bench.market, REQUESTER), bench.market
    first, second = (
        bench.hit(QualificationRequirements=[marking(kind)], Title=f"first {n}", MaxAssignments=2) for n in (1, 2)
    )
    later = bench.hit(QualificationRequirements=[behind(kind)], Title="later")
    worker = market.register_worker("production", "AONE")
    assert len(market.groups("production", worker)) == 3
    market.accept("production", worker, first)
    market.accept("production", worker, second)
    assert market.groups("production", worker) == []
    with pytest.raises(WorkError):
        market.accept("production", worker, later)
    other = market.register_worker("production", "ATWO")
    market.accept("production", other, later)
    assert len(market.groups("production", other)) == 2
    listed = market.list_workers_with_qualification_type(REQUESTER, {"QualificationTypeId": kind})
    assert [each["WorkerId"] for each in listed["Qualifications"]] == [worker]


def test_who_returns_one_of_several_marked_hits_stays_marked_until_the_last(bench: Bench) -> None:
    kind, market = gate(bench.market, REQUESTER), bench.market
    hits = [bench.hit(QualificationRequirements=[marking(kind)], Title=f"first {n}") for n in (1, 2)]
    later = bench.hit(QualificationRequirements=[behind(kind)], Title="later")
    worker = market.register_worker("production", "AONE")
    taken = [market.accept("production", worker, hit)["AssignmentId"] for hit in hits]
    market.return_assignment("production", worker, taken[0])
    with pytest.raises(WorkError):
        market.accept("production", worker, later)
    market.return_assignment("production", worker, taken[1])
    market.accept("production", worker, later)


def test_rules_of_studies_are_no_qualifications_that_people_can_request(bench: Bench, people: dict[str, str]) -> None:
    type_id = audience(bench.market, REQUESTER, "class")["QualificationTypeId"]
    assert bench.market.qualifications_of("production", people["staff"]) == []
    with pytest.raises(WorkError) as refused:
        bench.market.request_qualification("production", people["staff"], type_id)
    assert refused.value.code == "NotRequestable"
