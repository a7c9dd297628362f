"""What a page of the worker site costs a phone: one style, one script, and not much of either."""

from __future__ import annotations

import gzip
import re
from html import unescape

import pytest
from worker_site_support import SiteBench, Visitor

MOST = 30_000
"""Bytes of a page, its style and its script, as they are sent."""
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def loads(page: str) -> list[str]:
    """The addresses of a page's styles and scripts."""
    assert page.count('<link rel="stylesheet"') == 1
    assert page.count("<script") == 1
    return [unescape(each) for each in re.findall(r'<(?:link rel="stylesheet" href|script defer src)="([^"]+)"', page)]


def weight(visitor: Visitor, path: str) -> int:
    """The bytes of the page and of what it loads."""
    answer = visitor.client.get(path, headers=GZIP)
    page = gzip.decompress(answer.data).decode()
    sent = [visitor.client.get(each, headers=GZIP) for each in loads(page)]
    assert [each.status_code for each in sent] == [200, 200]
    return len(answer.data) + sum(len(each.data) for each in sent)


def full_site(bench: SiteBench) -> tuple[Visitor, list[str]]:
    """A person, and the addresses of all that they read: with more groups than a page shows, and long titles."""
    hits = [
        bench.post(Title=f"Name the colour of the sky, number {number}", Description="Look out of the window. " * 5)
        for number in range(25)
    ]
    person = bench.person()
    assignment_id = person.accept(hits[0]["HITId"])
    paths = ["", "?search=colour&sort=reward", f"/hits/{hits[1]['HITId']}", f"/assignments/{assignment_id}", "/mine"]
    return person, [f"/worker{each}" for each in (*paths, "/messages", "/qualifications", "/password", "/none")]


def test_a_page_has_one_style_and_one_script_and_weighs_little(bench: SiteBench) -> None:
    person, paths = full_site(bench)
    weights = {path: weight(person, path) for path in paths}
    assert {path: number for path, number in weights.items() if number > MOST} == {}
    stranger = bench.visitor()
    for path in ("/worker/sign-in", f"/worker/join/{bench.invite()}"):
        assert weight(stranger, path) <= MOST


def test_styles_and_scripts_are_kept_for_good_at_the_address_of_their_present_text_only(bench: SiteBench) -> None:
    person = bench.person()
    for address in loads(person.text):
        answer = person.client.get(address)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        name = address.rpartition("/")[2]
        old = person.client.get(f"/worker/static/000000000000/{name}")
        assert (old.status_code, old.data) == (200, answer.data), "a page of another process may ask for another one"
        assert old.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("name", ["site.css", "site.js", "submitted.js"])
def test_they_are_sent_compressed_to_those_who_take_it(name: str, bench: SiteBench) -> None:
    client = bench.app.test_client()
    plain = client.get(f"/worker/static/0/{name}")
    packed = client.get(f"/worker/static/0/{name}", headers=GZIP)
    assert (packed.headers["Content-Encoding"], "Accept-Encoding" in packed.headers["Vary"]) == ("gzip", True)
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Content-Type"].partition(";")[0] in ("text/css", "text/javascript")
    refused = client.get(f"/worker/static/0/{name}", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_a_page_is_sent_whole_to_those_who_do_not_take_it_compressed(bench: SiteBench) -> None:
    person = bench.person()
    plain, packed = (person.client.get("/worker", headers=each) for each in ({}, GZIP))
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert "HITs open to you" in plain.text
    assert "HITs open to you" in gzip.decompress(packed.data).decode()
    assert len(packed.data) == int(packed.headers["Content-Length"])


@pytest.mark.parametrize("name", ["vendor/pico.min.css", "..%2Fapp.py", "none.css", "site.css/x"])
def test_no_other_file_is_served(name: str, bench: SiteBench) -> None:
    assert bench.app.test_client().get(f"/worker/static/0/{name}").status_code in (303, 404)
