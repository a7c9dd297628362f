"""Every address of the worker site: who gets in, what forms need, what odd values do, and every answer's headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from site_addresses import EXAMPLES, FOR_EVERYBODY, WHOSE, WITHOUT_TOKEN, Walk, walked
from worker_site_support import Visitor

NASTY = "'\"><script>alert(1)</script>"
ODD = (
    "\0",
    "a\0b",
    "x" * 3000,
    NASTY,
    "../..",
    "..%2f..",
    "é\u202e\u2028",
    "%",
    "-1",
    "1e999",
    "\ud800",
    "{{7*7}}",
    " ",
)
FIELDS = ("search", "sort", "page", "next", "auto", "how", "name", "password", "groupId", "assignmentId", "csrf_token")


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    with walked() as made:
        yield made


def raw(value: str) -> str:
    """A value as it is sent in an address, also where it is no text."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def test_every_argument_of_an_address_has_an_example(walk: Walk) -> None:
    asked = {name for rule in walk.bench.app.url_map.iter_rules() for name in rule.arguments}
    assert asked <= set(EXAMPLES), "give examples in EXAMPLES of site_addresses"
    everything = {rule.endpoint for rule in walk.bench.app.url_map.iter_rules()}
    assert everything >= FOR_EVERYBODY


def test_the_walk_opens_pages_and_not_only_errors(walk: Walk) -> None:
    opened = {rule.endpoint: walk.owner.client.get(walk.address(rule)).status_code for rule in walk.rules("GET")}
    assert opened.pop("panel_door.enter") == 400, "its parameter is not there"
    missing = {endpoint for endpoint, status in opened.items() if status == 404}
    assert missing == {"agreements.terms_form", "entrance.reset_form", "mine.take_test", "listing.preview"}
    assert set(opened.values()) <= {200, 302, 303, 404}


def test_who_has_not_signed_in_is_sent_to_sign_in_by_every_address_but_the_public_ones(walk: Walk) -> None:
    before = walk.rows()
    stranger = walk.bench.visitor()
    stranger.get("/worker/sign-in")
    for method in ("GET", "POST"):
        for rule in walk.rules(method, public=False):
            data = {"csrf_token": stranger.token} if method == "POST" else None
            answer = stranger.client.open(walk.address(rule), method=method, data=data)
            where = answer.headers.get("Location", "").partition("?")[0]
            assert (answer.status_code, where) == (303, "/worker/sign-in"), (method, rule)
            assert "Name the colour" not in answer.text
    assert walk.rows() == before


def test_no_form_without_a_token_of_this_site_does_anything(walk: Walk) -> None:
    before = walk.rows()
    posts = [rule for rule in walk.rules("POST") if rule.endpoint not in WITHOUT_TOKEN]
    assert len(posts) > 5
    for rule in posts:
        for data in ({}, {"csrf_token": ""}, {"csrf_token": "x.y.z"}):
            answer = walk.owner.client.post(walk.address(rule), data=data)
            assert (answer.status_code, "Nothing was done" in answer.text) == (400, True), rule
    assert walk.rows() == before


def test_what_is_another_s_is_as_unknown_as_what_there_is_not(walk: Walk) -> None:
    before = walk.rows()
    for method in ("GET", "POST"):
        for rule in walk.rules(method, public=False):
            whose = [name for name in WHOSE if name in rule.arguments]
            if not whose:
                continue
            seen = []
            for instead in ({}, dict.fromkeys(whose, "3" + "N" * 29)):
                walk.other.get("/worker")
                data = {"csrf_token": walk.other.token} if method == "POST" else None
                answer = walk.other.client.open(walk.address(rule, **instead), method=method, data=data)
                seen.append((answer.status_code, without_token(answer.text)))
            assert seen[0] == seen[1], (method, rule)
            assert seen[0][0] == 404, (method, rule)
    assert walk.rows() == before


def without_token(page: str) -> str:
    """A page but for its tokens, in which there is the time."""
    return re.sub(r'"X-CSRFToken": "[^"]+"|name="csrf_token" value="[^"]+"', "", page)


def is_harmless(visitor: Visitor, method: str, path: str, data: dict[str, str | bytes] | None = None) -> None:
    answer = visitor.client.open(path, method=method, data=data)
    assert answer.status_code < 500, (method, path, data)
    assert "<script>alert" not in answer.text, (method, path)
    assert "49" not in re.findall(r'value="(49)"', answer.text), "nothing is a template"
    assert answer.headers.get("Location", "/").startswith("/"), "no address leads out of the site"


def test_no_odd_argument_of_an_address_is_an_error_of_the_server(walk: Walk) -> None:
    for method in ("GET", "POST"):
        for rule in walk.rules(method):
            walk.other.get("/worker/password")
            data: dict[str, str | bytes] | None = {"csrf_token": walk.other.token} if method == "POST" else None
            for name in rule.arguments:
                for value in ODD:
                    is_harmless(walk.other, method, walk.address(rule, **{name: raw(value)}), data)


def test_no_odd_part_of_a_query_is_an_error_of_the_server(walk: Walk) -> None:
    for rule in walk.rules("GET"):
        for value in ODD:
            query = "&".join(f"{name}={raw(value)}" for name in (*FIELDS, "_external", "endpoint", "_scheme"))
            is_harmless(walk.other, "GET", f"{walk.address(rule)}?{query}")


def test_no_odd_field_of_a_form_is_an_error_of_the_server(walk: Walk) -> None:
    for rule in walk.rules("POST"):
        if rule.endpoint in ("entrance.sign_out", "entrance.join"):
            continue  # they would end the visit, or begin another one
        walk.other.get("/worker/password")
        token = walk.other.token
        for value in ODD:
            data: dict[str, str | bytes] = {name: value.encode("utf-8", "surrogatepass") for name in FIELDS}
            is_harmless(walk.other, "POST", walk.address(rule), data | {"csrf_token": token})


def test_every_answer_has_the_policy_and_its_companions(walk: Walk) -> None:
    stranger = walk.bench.visitor()
    seen = set()
    for client in (stranger.client, walk.owner.client):
        for method in ("GET", "POST", "PUT", "OPTIONS", "HEAD"):
            for path in [
                *map(walk.address, walk.bench.app.url_map.iter_rules()),
                "/worker/none",
                "/worker/static/0/none",
            ]:
                answer = client.open(path, method=method)
                seen.add(answer.status_code)
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in policy, (method, path)
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                framed = path.startswith("/mturk/externalSubmit") and method == "POST"
                assert ("frame-ancestors 'none'" in policy) is not framed, (method, path)
                kept = "/static/0000" in path and answer.status_code == 200 and method in ("GET", "HEAD")
                assert answer.headers["Cache-Control"] == ("public, max-age=300" if kept else "no-store"), (
                    method,
                    path,
                )
    assert seen >= {200, 303, 400, 404, 405}
