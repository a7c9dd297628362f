"""What the worker site must never do, whatever is asked of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from worker_site_support import PASSWORD, REQUESTER, SiteBench, Visitor, site_bench

from turkctl.attempt_limits import PER_PAIR, WINDOW
from turkctl.market.invitations import hash_token
from turkctl.market.site import submit
from turkctl.market.site.app import mounts
from turkctl.newcomers import NewPerson
from turkctl.web.passwords import hash_password


def status_of(bench: SiteBench, assignment_id: str) -> str:
    return bench.market.assignment("production", assignment_id)["AssignmentStatus"]


@pytest.mark.parametrize("page", ["assignments/{}", "assignments/{}/state", "done/{}"])
def test_nobody_sees_another_s_work(page: str, bench: SiteBench) -> None:
    hit = bench.post()
    assignment_id = bench.person().accept(hit["HITId"])
    other = bench.person()
    other.get(f"/worker/{page.format(assignment_id)}")
    seen, text_ = other.status, without_token(other.text)
    other.get(f"/worker/{page.format('3NOSUCHASSIGNMENT')}")
    assert (seen, text_) == (404, without_token(other.text)), "it is as unknown as one that does not exist"


@pytest.mark.parametrize("act", ["return", "next", "answers", "correct"])
def test_nobody_returns_or_submits_another_s_work(act: str, bench: SiteBench) -> None:
    hit = bench.post()
    assignment_id = bench.person().accept(hit["HITId"])
    other = bench.person()
    other.post(f"/worker/assignments/{assignment_id}/{act}")
    assert other.status == 404
    assert status_of(bench, assignment_id) == "Accepted"
    assert bench.market.worker_assignments("production", bench_worker(other)) == []


def bench_worker(visitor: Visitor) -> str:
    visitor.get("/worker")
    return visitor.worker_id


def test_nobody_who_is_signed_in_submits_another_s_work(bench: SiteBench) -> None:
    hit = bench.post()
    assignment_id = bench.person().accept(hit["HITId"])
    other = bench.person()
    other.post("/mturk/externalSubmit", {"assignmentId": assignment_id}, token=False)
    assert (other.status, "Nothing was submitted" in other.text) == (400, True)
    assert status_of(bench, assignment_id) == "Accepted"


@pytest.mark.parametrize("fields", [{}, {"assignmentId": ""}, {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}])
def test_a_preview_submits_nothing(fields: dict[str, str], bench: SiteBench) -> None:
    visitor = bench.visitor()
    visitor.post("/mturk/externalSubmit", fields, token=False)
    assert (visitor.status, "Nothing was submitted" in visitor.text) == (400, True)


def test_a_second_submission_changes_nothing_and_says_so(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    person.submit(assignment_id, colour="red")
    person.submit(assignment_id, colour="blue")
    assert (person.status, "already submitted" in person.text) == (200, True)
    (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
    assert "red" in found["Answer"]
    assert "blue" not in found["Answer"]


@pytest.mark.parametrize("end", ["over", "returned"])
def test_what_is_over_or_returned_cannot_be_submitted(end: str, bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    if end == "over":
        bench.clock.seconds += 601
    else:
        person.post(f"/worker/assignments/{assignment_id}/return")
    person.submit(assignment_id)
    assert (person.status, "Nothing was submitted" in person.text) == (400, True)
    assert bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"] == []


def test_an_answer_can_come_in_the_address_and_several_times_and_the_market_s_names_are_none(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    query = f"assignmentId={assignment_id}&hitId=x&turkSubmitTo=y&workerId=z&from=address&box=1"
    client = bench.app.test_client()
    answer = client.post(f"/mturk/externalSubmit?{query}", data={"box": ["2", "3"], "hitId": "x"})
    assert answer.status_code == 200
    (found,) = bench.market.list_assignments_for_hit(REQUESTER, {"HITId": hit["HITId"]})["Assignments"]
    names = re.findall("<QuestionIdentifier>(.*?)<", found["Answer"])
    assert names == ["from", "box"]
    assert "<FreeText>1|2|3</FreeText>" in found["Answer"]


def test_answers_are_bounded(bench: SiteBench, monkeypatch: pytest.MonkeyPatch) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    for fields in ({"long": "x" * (submit.MOST_CHARACTERS + 1)}, {f"f{n}": "" for n in range(submit.MOST_FIELDS + 1)}):
        person.submit(assignment_id, **fields)
        assert (person.status, status_of(bench, assignment_id)) == (413, "Accepted")
    person.submit(assignment_id, long="x" * 3_000_000)
    assert (person.status, status_of(bench, assignment_id)) == (413, "Accepted")


def test_two_slashes_are_one_address_on_the_market_s_server(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    assignment_id = person.accept(hit["HITId"])
    mounted = mounts(bench.app)["//mturk"]
    environ: dict[str, Any] = bench.app.test_request_context(
        "/x", method="POST", data={"assignmentId": assignment_id}
    ).request.environ
    seen: list[str] = []
    parts = {"SCRIPT_NAME": "//mturk", "PATH_INFO": "/externalSubmit"}
    b"".join(mounted(environ | parts, lambda status, *_: seen.append(status)))  # type: ignore[arg-type, return-value]
    assert (seen, status_of(bench, assignment_id)) == (["200 OK"], "Submitted")


def test_who_has_not_signed_in_comes_back_to_the_page_that_was_asked_for(bench: SiteBench) -> None:
    hit = bench.post()
    visitor = bench.visitor()
    bench.market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    visitor.get(f"/mturk/preview?groupId={hit['HITGroupId']}")
    found = re.search(r'name="next" value="([^"]+)"', visitor.text)
    assert found
    visitor.post("/worker/sign-in", {"name": "ana", "password": PASSWORD, "next": found[1]})
    assert visitor.path == f"/worker/hits/{hit['HITId']}"


@pytest.mark.parametrize(
    "target", ["https://evil.example.org/", "//evil.example.org", r"/worker/..\x", "/worker/../x", "/other", "/mturkx"]
)
def test_nobody_is_led_to_another_site(target: str, bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    visitor = bench.visitor()
    visitor.get("/worker/sign-in")
    client = visitor.client
    answer = client.post(
        "/worker/sign-in",
        data={"name": "ana", "password": PASSWORD, "next": target, "csrf_token": visitor.token},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/worker")


def test_a_hit_that_one_may_not_know_of_is_as_unknown_as_none(bench: SiteBench) -> None:
    kind = bench.market.create_qualification_type(
        REQUESTER, {"Name": "staff", "Description": "Staff.", "QualificationTypeStatus": "Active"}
    )["QualificationType"]["QualificationTypeId"]
    asked = {"QualificationTypeId": kind, "Comparator": "Exists", "ActionsGuarded": "DiscoverPreviewAndAccept"}
    hit = bench.post(QualificationRequirements=[asked])
    blocked_hit = bench.post(Title="Another")
    person = bench.person()
    worker_id = person.worker_id
    bench.market.create_worker_block(REQUESTER, {"WorkerId": worker_id, "Reason": "no"})
    person.get("/worker")
    assert "Name the colour" not in person.text
    for each in (hit, blocked_hit):
        for method, path in (
            ("get", ""),
            ("post", "/accept"),
            ("post", "/skip"),
            ("get", "/consent"),
            ("post", "/consent"),
        ):
            getattr(person, method)(f"/worker/hits/{each['HITId']}{path}")
            seen = (person.status, without_token(person.text))
            person.get("/worker/sign-out")
            getattr(person, method)(f"/worker/hits/3NOSUCHHIT{path}")
            assert seen == (404, without_token(person.text))
            person.get("/worker/sign-out")


def without_token(page: str) -> str:
    """A page but for its token, in which there is the time."""
    return re.sub(r'"X-CSRFToken": "[^"]+"|name="csrf_token" value="[^"]+"', "", page)


def test_passwords_are_kept_as_argon2_and_tokens_as_hashes(bench: SiteBench) -> None:
    token = bench.invite(uses=5, personal=False)
    visitor = bench.visitor()
    visitor.get(f"/worker/join/{token}")
    visitor.post(f"/worker/join/{token}", {"how": "name", "name": "ana", "password": PASSWORD})
    assert "(ana)" in visitor.text
    with bench.market._database.read() as connection:
        people = connection.execute(text("SELECT * FROM market_person")).all()
        invitations = connection.execute(text("SELECT * FROM market_invitation")).all()
    assert PASSWORD not in str(people)
    assert "$argon2id$" in str(people)
    assert token not in str(invitations)
    assert hash_token(token) in str(invitations)


def test_attempts_to_sign_in_are_limited_for_all_processes(bench: SiteBench) -> None:
    bench.market.add_person("production", NewPerson(name="ana", password_hash=hash_password(PASSWORD)))
    visitor = bench.visitor()
    for _ in range(PER_PAIR):
        visitor.get("/worker/sign-in")
        visitor.post("/worker/sign-in", {"name": "ana", "password": "wrong password"})
        assert visitor.status == 401
    again = SiteBench.__new__(SiteBench)
    again.__dict__ = bench.__dict__ | {"app": _another_site(bench)}
    other = Visitor(again)
    other.get("/worker/sign-in")
    other.post("/worker/sign-in", {"name": "ana", "password": PASSWORD})
    assert (other.status, "Too many attempts" in other.text) == (429, True)
    bench.later += WINDOW + timedelta(seconds=1)
    other.get("/worker/sign-in")
    other.post("/worker/sign-in", {"name": "ana", "password": PASSWORD})
    assert other.path == "/worker"


def _another_site(bench: SiteBench) -> Any:
    """The site of another process on the same database."""
    from worker_site_support import SECRET_KEY

    from turkctl.market.site.app import SiteOptions, make_site

    return make_site(bench.market, "production", SiteOptions(SECRET_KEY), clock=bench.now)


def test_a_session_that_was_signed_out_is_over_also_for_a_copy_of_its_cookie(bench: SiteBench) -> None:
    person = bench.person()
    cookie = person.client.get_cookie("turkctl_worker")
    assert cookie is not None
    person.get("/worker/sign-out")
    person.post("/worker/sign-out")
    thief = bench.visitor()
    thief.client.set_cookie("turkctl_worker", cookie.value)
    thief.get("/worker")
    assert thief.path == "/worker/sign-in"


def test_the_policy_of_a_page_lets_in_the_frame_that_its_task_needs_and_nothing_else(bench: SiteBench) -> None:
    hit = bench.post()
    person = bench.person()
    plain = person.headers["Content-Security-Policy"]
    assert "frame-src" not in plain
    assert "default-src 'self'" in plain
    person.get(f"/worker/hits/{hit['HITId']}")
    policy = person.headers["Content-Security-Policy"]
    assert policy.endswith("frame-src 'self' https:")
    assert "frame-ancestors 'none'" in policy
    assert person.headers["X-Frame-Options"] == "DENY"
    assert "unsafe" not in policy
    assert person.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    allowed = '(self "https://lab.example.org")'
    assert person.headers["Permissions-Policy"] == f"camera={allowed}, microphone={allowed}, geolocation=()"
    assert "allow-top-navigation" not in person.text
    person.submit("3NONE")
    assert "frame-ancestors *" in person.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in person.headers


def test_behind_a_proxy_cookies_need_tls(bench: SiteBench) -> None:
    with site_bench(behind_proxy=True) as other:
        visitor = other.visitor()
        token = other.invite()
        tls = {"X-Forwarded-Proto": "https"}
        visitor.get(f"/worker/join/{token}", headers=tls)
        sent = [value for name, value in visitor.headers if name == "Set-Cookie"]
        assert sent[0].startswith("__Host-turkctl_worker=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(sent[0].split("; "))
        assert "Strict-Transport-Security" in visitor.headers


def test_a_link_is_not_followed_by_a_program_that_opens_it(bench: SiteBench) -> None:
    token = bench.invite()
    visitor = bench.visitor()
    visitor.get(f"/worker/join/{token}")
    assert bench.market.people("production") == []
