"""A QuestionForm in a real browser: it can be filled in by its labels, and has no serious problem for axe at 360 px."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from browser import axe_problems, open_page, too_wide
from question_documents import choice, form_document, form_question, free_text
from strict_pages import page, strict_pages
from wsgi_server import serve_wsgi

from turkctl.market.answers import OtherText
from turkctl.market.site.form_answers import read_answers
from turkctl.market.site.form_pages import form_html
from turkctl.market.site.question_form import read_form

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LOOKS = '<link rel="stylesheet" href="/vendor/pico.min.css">'
TABLE = "<FormattedContent><![CDATA[<table><tr><th>Animal</th></tr><tr><td>Cat</td></tr></table>]]></FormattedContent>"
PICTURE = (
    "<Binary><MimeType><Type>image</Type></MimeType><DataURL>http://a.example/x.png</DataURL>"
    "<AltText>A cat</AltText></Binary>"
)
FORM = read_form(
    form_document(
        f"<Overview><Title>Animals</Title><Text>Look at them.</Text>{TABLE}{PICTURE}</Overview>",
        form_question("name", free_text('<Length minLength="2" maxLength="50"/>'), content="<Text>Its name</Text>"),
        form_question(
            "year",
            free_text('<AnswerFormatRegex regex="^[12][0-9]{3}$" errorText="A year."/>'),
            content="<Text>Born in</Text>",
        ),
        form_question("legs", free_text('<IsNumeric minValue="0" maxValue="8"/>'), content="<Text>Legs</Text>"),
        form_question(
            "story",
            free_text("", "<DefaultText>Once</DefaultText><NumberOfLinesSuggestion>4</NumberOfLinesSuggestion>"),
            content="<Text>Its story</Text>",
            required=False,
        ),
        form_question("kind", choice("radiobutton", "Cat", "Dog", other=True), content="<Text>What is it?</Text>"),
        form_question("looks", choice("checkbox", "Big", "Red", "Old", most=2), content="<Text>How is it?</Text>"),
        form_question("size", choice("dropdown", "Small", "Large"), content="<Text>Size</Text>"),
        form_question("food", choice("list", "Hay", "Meat", "Fish", most=3), content="<Text>Food</Text>"),
    )
)


class Site:
    """A page with the form, and what was posted to it."""

    def __init__(self, problems: Mapping[str, str] | None = None) -> None:
        shown = form_html(FORM, None if problems is None else {}, problems)
        self.posted: dict[str, list[str]] = {}
        body = f'<form method="post" action="/post">{shown}<button>Submit</button></form>'
        self._pages = strict_pages({"/form": page(body, LOOKS), "/post": page("<p>Thanks</p>")})

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            self.posted = parse_qs(body, keep_blank_values=True)
        return self._pages(environ, start_response)


@contextmanager
def site(problems: Mapping[str, str] | None = None) -> Iterator[tuple[Site, str]]:
    app = Site(problems)
    with serve_wsgi(app) as address:
        yield app, address


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("wrong", [False, True])
def test_a_form_has_nothing_serious_for_axe_at_360_px(browser: Browser, wrong: bool, dark: bool) -> None:
    problems = {question.name: "Please answer this question." for question in FORM.questions()} if wrong else None
    with site(problems) as (_, address), open_page(browser, address, width=360, dark=dark) as shown:
        shown.goto("/form")
        assert axe_problems(shown) == []
        assert too_wide(shown) == []


def test_a_form_is_filled_in_by_its_labels(browser: Browser) -> None:
    with site() as (app, address):
        with open_page(browser, address, width=360) as shown:
            shown.goto("/form")
            shown.get_by_label("Its name").fill("Mia")
            shown.get_by_label("Born in").fill("1871x")
            shown.get_by_label("Legs").fill("4")
            shown.get_by_label("Its story").fill("Once\nupon")
            shown.get_by_role("group", name="What is it?").get_by_label("Other (write it below)").check()
            shown.get_by_label("Other answer").fill("Fox")
            shown.get_by_role("group", name="How is it?").get_by_label("Red").check()
            shown.get_by_label("Size").select_option("Large")
            shown.get_by_label("Food").select_option(["Hay", "Fish"])
            shown.get_by_role("button", name="Submit").click()
            # The browser itself checks the expression, as the market does.
            assert not shown.get_by_label("Born in").evaluate("field => field.checkValidity()")
            shown.get_by_label("Born in").fill("1871")
            shown.get_by_role("button", name="Submit").click()
            shown.get_by_text("Thanks").wait_for()
        found = read_answers(FORM, app.posted)
    assert found.problems == {}
    assert found.answers == {
        "name": "Mia",
        "year": "1871",
        "legs": "4",
        "story": "Once\nupon",
        "kind": [OtherText("Fox")],
        "looks": ["Red"],
        "size": ["Large"],
        "food": ["Hay", "Fish"],
    }
