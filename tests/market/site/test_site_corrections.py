"""Correct what was submitted, while the requester has not got it yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from question_documents import choice, form_document, form_question, free_text
from worker_site_support import REQUESTER, SiteBench, site_bench

from turkctl.market.answers import read
from turkctl.market.site.question_form import read_form

FORM = form_document(
    form_question("name", free_text(""), content="<Text>Its name</Text>"),
    form_question("kind", choice("radiobutton", "Cat", "Dog"), content="<Text>What is it?</Text>"),
)
NAME, KIND = (question.field for question in read_form(FORM).questions())


@pytest.fixture
def ten() -> Iterator[SiteBench]:
    """A site on which work can be corrected for ten minutes."""
    with site_bench(correct=timedelta(minutes=10)) as made:
        yield made


def answers(bench: SiteBench, hit: str) -> list[dict[str, list[str]]]:
    listed = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit})["Assignments"]
    return [read(each["Answer"]) for each in listed]


def test_a_form_is_opened_again_with_its_answers(ten: SiteBench) -> None:
    hit, person = ten.post(Question=FORM)["HITId"], ten.person()
    assignment_id = person.accept(hit)
    person.post(f"/worker/assignments/{assignment_id}/answers", {NAME: "Mia & <b>", KIND: "2"})
    assert person.path == f"/worker/done/{assignment_id}"
    assert "You can correct it until" in person.text
    assert answers(ten, hit) == []
    person.get("/worker/mine")
    assert "Correct it" in person.text
    person.post(f"/worker/assignments/{assignment_id}/correct")
    assert person.path == f"/worker/assignments/{assignment_id}"
    assert 'value="Mia &amp; &lt;b&gt;"' in person.text
    assert 'value="2" checked' in person.text
    assert "/return" not in person.text
    person.post(f"/worker/assignments/{assignment_id}/answers", {NAME: "Mio", KIND: "1"})
    assert person.path == f"/worker/done/{assignment_id}"
    ten.clock.seconds += 601
    assert answers(ten, hit) == [{"name": ["Mio"], "kind": ["Cat"]}]
    person.post(f"/worker/assignments/{assignment_id}/correct")
    assert person.path == f"/worker/done/{assignment_id}"
    assert "It cannot be corrected any more" in person.text
    assert "Correct it<" not in person.text


def test_a_task_submits_again_after_it_was_opened_again(ten: SiteBench) -> None:
    hit, person = ten.post()["HITId"], ten.person()
    assignment_id = person.accept(hit)
    page = person.text
    person.submit(assignment_id, colour="red")
    person.submit(assignment_id, colour="blue")
    assert "already submitted" in person.text
    person.text = page
    person.post(f"/worker/assignments/{assignment_id}/correct")
    person.submit(assignment_id, colour="green")
    assert "Your work was submitted" in person.text
    ten.clock.seconds += 601
    assert answers(ten, hit) == [{"colour": ["green"]}]


def test_the_next_one_offers_to_correct_the_last(ten: SiteBench) -> None:
    first, _ = (ten.post(Question=FORM)["HITId"] for _ in range(2))
    person = ten.person()
    one = person.accept(first)
    person.post(f"/worker/assignments/{one}/answers", {NAME: "Mia", KIND: "1", "auto": "1"})
    (two,) = re.findall(r'data-assignment="([A-Z0-9]+)"', person.text)
    assert two != one
    assert f"/worker/assignments/{one}/correct" in person.text
    person.post(f"/worker/assignments/{one}/correct", {"auto": "1"})
    assert person.path == f"/worker/assignments/{one}"
    person.post(f"/worker/assignments/{one}/answers", {NAME: "Mio", KIND: "2", "auto": "1"})
    assert person.path == f"/worker/assignments/{two}", "what was accepted meanwhile goes on"
    stranger = ten.person()
    ten.post(Question=FORM, MaxAssignments=2)
    theirs = stranger.accept(str(ten.post(Question=FORM)["HITId"]))
    stranger.get(f"/worker/assignments/{theirs}?last={one}")
    assert one not in stranger.text
    for act in ("correct", "answers"):
        stranger.post(f"/worker/assignments/{one}/{act}")
        assert stranger.status == 404


def test_without_the_setting_the_requester_gets_it_at_once(bench: SiteBench) -> None:
    hit, person = bench.post()["HITId"], bench.person()
    assignment_id = person.accept(hit)
    person.submit(assignment_id, colour="red")
    assert answers(bench, hit) == [{"colour": ["red"]}]
    person.get(f"/worker/done/{assignment_id}")
    assert "orrect it" not in person.text


def test_measured_pay_is_shown_in_the_list_and_on_the_page(bench: SiteBench) -> None:
    hit = bench.post(MaxAssignments=20)["HITId"]
    for number in range(10):
        worker = bench.market.register_worker("production", f"AWORKER{number}")
        taken = bench.market.accept("production", worker, hit)["AssignmentId"]
        bench.clock.seconds += 90
        bench.market.submit("production", worker, taken, {"colour": "red"})
    person = bench.person()
    assert "about $20.00 an hour" in person.text
    assert "about $20.00 an hour" in person.get(f"/worker/hits/{hit}")
