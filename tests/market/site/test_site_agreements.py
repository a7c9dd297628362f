"""Consent before a HIT is accepted, and the site's own terms before everything else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from study_rules_support import PAGE, audience, consent
from werkzeug.test import Client
from worker_site_support import REQUESTER, SiteBench, site_bench

from turkctl.market.site.agreements import terms_of
from turkctl.market.site.app import mounts

SCRIPT = f"{PAGE}<script>alert(1)</script>"


def frame_of(bench: SiteBench, address: str) -> tuple[int, str, str]:
    """Open the frame of a page on the content origin; return status, text and policy."""
    answer = Client(mounts(bench.app)["/content"]).get(re.sub(r"^https?://[^/]+", "", unescape(address)))
    return answer.status_code, answer.get_data(as_text=True), answer.headers["Content-Security-Policy"]


def asked_with(bench: SiteBench, page: str = PAGE, **changes: object) -> str:
    """Post a HIT with a consent; return its id."""
    hit = bench.post(QualificationRequirements=[consent(bench.market, REQUESTER, page)], **changes)
    return str(hit["HITId"])


def test_accept_leads_to_the_consent_and_agreeing_to_the_work(bench: SiteBench) -> None:
    hit, person = asked_with(bench, SCRIPT), bench.person()
    assert "no." not in person.text
    assert "You do not qualify" not in person.get(f"/worker/hits/{hit}")
    assert "asked for your consent first" in person.text
    person.post(f"/worker/hits/{hit}/accept")
    assert person.path == f"/worker/hits/{hit}/consent"
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in person.text
    status, text, policy = frame_of(bench, person.frame_address())
    assert (status, text) == (200, SCRIPT)
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    (shown,) = re.findall(r'name="consent" value="([A-Z0-9]+)"', person.text)
    person.post(f"/worker/hits/{hit}/consent", {"consent": shown})
    assert person.path.startswith("/worker/assignments/")
    assert bench.market.worker_assignments("production", person.worker_id)[0]["HITId"] == hit


def test_no_assignment_comes_of_not_agreeing_or_agreeing_to_something_else(bench: SiteBench) -> None:
    hit, person = asked_with(bench), bench.person()
    person.get(f"/worker/hits/{hit}/consent")
    worker_id = person.worker_id
    assert 'href="/worker"' in person.text
    assert "No, thank you" in person.text
    for wrong in ({}, {"consent": "3XXX"}):
        person.post(f"/worker/hits/{hit}/consent", wrong)
        assert person.path == f"/worker/hits/{hit}/consent"
    person.post(f"/worker/hits/{hit}/consent", {"consent": "3XXX"}, token=False)
    assert person.status == 400
    assert bench.market.worker_assignments("production", worker_id) == []


def test_the_consent_of_a_hit_that_is_not_for_somebody_is_unknown_to_them(bench: SiteBench) -> None:
    rules = [audience(bench.market, REQUESTER, "staff"), consent(bench.market, REQUESTER)]
    hit = bench.post(QualificationRequirements=rules)["HITId"]
    person = bench.person()
    for address in (f"/worker/hits/{hit}/consent", "/worker/hits/3NONE/consent"):
        person.get(address)
        assert (person.status, "There is no such HIT for you" in person.text) == (404, True)


def test_who_agreed_goes_on_in_the_group_without_being_asked(bench: SiteBench) -> None:
    rules = [consent(bench.market, REQUESTER)]
    first, second = (str(bench.post(QualificationRequirements=rules)["HITId"]) for _ in range(2))
    person = bench.person()
    person.get(f"/worker/hits/{first}/consent")
    person.post(f"/worker/hits/{first}/consent", {"consent": rules[0]["QualificationTypeId"], "auto": "1"})
    (assignment_id,) = re.findall(r'data-assignment="([A-Z0-9]+)"', person.text)
    assert 'form="answers" checked' in person.text
    person.get(f"/worker/assignments/{assignment_id}")
    bench.market.submit("production", person.worker_id, assignment_id, {"colour": "red"})
    person.post(f"/worker/assignments/{assignment_id}/next")
    assert person.path.startswith("/worker/assignments/")
    person.get(f"/worker/hits/{second}/consent")
    assert person.path.startswith("/worker/assignments/"), "nothing is left to agree to"


def test_the_site_s_terms_come_before_everything_and_again_when_they_change(bench: SiteBench) -> None:
    old, new = terms_of("Be kind.\n<b>Always</b>", is_html=False), terms_of("<p>Be kinder.</p>", is_html=True)
    with site_bench(terms=old) as ruled:
        hit = ruled.post()["HITId"]
        person = ruled.visitor()
        person.join(ruled.invite())
        assert (person.path, "Before you work here" in person.text) == ("/worker/terms", True)
        assert frame_of(ruled, person.frame_address())[1].count("&lt;b&gt;Always") == 1
        person.get(f"/worker/hits/{hit}")
        assert person.path == "/worker/terms"
        (onward,) = re.findall(r'name="next" value="([^"]+)"', person.text)
        person.post("/worker/terms", {"version": "another", "next": onward})
        assert person.path == "/worker/terms"
        person.post("/worker/terms", {"version": old.version, "next": onward})
        assert person.path == f"/worker/hits/{hit}"
        member = ruled.market.person("production", person.worker_id)
        assert member is not None
        assert (member.terms_version, member.terms_at) == (old.version, ruled.market.now())
        person.post("/worker/terms", {"version": old.version, "next": "https://evil.example"})
        assert person.path == "/worker"
    assert (new.page, new.version == old.version) == ("<p>Be kinder.</p>", False)
    person = bench.person()
    person.get("/worker/terms")
    assert person.status == 404


def test_changed_terms_are_asked_again(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    old, new = (terms_of(f"<p>{text}</p>", is_html=True) for text in ("old", "new"))
    with site_bench(database=url, terms=old) as before:
        token = before.invite()
        person = before.visitor()
        person.join(token)
        person.post("/worker/terms", {"version": old.version, "next": ""})
        assert person.path == "/worker"
    with site_bench(database=url, terms=new) as after:
        person = after.visitor()
        person.join(token)
        assert person.path == "/worker/terms"


@pytest.mark.parametrize("path", ["/worker/mine", "/worker/qualifications", "/mturk/preview?groupId=x"])
def test_no_page_is_shown_before_the_terms(path: str) -> None:
    with site_bench(terms=terms_of("Be kind.", is_html=False)) as ruled:
        person = ruled.visitor()
        person.join(ruled.invite())
        person.get(path)
        assert person.path == "/worker/terms"
