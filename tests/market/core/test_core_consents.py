"""Consent: without it nobody gets an assignment, and only the worker can give it."""

from __future__ import annotations

from typing import Any

import pytest
from market_support import REQUESTER, Bench
from study_rules_support import PAGE, consent, make_type

from turkctl.market.crowd.behaviour import CrowdOptions
from turkctl.market.crowd.simulation import Crowd
from turkctl.market.errors import ParameterValidationError, RequestError, WorkError
from turkctl.newcomers import RosterRow
from turkctl.own_market import CONSENT

LOCAL = {"QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo", "LocaleValues": [{"Country": "DE"}]}


def refused_code(act: Any, *arguments: Any) -> str:
    with pytest.raises(WorkError) as refused:
        act("production", *arguments)
    return refused.value.code


def test_a_hit_is_accepted_only_after_its_consent_and_the_time_is_kept(bench: Bench) -> None:
    asked = consent(bench.market, REQUESTER)
    hit, market = bench.hit(QualificationRequirements=[asked]), bench.market
    worker = market.register_worker("production", "AONE")
    (group,) = market.groups("production", worker)
    assert (group.why_not, group.may_preview) == (None, True)
    assert market.eligible("production", [hit]) == (1, 1)
    assert refused_code(market.accept, worker, hit) == "ConsentNeeded"
    assert refused_code(market.accept_like, worker, hit) == "ConsentNeeded"
    shown = market.consent_asked("production", worker, hit)
    assert shown is not None
    assert market.consent_page("production", shown.type_id) == PAGE
    bench.clock.seconds += 60
    market.agree("production", worker, hit, shown.type_id)
    agreed = market.now()
    bench.clock.seconds += 60
    market.agree("production", worker, hit, shown.type_id)  # again: nothing changes
    market.accept("production", worker, hit)
    listed = market.list_workers_with_qualification_type(REQUESTER, {"QualificationTypeId": shown.type_id})
    ((who, when),) = [(each["WorkerId"], each["GrantTime"]) for each in listed["Qualifications"]]
    assert (who, when) == (worker, agreed)
    assert market.consent_asked("production", worker, hit) is None


def test_another_version_asks_again_and_cannot_be_agreed_to_unseen(bench: Bench) -> None:
    old, new = consent(bench.market, REQUESTER), consent(bench.market, REQUESTER, f"{PAGE}<p>New.</p>")
    first, second = (bench.hit(QualificationRequirements=[each]) for each in (old, new))
    market, worker = bench.market, bench.market.register_worker("production", "AONE")
    market.agree("production", worker, first, old["QualificationTypeId"])
    market.accept("production", worker, first)
    assert refused_code(market.agree, worker, second, old["QualificationTypeId"]) == "ConsentNeeded"
    assert refused_code(market.accept, worker, second) == "ConsentNeeded"


def test_who_does_not_qualify_otherwise_is_not_asked(bench: Bench) -> None:
    asked = consent(bench.market, REQUESTER)
    hit, market = bench.hit(QualificationRequirements=[asked, LOCAL]), bench.market
    worker = market.register_worker("production", "AONE")
    assert refused_code(market.accept, worker, hit) == "DoesNotMeetRequirements"
    assert refused_code(market.consent_asked, worker, hit) == "DoesNotMeetRequirements"
    assert refused_code(market.agree, worker, hit, asked["QualificationTypeId"]) == "DoesNotMeetRequirements"


def test_no_requester_agrees_in_a_worker_s_place_or_changes_what_was_agreed_to(bench: Bench) -> None:
    type_id = consent(bench.market, REQUESTER)["QualificationTypeId"]
    bench.market.register_worker("production", "AONE")
    grant = {"QualificationTypeId": type_id, "WorkerId": "AONE", "IntegerValue": 1}
    with pytest.raises(RequestError, match="Only the worker can agree"):
        bench.market.associate_qualification_with_worker(REQUESTER, grant)
    for name in (type_id, f"consent {PAGE}"):
        imported = bench.market.import_people("production", [RosterRow(2, "4711", qualifications=((name, 1),))])
        assert ["only the worker can agree" in each.why for each in imported.problems] == [True]
    assert bench.market.people("production") == []
    change = {"QualificationTypeId": type_id, "Test": "<x/>", "TestDurationInSeconds": 60}
    with pytest.raises(RequestError, match="create another one"):
        bench.market.update_qualification_type(REQUESTER, change)
    assert refused_code(bench.market.request_qualification, "AONE", type_id) == "NotRequestable"


def test_consent_that_was_taken_back_is_asked_for_again(bench: Bench) -> None:
    asked = consent(bench.market, REQUESTER)
    hit, market = bench.hit(QualificationRequirements=[asked]), bench.market
    worker = market.register_worker("production", "AONE")
    market.agree("production", worker, hit, asked["QualificationTypeId"])
    back = {"QualificationTypeId": asked["QualificationTypeId"], "WorkerId": worker}
    market.disassociate_qualification_from_worker(REQUESTER, back)
    assert refused_code(market.accept, worker, hit) == "ConsentNeeded"


def test_a_consent_needs_a_page_which_other_tests_cannot_be(bench: Bench) -> None:
    with pytest.raises(RequestError, match="needs a Test"):
        make_type(bench.market, REQUESTER, "consent", CONSENT)
    page = {"Test": "<QuestionForm/>", "TestDurationInSeconds": 60}
    with pytest.raises(ParameterValidationError):
        make_type(bench.market, REQUESTER, "consent", CONSENT, **page)
    assert bench.market.consent_page("production", bench.qualification("plain")) is None


def test_simulated_workers_agree(bench: Bench) -> None:
    hit = bench.hit(QualificationRequirements=[consent(bench.market, REQUESTER)], MaxAssignments=3)
    Crowd(bench.market, "production", CrowdOptions(workers=5, drop_out=0, abandon=0)).run()
    found = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["Assignments"]
    assert len(found) == 3
