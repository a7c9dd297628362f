"""What the frame of a HIT shows, and the address that it is given."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from question_documents import external_document, form_document, form_question, free_text

from turkctl.market import questions
from turkctl.market.site.frames import Frame, add_parameters, frame_for, origin, task_parameters

MARKET = "https://market.example"
CONTENT = "https://content.example"
HIT = "3" + "H" * 29
WORK = "3" + "A" * 29


def framed(question: str, *, at_work: bool = True, market: str = MARKET, content: str = CONTENT) -> Frame:
    hit = {"HITId": HIT, "Question": question}
    return frame_for(hit, WORK if at_work else None, "AWORKER", market, content)


def test_a_page_gets_four_parameters_at_work_behind_its_own_and_before_its_fragment() -> None:
    frame = framed(external_document("https://lab.example/go?a=1&a=2&b=%20#top"))
    assert frame.kind == "external"
    assert frame.url == (
        f"https://lab.example/go?a=1&a=2&b=%20&assignmentId={WORK}&hitId={HIT}"
        "&turkSubmitTo=https%3A%2F%2Fmarket.example&workerId=AWORKER#top"
    )


def test_a_preview_names_no_worker() -> None:
    url = framed(external_document("https://lab.example"), at_work=False).url or ""
    assert url == (
        f"https://lab.example?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId={HIT}"
        "&turkSubmitTo=https%3A%2F%2Fmarket.example"
    )


def test_pages_append_a_path_so_that_the_market_has_no_slash_at_its_end() -> None:
    url = framed(external_document("https://lab.example/?"), market=f"{MARKET}/").url or ""
    assert dict(parse_qsl(urlsplit(url).query))["turkSubmitTo"] == MARKET
    assert "??" not in url
    assert "?&" not in url


_ODD = st.characters(codec="utf-8", exclude_characters="#", categories=("L", "N", "P", "S"))
ODD = st.text(alphabet=_ODD, max_size=30)


@example(path="", query="?", fragment="", worker="&=#")
@example(path="", query="&", fragment=None, worker="W")
@given(
    path=ODD.filter(lambda text: "?" not in text),
    query=st.none() | ODD,
    fragment=st.none() | ODD,
    worker=st.text(min_size=1, max_size=20, alphabet=st.characters(codec="utf-8")),
)
def test_whatever_the_address_its_own_parts_stay_and_the_parameters_arrive(
    path: str, query: str | None, fragment: str | None, worker: str
) -> None:
    given_url = f"https://lab.example/{path}"
    if query is not None:
        given_url += f"?{query}"
    tail = "" if fragment is None else f"#{fragment}"
    url = add_parameters(given_url + tail, task_parameters(HIT, WORK, worker, MARKET))
    assert url.startswith(given_url)
    assert url.endswith(tail)
    address, _, _ = url.partition("#")
    assert address.count("?") >= 1
    found = parse_qsl(address.partition("?")[2], keep_blank_values=True)
    assert found[-4:] == [
        ("assignmentId", WORK),
        ("hitId", HIT),
        ("turkSubmitTo", MARKET),
        ("workerId", worker),
    ]
    own = parse_qsl(query or "", keep_blank_values=True)
    assert found[:-4] == own


@pytest.mark.parametrize(
    ("height", "shown"), [("0", 0), ("450", 450), ("10000", 10_000), ("99999", 10_000), ("9" * 5000, 10_000)]
)
def test_a_frame_is_as_high_as_its_question_says(height: str, shown: int) -> None:
    assert framed(external_document("https://lab.example/", height)).height == shown


def test_a_requesters_page_keeps_its_origin_unless_it_is_the_markets() -> None:
    assert "allow-same-origin" in framed(external_document("https://lab.example/")).sandbox
    assert "allow-same-origin" not in framed(external_document("https://Market.example:443/x")).sandbox
    assert "top-navigation" not in framed(external_document("https://lab.example/")).sandbox


def test_an_html_task_keeps_its_origin_only_on_another_host() -> None:
    task = questions.html_question("<p>Hello</p>", 300)
    frame = framed(task)
    assert (frame.kind, frame.height, frame.policy) == ("html", 300, "'self' https:")
    assert (frame.url or "").startswith(f"{CONTENT}/content/{HIT}?assignmentId={WORK}&hitId={HIT}&")
    assert "allow-same-origin" in frame.sandbox
    assert "allow-same-origin" not in framed(task, content="https://market.example:8443").sandbox


def test_a_page_on_this_computer_is_named_in_the_policy_because_it_is_not_on_https() -> None:
    frame = framed(external_document("http://127.0.0.1:5000/ad?x"))
    assert frame.policy == "'self' https: http://127.0.0.1:5000"


def test_a_form_is_shown_on_the_page_itself() -> None:
    document = form_document(form_question("q", free_text()))
    assert framed(document) == Frame("form", None, document, 0, "", "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example:443/x?y", "https://a.example"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
        ("https://me:pw@a.example/", "https://a.example"),
    ],
)
def test_an_origin_is_written_as_policies_write_it(url: str, expected: str) -> None:
    assert origin(url) == expected
