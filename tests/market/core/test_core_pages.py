"""Which pages an HTMLQuestion may have."""

from __future__ import annotations

import pytest

from turkctl.market import questions
from turkctl.market.errors import ParameterValidationError


@pytest.mark.parametrize(
    "page",
    [
        "<p>",
        "<P>Go on.</P>",
        "<!DOCTYPE html><html></html>",
        "<!-- a comment <![x[ --><p>",
        "<!--><p>",
        "<?php ?><p>",
        "<![if !IE]><p><![endif]>",
        "<!--[if IE]><![x[<![endif]--><p>",
        "<![CDATA[ x > y ]]><p>",
        "</p><p>",
        "1 < 2 <b>",
        "<p>an end in <a ",
        "<p><!-- an end",
        '<a title="<![x[">',
        "<script>if (a <![x[0]]) {}</script>",
        "<crowd-form>",
        "<TEXTAREA><![x[</TEXTAREA>",
        "<style><![x[</style><p>",
        "<script><![x[",
    ],
)
def test_a_page_with_an_element_is_taken(page: str):
    questions.check(questions.html_question(page))


@pytest.mark.parametrize(
    ("page", "place", "reason"),
    [
        ("just words", "1,1", "Expected an HTML document, found no element."),
        ("<!-- <p> -->", "1,1", "Expected an HTML document, found no element."),
        ("<a <a <a", "1,1", "Expected an HTML document, found no element."),
        ("<![x[", "1,1", "Bogus comment."),
        ("<p>\n  <![ x[</p>", "2,3", "Bogus comment."),
        ("<p></p>\n\n<![", "3,1", "Bogus comment."),
        ("<script></script><![x[", "1,18", "Bogus comment."),
    ],
)
def test_any_other_is_refused_with_the_place_and_the_reason(page: str, place: str, reason: str):
    with pytest.raises(ParameterValidationError) as caught:
        questions.check(questions.html_question(page))
    assert f"<! [{place}] {reason} !>" in str(caught.value)
