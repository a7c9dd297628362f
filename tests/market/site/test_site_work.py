"""What people do on the worker site, from the invitation to the approved work."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from databases import KINDS, new_database
from worker_site_support import REQUESTER, SiteBench, site_bench

from turkctl.attempt_limits import PER_PAIR
from turkctl.market.answers import read
from turkctl.newcomers import NewPerson


def test_somebody_invited_does_a_hit_and_sees_it_approved(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.visitor()
    person.join(bench.invite())
    assert (person.status, person.path) == (200, "/worker")
    assert "Name the colour" in person.text
    assert "$0.50" in person.text
    worker_id = person.worker_id
    assignment_id = person.accept(hit["HITId"])
    assert person.path == f"/worker/assignments/{assignment_id}"
    person.submit(assignment_id, colour="red")
    assert (person.status, "Your work was submitted" in person.text) == (200, True)
    person.get(f"/worker/done/{assignment_id}")
    assert "Thank you: your work was submitted" in person.text
    (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
    assert (found["WorkerId"], read(found["Answer"])) == (worker_id, {"colour": ["red"]})
    request = {"AssignmentId": assignment_id, "RequesterFeedback": "well done"}
    bench.market.approve_assignment(REQUESTER, request)
    bonus = {"WorkerId": worker_id, "AssignmentId": assignment_id, "BonusAmount": "0.25", "Reason": "so quick"}
    bench.market.send_bonus(REQUESTER, bonus | {"UniqueRequestToken": "t"})
    person.get(f"/worker/done/{assignment_id}")
    assert ("<h1>Your work was approved</h1>" in person.text, "well done" in person.text) == (True, True)
    person.get("/worker/mine")
    for words in ("Approved", "well done", "so quick", "$0.50", "$0.25"):
        assert words in person.text
    (day,) = bench.market.earnings_of("production", worker_id)
    assert (day.rewards, day.bonuses) == (Decimal("0.5"), Decimal("0.25"))


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_on_one_database_serve_the_same_people(kind: str, tmp_path: Path) -> None:
    with new_database(kind, tmp_path) as url, site_bench(database=url) as one, site_bench(database=url) as two:
        hits = [one.post() for _ in range(3)]
        qualification = {"Name": "Staff", "Description": "Staff.", "QualificationTypeStatus": "Active"}
        one.market.create_qualification_type(REQUESTER, qualification | {"AutoGranted": True})
        here, there = one.visitor(), two.visitor()
        token = one.invite(groups=("staff",))
        here.join(token)
        there.join(token)
        assert here.worker_id == there.worker_id
        assert "3 HITs" in there.text
        assignment_id = here.accept(hits[0]["HITId"])
        there.get(f"/worker/assignments/{assignment_id}")
        assert there.path == f"/worker/assignments/{assignment_id}"
        there.submit(assignment_id, colour="red")
        one.market.approve_assignment(REQUESTER, {"AssignmentId": assignment_id})
        for page in ("", "/mine", "/messages", "/qualifications"):
            assert there.get(f"/worker{page}")
            assert there.status == 200
        assert "2 HITs" in there.get("/worker")
        one.market.add_person("production", NewPerson(name="ana", password_hash="x", own_id="4711"))
        for _ in range(PER_PAIR):
            two.market.note_sign_in("ana", "1.2.3.4", one.now(), failed=True)
        assert one.market.sign_in_wait("ana", "1.2.3.4", one.now()) is not None
        here.get("/worker/sign-out")
        cookie = here.client.get_cookie("turkctl_worker")
        assert cookie is not None
        here.post("/worker/sign-out")
        there.client.set_cookie("turkctl_worker", cookie.value)
        there.get("/worker")
        assert there.path == "/worker/sign-in"


def test_the_frame_gets_the_four_parameters_and_a_preview_three(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    worker_id = person.worker_id
    person.get(f"/worker/hits/{hit['HITId']}")
    preview = urlsplit(person.frame_address())
    assert (preview.netloc, preview.path, preview.fragment) == ("lab.example.org", "/pub", "top")
    seen = {"a": "1", "b": "2", "hitId": hit["HITId"], "turkSubmitTo": "http://localhost"}
    assert dict(parse_qsl(preview.query)) == seen | {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}
    assignment_id = person.accept(hit["HITId"])
    at_work = dict(parse_qsl(urlsplit(person.frame_address()).query))
    assert at_work == seen | {"assignmentId": assignment_id, "workerId": worker_id}
    person.get(f"/worker/assignments/{assignment_id}")
    assert dict(parse_qsl(urlsplit(person.frame_address()).query)) == at_work, "a reload continues"


def test_what_a_task_sent_is_kept_as_it_came(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    sent = f"assignmentId={assignment_id}&colour=gr%C3%BCn+blau&colour=2"
    answer = bench.app.test_client().post(
        "/mturk/externalSubmit?from=address",
        data=sent,
        content_type="application/x-www-form-urlencoded",
        headers={"Cookie": "other=secret"},
    )
    assert answer.status_code == 200
    kept = (bench.market.as_sent("production", assignment_id) or b"").decode()
    assert bench.market.as_sent("sandbox", assignment_id) is None
    head = "POST /mturk/externalSubmit?from=address\r\nContent-Type: application/x-www-form-urlencoded"
    assert kept == f"{head}\r\n\r\n{sent}"
    (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
    assert read(found["Answer"]) == {"from": ["address"], "colour": ["grün blau|2"]}, "the form was read all the same"
