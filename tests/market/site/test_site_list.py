"""The list of what is open to somebody, and what they may do with each HIT of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from worker_site_support import REQUESTER, SiteBench, Visitor

from turkctl.market import open_work
from turkctl.newcomers import NewInvitation


def titles(visitor: Visitor, query: str = "") -> list[str]:
    visitor.get(f"/worker{query}")
    return re.findall("<article>\n<h2>(.*?)</h2>", visitor.text)


def qualification(bench: SiteBench, **more: Any) -> str:
    request = {"Name": "Trained", "Description": "Passed.", "QualificationTypeStatus": "Active"} | more
    found: str = bench.market.create_qualification_type(REQUESTER, request)["QualificationType"]["QualificationTypeId"]
    return found


def test_groups_are_sorted_and_searched(bench: SiteBench) -> None:
    bench.post(Title="Old and rich", Reward="2.00")
    bench.clock.seconds += 10
    for _ in range(3):
        bench.post(Title="Many", Keywords="photo, bird")
    bench.clock.seconds += 10
    bench.post(Title="New", Reward="0.60")
    person = bench.person()
    assert titles(person) == ["New", "Many", "Old and rich"]
    assert titles(person, "?sort=reward") == ["Old and rich", "New", "Many"]
    assert titles(person, "?sort=most")[0] == "Many"
    assert titles(person, "?search=BIRD") == ["Many"]
    assert titles(person, "?search=nothing") == []
    assert "3 HITs" in person.get("/worker")


def test_what_is_left_is_counted_for_the_person_up_to_a_limit(bench: SiteBench, monkeypatch: Any) -> None:
    hits = [bench.post(Title="Many") for _ in range(4)]
    person = bench.person()
    assignment_id = person.accept(hits[0]["HITId"])
    assert "3 HITs" in person.get("/worker")
    person.submit(assignment_id)
    monkeypatch.setattr(open_work, "MOST_COUNTED", 2)
    assert "more than" in person.get("/worker")
    monkeypatch.undo()
    for hit in hits[1:]:
        person.submit(person.accept(hit["HITId"]))
    assert titles(person) == []
    assert titles(bench.person()) == [], "each HIT takes one person"


def test_the_list_says_why_somebody_does_not_qualify(bench: SiteBench) -> None:
    type_id = qualification(bench)
    asked = {"QualificationTypeId": type_id, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [80]}
    hit = bench.post(QualificationRequirements=[asked])
    place = {"QualificationTypeId": "00000000000000000071", "Comparator": "In"}
    bench.post(Title="Abroad", QualificationRequirements=[place | {"LocaleValues": [{"Country": "DE"}]}])
    person = bench.person()
    person.get("/worker")
    assert "No. “Trained” must be at least 80." in person.text
    assert "10 minutes" in person.text
    assert "“Worker_Locale” must be one of DE." in person.text
    assert "Accept" not in person.text
    person.get(f"/worker/hits/{hit['HITId']}")
    assert "You do not qualify. “Trained” must be at least 80." in person.text
    person.post(f"/worker/hits/{hit['HITId']}/accept")
    assert "You do not meet a qualification requirement" in person.text
    worker = {"QualificationTypeId": type_id, "WorkerId": person.worker_id, "IntegerValue": 90}
    bench.market.associate_qualification_with_worker(REQUESTER, worker)
    person.accept(hit["HITId"])


def test_a_guarded_preview_is_refused_with_the_reason(bench: SiteBench) -> None:
    asked = {"QualificationTypeId": qualification(bench), "Comparator": "Exists", "ActionsGuarded": "PreviewAndAccept"}
    hit = bench.post(QualificationRequirements=[asked])
    person = bench.person()
    assert titles(person) == ["Name the colour"]
    assert "Preview" not in person.text
    person.get(f"/worker/hits/{hit['HITId']}")
    assert (person.status, "You need the qualification “Trained”." in person.text) == (403, True)


def test_who_comes_second_gets_another_hit_of_the_group(bench: SiteBench) -> None:
    first, second = bench.post(), bench.post()
    quick, slow = bench.person(), bench.person()
    slow.get(f"/worker/hits/{first['HITId']}")
    quick.accept(first["HITId"])
    slow.post(f"/worker/hits/{first['HITId']}/accept")
    assert slow.path.startswith("/worker/assignments/")
    (taken,) = bench.market.worker_assignments("production", bench.market.people("production")[1].worker_id)
    assert taken["HITId"] == second["HITId"]
    third = bench.person()
    third.post(f"/worker/hits/{first['HITId']}/accept")
    assert "Nothing of this group is left for you." in third.text


def test_skipping_goes_through_the_group_and_back_to_the_list(bench: SiteBench) -> None:
    hits = [bench.post()["HITId"] for _ in range(3)]
    person = bench.person()
    person.get(f"/worker/hits/{hits[0]}")
    for following in hits[1:]:
        person.post(f"{person.path}/skip")
        assert person.path == f"/worker/hits/{following}"
    person.post(f"{person.path}/skip")
    assert person.path == "/worker"
    assert "no other HIT in this group" in person.text


def test_the_addresses_that_tools_print_lead_to_the_group_s_first_hit(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    for address in (f"/mturk/preview?groupId={hit['HITGroupId']}", f"/projects/{hit['HITGroupId']}/tasks"):
        person.get(address)
        assert person.path == f"/worker/hits/{hit['HITId']}"
    person.get("/mturk/preview?groupId=3NONE")
    assert person.path == "/worker"
    assert "Nothing of that group" in person.text


def test_an_expired_hit_is_open_to_nobody(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    bench.clock.seconds += 3601
    assert titles(person) == []
    person.get(f"/worker/hits/{hit['HITId']}")
    assert "This HIT is not open any more." in person.text


def test_a_list_of_many_groups_has_pages(bench: SiteBench) -> None:
    for number in range(21):
        bench.post(Title=f"Group {number}")
        bench.clock.seconds += 1
    person = bench.person()
    assert len(titles(person)) == 20
    assert titles(person, "?page=2") == ["Group 0"]
    assert len(person.get("/worker")) < 30_000


def test_a_qualification_can_be_asked_for_and_is_decided_on(bench: SiteBench) -> None:
    asked = qualification(bench)
    at_once = qualification(bench, Name="Adult", AutoGranted=True, AutoGrantedValue=3)
    person = bench.person()
    for type_id in (asked, at_once):
        person.get("/worker/qualifications")
        person.post(f"/worker/qualifications/{type_id}/request")
    assert "You hold it now." in person.text
    assert "with the value 3" in person.text
    assert "the requester has not decided yet" in person.text
    (request,) = bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"]
    refusal = {"QualificationRequestId": request["QualificationRequestId"], "Reason": "Too late."}
    bench.market.reject_qualification_request(REQUESTER, refusal)
    assert "Too late." in person.get("/worker/qualifications")
    assert "Too late." in person.get("/worker/messages")


@pytest.mark.parametrize("delay", [None, 3600])
def test_a_rejected_request_can_be_repeated_only_when_the_type_allows_it(bench: SiteBench, delay: int | None) -> None:
    more = {} if delay is None else {"RetryDelayInSeconds": delay}
    type_id, person = qualification(bench, **more), bench.person()
    person.get("/worker/qualifications")
    person.post(f"/worker/qualifications/{type_id}/request")
    (request,) = bench.market.list_qualification_requests(REQUESTER, {})["QualificationRequests"]
    bench.market.reject_qualification_request(REQUESTER, {"QualificationRequestId": request["QualificationRequestId"]})
    button = f"/worker/qualifications/{type_id}/request"
    shown = person.get("/worker/qualifications")
    assert button not in shown
    assert ("can be requested once only" in shown, "too early" in shown) == (delay is None, delay is not None)
    assert ("You can from <time" in shown) == (delay is not None)
    bench.clock.seconds += 3600
    assert (button in person.get("/worker/qualifications")) == (delay is not None)


def test_the_sandbox_s_site_shows_the_sandbox_alone(bench: SiteBench) -> None:
    from worker_site_support import SECRET_KEY

    from turkctl.market.site.app import SiteOptions, make_site

    bench.post()
    bench.app = make_site(bench.market, "sandbox", SiteOptions(SECRET_KEY))
    visitor = bench.visitor()
    visitor.join(bench.market.invite("sandbox", NewInvitation())[0])
    assert titles(visitor) == []
    visitor.join(bench.invite())
    assert visitor.status == 404, "an invitation of the other environment"


def test_somebody_who_returned_a_hit_is_told_and_can_take_it_again(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    person.post(f"/worker/assignments/{assignment_id}/return")
    assert "You returned “Name the colour”." in person.text
    again = person.accept(hit["HITId"])
    assert again != assignment_id
    bench.clock.seconds += timedelta(minutes=10).total_seconds()
    person.get(f"/worker/assignments/{again}")
    assert (person.path, "The time for this HIT is over" in person.text) == (f"/worker/done/{again}", True)
