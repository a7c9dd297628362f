"""QuestionForms on the worker site: as tasks, and as tests of qualifications."""

from __future__ import annotations

from typing import Any

import pytest
from question_documents import choice, form_document, form_question, free_text
from worker_site_support import REQUESTER, SiteBench

from turkctl.market.answers import read
from turkctl.market.site.question_form import read_form

FORM = form_document(
    form_question("name", free_text(""), content="<Text>Its name</Text>"),
    form_question("kind", choice("radiobutton", "Cat", "Dog"), content="<Text>What is it?</Text>"),
)
NAME, KIND = (question.field for question in read_form(FORM).questions())


def test_a_form_is_filled_in_on_the_page_and_shown_again_until_it_is_complete(bench: SiteBench) -> None:
    hit = bench.post(Question=FORM)
    person = bench.person()
    person.get(f"/worker/hits/{hit['HITId']}")
    assert "<fieldset disabled>" in person.text
    assert "Its name" in person.text
    assignment_id = person.accept(hit["HITId"])
    person.post(f"/worker/assignments/{assignment_id}/answers", {NAME: "Mia <b>"})
    assert person.status == 400
    assert "1 answer is missing or cannot be taken" in person.text
    assert "Mia &lt;b&gt;" in person.text
    person.post(f"/worker/assignments/{assignment_id}/answers", {NAME: "Mia", KIND: "2"})
    assert person.path == f"/worker/done/{assignment_id}"
    (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
    assert read(found["Answer"]) == {"name": ["Mia"], "kind": ["Dog"]}


def test_a_form_s_answers_are_not_taken_unchecked(bench: SiteBench) -> None:
    hit = bench.post(Question=FORM)
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    person.submit(assignment_id, kind="Horse")
    assert (person.status, "on its own page" in person.text) == (400, True)


def test_after_a_form_the_next_one_is_accepted_if_that_is_ticked(bench: SiteBench) -> None:
    first = bench.post(Question=FORM)
    bench.post(Question=FORM)
    person = bench.person()
    assignment_id = person.accept(first["HITId"])
    fields = {NAME: "Mia", KIND: "1", "auto": "1"}
    person.post(f"/worker/assignments/{assignment_id}/answers", fields)
    assert person.path.startswith("/worker/assignments/")
    assert assignment_id not in person.path
    assert 'name="auto" value="1" form="answers" checked' in person.text


KEY = (
    '<AnswerKey xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd">'
    "<Question><QuestionIdentifier>kind</QuestionIdentifier><AnswerOption><SelectionIdentifier>Dog"
    "</SelectionIdentifier><AnswerScore>7</AnswerScore></AnswerOption></Question></AnswerKey>"
)


@pytest.mark.parametrize(("key", "words"), [(KEY, "with the value 7"), (None, "has not decided yet")])
def test_a_test_is_taken_and_scored_by_its_key(key: str | None, words: str, bench: SiteBench) -> None:
    request: dict[str, Any] = {
        "Name": "Animals",
        "Description": "Knows them.",
        "QualificationTypeStatus": "Active",
        "Test": FORM,
        "TestDurationInSeconds": 600,
    }
    made = bench.market.create_qualification_type(REQUESTER, request | ({"AnswerKey": key} if key else {}))
    type_id = made["QualificationType"]["QualificationTypeId"]
    person = bench.person()
    person.get("/worker/qualifications")
    assert f"/worker/qualifications/{type_id}/test" in person.text
    person.get(f"/worker/qualifications/{type_id}/test")
    person.post(f"/worker/qualifications/{type_id}/test", {NAME: "x"})
    assert (person.status, "1 answer is missing" in person.text) == (400, True)
    person.post(f"/worker/qualifications/{type_id}/test", {NAME: "x", KIND: "2"})
    assert (person.path, words in person.text) == ("/worker/qualifications", True)
    person.post(f"/worker/qualifications/{type_id}/request")
    assert "test." in person.text or "once only" in person.text or "not decided yet" in person.text


def test_an_html_task_is_served_without_a_session_and_framed_by_this_site_alone(bench: SiteBench) -> None:
    from turkctl.market.doors.http import make_app
    from turkctl.market.protocol.endpoint import Endpoint
    from turkctl.market.questions import html_question
    from turkctl.market.site.app import mounts

    hit = bench.post(Question=html_question("<html><body><p>Look</p></body></html>"))
    person = bench.person()
    person.get(f"/worker/hits/{hit['HITId']}")
    assert person.frame_address().startswith(f"http://localhost/content/{hit['HITId']}?")
    assert "allow-same-origin" not in person.text, "there is no second host"
    server = make_app(Endpoint(bench.market), mounts(bench.app))
    seen: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        seen.update({"status": status, **dict(headers)})

    environ = bench.app.test_request_context(f"/content/{hit['HITId']}").request.environ
    page = b"".join(server(environ, start)).decode()  # type: ignore[arg-type]  # what servers pass
    assert seen["status"] == "200 OK"
    assert "Look" in page
    assert "frame-ancestors http://localhost" in seen["Content-Security-Policy"]
    assert "allow-same-origin" not in seen["Content-Security-Policy"]


def test_with_another_host_for_tasks_they_have_an_origin_and_the_site_is_not_there() -> None:
    from worker_site_support import site_bench

    from turkctl.market.questions import html_question
    from turkctl.market.site.app import mounts

    options = {"url": "https://work.example.org", "content_url": "https://tasks.example.org"}
    with site_bench(**options) as bench:
        hit = bench.post(Question=html_question("<html><body><p>Look</p></body></html>"))
        person = bench.person()
        person.get(f"/worker/hits/{hit['HITId']}")
        assert person.frame_address().startswith(f"https://tasks.example.org/content/{hit['HITId']}?")
        assert "allow-same-origin" in person.text
        site = mounts(bench.app)["/worker"]
        seen: list[str] = []
        environ = bench.app.test_request_context("/sign-in", base_url="https://tasks.example.org").request.environ
        parts = {"SCRIPT_NAME": "/worker", "PATH_INFO": "/sign-in"}
        b"".join(site(environ | parts, lambda status, *_: seen.append(status)))  # type: ignore[arg-type, return-value]
        assert seen[0].startswith("404")
