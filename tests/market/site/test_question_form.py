"""A QuestionForm as an HTML form: what is shown, and which answers are taken."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_documents import choice, form_document, form_question, free_text

from turkctl.market import answers, questions, scoring
from turkctl.market.answers import OtherText
from turkctl.market.site.answer_formats import satisfies
from turkctl.market.site.form_answers import FormReading, read_answers
from turkctl.market.site.form_pages import form_html, image_sources
from turkctl.market.site.formatted_content import formatted
from turkctl.market.site.question_form import STYLES, AnswerFormat, FreeText, MultipleChoice, QuestionForm, read_form


class Page(HTMLParser):
    """The start tags of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def asked(answer: str, *, required: bool = True, content: str = "<Text>Well?</Text>") -> QuestionForm:
    document = form_document(form_question("q", answer, required=required, content=content))
    questions.check(document)
    return read_form(document)


def read(form: QuestionForm, **fields: str | list[str]) -> FormReading:
    named = {name.replace("_", "-"): [value] if isinstance(value, str) else value for name, value in fields.items()}
    return read_answers(form, named)


def problem(form: QuestionForm, **fields: str | list[str]) -> str | None:
    return read(form, **fields).problems.get("q")


def test_content_is_shown_in_its_order_and_every_character_as_text() -> None:
    form = read_form(
        form_document(
            "<Overview><Title>A &lt;b&gt;</Title><Text>One\n\nTwo</Text><List><ListItem>x</ListItem></List></Overview>",
            form_question("q", free_text(), content="<Text>&lt;script&gt;</Text>"),
            "<Overview><QuestionContent><Text>Thanks</Text></QuestionContent></Overview>",
        )
    )
    shown = form_html(form)
    assert "<h2>A &lt;b&gt;</h2><p>One</p><p>Two</p><ul><li>x</li></ul>" in shown
    assert "<script" not in shown
    assert shown.index("Two") < shown.index("&lt;script&gt;") < shown.index("Thanks")


def test_a_required_text_must_be_there() -> None:
    form = asked(free_text())
    assert problem(form, answer_1="  \n") == "Please answer this question."
    assert problem(form) == "Please answer this question."
    assert read(form, answer_1="a\r\nb") == FormReading({"q": "a\nb"}, {})
    assert read(asked(free_text(), required=False)) == FormReading({"q": ""}, {})


@pytest.mark.parametrize(
    ("constraints", "good", "bad", "told"),
    [
        ("<IsNumeric/>", ["1", "-1.5", " 7 ", ".5"], ["x", "1e5", "1,5", "٣", "nan"], "Give a number."),
        ('<IsNumeric minValue="1" maxValue="5"/>', ["1", "5.0"], ["0.9", "6"], "Give a number from 1 to 5."),
        ('<IsNumeric minValue="1"/>', ["1000"], ["0"], "Give a number of at least 1."),
        ('<IsNumeric maxValue="1"/>', ["-1000"], ["2"], "Give a number of at most 1."),
        ('<Length minLength="2"/>', ["ab"], ["a"], "Write at least 2 characters; there are 1."),
        ('<Length maxLength="2"/>', ["ab"], ["abc"], "Write at most 2 characters; there are 3."),
        ('<AnswerFormatRegex regex="^[12][0-9]{3}$" errorText="A year."/>', ["1971"], ["197", "3000"], "A year."),
        ('<AnswerFormatRegex regex="b"/>', ["abc"], ["x"], "This is not in the form that is asked for."),
        ('<AnswerFormatRegex regex="^b$" flags="i" errorText="B."/>', ["B"], ["x"], "B."),
        ('<IsNumeric minValue="x" maxValue="y"/>', ["3"], ["z"], "Give a number."),
        ('<IsNumeric minValue="5" maxValue="1"/>', ["7"], ["4"], "Give a number of at least 5."),
        ('<Length minLength="3" maxLength="2"/>', ["abcd"], ["ab"], "Write at least 3 characters; there are 2."),
    ],
)
def test_a_text_keeps_to_its_constraints(constraints: str, good: list[str], bad: list[str], told: str) -> None:
    form = asked(free_text(constraints))
    assert [problem(form, answer_1=text) for text in good] == [None] * len(good)
    assert [problem(form, answer_1=text) for text in bad] == [told] * len(bad)


def test_a_text_of_any_form_has_an_end() -> None:
    assert problem(asked(free_text()), answer_1="x" * 100_001) is not None


def test_the_field_says_what_it_takes() -> None:
    limits = '<Length minLength="2" maxLength="9"/><AnswerFormatRegex regex="a&quot;" errorText="An a."/>'
    page = Page(form_html(asked(free_text(limits, "<DefaultText>&quot;x&quot;</DefaultText>"))))
    field = page.of("input")[0]
    assert (field["minlength"], field["maxlength"], field["value"]) == ("2", "9", '"x"')
    assert field["title"] == "An a."
    assert field["pattern"] == '[^]*?(?:a")[^]*'
    assert "required" in field
    lines = Page(form_html(asked(free_text("", "<NumberOfLinesSuggestion>5</NumberOfLinesSuggestion>"))))
    assert lines.of("textarea")[0]["rows"] == "5"


@pytest.mark.parametrize("style", STYLES)
def test_one_of_several_is_chosen(style: str) -> None:
    form = asked(choice(style, "cat", "dog"))
    assert read(form, answer_1="2").answers == {"q": ["dog"]}
    assert problem(form) == "Please answer this question."
    assert problem(form, answer_1=["1", "2"]) == "Choose at most 1; you chose 2."
    assert problem(form, answer_1="3") == "Choose from the answers that are shown."
    assert problem(form, answer_1="other") == "Choose from the answers that are shown."
    assert problem(form, answer_1="cat") == "Choose from the answers that are shown."


def test_several_are_counted() -> None:
    form = asked(choice("checkbox", "a", "b", "c", least=2, most=2))
    assert read(form, answer_1=["3", "1", "1"]) == FormReading({"q": ["a", "c"]}, {})
    assert problem(form, answer_1="1") == "Choose at least 2; you chose 1."
    assert problem(form, answer_1=["1", "2", "3"]) == "Choose at most 2; you chose 3."
    assert problem(asked(choice("checkbox", "a", "b", least=2, most=2), required=False)) is None


def test_another_answer_can_be_typed_in_and_is_told_apart() -> None:
    form = asked(choice("radiobutton", "cat", "dog", other=True))
    found = read(form, answer_1="other", answer_1_other="a horse & cart")
    assert found == FormReading({"q": ["a horse & cart"]}, {})
    written = answers.document(found.answers, frozenset({"q"}))
    assert "<OtherSelectionText>a horse &amp; cart</OtherSelectionText>" in written
    assert answers.read(written) == {"q": ["a horse & cart"]}
    assert isinstance(read(form, answer_1_other="a horse").answers["q"][0], OtherText)
    assert read(form, answer_1="1", answer_1_other="a horse").answers == {"q": ["cat"]}
    assert problem(form, answer_1="other", answer_1_other=" ") == "Write your other answer, or choose another."


@pytest.mark.parametrize(
    ("style", "least", "most", "tag", "kind"),
    [
        ("radiobutton", 1, 1, "input", "radio"),
        ("checkbox", 1, 2, "input", "checkbox"),
        ("radiobutton", 1, 2, "input", "checkbox"),
        ("multichooser", 1, 2, "input", "checkbox"),
        ("dropdown", 1, 1, "select", None),
        ("dropdown", 1, 2, "input", "checkbox"),
        ("list", 1, 2, "select", None),
        ("", 1, 1, "input", "radio"),
    ],
)
def test_a_style_is_followed_where_it_can_take_the_number(
    style: str, least: int, most: int, tag: str, kind: str | None
) -> None:
    page = Page(form_html(asked(choice(style, "a", "b", least=least, most=most))))
    field = page.of("input", "select")[0]
    assert page.of(tag)[0] is field
    assert field.get("type") == kind


def test_pictures_to_choose_from_are_never_in_a_drop_down() -> None:
    picture = (
        "<Selection><SelectionIdentifier>{0}</SelectionIdentifier><Binary><MimeType><Type>image</Type>"
        "<SubType>png</SubType></MimeType><DataURL>https://{0}.example/x.png</DataURL><AltText/></Binary></Selection>"
    )
    form = asked(
        "<SelectionAnswer><StyleSuggestion>dropdown</StyleSuggestion><Selections>"
        f"{picture.format('a')}{picture.format('b')}</Selections></SelectionAnswer>"
    )
    page = Page(form_html(form))
    assert not page.of("select")
    assert [image["src"] for image in page.of("img")] == ["https://a.example/x.png", "https://b.example/x.png"]
    assert "Choice 2" in form_html(form)
    assert image_sources(form) == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    "address", ["http://a.example/x", "javascript:alert(1)", "data:image/png;base64,x", "//a.example/x", "https://a;b/"]
)
def test_pictures_come_from_https_only(address: str) -> None:
    binary = (
        f"<Binary><MimeType><Type>image</Type></MimeType><DataURL>{address}</DataURL><AltText>It</AltText></Binary>"
        f"<FormattedContent><![CDATA[<img src='{address}' alt='That'/>]]></FormattedContent>"
    )
    form = asked(free_text(), content=binary)
    assert not Page(form_html(form)).of("img", "a")
    assert image_sources(form) == []
    assert "It (cannot be shown" in form_html(form)
    assert "That" in form_html(form)


def test_a_question_for_a_file_says_that_none_can_be_sent() -> None:
    form = read_form(form_document(form_question("q", "<FileUploadAnswer/>")))
    assert "Files cannot be sent here" in form_html(form)
    assert read(form) == FormReading({}, {})


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("<p>a<br/>&nbsp;<b>b</b> &lt;</p>", "<p>a<br>\xa0<b>b</b> &lt;</p>"),
        ("<script>alert(1)</script>x<iframe src='https://a.example'/>", "x"),
        ("<p onclick='x()' style='color:red' class='y' id='z' lang='de'>x</p>", '<p lang="de">x</p>'),
        ("<a href='javascript:x()'>x</a>", "<a>x</a>"),
        ("<a href=' java\tscript:x()'>x</a>", "<a>x</a>"),
        (
            "<a href='https://a.example/?a&amp;b'>x</a>",
            '<a href="https://a.example/?a&amp;b" target="_blank" rel="noopener noreferrer">x</a>',
        ),
        ("<font color='red'>x</font><blink>y</blink>", "xy"),
        ("<h1>x</h1>", "<h2>x</h2>"),
        ("<x xmlns='http://www.w3.org/2000/svg'><script>1</script></x>", ""),
        ("<td colspan='2'>x</td>", '<td colspan="2">x</td>'),
        ("a <b>not closed", "<p>a &lt;b&gt;not closed</p>"),
        ("<img src='https://a.example/x.png' onerror='x()'/>", '<img src="https://a.example/x.png" alt="">'),
        ("</div><script>1</script><div>", "<p>&lt;/div&gt;&lt;script&gt;1&lt;/script&gt;&lt;div&gt;</p>"),
        ("<!-- x --><?php x ?>y", "y"),
    ],
)
def test_formatted_content_keeps_what_is_harmless(given_text: str, shown: str) -> None:
    assert formatted(given_text) == shown


@pytest.mark.parametrize("deep", [60, 5000])
def test_elements_nested_deeply_are_shown_as_text(deep: int) -> None:
    text = "<b>" * deep + "x" + "</b>" * deep
    assert formatted(text) == f"<p>{escape(text)}</p>"


SLOW = ["(a+)+$", "(a|a)*$", "(a*)*b", "(?:a?){50}a{50}", "a*a*a*a*a*b", "(((a{1,9}){1,9}){1,9}){1,9}b", "(.*)+!"]


@pytest.mark.parametrize("regex", [*SLOW, "a?" * 40 + "a" * 51, "(a|a)" * 40 + "b"])
@pytest.mark.parametrize("length", [50, 5000])
def test_an_expression_that_takes_years_is_not_run(regex: str, length: int) -> None:
    assert satisfies("a" * length + "!!c", AnswerFormat(regex, "", ""))


@pytest.mark.parametrize("regex", ["(?<year>x)", "[", "(", "[^]", "x" * 1001, "a{99999999999}", "[[a]"])
def test_an_expression_that_python_does_not_know_lets_everything_pass(regex: str) -> None:
    assert satisfies("b", AnswerFormat(regex, "", ""))


@pytest.mark.parametrize(
    ("regex", "text", "right"),
    [
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "someone@lab.example", True),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "someone.lab.example", False),
        (r"^(?:[0-9]{3}-){2}[0-9]{4}$", "555-555-1234", True),
        (r"^(?:[0-9]{3}-){2}[0-9]{4}$", "555-1234", False),
        (r"^(yes|no)$", "maybe", False),
        (r"^(AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD)$", "XX", False),
        (r"^https?://(www\.)?[a-z]+\.com$", "http:/www.x.com", False),
        (r"\S", "   ", False),
        (r"^\d+$", "٣", False),
        (r"[]a]", "b", False),
        (r"^[^\]]+$", "]", False),
    ],
)
def test_usual_expressions_are_checked_here_too(regex: str, text: str, right: bool) -> None:
    assert satisfies(text, AnswerFormat(regex, "", "")) is right


WORDS = st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
NAMES = WORDS.map(str.strip).filter(bool)


@st.composite
def texts(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["plain", "number", "length", "regex"]))
    lines = f"<NumberOfLinesSuggestion>{draw(st.integers(0, 60))}</NumberOfLinesSuggestion>"
    default = f"<DefaultText>{escape(draw(WORDS))}</DefaultText>"
    if kind == "number":
        low, high = sorted((draw(st.integers(-99, 99)), draw(st.integers(-99, 99))))
        return free_text(f'<IsNumeric minValue="{low}" maxValue="{high}"/>', default + lines)
    if kind == "length":
        least = draw(st.integers(0, 20))
        return free_text(f'<Length minLength="{least}" maxLength="{draw(st.integers(least or 1, 40))}"/>', default)
    if kind == "regex":
        return free_text(f"<AnswerFormatRegex regex={quoteattr('^a+b?$')} errorText={quoteattr(draw(WORDS))}/>", lines)
    return free_text("", default + lines)


@st.composite
def choices(draw: st.DrawFn) -> str:
    names = [escape(name) for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))]
    most = draw(st.integers(1, len(names)))
    least = draw(st.integers(0, most))
    return choice(draw(st.sampled_from([*STYLES, ""])), *names, least=least, most=most, other=draw(st.booleans()))


@st.composite
def forms(draw: st.DrawFn) -> str:
    content = f"<Title>{escape(draw(WORDS))}</Title><Text>{escape(draw(WORDS))}</Text>"
    asked_for = draw(st.lists(texts() | choices(), min_size=1, max_size=5))
    return form_document(
        f"<Overview>{content}</Overview>",
        *(
            form_question(f"q{at}", each, content=content, required=draw(st.booleans()))
            for at, each in enumerate(asked_for)
        ),
    )


def right_answer(answer: FreeText, draw: st.DrawFn) -> str:
    if answer.numeric:
        assert answer.low is not None
        assert answer.high is not None
        return str(draw(st.decimals(answer.low, answer.high, places=2)))
    if answer.formats:
        return "a" * draw(st.integers(1, 9)) + draw(st.sampled_from(["", "b"]))
    size = draw(st.integers(max(answer.shortest, 1), answer.longest or 60))
    return "é" * size


def fill(form: QuestionForm, draw: st.DrawFn) -> Mapping[str, list[str]]:
    fields: dict[str, list[str]] = {"csrf_token": ["x"]}
    for question in form.questions():
        if not question.required and draw(st.booleans()):
            continue
        if isinstance(question.answer, FreeText):
            fields[question.field] = [right_answer(question.answer, draw)]
        elif isinstance(question.answer, MultipleChoice):
            positions = [str(at + 1) for at in range(len(question.answer.selections))]
            if question.answer.other:
                positions.append("other")
                fields[question.other_field] = ["something else"]
            size = draw(st.integers(max(question.answer.least, 1), question.answer.most))
            fields[question.field] = draw(st.permutations(positions))[:size]
    return fields


@given(document=forms(), data=st.data())
def test_every_form_is_shown_and_takes_answers_that_keep_to_it(document: str, data: st.DataObject) -> None:
    questions.check(document)
    form = read_form(document)
    page = Page(form_html(form))
    fields = page.of("input", "select", "textarea")
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    named = {attributes["for"] for attributes in page.of("label") if "for" in attributes}
    for field in fields:
        # Ticks stand inside their label; lists are named by their question.
        assert field.get("type") in ("radio", "checkbox") or field["id"] in named or "aria-labelledby" in field
    wanted = {
        name for attributes in dict(page.tags).values() for name in (attributes.get("aria-labelledby") or "").split()
    }
    assert wanted <= set(identifiers)

    filled = fill(form, data.draw)
    found = read_answers(form, filled)
    assert found.problems == {}
    assert list(found.answers) == [question.name for question in form.questions()]
    written = answers.document(found.answers, scoring.selection_names(document))
    given_values = {name: [value] if isinstance(value, str) else value for name, value in found.answers.items()}
    assert answers.read(written) == given_values
    assert Page(form_html(form, filled, {"q0": "No."})).tags
