"""Whom to ask and the note on privacy are below every page of the worker site, also before anybody signs in."""

from __future__ import annotations

import pytest
from worker_site_support import site_bench

from turkctl.market.site.foot_lines import Foot, note_of

PLACES = ("/worker/sign-in", "/worker/join/nothing", "/worker/enter/a/b?c=1", "/worker/nothing")


def test_contact_and_privacy_are_below_every_page() -> None:
    with site_bench(
        foot=Foot("lab@example.org", note_of("We keep <b>nothing</b>.\n\nReally.", is_html=False))
    ) as bench:
        visitor = bench.visitor()
        for path in PLACES:
            visitor.get(path)
            assert '<a href="mailto:lab@example.org">' in visitor.text, path
            assert 'href="/worker/privacy"' in visitor.text, path
        visitor.get("/worker/privacy")
        assert (visitor.status, visitor.path) == (200, "/worker/privacy")
        assert "<p>We keep &lt;b&gt;nothing&lt;/b&gt;.</p>" in visitor.text
        person = bench.person()
        for path in ("/worker", "/worker/mine", "/worker/messages", "/worker/qualifications", "/worker/password"):
            person.get(path)
            assert ("mailto:" in person.text, "Privacy" in person.text) == (True, True), path


def test_without_them_nothing_is_there() -> None:
    with site_bench() as bench:
        visitor = bench.visitor()
        visitor.get("/worker/sign-in")
        assert ("<footer" in visitor.text, visitor.get("/worker/privacy") and visitor.status) == (False, 404)


def test_the_note_is_the_body_of_an_html_file() -> None:
    document = "<!doctype html><html><head><title>x</title></head><BODY class=a>\n<h2>Data</h2></BODY></html>"
    assert str(note_of(document, is_html=True)).strip() == "<h2>Data</h2>"
    assert str(note_of("<h2>Data</h2>", is_html=True)) == "<h2>Data</h2>"


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("https://lab.example.org/ask", '<a href="https://lab.example.org/ask" rel="noopener noreferrer">'),
        ("Room 7, <script>", "Room 7, &lt;script&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('a"@example.org', "a&#34;@example.org"),
    ],
)
def test_a_contact_is_a_link_only_where_it_is_an_address(contact: str, shown: str) -> None:
    html = str(Foot(contact).contact_html)
    assert html.startswith(shown)
    assert ("href" in html) is contact.startswith("https:")
