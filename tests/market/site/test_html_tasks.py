"""HTML tasks come out as they were written, but for what makes them run on this market."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.market import questions
from turkctl.market.site.html_tasks import html_content, own_script, script, task_page, version
from turkctl.task_forms import with_form

ORIGIN = "https://content.example"
SHIM = f'<script src="{script(ORIGIN, "task-shim.js")}"></script>'
OWN = script(ORIGIN, "externalHIT_v1.js")
CROWD = script(ORIGIN, "crowd-html-elements.js")
AMAZON = "https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"


def changed(page: str) -> str:
    """The page as served, without the script that each one gets."""
    served = task_page(page, ORIGIN)
    assert served.count(SHIM) == 1
    return served.replace(SHIM, "")


@pytest.mark.parametrize(
    "tag",
    [
        f'<script src="{AMAZON}"></script>',
        f"<SCRIPT type='text/javascript'\n  SRC='{AMAZON}'></SCRIPT>",
        "<script src=//mturk-public.s3.amazonaws.com/externalHIT_v1.js></script>",
        f'<script src="{AMAZON}?a=1&amp;b=2" crossorigin="anonymous"></script>',
    ],
)
def test_amazons_script_is_loaded_from_our_own_address(tag: str) -> None:
    page = f"<!doctype html>\n<html><head>{tag}</head><body>é &nbsp;<form></form></body></html>"
    before, _, after = page.partition(tag)
    served = changed(page)
    assert served.startswith(before)
    assert served.endswith(after)
    assert f'src="{OWN}"' in served
    assert "amazonaws" not in served


def test_a_checksum_of_amazons_script_goes_with_it_and_other_attributes_stay() -> None:
    tag = f'<script defer integrity="sha384-xyz" src="{AMAZON}" id="it"></script>'
    assert changed(f"<form></form>{tag}") == f'<form></form><script defer src="{OWN}" id="it"></script>'


def test_the_crowd_elements_keep_their_name_by_which_they_find_themselves() -> None:
    page = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form></crowd-form>'
    assert f'src="{CROWD}"' in changed(page)
    assert CROWD.endswith("/crowd-html-elements.js")


@pytest.mark.parametrize(
    "page",
    [
        "<form><!-- <script src='https://s3.amazonaws.com/mturk-public/externalHIT_v1.js'></script> --></form>",
        f"<form></form><textarea name=a><script src='{AMAZON}'></script></textarea>",
        "<form></form><script src='https://lab.example/externalHIT_v1.js'></script>",
        "<form></form><script src='https://notamazonaws.com/externalHIT_v1.js'></script>",
        f"<form></form><script>document.write(\"<script src='{AMAZON}'>\")</script>",
        f"<form></form><a href='{AMAZON}'>Look</a>",
        "<form action='https://www.mturk.com/mturk/externalSubmit'></form><p>plain & unescaped <b>x",
        "<svg><script xlink:href='x'/></svg><form>",
    ],
)
def test_everything_else_stays(page: str) -> None:
    assert changed(page) == page


@pytest.mark.parametrize(
    ("page", "where"),
    [
        ("<!DOCTYPE html>\r\n<html lang=en><head a='>'><title>T</title></head><form></form></html>", "<head a='>'>"),
        ("<!DOCTYPE html><html><body><form></form></body></html>", "<html>"),
        ("<!DOCTYPE html><title>T</title><form></form>", "<!DOCTYPE html>"),
        ("<!-- <head> --><p>No head</p><form></form>", ""),
    ],
)
def test_the_script_that_sends_forms_here_comes_first(page: str, where: str) -> None:
    served = task_page(page, ORIGIN)
    assert served.replace(SHIM, "", 1) == page
    assert served.startswith(page[: page.index(where) + len(where)] + SHIM)


LAYOUT = '<section><p>Is this a cat?</p><input type="radio" name="cat" value="yes"> Yes</section>'


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("", ""),
        ("<!doctype html><html><head><title>T</title></head><body class=x>", "</body></html>"),
        ("<!doctype html><html><head><title>T</title></head>", "</html>"),
        ("<script src='https://code.example/jquery.js'></script>", "<script>$('x')</script>"),
    ],
)
def test_a_layout_with_fields_and_no_form_gets_one_with_a_button(start: str, end: str) -> None:
    served = changed(f"{start}{LAYOUT}{end}")
    form = re.search(r"<form [^>]*>(.*)</form>", served, re.DOTALL)
    assert form
    assert 'name="assignmentId"' in form[1]
    assert LAYOUT in form[1]
    assert 'type="submit"' in form[1]
    assert "<title>" not in form[1]
    assert served.endswith("</form>" if not end.startswith("</") else end)


def test_a_layout_with_a_button_of_its_own_keeps_that_alone() -> None:
    assert 'type="submit"' not in changed(f"{LAYOUT}<button type=submit>Go</button>")


@pytest.mark.parametrize(
    "page",
    [
        f"<form>{LAYOUT}</form>",
        f"<crowd-form>{LAYOUT}</crowd-form>",
        "<p>Nothing to fill in</p><input id=code>",
        f"{LAYOUT}<script>post(turkSubmitTo + '/mturk/externalSubmit')</script>",
    ],
)
def test_a_page_that_submits_by_itself_is_given_no_form(page: str) -> None:
    assert changed(page) == page


@pytest.mark.parametrize("page", [LAYOUT, f"<!doctype html><html><head></head><body>{LAYOUT}</body></html>", "<p>Read"])
def test_a_page_that_was_posted_in_a_form_keeps_that_form_alone(page: str) -> None:
    posted = with_form(page)
    assert posted.count("<form") == 1
    assert changed(posted) == posted
    if "input" in page:  # what this market would have added by itself is the same, but for what other markets need
        assert re.sub("<script data-turkctl-form>.*?</script>", "", posted) == changed(page)


PIECES = ["<", ">", "script", " src=", '"', "'", "<!--", "-->", "<p>", "</", "body", "<title>", "\n", "é", "="]


@given(st.lists(st.sampled_from(PIECES)))
def test_whatever_the_document_nothing_of_it_is_lost(parts: list[str]) -> None:
    page = "<form>" + "".join(parts)
    assert changed(page) == page


def test_a_document_is_read_out_of_its_question() -> None:
    page = "<p>a &amp; b ]]> c</p>"
    assert html_content(questions.html_question(page)) == page


def test_an_address_that_is_none_names_no_script() -> None:
    assert own_script("https://[") is None
    assert own_script("") is None


def test_the_address_of_a_script_names_the_text_of_all_scripts() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", version())
    assert script(f"{ORIGIN}/", "x.js") == f"{ORIGIN}/content/static/{version()}/x.js"
